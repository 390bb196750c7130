"""Writes drift.json: what NumPy and SciPy say of made-up samples.

    pip install numpy scipy
    python make_drift.py
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.stats import betabinom, binomtest, ks_2samp

rng = np.random.default_rng(0)


def rounded(values):
    """Few digits, so that what is computed from them is the same whoever reads them."""
    return np.round(values, 4)


def discrepancy():
    recent = rounded(rng.normal(size=(12, 6)) + 0.4)
    reference = rounded(rng.normal(size=(20, 6)))
    both = np.concatenate([recent, reference])
    unit = both / np.linalg.norm(both, axis=1, keepdims=True)
    squared = ((unit[:, None] - unit[None]) ** 2).sum(-1)
    width = np.median(np.sqrt(squared[np.tril_indices(len(both), -1)]) ** 2)
    kernel = np.exp(-squared / (2 * width))
    m, n = len(recent), len(reference)
    xx, yy, xy = kernel[:m, :m], kernel[m:, m:], kernel[:m, m:]
    within = (yy.sum() - np.trace(yy)) / (n * (n - 1))
    mmd = (xx.sum() - np.trace(xx)) / (m * (m - 1)) + within - 2 * xy.mean()
    return {
        "recent": recent.tolist(),
        "reference": reference.tolist(),
        "discrepancy": mmd,
        "effect": float(np.sqrt(max(0, mmd) / (1 - within))),
    }


def kolmogorov_smirnov():
    cases = []
    for m, n, shift in [(30, 40, 0), (30, 40, 0.7), (25, 25, 0.3)]:
        recent, reference = rng.normal(size=m) + shift, rng.normal(size=n)
        recent, reference = rounded(recent), rounded(reference)
        found = ks_2samp(recent, reference, method="exact")
        cases.append(
            {
                "recent": recent.tolist(),
                "reference": reference.tolist(),
                "statistic": found.statistic,
                "p": found.pvalue,
            }
        )
    return cases


def tails():
    cases = [(3, 20, 6, 95), (0, 20, 6, 95), (60, 1000, 51, 950), (120, 1000, 51, 950), (5, 5, 2, 19)]
    # Added up, because `sf` loses digits where the tail is small.
    return [
        {"hits": k, "n": n, "a": a, "b": b, "tail": float(betabinom.pmf(np.arange(k, n + 1), n, a, b).sum())}
        for k, n, a, b in cases
    ]


def intervals():
    cases = [(0, 20), (3, 20), (120, 1000), (20, 20)]
    found = []
    for hits, n in cases:
        interval = binomtest(hits, n).proportion_ci(0.95, method="wilson")
        found.append({"hits": hits, "n": n, "low": interval.low, "high": interval.high})
    return found


def clusters():
    centres = rng.normal(size=(4, 8))
    points = rounded(np.concatenate([centre + 0.35 * rng.normal(size=(9, 8)) for centre in centres]))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    tree = linkage(unit, "average", metric="cosine")
    return {
        "points": points.tolist(),
        "cuts": [
            {"least": least, "labels": fcluster(tree, 1 - least, "distance").tolist()} for least in (0.95, 0.85, 0.5, -0.9)
        ],
    }


Path(__file__).with_name("drift.json").write_text(
    json.dumps(
        {
            "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
            "discrepancy": discrepancy(),
            "kolmogorovSmirnov": kolmogorov_smirnov(),
            "tails": tails(),
            "intervals": intervals(),
            "clusters": clusters(),
        }
    )
    + "\n"
)
