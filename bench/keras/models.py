"""The networks of training/models in Keras layers."""

import keras
from keras import layers


def small_resnet(channels, blocks, image):
    inputs = keras.Input(image)
    x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(inputs)
    width = channels
    for stage, count in enumerate(blocks):
        filters = channels * 2**stage
        for index in range(count):
            stride = 2 if stage > 0 and index == 0 else 1
            x = residual(x, filters, stride, stride > 1 or width != filters)
            width = filters
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x))


def residual(x, filters, stride, widens):
    y = layers.ReLU()(layers.BatchNormalization()(x))
    shortcut = layers.Conv2D(filters, 1, strides=stride, padding="same", use_bias=False)(y) if widens else x
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    return layers.Add()([shortcut, layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)])


def resnet50v2(stem, image):
    if stem != "imagenet":
        raise ValueError(f"keras.applications.ResNet50V2 has no stem {stem!r}")
    inputs = keras.Input(image)
    x = inputs if image[-1] == 3 else layers.Concatenate()([inputs] * 3)
    base = keras.applications.ResNet50V2(include_top=False, weights=None, pooling="avg", input_shape=(*image[:2], 3))
    return keras.Model(inputs, base(x))


def encoder(config, image):
    if config["name"] == "small-resnet":
        return small_resnet(config["channels"], config["blocks"], image)
    if config["name"] != "resnet50v2":
        raise ValueError(f"there is no {config['name']} here")
    return resnet50v2(config.get("stem", "imagenet"), image)


def with_head(config, image, projection=None):
    """The encoder and its projection head. The projections are float32 under every precision policy."""
    projection = projection or {}
    base = encoder(config, image)
    x = layers.Dense(projection.get("hidden", 512), activation="relu")(base.output)
    return keras.Model(base.input, layers.Dense(projection.get("output", 128), dtype="float32")(x))
