"""Statistics of comparisons: intervals over seeds and images, and paired tests of two models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000
RESAMPLES_AT_ONCE = 250  # 250 x 10,000 weights in float32 are 10 MB


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


@dataclass(frozen=True)
class McNemar:
    """An exact McNemar test.

    Attributes:
        only_a: images that only the first model has right.
        only_b: images that only the second has right.
        p: two-sided p-value.
    """

    only_a: int
    only_b: int
    p: float


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean with its Student t interval (Student 1908); one value has no interval.

    Args:
        values: at least one, such as the accuracy of each seed.
    """
    array = np.asarray(values, dtype=float)
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return Interval(mean, None, None, 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * array.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def accuracy_interval(correct: int, n: int) -> Interval:
    """Return one run's accuracy with its Wilson score interval over the images (Wilson 1927)."""
    ends = stats.binomtest(correct, n).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(correct / n, float(ends.low), float(ends.high), n)


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> McNemar:
    """Test whether two models err equally often on the same images.

    McNemar 1947, exact: if they do, an image that only one of them has right is a fair coin's
    throw, so the count is binomial with probability one half.

    Args:
        correct_a: (N,) bool, whether the first model has each image right.
        correct_b: (N,) bool, the second, in the same order.
    """
    only_a = int(np.count_nonzero(correct_a & ~correct_b))
    only_b = int(np.count_nonzero(correct_b & ~correct_a))
    discordant = only_a + only_b
    # no image tells them apart: there is nothing to test
    p = float(stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0
    return McNemar(only_a, only_b, p)


def bootstrap_accuracies(
    models: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Return accuracies over seeds and test images drawn anew, with replacement.

    Efron 1979, paired: in each resample all models see the same images, so the difference of
    two columns is a resampled difference; each model's seeds are drawn apart from the others'.
    A model of one seed varies by its images only.

    Args:
        models: for each model (seeds, N) bool, whether each run has each image right.
        resamples: how many.
        seed: of the draws.

    Returns:
        (resamples, models) float64.
    """
    generator = np.random.default_rng(seed)
    runs = np.concatenate(models).astype(np.float32)  # (all seeds, N)
    images = runs.shape[1]
    accuracies = np.concatenate(
        [
            _image_weights(generator, count, images) @ runs.T / images
            for count in _portions(resamples, RESAMPLES_AT_ONCE)
        ]
    ).astype(float)  # (resamples, all seeds)

    columns, first = [], 0
    for model in models:
        seeds = len(model)
        weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples)
        columns.append((weights * accuracies[:, first : first + seeds]).sum(1) / seeds)
        first += seeds
    return np.stack(columns, axis=1)


def difference_interval(accuracies_a: np.ndarray, accuracies_b: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of a - b, from columns of `bootstrap_accuracies`."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(accuracies_a - accuracies_b, (tail, 1 - tail))
    return float(low), float(high)


def _image_weights(generator: np.random.Generator, resamples: int, images: int) -> np.ndarray:
    """Return how often each image was drawn: (resamples, images) float32, rows sum to images."""
    drawn = generator.integers(images, size=(resamples, images))
    drawn += np.arange(resamples)[:, None] * images
    counts = np.bincount(drawn.ravel(), minlength=resamples * images)
    return counts.reshape(resamples, images).astype(np.float32)


def _portions(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
