"""Keras beside Contrail: answers commands, one JSON line each, so that a driver can take turns between the two."""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What libraries print must not come between the answers.

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
    "close": lambda _: {},
}


def answer(line):
    """@returns the name of the command, and its answer as JSON"""
    name = None
    try:
        request = json.loads(line)
        name = request["command"]
        if name not in commands:
            raise LookupError(f"there is no command {name!r}")
        return name, json.dumps(commands[name](request), allow_nan=False)
    except Exception as error:
        return name, json.dumps({"error": f"{type(error).__name__}: {error}"})


for line in sys.stdin:
    name, text = answer(line)
    print(text, file=answers, flush=True)
    if name == "close":
        break
