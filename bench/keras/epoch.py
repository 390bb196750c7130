"""An epoch of the tutorial's recipe, as a Keras user writes it: tf.data, augmentation layers, compile and fit."""

import os
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import loss
import models
import optimizers
import precision


@keras.saving.register_keras_serializable(package="contrail")
class SupCon(keras.Model):
    def __init__(self, network, **kwargs):
        super().__init__(**kwargs)
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
            projections = self(tf.concat([first, second], 0), training=True)
            value = loss.supcon(projections, tf.concat([labels, labels], 0))
        gradients = tape.gradient(value, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.mean_loss.update_state(value)
        return {"loss": self.mean_loss.result()}

    def get_config(self):
        return {**super().get_config(), "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("network")), **config)


def read(command):
    images = np.load(command["images"])
    labels = np.load(command["labels"]).reshape(-1).astype("int32")
    return (images if images.ndim == 4 else images[..., None]), labels


def views(images, labels, batch):
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)])

    def two_views(image, label):
        image = tf.cast(image, tf.float32) / 255
        return (augment(image, training=True), augment(image, training=True)), label

    return (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images))
        .batch(batch, drop_remainder=True)
        .map(two_views, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


class Epoch:
    """`compile` leaves XLA to Keras ("auto") unless the command's `jit` says otherwise."""

    def __init__(self, command):
        precision.set_policy(command)
        images, labels = read(command)
        self.images = len(images) // command["batch"] * command["batch"]
        self.data = views(images, labels, command["batch"])
        network = models.with_head(command["encoder"], images.shape[1:], command.get("projection"))
        self.model = SupCon(network)
        self.model.compile(
            optimizer=optimizers.optimizer(command.get("optimizer", "adam")), jit_compile=command.get("jit", "auto")
        )
        folder = command["checkpoint"]
        os.makedirs(folder, exist_ok=True)
        self.callbacks = [
            keras.callbacks.ModelCheckpoint(os.path.join(folder, "model.keras")),
            keras.callbacks.CSVLogger(os.path.join(folder, "log.csv"), append=True),
        ]

    def open(self):
        return {"parameters": self.model.network.count_params(), "jit": bool(self.model.jit_compile)}

    def run(self):
        start = time.perf_counter()
        history = self.model.fit(self.data, epochs=1, verbose=0, callbacks=self.callbacks)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "images": self.images, "loss": history.history["loss"][-1]}
