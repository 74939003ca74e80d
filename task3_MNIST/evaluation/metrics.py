"""What is measured: of predictions, and of the model that made them."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from task3_MNIST.models.inference import loss_and_accuracy, predict

CALIBRATION_BINS = 15


def evaluate(logits: Tensor, labels: Tensor, probabilities: bool = True) -> dict[str, Any]:
    """Return the figures of `test.json` that come from predictions.

    Args:
        logits: (N, 10) on the CPU; the logarithm of a probability of 0 is minus infinity.
        labels: (N,) int64.
        probabilities: whether their softmax means anything; of mere scores only the order does.

    Returns:
        `test_accuracy`, `test_loss` (mean cross-entropy; None where it is infinite, since a right
        class was given no probability at all), `correct` and `n`; `per_class`, a
        list of `label, precision, recall, f1, accuracy, support` where accuracy is that of
        telling this class from the others; `confusion`, rows the true class; `ece` and
        `reliability`, see `calibration`. Without probabilities `test_loss` and `ece` are None,
        and `reliability` is empty.
    """
    test_loss, test_accuracy = loss_and_accuracy(logits, labels)
    true, predicted = labels.numpy(), logits.argmax(1).numpy()
    classes = np.arange(logits.shape[1])
    # by NumPy: scikit-learn's own take most of a second to import
    count = len(classes)
    confusion = np.bincount(count * true + predicted, minlength=count**2).reshape(count, count)
    right, said, support = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    precision, recall = _share(right, said), _share(right, support)
    f1 = _share(2 * right, said + support)
    mistaken = said + support - 2 * right
    per_class = [
        {
            "label": int(label),
            "precision": float(precision[label]),
            "recall": float(recall[label]),
            "f1": float(f1[label]),
            "accuracy": float(1 - mistaken[label] / len(true)),
            "support": int(support[label]),
        }
        for label in classes
    ]
    ece, reliability = calibration(logits, labels) if probabilities else (None, [])
    return {
        "test_accuracy": test_accuracy,
        "test_loss": test_loss if probabilities and math.isfinite(test_loss) else None,
        "correct": int(right.sum()),
        "n": len(true),
        "per_class": per_class,
        "confusion": confusion.tolist(),
        "ece": ece,
        "reliability": reliability,
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return parts of wholes; 0 where there is nothing to share."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def refined_loss(logits: Tensor, labels: Tensor) -> float:
    """Return the mean cross-entropy that is left when one temperature makes it lowest.

    Dividing all logits by a temperature changes how sure a model is and none of its answers (Guo
    et al. 2017). What is left is how well it tells the classes apart: it does not reward a model
    for being well calibrated (Berta et al. 2025, arXiv 2501.19195, who choose hyper-parameters
    by it).

    Args:
        logits: (N, 10).
        labels: (N,) int64.
    """
    from scipy.optimize import minimize_scalar  # a third of a second to import

    logits, labels = logits.cpu().double(), labels.cpu()  # MPS has no float64

    def loss(log_sharpness: float) -> float:
        return F.cross_entropy(logits * math.exp(log_sharpness), labels).item()

    # e^5 times as sure or as unsure is beyond any model
    return float(minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded").fun)


def calibration(logits: Tensor, labels: Tensor) -> tuple[float, list[dict[str, float]]]:
    """Return the expected calibration error and its bins.

    The mean gap between confidence and accuracy over equal-width bins of the highest
    probability, weighted by their counts (Naeini et al. 2015; 15 bins as in Guo et al. 2017).

    Returns:
        the error, a fraction, and for every bin that is not empty `confidence` and `accuracy`
        (means) and `count`.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    right = (predicted == labels).double()
    bins = (confidence * CALIBRATION_BINS).long().clamp(max=CALIBRATION_BINS - 1)
    reliability = [
        {
            "confidence": confidence[bins == index].mean().item(),
            "accuracy": right[bins == index].mean().item(),
            "count": int((bins == index).sum()),
        }
        for index in bins.unique().tolist()
    ]
    gaps = (row["count"] * abs(row["confidence"] - row["accuracy"]) for row in reliability)
    return sum(gaps) / len(labels), reliability


def measure_speed(model: nn.Module, images: Tensor) -> dict[str, float]:
    """Time the forward pass, after a warm-up, on the model's device.

    Args:
        model: any model of the zoo.
        images: (N, 1, 28, 28), N at least 1, on the same device.

    Returns:
        `latency_seconds` (median) and `latency_seconds_p95` of one image alone, over 200
        passes; `throughput` in images per second at the batch size of `predict`.
    """
    single = images[:1]
    for _ in range(20):
        _timed(model, single)
    latencies = np.array([_timed(model, single) for _ in range(200)])
    _timed(model, images)
    return {
        "latency_seconds": float(np.median(latencies)),
        "latency_seconds_p95": float(np.quantile(latencies, 0.95)),
        "throughput": len(images) / min(_timed(model, images) for _ in range(3)),
    }


def _timed(model: nn.Module, images: Tensor) -> float:
    started = time.perf_counter()
    # moving the answer to the host waits for a GPU to finish
    predict(model, images).cpu()
    return time.perf_counter() - started
