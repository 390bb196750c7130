"""Keras beside Contrail: answers commands, one JSON line each, so that a driver can take turns between the two."""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What libraries print must not come between the answers.

import keras
import numpy as np
import tensorflow as tf

import epoch
import loss
import models

state = {}


def about(_):
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def matmul_peak(command):
    size = command["size"]
    a, b = tf.random.normal([size, size]), tf.random.normal([size, size])
    product = tf.function(lambda: tf.matmul(a, b))
    product()
    best = float("inf")
    until = time.perf_counter() + command["seconds"]
    while time.perf_counter() < until:
        start = time.perf_counter()
        product().numpy()
        best = min(best, time.perf_counter() - start)
    return {"gflops": 2 * size**3 / best / 1e9}


def open_step(command):
    keras.backend.clear_session()
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if command["precision"] == "bfloat16" else "float32"
    )
    model = models.with_head(command["encoder"], tuple(command["image"]))
    optimizer = models.optimizer(command["optimizer"])
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    views = tf.constant(rng.normal(size=[2 * command["batch"], *command["image"]]).astype("float32"))
    labels = tf.constant(np.tile(np.arange(command["batch"], dtype="int32") % 10, 2))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss.supcon(model(views, training=True), labels)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return value

    start = time.perf_counter()
    step().numpy()
    state["step"] = step
    return {"parameters": model.count_params(), "compileSeconds": time.perf_counter() - start}


def run_steps(command):
    times = []
    for _ in range(command["count"]):
        start = time.perf_counter()
        state["step"]().numpy()
        times.append((time.perf_counter() - start) * 1000)
    return {"milliseconds": times}


def open_epoch(command):
    state["epoch"] = epoch.tutorial(command)
    return {}


def run_epoch(_):
    return state["epoch"]()


def peak_memory(_):
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return {"mebibytes": int(line.split()[1]) / 1024}


def load_saved_model(command):
    model = tf.saved_model.load(command["folder"])
    images = np.load(command["images"])
    outputs = model.signatures["serving_default"](images=tf.constant(images))
    return {name: np.asarray(value).astype("float64").ravel().tolist() for name, value in outputs.items()}


commands = {
    "about": about,
    "matmul-peak": matmul_peak,
    "open-step": open_step,
    "run-steps": run_steps,
    "open-epoch": open_epoch,
    "run-epoch": run_epoch,
    "peak-memory": peak_memory,
    "load-saved-model": load_saved_model,
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = commands[request["command"]](request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
