"""Whether two models differ: on the same test images, over seeds and over the images' writers.

`docs/statistics.md` teaches each test with its formula, and says where the simpler one fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from task3_MNIST.evaluation.moderation import SeedVariance
from task3_MNIST.evaluation.statistics import CONFIDENCE, clustered_variance

RESAMPLES = 2000
RESAMPLES_AT_ONCE = 250  # 250 x 10,000 weights in float32 are 10 MB


@dataclass(frozen=True)
class Difference:
    """A difference of accuracies, and the t-tests that must all agree before it counts.

    p is the largest of theirs and the interval the widest, so p is below 0.05 exactly where the
    95 % interval leaves out 0, and likewise at any other level.

    Attributes:
        mean: accuracy of the first minus that of the second.
        tests: of each test the standard error of `mean` and its degrees of freedom.
    """

    mean: float
    tests: tuple[tuple[float, float], ...]

    @property
    def p(self) -> float:
        """The two-sided p-value."""
        return max(self._p(*test) for test in self.tests)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the ends of the confidence interval."""
        half = max(
            float(stats.t.ppf((1 + confidence) / 2, degrees)) * error if error else 0.0
            for error, degrees in self.tests
        )
        return self.mean - half, self.mean + half

    def _p(self, error: float, degrees: float) -> float:
        if error == 0:
            return float(self.mean == 0)
        return float(2 * stats.t.sf(abs(self.mean) / error, degrees))


@dataclass(frozen=True)
class Networks:
    """How two single networks differ.

    Attributes:
        only_a: images that only the first classifies correctly.
        only_b: images that only the second does.
        difference: of their accuracies, with its test.
    """

    only_a: int
    only_b: int
    difference: Difference


def compare_networks(
    correct_a: np.ndarray, correct_b: np.ndarray, clusters: np.ndarray
) -> Networks:
    """Test whether two networks err equally often on what people write.

    McNemar's test (1947) for images that come from people: the sums of the two networks'
    differences by writer are independent, the images are not (Obuchowski 1998, Durkalski et al.
    2003). The t-test of those sums is centered, unlike theirs, so that its interval and its p
    agree. A writer on whom the two never differ says nothing, so the degrees of freedom are the
    other writers minus 1; with few images to tell by this keeps the test from being too sure.

    It is about these two networks. Two seeds of one model are two networks: it calls them
    different far more often than in 5 % of cases.

    Args:
        correct_a: (N,) bool, whether the first network classifies each image correctly.
        correct_b: (N,) bool, the second, in the same order.
        clusters: (N,) int, from 0: who wrote each image.
    """
    difference = correct_a.astype(float) - correct_b
    error = float(np.sqrt(clustered_variance(difference, clusters)))
    differing = len(np.unique(clusters[difference != 0]))
    test = (error, max(differing - 1, 1))
    return Networks(
        only_a=int((difference > 0).sum()),
        only_b=int((difference < 0).sum()),
        difference=Difference(float(difference.mean()), (test,)),
    )


def compare_models(
    incorrect_a: np.ndarray,
    incorrect_b: np.ndarray,
    variances: tuple[SeedVariance, SeedVariance],
    images: np.ndarray,
    margin: float = 0.0,
) -> Difference:
    """Test whether two models differ by more than seeds and writers make copies of one differ.

    Two t-tests must agree.

    The first is over the seeds' accuracies (Welch 1947), with moderated variances. Given the test
    images, the runs of two copies of a model are draws from one distribution, so it alone
    accounts for the variation between seeds; but two models of equal worth differ on any one
    test set, and the more seeds, the surer it is of that.

    The second therefore adds to the variance what images of other people would change. Seeds
    are to models and writers what readers are to methods and cases in multi-reader studies, nested
    in the method: Obuchowski & Rockette 1995, with variances estimated from the table of seeds by
    writers and one for each model. The degrees of freedom follow Satterthwaite 1946.

    Args:
        incorrect_a: (seeds, people): how many images of each writer each run of the first model
            classifies incorrectly, from `cluster_sums`; a deterministic model has one row.
        incorrect_b: of the second, on the same images.
        variances: of each model between its seeds, in images.
        images: (people,) each writer's number of images.
        margin: multiplies the second model's errors by 1 + margin: 0.1 asks whether the first has
            fewer than 1.1 times as many.

    Returns:
        the difference of accuracies, a minus b; with a margin, of error rates, (1 + margin) b - a.
    """
    return contrast((-1, 1 + margin), (incorrect_a, incorrect_b), variances, images)


