"""PyTorch's DataLoader beside Contrail: reads and decodes JPEG files in batches, in processes of its own, by torchvision or Pillow."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import serve_lines  # First of all: it takes the output for itself.

import glob
import time

import torch
import torchvision
from PIL import Image
from torchvision.transforms.v2 import functional

opened = {}


class Files(torch.utils.data.Dataset):
    def __init__(self, files, by):
        self.files, self.by = files, by

    def __len__(self):
        return len(self.files)

    def __getitem__(self, at):
        path = self.files[at]
        if self.by == "torchvision":
            return torchvision.io.decode_jpeg(torchvision.io.read_file(path))
        with Image.open(path) as image:
            return functional.pil_to_tensor(image.convert("RGB"))


def for_ever(loader):
    while True:
        yield from loader


def open_reader(command):
    opened.clear()
    # A sampler that repeats the files: a loader that ends an epoch lets its processes run dry.
    files = command["files"] * command["repeat"]
    loader = torch.utils.data.DataLoader(
        Files(files, command["by"]),
        batch_size=command["batch"],
        num_workers=command["threads"],
        persistent_workers=True,
        prefetch_factor=2,
        drop_last=True,
    )
    opened["batches"] = for_ever(loader)
    return {"version": torchvision.__version__}


def cpu_seconds():
    """Of this process and those that it started: what these used counts only when they end, unless one asks the kernel."""
    ticks = 0
    for task in [os.getpid(), *children()]:
        with open(f"/proc/{task}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children():
    for path in glob.glob(f"/proc/{os.getpid()}/task/*/children"):
        with open(path) as file:
            yield from map(int, file.read().split())


def read(command):
    usage = cpu_seconds()
    begun = time.perf_counter()
    for _ in range(command["batches"]):
        next(opened["batches"])
    return {"seconds": time.perf_counter() - begun, "cpuSeconds": cpu_seconds() - usage}


serve_lines.serve({"open": open_reader, "read": read})
