"""The optimizers of contracts/training.ts in PyTorch, fused: a name, or a name with settings."""

import torch


def optimizer(config, parameters):
    config = {"name": config} if isinstance(config, str) else config
    if config.get("weightDecay", 0) != 0:
        raise ValueError("weight decay means something else in PyTorch's optimizers than in ours, so the peer has none")
    if config["name"] == "adam":
        betas = (config.get("beta1", 0.9), config.get("beta2", 0.999))
        return torch.optim.Adam(
            parameters, config.get("learningRate", 1e-3), betas, config.get("epsilon", 1e-7), fused=True
        )
    return torch.optim.SGD(
        parameters,
        config.get("learningRate", 0.1),
        momentum=config.get("momentum", 0.9),
        nesterov=config.get("nesterov", False),
        fused=True,
    )
