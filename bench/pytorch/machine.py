"""What runs here, and how much memory it has used."""

import os

import torch


def about():
    gpu = torch.cuda.is_available()
    return {
        "torch": torch.__version__,
        "cpus": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "cuda": torch.version.cuda if gpu else None,
        "cudnn": torch.backends.cudnn.version() if gpu else None,
    }


def peak_memory():
    """Of the whole process since it started; on a GPU what PyTorch has taken of its memory."""
    if torch.cuda.is_available():
        return {"mebibytes": torch.cuda.max_memory_reserved() / 2**20}
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return {"mebibytes": int(line.split()[1]) / 1024}
