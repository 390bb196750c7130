"""One training step as a `tf.function`, on random images made once."""

import time

import numpy as np
import tensorflow as tf

import flops
import loss
import models
import optimizers
import precision


class Step:
    def __init__(self, command):
        precision.set_policy(command)
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

    def open(self):
        start = time.perf_counter()
        self.take()
        seconds = time.perf_counter() - start
        graph = self.step.get_concrete_function(self.views, self.labels).graph
        return {"parameters": self.parameters, "compileSeconds": seconds, "flops": flops.of_graph(graph)}

    def run(self, count):
        times, value = [], None
        for _ in range(count):
            start = time.perf_counter()
            value = self.take()
            times.append((time.perf_counter() - start) * 1000)
        return {"milliseconds": times, "loss": value}
