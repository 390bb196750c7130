"""One training step as a `tf.function`, on random images made once."""

import time

import keras
import numpy as np
import tensorflow as tf

import loss
import models
import optimizers

policies = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


class Step:
    def __init__(self, command):
        keras.mixed_precision.set_global_policy(policies[command.get("precision", "float32")])
        image, batch = tuple(command["image"]), command["batch"]
        model = models.with_head(command["encoder"], image, command.get("projection"))
        optimizer = optimizers.optimizer(command["optimizer"])
        optimizer.build(model.trainable_variables)
        rng = np.random.default_rng(0)
        self.views = tf.constant(rng.normal(size=[2 * batch, *image]).astype("float32"))
        self.labels = tf.constant(np.arange(batch, dtype="int32") % 10)

        @tf.function
        def step(views, labels):
            with tf.GradientTape() as tape:
                value = loss.supcon(model(views, training=True), tf.concat([labels, labels], 0))
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            return value

        self.parameters = model.count_params()
        self.step = step

    def take(self):
        return float(self.step(self.views, self.labels).numpy())

    def flops(self):
        """What TensorFlow counts: convolutions, products and some elementwise operations; null if it cannot."""
        try:
            options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
            options["output"] = "none"
            graph = self.step.get_concrete_function(self.views, self.labels).graph
            return int(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)
        except Exception:
            return None

    def open(self):
        start = time.perf_counter()
        self.take()
        seconds = time.perf_counter() - start
        return {"parameters": self.parameters, "compileSeconds": seconds, "flops": self.flops()}

    def run(self, count):
        times, value = [], None
        for _ in range(count):
            start = time.perf_counter()
            value = self.take()
            times.append((time.perf_counter() - start) * 1000)
        return {"milliseconds": times, "loss": value}
