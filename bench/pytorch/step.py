"""One training step on random views made once: eager or through torch.compile, channels last, autocast, a fused optimizer."""

import time

import numpy as np
import torch

import loss
import models
import optimizers
import weights

reduced = {"bfloat16": torch.bfloat16, "float16": torch.float16}
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def on_device(array):
    """[n, height, width, channels] to what PyTorch computes on: [n, channels, height, width], the channels last in memory."""
    return torch.from_numpy(array).permute(0, 3, 1, 2).to(device).contiguous(memory_format=torch.channels_last)


class Step:
    """The command's `compile` says whether the step runs through torch.compile, `tf32` whether a GPU may round to TF32."""

    def __init__(self, command):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = command.get("tf32", True)
        # As a user has it who cares for speed: cuDNN tries its algorithms out.
        torch.backends.cudnn.benchmark = True
        image, batch = command["image"], command["batch"]
        self.precision = command.get("precision", "float32")
        model = models.WithHead(command["encoder"], image, command.get("projection"))
        self.model = model.to(device).to(memory_format=torch.channels_last).train()
        self.optimizer = optimizers.optimizer(command["optimizer"], self.model.parameters())
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "float16")
        self.labels = torch.arange(batch, device=device).remainder(10).repeat(2)
        rng = np.random.default_rng(0)
        self.views = on_device(rng.normal(size=[2 * batch, *image]).astype("float32"))
        self.loss = torch.compile(self.plain_loss) if command.get("compile") else self.plain_loss

    def plain_loss(self, views, labels):
        low = reduced.get(self.precision)
        with torch.autocast(device.type, low, enabled=low is not None):
            projections = self.model(views)
        return loss.supcon(projections.float(), labels)

    def take(self):
        self.optimizer.zero_grad(set_to_none=True)
        value = self.loss(self.views, self.labels)
        self.scaler.scale(value).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        # Waits for the device, as a training that reports its loss does.
        return value.item()

    def open(self):
        start = time.perf_counter()
        self.take()
        return {"parameters": self.model.count_parameters(), "compileSeconds": time.perf_counter() - start}

    def run(self, count):
        times, busy, value = [], [], None
        for _ in range(count):
            start, used = time.perf_counter(), time.process_time()
            value = self.take()
            times.append((time.perf_counter() - start) * 1000)
            busy.append((time.process_time() - used) * 1000)
        return {"milliseconds": times, "processorMilliseconds": busy, "loss": value}


def loss_of(command):
    """The loss and the length of its gradient, in training mode, with weights, views and labels from files."""
    views = np.load(command["views"])
    model = models.WithHead(command["encoder"], views.shape[1:], command.get("projection"))
    weights.copy_into(model, command["weights"])
    model = model.to(device).to(memory_format=torch.channels_last).train()
    labels = torch.from_numpy(np.load(command["labels"])).to(device)
    value = loss.supcon(model(on_device(views)), labels)
    value.backward()
    squares = [parameter.grad.double().square().sum() for parameter in model.parameters()]
    return {"loss": value.item(), "gradient": torch.stack(squares).sum().sqrt().item()}
