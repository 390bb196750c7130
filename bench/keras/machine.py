"""What runs here, how fast it multiplies and how much memory it has used."""

import os
import time

import keras
import numpy as np
import tensorflow as tf


def about():
    threads = tf.config.threading
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "cpus": len(os.sched_getaffinity(0)),
        # 0 leaves the number to TensorFlow: one thread a processor.
        "intraOpThreads": threads.get_intra_op_parallelism_threads(),
        "interOpThreads": threads.get_inter_op_parallelism_threads(),
    }


def matmul_peak(size, seconds):
    """The best of the float32 products that the time allows."""
    a, b = tf.random.normal([size, size]), tf.random.normal([size, size])
    # One number leaves the function, so that copying the product out is not timed.
    product = tf.function(lambda: tf.matmul(a, b)[0, 0])
    product()
    best = float("inf")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        product().numpy()
        best = min(best, time.perf_counter() - start)
    return {"gflops": 2 * size**3 / best / 1e9}


def peak_memory():
    """Of the whole process since it started."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return {"mebibytes": int(line.split()[1]) / 1024}
