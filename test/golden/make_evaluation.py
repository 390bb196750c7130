"""Writes evaluation.json: what scikit-learn says of made-up predictions, scores and embeddings.

    pip install scikit-learn
    python make_evaluation.py
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.covariance import LedoitWolf
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
    silhouette_score,
    top_k_accuracy_score,
)
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

rng = np.random.default_rng(0)
classes = 4


def rounded(values):
    """Few digits, so that what is computed from them is the same whoever reads them."""
    return np.round(values, 4)


def classifier():
    labels = np.r_[np.arange(classes), rng.integers(0, classes, 116)]
    logits = rng.normal(size=(120, classes)) + 1.5 * np.eye(classes)[labels]
    logits[::7] *= 3
    exponentials = np.exp(logits)
    probabilities = rounded(exponentials / exponentials.sum(1, keepdims=True))
    predicted = probabilities.argmax(1)
    confidence = probabilities.max(1)
    accuracy, mean_confidence = calibration_curve(predicted == labels, confidence, n_bins=15, strategy="uniform")
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, zero_division=0)
    return {
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "confusion": confusion_matrix(labels, predicted).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "macro_f1": f1_score(labels, predicted, average="macro"),
        "top2": top_k_accuracy_score(labels, probabilities, k=2),
        # Bins that are not empty.
        "reliability": {"accuracy": accuracy.tolist(), "confidence": mean_confidence.tolist()},
    }


def detection():
    known = np.round(rng.normal(1, 1, 80), 1)
    foreign = np.round(rng.normal(0, 1, 50), 1)
    truth = np.r_[np.ones(80), np.zeros(50)]
    scores = np.r_[known, foreign]
    false_positives, true_positives, _ = roc_curve(truth, scores, drop_intermediate=False)
    return {
        "known": known.tolist(),
        "foreign": foreign.tolist(),
        "auroc": roc_auc_score(truth, scores),
        "false_positives": false_positives.tolist(),
        "true_positives": true_positives.tolist(),
    }


def embedding():
    dimension = 6
    labels = np.r_[0, 0, 1, 1, 2, 2, rng.integers(0, 3, 54)]
    centres = rng.normal(size=(3, dimension))
    train = rounded(centres[labels] + 0.4 * rng.normal(size=(60, dimension)))
    queries = rounded(rng.normal(size=(20, dimension)))
    unit, unit_queries = normalize(train), normalize(queries)
    distances, _ = NearestNeighbors(n_neighbors=5).fit(unit).kneighbors(unit_queries)
    means = np.stack([unit[labels == label].mean(0) for label in range(3)])
    fitted = LedoitWolf(assume_centered=True).fit(unit - means[labels])
    inverse = np.linalg.inv(fitted.covariance_)
    apart = unit_queries[:, None] - means
    squared = np.einsum("ncd,de,nce->nc", apart, inverse, apart)
    return {
        "train": train.tolist(),
        "labels": labels.tolist(),
        "queries": queries.tolist(),
        "fifth_nearest": distances[:, 4].tolist(),
        "shrinkage": float(fitted.shrinkage_),
        "covariance": fitted.covariance_.tolist(),
        "mahalanobis": squared.min(1).tolist(),
        "silhouette_cosine": silhouette_score(train, labels, metric="cosine"),
        "silhouette_euclidean": silhouette_score(unit, labels),
    }


written = {
    "scikit-learn": sklearn.__version__,
    "classifier": classifier(),
    "detection": detection(),
    "embedding": embedding(),
}
Path(__file__).with_name("evaluation.json").write_text(json.dumps(written) + "\n")
