"""Golden values of an update with clipping, layer-wise learning rates, weight decay and warm-up, by PyTorch in float64.

Writes fine-tuning.json beside itself; make_averages.py adds the averages of the weights. Run it in an environment with torch and
timm:

    python make_fine_tuning.py && <an environment with tensorflow>/python make_averages.py

Three parameters stand for two stages of an encoder and its head. Gradients are given; each step clips them with
torch.nn.utils.clip_grad_norm_ and takes a step of torch.optim.AdamW or SGD, whose groups have the learning rate times
decay ** (stages after it). The rates of drop path are those that timm's VisionTransformer gives its blocks.
"""
import json
import os

import numpy as np
import timm
import torch

rng = np.random.default_rng(20160330)
shapes = {'stem/kernel': [2, 3], 'stage1/token': [1, 1, 2], 'head/kernel': [2, 2], 'head/bias': [2]}
groups = {'stem/kernel': 2, 'stage1/token': 1, 'head/kernel': 0, 'head/bias': 0}
decays = {'stem/kernel', 'head/kernel'}  # not the token, though it is no vector
start = {name: np.round(rng.normal(size=shape), 3) for name, shape in shapes.items()}
# The second step's gradients are short, so they are not clipped.
lengths = [1.0, 0.05, 3.0, 1.0, 2.0, 1.0]
gradients = [
    {name: np.round(length * rng.normal(size=shape), 4) for name, shape in shapes.items()} for length in lengths
]
clip, layer_decay, weight_decay, rate, warmup = 1.0, 0.5, 0.1, 0.05, 3


def optimizer_of(kind, parameters):
    made = [
        dict(
            params=[parameters[name]],
            lr=rate * layer_decay ** groups[name],
            weight_decay=weight_decay if name in decays else 0,
        )
        for name in parameters
    ]
    if kind == 'adam':
        return torch.optim.AdamW(made, betas=(0.9, 0.99), eps=1e-14)
    if kind == 'sgd':
        return torch.optim.SGD(made, lr=rate, momentum=0)
    raise ValueError(kind)


def run(kind):
    parameters = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()}
    optimizer = optimizer_of(kind, parameters)
    full = [group['lr'] for group in optimizer.param_groups]
    steps = []
    for at, given in enumerate(gradients):
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(given[name])
        norm = float(torch.nn.utils.clip_grad_norm_(parameters.values(), clip))
        for group, lr in zip(optimizer.param_groups, full):
            group['lr'] = lr * min(1, (at + 1) / warmup)
        optimizer.step()
        steps.append(dict(norm=norm, weights={name: p.detach().flatten().tolist() for name, p in parameters.items()}))
    return steps


def drop_path_rates(rate, depth):
    model = timm.models.VisionTransformer(
        img_size=4, patch_size=4, embed_dim=4, num_heads=1, depth=depth, drop_path_rate=rate
    )
    return [getattr(block.drop_path1, 'drop_prob', 0.0) for block in model.blocks]


out = dict(
    description='weights after each step; a vector or what is not in `decays` does not decay; constant rate after a linear warm-up',
    generated_by=f'torch {torch.__version__} float64, timm {timm.__version__}',
    settings=dict(
        clip=clip, layerDecay=layer_decay, weightDecay=weight_decay, learningRate=rate, warmupSteps=warmup, beta1=0.9, beta2=0.99
    ),
    shapes=shapes,
    start={name: value.flatten().tolist() for name, value in start.items()},
    gradients=[{name: value.flatten().tolist() for name, value in given.items()} for given in gradients],
    steps={kind: run(kind) for kind in ('adam', 'sgd')},
    dropPathRates=[dict(rate=r, depth=d, rates=drop_path_rates(r, d)) for r, d in ((0.1, 12), (0.3, 4))],
)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fine-tuning.json'), 'w') as file:
    json.dump(out, file, indent=1)
    file.write('\n')
