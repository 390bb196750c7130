"""The networks of training/models in PyTorch: the same layers under the same names."""

import torch.nn.functional as F
from torch import nn

import encoders

# Share of the new value that a moving statistic takes at each step: 1 - Keras's momentum.
momentum = 0.01


def same(size, kernel, stride):
    """TensorFlow's "same" padding of a side, before and after; with stride 2 it is uneven."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding, which costs a copy only where it is uneven."""

    def forward(self, x):
        kernel, stride = self.kernel_size[0], self.stride[0]
        vertical, horizontal = same(x.shape[2], kernel, stride), same(x.shape[3], kernel, stride)
        if vertical[0] == vertical[1] and horizontal[0] == horizontal[1]:
            return F.conv2d(x, self.weight, self.bias, stride, (vertical[0], horizontal[0]))
        return super().forward(F.pad(x, (*horizontal, *vertical)))


class Network(nn.Module):
    """Layers by the names that our variables have, so that weights can be copied in."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict()

    def normalised(self, x, name):
        return F.relu(self.layers[name](x))


class SmallResnet(Network):
    def __init__(self, config, image_channels):
        super().__init__()
        channels = config["channels"]
        self.blocks = []
        self.layers["stem_conv"] = self.conv(image_channels, channels, 3)
        inputs = channels
        for stage, count in enumerate(config["blocks"]):
            filters = channels * 2**stage
            for index in range(count):
                name, stride = f"stage{stage + 1}_block{index + 1}", 2 if stage > 0 and index == 0 else 1
                self.add(name, inputs, filters, stride)
                inputs = filters
        self.layers["post_bn"] = self.batch_norm(inputs)
        self.dimension = inputs

    def add(self, name, inputs, filters, stride):
        widens = stride > 1 or inputs != filters
        self.layers[f"{name}_1_bn"] = self.batch_norm(inputs)
        if widens:
            self.layers[f"{name}_0_conv"] = self.conv(inputs, filters, 1, stride)
        self.layers[f"{name}_1_conv"] = self.conv(inputs, filters, 3, stride)
        self.layers[f"{name}_2_bn"] = self.batch_norm(filters)
        self.layers[f"{name}_2_conv"] = self.conv(filters, filters, 3)
        self.blocks.append((name, widens))

    @staticmethod
    def conv(inputs, filters, kernel, stride=1):
        return SameConv2d(inputs, filters, kernel, stride, bias=False)

    @staticmethod
    def batch_norm(channels):
        return nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum)

    def forward(self, x):
        x = self.layers["stem_conv"](x)
        for name, widens in self.blocks:
            y = self.normalised(x, f"{name}_1_bn")
            shortcut = self.layers[f"{name}_0_conv"](y) if widens else x
            y = self.normalised(self.layers[f"{name}_1_conv"](y), f"{name}_2_bn")
            x = shortcut + self.layers[f"{name}_2_conv"](y)
        return self.normalised(x, "post_bn").mean((2, 3))


class Resnet50V2(Network):
    """keras.applications.ResNet50V2. The stride is in the last block of a stage; the `cifar` stem is for small images."""

    stages = (("conv2", 64, 3, 2), ("conv3", 128, 4, 2), ("conv4", 256, 6, 2), ("conv5", 512, 3, 1))
    dimension = 2048

    def __init__(self, config, image_channels):
        super().__init__()
        self.repeats = 3 // image_channels
        self.cifar = config.get("stem", "imagenet") == "cifar"
        self.blocks = []
        self.layers["conv1_conv"] = nn.Conv2d(3, 64, 3, 1, 1) if self.cifar else nn.Conv2d(3, 64, 7, 2, 3)
        inputs = 64
        for stage, filters, count, last_stride in self.stages:
            for index in range(count):
                stride = last_stride if index == count - 1 else 1
                self.add(f"{stage}_block{index + 1}", inputs, filters, stride, index == 0)
                inputs = filters * 4
        self.layers["post_bn"] = self.batch_norm(inputs)

    def add(self, name, inputs, filters, stride, widens):
        self.layers[f"{name}_preact_bn"] = self.batch_norm(inputs)
        if widens:
            self.layers[f"{name}_0_conv"] = nn.Conv2d(inputs, filters * 4, 1, stride)
        self.layers[f"{name}_1_conv"] = nn.Conv2d(inputs, filters, 1, bias=False)
        self.layers[f"{name}_1_bn"] = self.batch_norm(filters)
        self.layers[f"{name}_2_conv"] = nn.Conv2d(filters, filters, 3, stride, 1, bias=False)
        self.layers[f"{name}_2_bn"] = self.batch_norm(filters)
        self.layers[f"{name}_3_conv"] = nn.Conv2d(filters, filters * 4, 1)
        self.blocks.append((name, stride, widens))

    @staticmethod
    def batch_norm(channels):
        return nn.BatchNorm2d(channels, eps=1.001e-5, momentum=momentum)

    def forward(self, x):
        if self.repeats > 1:
            x = x.repeat(1, self.repeats, 1, 1)
        x = self.layers["conv1_conv"](x)
        if not self.cifar:
            # Keras pads with zeros; PyTorch's own padding of a pool is minus infinity.
            x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)
        for name, stride, widens in self.blocks:
            x = self.block(x, name, stride, widens)
        return self.normalised(x, "post_bn").mean((2, 3))

    def block(self, x, name, stride, widens):
        y = self.normalised(x, f"{name}_preact_bn")
        if widens:
            shortcut = self.layers[f"{name}_0_conv"](y)
        else:
            shortcut = F.max_pool2d(x, 1, stride) if stride > 1 else x
        y = self.normalised(self.layers[f"{name}_1_conv"](y), f"{name}_1_bn")
        y = self.normalised(self.layers[f"{name}_2_conv"](y), f"{name}_2_bn")
        return shortcut + self.layers[f"{name}_3_conv"](y)


class WithHead(nn.Module):
    """An encoder and its projection head."""

    def __init__(self, config, image, projection=None):
        super().__init__()
        projection = projection or {}
        own = {"small-resnet": SmallResnet, "resnet50v2": Resnet50V2}.get(config["name"])
        self.encoder = own(config, image[2]) if own else encoders.Encoder(config, image)
        hidden, output = projection.get("hidden", 512), projection.get("output", 128)
        self.head = nn.ModuleDict(
            {
                "projection_hidden": nn.Linear(self.encoder.dimension, hidden),
                "projection_output": nn.Linear(hidden, output),
            }
        )

    def forward(self, x):
        hidden = F.relu(self.head["projection_hidden"](self.encoder(x)))
        return self.head["projection_output"](hidden)

    def named_layers(self):
        return [*self.encoder.layers.items(), *self.head.items()]

    def count_parameters(self):
        """As Keras counts: moving statistics are parameters, PyTorch's count of batches is none."""
        return sum(
            tensor.numel() for name, tensor in self.state_dict().items() if not name.endswith("num_batches_tracked")
        )
