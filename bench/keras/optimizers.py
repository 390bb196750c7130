"""The optimizers of contracts/training.ts in Keras: a name, or a name with settings."""

import keras


def optimizer(config):
    config = {"name": config} if isinstance(config, str) else config
    if config.get("weightDecay", 0) != 0:
        raise ValueError("weight decay means something else in Keras's SGD than in ours, so the peer has none")
    if config["name"] == "adam":
        return keras.optimizers.Adam(
            config.get("learningRate", 1e-3),
            beta_1=config.get("beta1", 0.9),
            beta_2=config.get("beta2", 0.999),
            epsilon=config.get("epsilon", 1e-7),
        )
    return keras.optimizers.SGD(
        config.get("learningRate", 0.1),
        momentum=config.get("momentum", 0.9),
        nesterov=config.get("nesterov", False),
    )
