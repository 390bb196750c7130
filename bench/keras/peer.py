"""Keras beside Contrail: answers commands, one JSON line each, so that a driver can take turns between the two."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import serve_lines  # First of all: it takes the output for itself.

import keras

import exported
import machine
from epoch import Epoch
from profiling import profile_step
from step import Step

opened = {}


def open_job(kind, job, command):
    opened.pop(kind, None)
    keras.backend.clear_session()
    opened[kind] = job(command)
    return opened[kind].open()


def job(kind):
    if kind not in opened:
        raise LookupError(f"open-{kind} comes first")
    return opened[kind]


commands = {
    "about": lambda _: machine.about(),
    "matmul-peak": lambda command: machine.matmul_peak(command["size"], command["seconds"]),
    "peak-memory": lambda _: machine.peak_memory(),
    "open-step": lambda command: open_job("step", Step, command),
    "run-steps": lambda command: job("step").run(command["count"]),
    "open-epoch": lambda command: open_job("epoch", Epoch, command),
    "run-epoch": lambda _: job("epoch").run(),
    "load-saved-model": lambda command: exported.run_saved_model(command["folder"], command["images"]),
    "tensor-digests": lambda command: exported.tensor_digests(command["file"]),
    "profile-step": lambda command: profile_step(command["folder"], command["state"], command["steps"]),
}

serve_lines.serve(commands)
