"""Golden values and gradients of N-pairs, in float64, by TensorFlow. Writes test/golden/n-pairs.json.

`npairs_loss` is written out as TensorFlow Addons 0.23 had it, before it was archived; around it stands what Keras's tutorial on supervised
contrastive learning does. Runs with the packages of bench/keras/requirements.txt.
"""
import tensorflow as tf
from cases import cases, write


def npairs_loss(y_true, y_pred):
    y_true = tf.expand_dims(y_true, -1)
    y_true = tf.cast(tf.equal(y_true, tf.transpose(y_true)), y_pred.dtype)
    y_true /= tf.reduce_sum(y_true, 1, keepdims=True)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=y_pred, labels=y_true))


made = []
for name, (rows, labels) in cases.items():
    for temperature in (0.05, 0.5):
        z = tf.Variable(rows, dtype=tf.float64)
        with tf.GradientTape() as tape:
            unit = tf.math.l2_normalize(z, axis=1)
            value = npairs_loss(tf.constant(labels), tf.matmul(unit, tf.transpose(unit)) / temperature)
        gradient = tape.gradient(value, z).numpy().tolist()
        loss = {"nPairs": dict(temperature=temperature)}
        made.append(dict(name=name, loss=loss, input=rows.tolist(), labels=labels, value=float(value), gradient=gradient))
write("n-pairs", f"N-pairs as in Keras's tutorial, float64, TensorFlow {tf.__version__}; made by bench/losses/make_n_pairs.py", made)
