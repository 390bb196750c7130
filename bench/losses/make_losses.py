"""Golden values and gradients of the losses, in float64. Writes test/golden/losses.json.

Where pytorch-metric-learning has the loss, the values are its own: NormalizedSoftmaxLoss, ArcFaceLoss, TripletMarginLoss with BatchHardMiner,
MultiSimilarityLoss with MultiSimilarityMiner. It has no L_in and no hard negatives, so these are written out here from their definitions, row by
row, and differentiated by torch; without them the same code must give its SupConLoss.

    python -m venv venv
    venv/bin/pip install --no-deps --require-hashes -r bench/losses/requirements.txt
    venv/bin/python bench/losses/make_losses.py
"""
import math

import numpy as np
import pytorch_metric_learning
import torch
from cases import cases, drawn, rng, write
from pytorch_metric_learning import losses, miners, reducers

torch.set_default_dtype(torch.float64)


def weights(labels, positives):
    a = np.asarray(labels)
    if positives == "class":
        return (a[:, None] == a[None, :]).astype(float)
    shared = ((a[:, None, :] == a[None, :, :]) & (a[:, None, :] >= 0)).sum(2).astype(float)
    return (shared > 0).astype(float) if positives == "any" else shared / a.shape[1]


def supcon(z, labels, temperature, variant="out", beta=None, positives="class"):
    """Equations 2 and 3 of arXiv:2004.11362, anchor by anchor; negatives as arXiv:2010.04592 weighs them where beta is given."""
    f = torch.nn.functional.normalize(z)
    s = f @ f.T / temperature
    w = weights(labels, positives)
    rows = range(len(z))
    each = []
    for i in rows:
        of_positives = [j for j in rows if j != i and w[i, j] > 0]
        negatives = [j for j in rows if j != i and w[i, j] == 0]
        if not of_positives:
            continue
        terms = [s[i, j].exp() for j in of_positives]
        if negatives:
            tilt = None if beta is None else torch.stack([(beta * s[i, m]).exp() for m in negatives])
            terms += [s[i, n].exp() * (1 if tilt is None else tilt[at] / tilt.mean()) for at, n in enumerate(negatives)]
        denominator = torch.stack(terms).sum()
        total = sum(w[i, j] for j in of_positives)
        if variant == "out":
            each.append(-sum(w[i, j] * (s[i, j].exp() / denominator).log() for j in of_positives) / total)
        else:
            each.append(-(sum(w[i, j] * s[i, j].exp() / denominator for j in of_positives) / total).log())
    return torch.stack(each).mean() if each else (z * 0).sum()


made = []


def add(name, loss, value, z, labels, **more):
    operands = [z] + [tensor for tensor in more.values() if isinstance(tensor, torch.Tensor)]
    found = torch.autograd.grad(value, operands, allow_unused=True)
    gradients = [torch.zeros_like(of) if gradient is None else gradient for of, gradient in zip(operands, found)]
    assert all(torch.isfinite(gradient).all() for gradient in gradients), (name, loss)
    case = dict(name=name, loss=loss, input=z.tolist(), labels=labels, value=value.item(), gradient=gradients[0].tolist())
    for key, given in more.items():
        case[key] = given.tolist() if isinstance(given, torch.Tensor) else given
    if len(gradients) > 1:
        case["vectorsGradient"] = gradients[1].tolist()
    made.append(case)


def leaf(values):
    return torch.tensor(np.asarray(values), requires_grad=True)


mean = reducers.MeanReducer
vectors_drawn = np.round(rng.normal(size=(4, 5)), 4)
for name, (rows, labels) in cases.items():
    known = torch.tensor(labels)
    z = leaf(rows)
    if name != "one class":
        plain = losses.SupConLoss(temperature=0.1)(z, known)
        assert abs(plain.item() - supcon(z, labels, 0.1).item()) < 1e-6, name
        assert abs(supcon(z, labels, 0.1, beta=0).item() - supcon(z, labels, 0.1).item()) < 1e-12, name
    for temperature in (0.05, 0.5):
        settings = dict(variant="in")
        add(name, {"supcon": dict(temperature=temperature, **settings)}, supcon(z, labels, temperature, "in"), z, labels)
    for beta in (0.5, 2):
        settings = dict(temperature=0.2, hardNegatives=dict(beta=beta))
        add(name, {"supcon": settings}, supcon(z, labels, 0.2, beta=beta), z, labels)
    settings = dict(temperature=0.2, variant="in", hardNegatives=dict(beta=1))
    add(name, {"supcon": settings}, supcon(z, labels, 0.2, "in", 1), z, labels)

    for margin in (0.2, 1, "soft"):
        of = losses.TripletMarginLoss(margin=0 if margin == "soft" else margin, smooth_loss=margin == "soft", reducer=mean())
        z = leaf(rows)
        add(name, {"triplet": dict(margin=margin)}, of(z, known, miners.BatchHardMiner()(z, known)), z, labels)
    for alpha, beta, base, epsilon in ((2, 50, 0.5, 0.1), (1, 10, 0.3, 0.3), (2, 40, 0.5, 0.02)):
        of = losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base, reducer=mean())
        z = leaf(rows)
        settings = dict(alpha=alpha, beta=beta, base=base, epsilon=epsilon)
        add(name, {"multiSimilarity": settings}, of(z, known, miners.MultiSimilarityMiner(epsilon)(z, known)), z, labels)
    for which, settings in (
        ("normalisedSoftmax", dict(temperature=0.05)),
        ("normalisedSoftmax", dict(temperature=0.5)),
        ("arcFace", dict(margin=0.5, scale=64)),
        ("arcFace", dict(margin=0.3, scale=8)),
        ("arcFace", dict(margin=0, scale=16)),
    ):
        vectors = vectors_drawn.copy()
        if name == "lone images, one view":
            # Past pi - margin, where the cosine is replaced.
            vectors[0] = -rows[0] + 0.1 * vectors[0]
        if which == "arcFace":
            of = losses.ArcFaceLoss(4, 5, margin=math.degrees(settings["margin"]), scale=settings["scale"], reducer=mean())
        else:
            of = losses.NormalizedSoftmaxLoss(4, 5, temperature=settings["temperature"], reducer=mean())
        z, w = leaf(rows), leaf(vectors)
        del of.W
        of.W = w.T
        of.cast_types = lambda dtype, device: None
        add(name, {which: settings}, of(z, known), z, labels, vectors=w)

several = [[0, 1], [0, -1], [1, 1], [-1, 0], [-1, -1]] * 2
for positives in ("any", "share"):
    z = leaf(drawn[:10])
    settings = dict(temperature=0.2, variant="in", positives=positives)
    add("several labels", {"supcon": settings}, supcon(z, several, 0.2, "in", None, positives), z, several)
    z = leaf(drawn[:10])
    settings = dict(temperature=0.2, hardNegatives=dict(beta=1), positives=positives)
    add("several labels", {"supcon": settings}, supcon(z, several, 0.2, "out", 1, positives), z, several)

write(
    "losses",
    f"Losses of rows, which are normalised inside, and their gradients for the unnormalised rows; float64, pytorch-metric-learning "
    f"{pytorch_metric_learning.__version__}, torch {torch.__version__}; made by bench/losses/make_losses.py",
    made,
)
