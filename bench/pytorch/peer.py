"""PyTorch beside Contrail: answers commands, one JSON line each, so that a driver can take turns between the two."""

import gc
import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import serve_lines  # First of all: it takes the output for itself.

import torch

import encoder_check
import machine
from step import Step, loss_of

steps = {}


def open_step(command):
    steps.clear()
    torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    steps["opened"] = Step(command)
    return steps["opened"].open()


def run_steps(command):
    if not steps:
        raise LookupError("open-step comes first")
    return steps["opened"].run(command["count"])


serve_lines.serve(
    {
        "about": lambda _: machine.about(),
        "open-step": open_step,
        "run-steps": run_steps,
        "loss-of": loss_of,
        "compare-embeddings": encoder_check.compare_embeddings,
        "compare-gradients": encoder_check.compare_gradients,
        "peak-memory": lambda _: machine.peak_memory(),
    }
)
