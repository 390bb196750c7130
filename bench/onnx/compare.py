"""What ONNX Runtime makes of a model of ours, beside what we compute: `compare.py folder count...`, a line of JSON."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def difference(ours, theirs):
    """Of the image for which it is largest, as a share of the length of its embedding."""
    return max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(ours, theirs))


folder = Path(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
differences = {}
for count in sys.argv[2:]:
    images = np.load(folder / f"images-{count}.npy")
    (theirs,) = session.run(["embedding"], {"images": images})
    ours = np.load(folder / f"embeddings-{count}.npy")
    assert theirs.shape == ours.shape, (theirs.shape, ours.shape)
    differences[count] = difference(ours, theirs)
print(json.dumps({"version": onnxruntime.__version__, "differences": differences}))
