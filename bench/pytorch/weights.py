"""Copies our weights in: a safetensors file with our names and TensorFlow's layouts."""

import torch
from safetensors.numpy import load_file

# Our name of a layer's tensor, by PyTorch's.
kinds = {
    "Conv2d": {"weight": "kernel", "bias": "bias"},
    "SameConv2d": {"weight": "kernel", "bias": "bias"},
    "Linear": {"weight": "kernel", "bias": "bias"},
    "BatchNorm2d": {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
}


def as_pytorch(values):
    """[height, width, in, out] to [out, in, height, width], and [in, out] to [out, in]."""
    return values.transpose(3, 2, 0, 1) if values.ndim == 4 else values.T


@torch.no_grad()
def copy_into(model, file):
    """@throws KeyError where the file lacks a tensor, RuntimeError where one has another shape"""
    tensors = load_file(file)
    for layer, module in model.named_layers():
        for own, name in kinds[type(module).__name__].items():
            tensor = getattr(module, own)
            if tensor is not None:
                tensor.copy_(torch.from_numpy(as_pytorch(tensors.pop(f"{layer}/{name}")).copy()))
    if tensors:
        raise KeyError(f"the model has no place for {', '.join(sorted(tensors)[:5])}")
