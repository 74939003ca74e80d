"""How far probabilities can be trusted, beyond the calibration error of each run's `test.json`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 15


def brier_score(logits: Tensor, labels: Tensor) -> float:
    """Return the mean squared distance (Brier 1950) of the probabilities from the truth.

    Args:
        logits: (N, classes) on the CPU, as for `calibration_error`.
        labels: (N,).
    """
    probabilities = logits.double().softmax(1)
    return (probabilities - F.one_hot(labels, logits.shape[1])).square().sum(1).mean().item()


def calibration_error(logits: Tensor, labels: Tensor) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal mass.

    As many images in each of 15 bins (Nguyen and O'Connor 2015; Nixon et al. 2019): bins of equal
    width leave almost all images of a good model in the last one.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    order = confidence.argsort(stable=True)
    correct = (predicted == labels).double()[order]
    gaps = [
        (sure.mean() - share.mean()).abs() * len(sure)
        for sure, share in zip(confidence[order].chunk(BINS), correct.chunk(BINS), strict=True)
    ]
    return (torch.stack(gaps).sum() / len(labels)).item()


def temperature_of(logits: Tensor, labels: Tensor) -> float:
    """Return by what the logits must be divided for the lowest cross-entropy (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar  # a third of a second to import

    logits, labels = logits.cpu().double(), labels.cpu()  # MPS has no float64

    def loss(log_sharpness: float) -> float:
        return F.cross_entropy(logits * math.exp(log_sharpness), labels).item()

    # no model needs more than e^5 times its confidence, or less than e^-5 times
    return math.exp(-minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded").x)
