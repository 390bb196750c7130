"""An epoch of the tutorial's recipe, as a Keras user writes it: tf.data, augmentation layers, compile and fit."""

import os
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import loss
import models


class SupCon(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.network = network
        self.mean_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.mean_loss]

    def call(self, images, training=False):
        return self.network(images, training=training)

    def train_step(self, data):
        (first, second), labels = data
        with tf.GradientTape() as tape:
            projections = self.network(tf.concat([first, second], 0), training=True)
            value = loss.supcon(projections, tf.concat([labels, labels], 0))
        gradients = tape.gradient(value, self.network.trainable_variables)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        self.mean_loss.update_state(value)
        return {"loss": self.mean_loss.result()}


def tutorial(command):
    keras.mixed_precision.set_global_policy("float32")
    images, labels = np.load(command["images"]), np.load(command["labels"])
    augment = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)]
    )

    def two_views(image, label):
        image = tf.cast(image, tf.float32) / 255
        return (augment(image, training=True), augment(image, training=True)), label

    data = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images))
        .batch(command["batch"], drop_remainder=True)
        .map(two_views, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    model = SupCon(models.with_head(command["encoder"], images.shape[1:]))
    model.compile(optimizer=models.optimizer("adam"))
    callbacks = [
        keras.callbacks.ModelCheckpoint(os.path.join(command["folder"], "model.weights.h5"), save_weights_only=True),
        keras.callbacks.CSVLogger(os.path.join(command["folder"], "log.csv")),
    ]

    def run():
        start = time.perf_counter()
        model.fit(data, epochs=1, verbose=0, callbacks=callbacks)
        return {"seconds": time.perf_counter() - start}

    return run
