"""Golden values of the encoders that timm has, with torch and timm 1.0.31. Writes encoders.json beside itself.

Neither side stores weights: both draw them from mulberry32, seeded by FNV-1a of the parameter's name, in TensorFlow's layouts
(test/training/golden-draws.ts). Networks are shallow or narrow where the whole one takes long; `npm run bench -- encoders` compares those.
"""

import json
import math
import os
import re

import numpy as np
import torch
from timm.models.convnext import ConvNeXt
from timm.models.mobilenetv3 import mobilenetv3_large_100, mobilenetv3_small_100
from timm.models.resnet import Bottleneck, ResNet
from timm.models.vision_transformer import VisionTransformer

IMAGES = 4


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value


def draws(name, count):
    def product(a, b):
        return (a.astype(np.uint64) * b.astype(np.uint64)).astype(np.uint32)

    steps = np.arange(1, count + 1, dtype=np.uint64) * 0x6D2B79F5
    state = (steps + fnv1a(name)).astype(np.uint32)
    t = product(state ^ (state >> 15), state | 1)
    t = t ^ (t + product(t ^ (t >> 7), t | 61))
    return (t ^ (t >> 14)) / 2**32


def signed(name, shape):
    return (2 * draws(name, math.prod(shape)) - 1).reshape(shape).astype(np.float32)


def as_ours(name, values):
    """A tensor of PyTorch's in TensorFlow's layout."""
    if values.ndim == 4:
        depthwise = "conv_dw" in name
        return values.transpose(2, 3, 0, 1) if depthwise else values.transpose(2, 3, 1, 0)
    return values.T if values.ndim == 2 else values


def as_theirs(name, values):
    if values.ndim == 4:
        depthwise = "conv_dw" in name
        return values.transpose(2, 3, 0, 1) if depthwise else values.transpose(3, 2, 0, 1)
    return values.T if values.ndim == 2 else values


def value(name, shape):
    u = draws(name, math.prod(shape)).reshape(shape)
    if name.endswith(("token", "pos_embed")):
        return 2 * u - 1
    if len(shape) > 1:
        fan_in = math.prod(shape[:2]) if shape[-1] == 1 else math.prod(shape[:-1])
        return (2 * u - 1) * math.sqrt(3 / fan_in)
    return 0.5 + u if name.endswith(("weight", "gamma", "running_var")) else (2 * u - 1) * 0.1


def fill(model):
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        shape = as_ours(name, tensor.numpy()).shape
        tensor.copy_(torch.from_numpy(as_theirs(name, value(name, shape).astype(np.float32)).copy()))


def images(height, width):
    return torch.from_numpy(signed(f"images {height} x {width}", [IMAGES, height, width, 3])).permute(0, 3, 1, 2)


def digits(numbers):
    """As many as float32 has."""
    return [float(f"{number:.8g}") for number in numbers]


def embeddings(model, sizes):
    model.eval()
    with torch.no_grad():
        found = [model(images(*size)).numpy() for size in sizes]
    return [
        {
            "size": size,
            "norms": digits(np.linalg.norm(row) for row in rows),
            "first": [digits(row[:8]) for row in rows],
        }
        for size, rows in zip(sizes, found)
    ]


def gradients(model, size):
    """Of the sum of the embeddings times made numbers, in training mode; of the first parameter of each kind."""
    model.train()
    rows = model(images(*size))
    loss = (rows * torch.from_numpy(signed("direction", list(rows.shape)))).sum()
    loss.backward()
    kinds = {}
    for name, parameter in model.named_parameters():
        kind = re.sub(r"\d+", "#", name)
        if kind not in kinds:
            kinds[kind] = name
    chosen = {name: as_ours(name, dict(model.named_parameters())[name].grad.numpy()) for name in kinds.values()}
    return {
        "size": size,
        "loss": loss.item(),
        "of": {
            name: {"norm": digits([np.linalg.norm(each)])[0], "first": digits(each.flatten()[:4])}
            for name, each in chosen.items()
        },
    }


def golden(model, sizes, resized=None):
    """`resized` is the same network for another size, whose position embedding is resampled."""
    fill(model)
    if resized:
        resized.load_state_dict(model.state_dict())
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "embeddings": embeddings(resized or model, sizes),
        "gradients": gradients(model, sizes[0]),
    }


def vit(**options):
    shape = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 0, **options}
    return VisionTransformer(**shape), VisionTransformer(**shape, dynamic_img_size=True)


torch.manual_seed(0)
dinov2, dinov2_resized = vit(img_size=56, patch_size=14, init_values=1e-5)
registers, registers_resized = vit(img_size=56, patch_size=14, init_values=1e-5, reg_tokens=4, no_embed_class=True)
plain, plain_resized = vit(img_size=64, patch_size=16)
values = {
    "resnet50": golden(ResNet(Bottleneck, [1, 1, 1, 1], num_classes=0), [[64, 64], [37, 50]]),
    "convnext": golden(
        ConvNeXt(depths=(1, 1, 2, 1), dims=(8, 16, 32, 64), num_classes=0), [[64, 64], [40, 35]]
    ),
    "mobilenetv3 large": golden(mobilenetv3_large_100(num_classes=0), [[64, 64], [37, 50]]),
    "mobilenetv3 small": golden(mobilenetv3_small_100(num_classes=0), [[64, 64], [37, 50]]),
    "vit dinov2": golden(dinov2, [[56, 56], [84, 42]], dinov2_resized),
    "vit registers": golden(registers, [[56, 56], [28, 70]], registers_resized),
    "vit": golden(plain, [[64, 64], [48, 80]], plain_resized),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "encoders.json"), "w") as file:
    json.dump(values, file, separators=(",", ":"))
    file.write("\n")
