"""Statistics of comparisons: intervals over seeds and images, paired tests, many pairs at once."""

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


@dataclass(frozen=True)
class Difference:
    """How two models differ over their seeds.

    Attributes:
        mean: mean accuracy of the first minus that of the second.
        low: lower end of its 95 % interval.
        high: upper end.
        p: two-sided p-value; below 0.05 exactly where the interval leaves out 0.
    """

    mean: float
    low: float
    high: float
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


def compare_seeds(right_a: np.ndarray, right_b: np.ndarray) -> Difference:
    """Test whether two models differ beyond the luck of training and of the test images.

    Two t-tests must agree: p is the larger of theirs, the interval the wider.

    The first is Welch's (1947) over the seeds' accuracies. Given the test images, the runs of
    two copies of a model are draws from one distribution, so it alone answers for the luck of
    training; but two models of equal worth differ on any one set of images, and the more seeds,
    the surer it is of that.

    The second therefore adds to the variance what other images would change. Seeds stand to
    models and images as readers to methods and cases in multi-reader studies, nested in the
    method: Obuchowski & Rockette 1995, here with variances estimated from the two-way table
    and a variance for each model. Its degrees of freedom are those of Hillis 2007. It alone is
    too sure with two or three seeds that happen to agree.

    A percentile bootstrap over seeds is too sure as well: n seeds drawn from n vary by
    (n - 1) / n of the variance, which is a third too little for three, and know no t.

    Args:
        right_a: (seeds, N) bool, two seeds or more: whether each run of the first model has
            each image right.
        right_b: the second's, of any number of seeds, two or more, on the same images.
    """
    models = (right_a, right_b)
    seeds = [len(right) for right in models]
    images = right_a.shape[1]
    counts = [right.sum(1) for right in models]  # whole numbers: equal seeds vary by exactly 0
    mean = float(counts[0].mean() - counts[1].mean()) / images
    of_seeds = [count.var(ddof=1) / images**2 for count in counts]

    by_model = [variance / n for variance, n in zip(of_seeds, seeds, strict=True)]
    by_training = sum(by_model)
    by_images = _image_variance(models, of_seeds)
    tests = [
        _t_test(mean, variance, _degrees(variance, by_model, seeds))
        for variance in (by_training, by_training + by_images)
    ]
    p, half = (float(max(parts)) for parts in zip(*tests, strict=True))
    return Difference(mean, mean - half, mean + half, p)


def probability_of_beating(right_a: Sequence[float], right_b: Sequence[float]) -> float:
    """Return the probability that a new run of a is more often right than a new run of b.

    On the same test images. It is the common-language effect size (McGraw & Wong 1992) by the
    predictive distribution: counts are normal, and means and variances are known only from
    these seeds, so the difference of two new runs is Student's t around the means' difference,
    with the degrees of freedom of Welch 1947. Counting pairs of seeds instead says 100 % as soon
    as three seeds lie above three others.

    Args:
        right_a: number of images that each seed of a has right, two seeds or more.
        right_b: of each of b, likewise.
    """
    groups = [np.asarray(counts, dtype=float) for counts in (right_a, right_b)]
    seeds = [len(counts) for counts in groups]
    parts = [counts.var(ddof=1) * (1 + 1 / len(counts)) for counts in groups]
    mean, variance = groups[0].mean() - groups[1].mean(), sum(parts)
    if variance == 0:
        return float(np.heaviside(mean, 0.5))
    return float(stats.t.cdf(mean / np.sqrt(variance), _degrees(variance, parts, seeds)))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values corrected for their number (Holm 1979), in the order given.

    Calling different what is below 0.05 then errs anywhere among them in at most 5 % of cases,
    however the tests depend on each other.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = p[order] * np.arange(len(p), 0, -1)  # the smallest by all, the largest by one
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected


def inseparable_groups(apart: np.ndarray) -> list[tuple[int, ...]]:
    """Return the groups that a compact letter display gives a letter each (Piepho 2004).

    Two models share a group if and only if they were not told apart; a model may be in several
    groups, since a can be tied with b and b with c where a and c are told apart. Groups are grown
    one by one around pairs that share none yet, from the first model down: cliques that cover
    every edge, not always the fewest (Gramm et al. 2007).

    Args:
        apart: (M, M) bool, symmetric, of models from best to worst: whether they were told apart.

    Returns:
        places of each group's members, ascending; groups in the order of their members.
    """
    together = np.zeros_like(apart)
    groups = []
    for first in range(len(apart)):
        for second in range(first, len(apart)):  # the first by itself, then with each other
            if together[first, second] or apart[first, second]:
                continue
            members = {first, second}
            for place in range(len(apart)):
                if not apart[place, list(members)].any():
                    members.add(place)
            group = sorted(members)
            together[np.ix_(group, group)] = True
            groups.append(tuple(group))
    return sorted(groups)


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


def _image_variance(models: Sequence[np.ndarray], of_seeds: Sequence[float]) -> float:
    """Return how much of the variance of a difference of mean accuracies other images would add.

    Args:
        models: two, each (seeds, N) bool.
        of_seeds: the variance of each model's accuracies over its seeds.
    """
    images = models[0].shape[1]
    difference = models[0].mean(0) - models[1].mean(0)  # (N,)
    by_chance = 0.0  # what varies from image to image because each seed errs on others
    for right, variance in zip(models, of_seeds, strict=True):
        residual = (right.var(0, ddof=1).mean() - variance) * images / (images - 1)
        by_chance += residual / len(right)
    return max(0.0, float(difference.var(ddof=1) - by_chance) / images)


def _degrees(variance: float, by_model: Sequence[float], seeds: Sequence[int]) -> float:
    """Return the degrees of freedom of a variance whose parts by model rest on so many seeds.

    Satterthwaite 1946; what the variance holds besides those parts counts as known.
    """
    spread = sum(part**2 / (n - 1) for part, n in zip(by_model, seeds, strict=True))
    return variance**2 / spread if spread else np.inf


def _t_test(difference: float, variance: float, degrees: float) -> tuple[float, float]:
    """Return the two-sided p-value, and half the 95 % interval."""
    if variance == 0:
        return float(difference == 0), 0.0
    error = np.sqrt(variance)
    p = 2 * stats.t.sf(abs(difference) / error, degrees)
    return p, stats.t.ppf((1 + CONFIDENCE) / 2, degrees) * error


def _image_weights(generator: np.random.Generator, resamples: int, images: int) -> np.ndarray:
    """Return how often each image was drawn: (resamples, images) float32, rows sum to images."""
    drawn = generator.integers(images, size=(resamples, images))
    drawn += np.arange(resamples)[:, None] * images
    counts = np.bincount(drawn.ravel(), minlength=resamples * images)
    return counts.reshape(resamples, images).astype(np.float32)


def _portions(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
