"""Rows and labels that the golden values of the losses are computed for, and where these are written."""
import json
import os

import numpy as np

rng = np.random.default_rng(20261127)
drawn = np.round(rng.normal(size=(12, 5)), 4)
# Rows 0-4 are the first view of images 0-4, rows 5-9 the second, as in training.
cases = {
    "several classes, two views": (drawn[:10], [0, 1, 2, 0, 1] * 2),
    "lone images, one view": (drawn[:6], [0, 1, 1, 2, 3, 1]),
    "every image alone, one view": (drawn[:4], [0, 1, 2, 3]),
    "one class": (drawn[:6], [0] * 6),
    "all rows equal": (np.tile(drawn[:1], (8, 1)), [0, 1, 0, 2] * 2),
    "many positives": (drawn, [0] * 5 + [1] * 7),
}


def rounded(value):
    """Ten digits are more than float32 has."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def write(name, description, made):
    path = os.path.join(os.path.dirname(__file__), "..", "..", "test", "golden", f"{name}.json")
    with open(path, "w") as file:
        json.dump(dict(description=description, cases=rounded(made)), file, separators=(",", ":"))
        file.write("\n")
    print(f"{len(made)} cases in {os.path.normpath(path)}")