def contrast(
    coefficients: Sequence[float],
    incorrect: Sequence[np.ndarray],
    variances: Sequence[SeedVariance],
    images: np.ndarray,
) -> Difference:
    """Test a sum of several models' error rates, each times a coefficient; see `compare_models`.

    A difference of two differences is such a sum: what a change takes from one model, minus what
    it takes from another.

    Args:
        coefficients: of each error rate.
        incorrect: for each model (seeds, people), as in `compare_models`.
        variances: of each model between its seeds, in images.
        images: (people,) each writer's number of images.
    """
    n = images.sum()
    weighted = [factor * model for factor, model in zip(coefficients, incorrect, strict=True)]
    of_seeds = [
        SeedVariance(factor**2 * variance.value / len(model) / n**2, variance.degrees)
        for factor, variance, model in zip(coefficients, variances, incorrect, strict=True)
    ]
    of_writers = SeedVariance(_writer_variance(weighted, images), len(images) - 1)
    tests = (_t_test(of_seeds), _t_test([*of_seeds, of_writers]))
    return Difference(float(sum(model.sum() / len(model) / n for model in weighted)), tests)


def contrast_of_means(
    coefficients: Sequence[float], groups: Sequence[Sequence[float]]
) -> Difference:
    """Test a sum of means, each times a coefficient, by the variation between seeds alone.

    Welch 1947, for two means or more.

    Args:
        coefficients: of each mean.
        groups: for each mean the value of each seed, two or more.
    """
    parts = [
        SeedVariance(factor**2 * float(np.var(group, ddof=1)) / len(group), len(group) - 1)
        for factor, group in zip(coefficients, groups, strict=True)
    ]
    pairs = zip(coefficients, groups, strict=True)
    mean = sum(factor * float(np.mean(group)) for factor, group in pairs)
    return Difference(mean, (_t_test(parts),))


def probability_of_superiority(
    correct_a: Sequence[float],
    correct_b: Sequence[float],
    variances: tuple[SeedVariance, SeedVariance],
) -> float:
    """Return the probability that a new run of a has more images correct than a new run of b.

    On the same test images. It is the common-language effect size (McGraw & Wong 1992) by the
    predictive distribution: counts are normal, and means and variances are known only from
    these seeds, so the difference of two new runs is Student's t around the means' difference.
    Counting pairs of seeds instead says 100 % as soon as three seeds lie above three others.

    Args:
        correct_a: number of images that each seed of a has correct.
        correct_b: of each of b, likewise.
        variances: of each model between its seeds.
    """
    groups = [np.asarray(counts, dtype=float) for counts in (correct_a, correct_b)]
    parts = [
        SeedVariance(variance.value * (1 + 1 / len(counts)), variance.degrees)
        for variance, counts in zip(variances, groups, strict=True)
    ]
    error, degrees = _t_test(parts)
    mean = groups[0].mean() - groups[1].mean()
    return float(stats.t.cdf(mean / error, degrees) if error else np.heaviside(mean, 0.5))


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


def bootstrap_accuracies(
    models: Sequence[np.ndarray], images: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Return accuracies over seeds and writers drawn again, with replacement.

    Efron 1979, paired and by cluster: in each resample all models see the images of the same
    people, so the difference of two columns is a resampled difference; each model's seeds are
    drawn separately. A model of one seed varies by its writers only.

    Args:
        models: for each model (seeds, people), as in `compare_models`.
        images: (people,) each writer's number of images.
        resamples: how many.
        seed: of the draws.

    Returns:
        (resamples, models) float64.
    """
    generator = np.random.default_rng(seed)
    incorrect = np.concatenate(models).T.astype(np.float32)  # (people, runs)
    rates = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        count = min(RESAMPLES_AT_ONCE, resamples - start)
        weights = _times_drawn(generator, count, len(images))  # (count, people)
        rates.append(weights @ incorrect / (weights @ images)[:, None])
    accuracies = 1 - np.concatenate(rates).astype(float)  # (resamples, runs)

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


def _writer_variance(weighted: Sequence[np.ndarray], images: np.ndarray) -> float:
    """Return how much of the variance of a sum of error rates other writers would add.

    Args:
        weighted: of each model (seeds, people), incorrect images times its coefficient.
        images: (people,) each writer's number of images.
    """
    n, people = images.sum(), len(images)
    # how far each run is above its own error rate with each writer
    centered = [model - model.sum(1, keepdims=True) / n * images for model in weighted]
    variance = (sum(model.mean(0) for model in centered) ** 2).sum()
    for model in centered:
        seeds = len(model)
        if seeds > 1:  # what differs because each seed errs on others is the seeds' own variance
            variance -= ((model - model.mean(0)) ** 2).sum() / (seeds - 1) / seeds
    return max(0.0, float(variance) * people / (people - 1) / n**2)


def _t_test(parts: Sequence[SeedVariance]) -> tuple[float, float]:
    """Return the standard error and degrees of freedom of a sum (Satterthwaite 1946)."""
    variance = sum(part.value for part in parts)
    spread = sum(part.value**2 / part.degrees for part in parts)
    return float(np.sqrt(variance)), float(variance**2 / spread) if spread else np.inf


def _times_drawn(generator: np.random.Generator, resamples: int, people: int) -> np.ndarray:
    """Return how often each of so many was drawn: (resamples, people) float32."""
    drawn = generator.integers(people, size=(resamples, people))
    drawn += np.arange(resamples)[:, None] * people
    counts = np.bincount(drawn.ravel(), minlength=resamples * people)
    return counts.reshape(resamples, people).astype(np.float32)
