"""Reads the folder of a run as TensorBoard does, and prints what it finds as JSON.

Argument: the folder, in which each step has a folder.
"""

import json
import os
import sys

import numpy
from google.protobuf import text_format
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig


def read(folder):
    found = event_accumulator.EventAccumulator(folder).Reload()
    scalars = {
        tag: [[event.step, event.value] for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }
    status = None
    hparams = {}
    for tag, content in contents(found).items():
        if tag == metadata.SESSION_START_INFO_TAG:
            values = metadata.parse_session_start_info_plugin_data(content).hparams
            hparams = {name: getattr(value, value.WhichOneof("kind")) for name, value in values.items()}
        if tag == metadata.SESSION_END_INFO_TAG:
            status = metadata.parse_session_end_info_plugin_data(content).status
    return {"scalars": scalars, "images": images(found), "hparams": hparams, "status": status, **projector(folder)}


def images(found):
    """Step, width and height of each picture, by tag."""
    return {
        tag: [[event.step, event.width, event.height] for event in found.Images(tag)]
        for tag in found.Tags()["images"]
    }


def contents(found):
    try:
        return found.PluginTagToContent(metadata.PLUGIN_NAME)
    except KeyError:
        return {}


def projector(folder):
    path = os.path.join(folder, "projector_config.pbtxt")
    if not os.path.exists(path):
        return {}
    config = ProjectorConfig()
    with open(path, encoding="utf-8") as file:
        text_format.Parse(file.read(), config)
    (embedding,) = config.embeddings
    points = numpy.fromfile(os.path.join(folder, embedding.tensor_path), dtype="float32")
    points = points.reshape(list(embedding.tensor_shape))
    with open(os.path.join(folder, embedding.metadata_path), encoding="utf-8") as file:
        labels = file.read().splitlines()
    return {"points": list(points.shape), "sum": float(points.sum(dtype="float64")), "labels": len(labels) - 1}


root = sys.argv[1]
print(json.dumps({step: read(os.path.join(root, step)) for step in sorted(os.listdir(root))}))
