"""Keras's policy for a workload's precision."""

import keras

policies = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def set_policy(command):
    keras.mixed_precision.set_global_policy(policies[command.get("precision", "float32")])
