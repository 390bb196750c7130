"""What `contrail export` wrote, as any Python program reads it."""

import hashlib

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file


def run_saved_model(folder, images):
    """Each output of `serving_default`, flattened, by name."""
    model = tf.saved_model.load(folder)
    outputs = model.signatures["serving_default"](images=tf.constant(np.load(images)))
    return {name: value.numpy().astype("float64").ravel().tolist() for name, value in outputs.items()}


def tensor_digests(file):
    return {name: hashlib.sha256(tensor.tobytes()).hexdigest() for name, tensor in load_file(file).items()}
