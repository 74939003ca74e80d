"""Intervals: over seeds, over the people who wrote the images, and for a result to come.

`docs/statistics.md` teaches each with its formula and an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate, its 95 % interval, and what it rests on.

    Attributes:
        mean: the estimate.
        low: lower end; None where one value gives no interval.
        high: upper end, likewise.
        n: number of values.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean with its Student t interval (Student 1908); one value has no interval.

    Args:
        values: at least one, such as the accuracy of each seed.
    """
    return _around_mean(values, of_one_more=0)


def prediction_interval(values: Sequence[float]) -> Interval:
    """Return the mean with the interval in which one further value lies in 95 % of cases.

    Mean ± t s sqrt(1 + 1 / n). The interval of the mean is for the mean of many runs; another
    single run varies by s as well. One value has no interval.

    Args:
        values: at least one.
    """
    return _around_mean(values, of_one_more=1)


def accuracy_interval(correct: np.ndarray, clusters: np.ndarray) -> Interval:
    """Return one classifier's accuracy with its interval over the people who wrote the images.

    Wilson's score interval (1927) for as many independent images as those of the writers are
    worth: their number divided by the design effect (Korn and Graubard 1998), with a quantile of
    Student's t for writers - 1 degrees of freedom in place of the normal's.

    Args:
        correct: (N,) bool, whether each image was classified correctly.
        clusters: (N,) int, from 0: who wrote it.
    """
    return wilson(
        float(correct.mean()), len(correct), design_effect(correct, clusters), clusters.max() + 1
    )


def wilson(share: float, n: int, effect: float, people: int) -> Interval:
    """Return a share with its Wilson interval; see `accuracy_interval`.

    Args:
        share: the fraction observed.
        n: of so many images.
        effect: their design effect.
        people: who wrote them.
    """
    t = t_quantile(CONFIDENCE, max(people - 1, 1))
    worth = n / effect
    middle = (share + t**2 / (2 * worth)) / (1 + t**2 / worth)
    half = t / (1 + t**2 / worth) * np.sqrt(share * (1 - share) / worth + t**2 / (4 * worth**2))
    return Interval(share, float(max(middle - half, 0)), float(min(middle + half, 1)), n)


def design_effect(correct: np.ndarray, clusters: np.ndarray) -> float:
    """Return how many times as large the variance of an accuracy is as with independent images.

    Kish 1965. At least 1: fewer images cannot be worth more.

    Args:
        correct: (N,) bool, or its mean over seeds.
        clusters: (N,) int, from 0: who wrote each image.
    """
    independent = float(np.var(correct)) / len(correct)
    return max(1.0, clustered_variance(correct, clusters) / independent) if independent else 1.0


def clustered_variance(values: np.ndarray, clusters: np.ndarray) -> float:
    """Return the variance of the mean of values that come in clusters.

    Sums within clusters are independent where single values are not: with r the sums of the
    deviations from the mean in G clusters of N values in all, it is G / (G - 1) sum(r^2) / N^2
    (Liang and Zeger 1986). With a cluster for each value this is the ordinary variance of a mean.

    Args:
        values: (N,).
        clusters: (N,) int, from 0.
    """
    sums = cluster_sums(values - np.mean(values), clusters)
    people = len(sums)
    return float((sums**2).sum()) * people / max(people - 1, 1) / len(values) ** 2


def cluster_sums(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return the sum of each cluster's values, (..., clusters).

    Args:
        values: (..., N).
        clusters: (N,) int, from 0.
    """
    rows = np.atleast_2d(values)
    sums = np.stack([np.bincount(clusters, weights=row) for row in rows])
    return sums.reshape(*np.shape(values)[:-1], -1)


def _around_mean(values: Sequence[float], of_one_more: int) -> Interval:
    array = np.asarray(values, dtype=float)
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return Interval(mean, None, None, 1)
    quantile = t_quantile(CONFIDENCE, n - 1)
    half = float(quantile * array.std(ddof=1) * np.sqrt(of_one_more + 1 / n))
    return Interval(mean, mean - half, mean + half, n)


def t_quantile(confidence: float, freedom: float) -> float:
    """Return how many standard errors a two-sided t-interval reaches to each side."""
    # takes as long to import as an epoch of a small model: training does not wait for it
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))
