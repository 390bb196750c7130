"""The supervised contrastive loss, equation 2 of arXiv:2004.11362, as training/losses/supcon.ts has it."""

import torch


def supcon(projections, labels, temperature=0.05):
    unit = projections * torch.rsqrt(projections.square().sum(1, keepdim=True).clamp(min=1e-12))
    similarities = unit @ unit.T / temperature
    itself = torch.eye(len(labels), device=labels.device)
    positive = (labels[:, None] == labels[None, :]).float() - itself
    positives = positive.sum(1)
    others = torch.logsumexp(similarities - itself * 1e9, 1)
    mean = (positive * similarities).sum(1) / positives.clamp(min=1)
    valid = (positives > 0).float()
    return ((others - mean) * valid).sum() / valid.sum().clamp(min=1)
