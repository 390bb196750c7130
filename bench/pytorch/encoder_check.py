"""Our embeddings and gradients beside those of timm or torchvision, for the same weights and images."""

import numpy as np
from safetensors.numpy import load_file

import torch

import encoders


def difference(ours, theirs):
    """The length of the difference, as a share of theirs."""
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def compare_embeddings(command):
    """Of each image, the worst."""
    images = np.load(command["images"])
    model = encoders.with_weights(command["encoder"], command["image"], command["weights"]).eval()
    with torch.no_grad():
        theirs = model(encoders.images_of(images)).numpy()
    ours = np.load(command["embeddings"])
    return {
        "difference": max(difference(*rows) for rows in zip(ours, theirs)),
        "parameters": sum(each.numel() for name, each in model.state_dict().items() if "num_batches" not in name),
    }


def compare_gradients(command):
    """Of the sum of the embeddings times a direction, in training mode: of all together, and of the worst parameter."""
    images, direction = np.load(command["images"]), np.load(command["direction"])
    model = encoders.with_weights(command["encoder"], command["image"], command["weights"]).train()
    (model(encoders.images_of(images)) * torch.from_numpy(direction)).sum().backward()
    ours = load_file(command["gradients"])
    theirs = {name: each.grad.numpy() for name, each in model.named_parameters()}
    as_theirs = {name: encoders.as_pytorch(name, ours[name]) for name in theirs}
    lengths = {name: np.linalg.norm(each) for name, each in theirs.items()}
    whole = float(np.sqrt(sum(each**2 for each in lengths.values())))
    apart = float(np.sqrt(sum(np.linalg.norm(as_theirs[name] - each) ** 2 for name, each in theirs.items())))
    # What is a millionth of the whole gradient is rounding.
    shares = {
        name: difference(as_theirs[name], each) for name, each in theirs.items() if lengths[name] > 1e-6 * whole
    }
    worst = max(shares, key=shares.get)
    return {"difference": apart / whole, "worst": shares[worst], "parameter": worst}
