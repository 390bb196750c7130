"""The encoders that timm and torchvision have, and what they give for our weights: safetensors by their names, in our layouts."""

import timm
import torch
import torchvision
from safetensors.numpy import load_file


def grid_of(config, image):
    grid = config.get("grid")
    return (grid, grid) if grid else (image[0] // config["patch"], image[1] // config["patch"])


def vit(config, image):
    patch, registers = config["patch"], config["registers"]
    grid = grid_of(config, image)
    options = {"img_size": (grid[0] * patch, grid[1] * patch), "dynamic_img_size": True, "init_values": None}
    if config.get("layerScale", patch == 14):
        options["init_values"] = 1e-5
    if registers:
        options |= {"reg_tokens": registers, "no_embed_class": True}
    name = f"vit_{config['size']}_patch{patch}_{'dinov2' if patch == 14 else '224'}"
    return timm.create_model(name, num_classes=0, **options)


def resnet50(*_):
    model = torchvision.models.resnet50()
    model.fc = torch.nn.Identity()
    return model


makers = {
    "resnet50": resnet50,
    "convnext": lambda config, _: timm.create_model(f"convnext_{config['size']}", num_classes=0),
    "mobilenetv3": lambda config, _: timm.create_model(f"mobilenetv3_{config['size']}_100", num_classes=0),
    "vit": vit,
}

dimensions = {
    "resnet50": lambda _: 2048,
    "convnext": lambda config: 1024 if config["size"] == "base" else 768,
    "mobilenetv3": lambda config: 1280 if config["size"] == "large" else 1024,
    "vit": lambda config: 768 if config["size"] == "base" else 384,
}


class Encoder(torch.nn.Module):
    """One of them, with what `WithHead` asks of an encoder."""

    def __init__(self, config, image):
        super().__init__()
        self.network = makers[config["name"]](config, image)
        self.dimension = dimensions[config["name"]](config)
        self.repeats = 3 // image[2]

    def forward(self, x):
        return self.network(x.repeat(1, self.repeats, 1, 1) if self.repeats > 1 else x)


def is_depthwise(name):
    return "conv_dw" in name


def as_pytorch(name, values):
    if values.ndim == 4:
        return values.transpose(2, 3, 0, 1) if is_depthwise(name) else values.transpose(3, 2, 0, 1)
    return values.T if values.ndim == 2 else values


def with_weights(config, image, file):
    """@throws RuntimeError where a name or a shape differs"""
    model = makers[config["name"]](config, image)
    tensors = {name: torch.from_numpy(as_pytorch(name, values).copy()) for name, values in load_file(file).items()}
    counts = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    model.load_state_dict(tensors | counts)
    return model


def images_of(array):
    return torch.from_numpy(array).permute(0, 3, 1, 2)
