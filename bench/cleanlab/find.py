"""What cleanlab suspects: `find.py FOLDER` reads pixels, given labels and our probabilities, by pixels and by an encoder, and prints the rows,
the surest first."""

import json
import pathlib
import sys
import time
import warnings

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
pixels, labels, ours, of_encoder = (
    np.load(folder / f"{name}.npy") for name in ("pixels", "labels", "probabilities", "encoder-probabilities")
)


def suspects(probabilities, method):
    found = find_label_issues(
        labels, probabilities, filter_by=method, return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    return [int(row) for row in found]


started = time.monotonic()
folds = StratifiedKFold(5, shuffle=True, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=50))
own = cross_val_predict(model, pixels, labels, cv=folds, method="predict_proba")
seconds = time.monotonic() - started
print(
    json.dumps(
        {
            "sameProbabilities": suspects(ours, "confident_learning"),
            "encoderProbabilities": suspects(of_encoder, "confident_learning"),
            "encoderDefault": suspects(of_encoder, "prune_by_noise_rate"),
            "own": suspects(own, "confident_learning"),
            "ownDefault": suspects(own, "prune_by_noise_rate"),
            "ownAccuracy": float((own.argmax(1) == labels).mean()),
            "ownSeconds": seconds,
        }
    )
)
