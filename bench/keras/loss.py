"""The supervised contrastive loss, equation 2 of arXiv:2004.11362, as training/losses/supcon.ts has it."""

import tensorflow as tf


def supcon(projections, labels, temperature=0.05):
    unit = projections * tf.math.rsqrt(tf.maximum(tf.reduce_sum(projections**2, 1, keepdims=True), 1e-12))
    similarities = tf.matmul(unit, unit, transpose_b=True) / temperature
    self = tf.eye(tf.shape(labels)[0])
    positive = tf.cast(labels[:, None] == labels[None, :], tf.float32) - self
    positives = tf.reduce_sum(positive, 1)
    others = tf.reduce_logsumexp(similarities - self * 1e9, 1)
    mean = tf.reduce_sum(positive * similarities, 1) / tf.maximum(positives, 1)
    valid = tf.cast(positives > 0, tf.float32)
    return tf.reduce_sum((others - mean) * valid) / tf.maximum(tf.reduce_sum(valid), 1)
