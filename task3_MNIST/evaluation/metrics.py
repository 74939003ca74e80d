"""What is measured: of predictions, and of the model that made them."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from task3_MNIST.evaluation.calibration import temperature_of
from task3_MNIST.models.inference import confusion_matrix, loss_and_accuracy, predict
from task3_MNIST.runs.files import ClassFigures, ReliabilityBin

CALIBRATION_BINS = 15


def evaluate(logits: Tensor, labels: Tensor, probabilities: bool = True) -> dict[str, Any]:
    """Return the figures that follow from predictions.

    Args:
        logits: (N, classes) on the CPU; the logarithm of a probability of 0 is minus infinity.
        labels: (N,) int64.
        probabilities: whether their softmax means anything; of mere scores only the order does.

    Returns:
        `accuracy`; `loss`, the mean cross-entropy; `correct` and `n`; `confusion`, rows the true
        class; `per_class`, a `ClassFigures` each; `ece` and `reliability`, see `calibration`.
        `loss` is None where it is infinite, since a correct class was given no probability at
        all. Without probabilities `loss` and `ece` are None, and `reliability` is empty.
    """
    loss, accuracy = loss_and_accuracy(logits, labels)
    confusion = confusion_matrix(labels.numpy(), logits.argmax(1).numpy(), logits.shape[1])
    ece, reliability = calibration(logits, labels) if probabilities else (None, [])
    return {
        "accuracy": accuracy,
        "loss": loss if probabilities and math.isfinite(loss) else None,
        "correct": int(confusion.trace()),
        "n": len(labels),
        "confusion": confusion.tolist(),
        "per_class": class_figures(confusion),
        "ece": ece,
        "reliability": reliability,
    }


def class_figures(confusion: np.ndarray) -> list[ClassFigures]:
    """Return the figures of each class of a confusion matrix."""
    correct, predicted, support = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    precision, recall = _share(correct, predicted), _share(correct, support)
    f1 = _share(2 * correct, predicted + support)
    accuracy = 1 - (predicted + support - 2 * correct) / confusion.sum()
    return [
        ClassFigures(
            label=label,
            precision=float(precision[label]),
            recall=float(recall[label]),
            f1=float(f1[label]),
            accuracy=float(accuracy[label]),
            support=int(support[label]),
        )
        for label in range(len(confusion))
    ]


def _share(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return parts of totals; 0 where there is nothing to share."""
    return np.divide(part, total, out=np.zeros(len(part)), where=total > 0)


def refined_loss(logits: Tensor, labels: Tensor) -> float:
    """Return the mean cross-entropy that is left when one temperature makes it lowest.

    Dividing all logits by a temperature changes the confidence of a model, not its answers
    (Guo et al. 2017). What is left is how well it separates the classes: it does not reward a
    model for being well calibrated (Berta et al. 2025, arXiv 2501.19195, who choose
    hyperparameters by it).

    Args:
        logits: (N, classes).
        labels: (N,) int64.
    """
    logits, labels = logits.cpu().double(), labels.cpu()  # MPS has no float64
    return F.cross_entropy(logits / temperature_of(logits, labels), labels).item()


def calibration(logits: Tensor, labels: Tensor) -> tuple[float, list[ReliabilityBin]]:
    """Return the expected calibration error and its bins.

    The mean gap between confidence and accuracy over equal-width bins of the highest
    probability, weighted by their counts (Naeini et al. 2015; 15 bins as in Guo et al. 2017).

    Returns:
        the error, a fraction, and every bin that is not empty.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    correct = (predicted == labels).double()
    bins = (confidence * CALIBRATION_BINS).long().clamp(max=CALIBRATION_BINS - 1)
    reliability = [
        ReliabilityBin(
            confidence=confidence[bins == index].mean().item(),
            accuracy=correct[bins == index].mean().item(),
            count=int((bins == index).sum()),
        )
        for index in bins.unique().tolist()
    ]
    gaps = (row.count * abs(row.confidence - row.accuracy) for row in reliability)
    return sum(gaps) / len(labels), reliability


def measure_speed(model: nn.Module, images: Tensor) -> dict[str, float]:
    """Time the forward pass, after a warm-up, on the model's device.

    Args:
        model: any model of the registry.
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
