"""tf.data beside Contrail: reads and decodes JPEG files in batches, as a Keras user's input pipeline does."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import serve_lines  # First of all: it takes the output for itself.

import resource
import time

import tensorflow as tf

opened = {}


def decode(path):
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3)


def open_reader(command):
    options = tf.data.Options()
    options.threading.private_threadpool_size = command["threads"]
    options.threading.max_intra_op_parallelism = 1
    dataset = (
        tf.data.Dataset.from_tensor_slices(command["files"])
        .repeat()
        .map(decode, num_parallel_calls=command["threads"], deterministic=True)
        .batch(command["batch"], drop_remainder=True)
        .prefetch(2)
        .with_options(options)
    )
    opened["batches"] = iter(dataset)
    return {"version": tf.__version__}


def read(command):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    begun = time.perf_counter()
    for _ in range(command["batches"]):
        next(opened["batches"])
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    return {"seconds": seconds, "cpuSeconds": cpu}


serve_lines.serve({"open": open_reader, "read": read})
