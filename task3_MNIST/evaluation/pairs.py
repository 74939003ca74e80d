"""Compare groups of runs pairwise on the same test images, and say which is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from task3_MNIST.evaluation.statistics import (
    McNemar,
    bootstrap_accuracies,
    compare_seeds,
    difference_interval,
    holm,
    mcnemar,
    probability_of_beating,
)
from task3_MNIST.runs.groups import Group, val_accuracy

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pair:
    """Two groups, by their places in a list, and how they differ.

    One test decides. Of two seeds or more each it is `compare_seeds`, which answers for the luck
    of training and of the test images: two copies of a model are called different in 2 to 5 % of
    trials. With a single seed nothing can be known of that luck, so it is McNemar's exact test,
    for the two networks as they are; it holds for their kind too as far as runs err independently
    of each other (Jordan 2024 finds so for networks that are trained to the end).

    Attributes:
        a: the first group's place.
        b: the second's.
        difference: mean test accuracy of a minus that of b, a fraction.
        low: lower end of its 95 % interval: the test's, or the bootstrap's with a single seed.
        high: upper end.
        p: of the test that decides.
        corrected: p by Holm's correction for all pairs of the data set.
        mcnemar: the exact test on the two runs of median accuracy.
        bootstrap: the ends of the 95 % interval from seeds and images drawn anew.
        beats: the probability that a new run of a beats a new run of b; None with a single seed.
    """

    a: int
    b: int
    difference: float
    low: float
    high: float
    p: float
    corrected: float
    mcnemar: McNemar
    bootstrap: tuple[float, float]
    beats: float | None

    @property
    def tied(self) -> bool:
        """Whether the two cannot be told apart, among all pairs that were tested."""
        return self.corrected >= SIGNIFICANT


def compare_all(groups: list[Group], labels: np.ndarray) -> list[Pair]:
    """Compare every two groups that have predictions.

    Args:
        groups: all of one data set.
        labels: (N,) of its test images; runs with predictions of another number of images
            must have been sorted out.
    """
    tested = [place for place, group in enumerate(groups) if group.evaluated]
    if len(tested) < 2:
        return []
    models = [right(groups[place], labels) for place in tested]
    middle = [groups[place].median.predicted == labels for place in tested]
    resampled = bootstrap_accuracies(models)
    pairs = []
    for i, j in combinations(range(len(tested)), 2):
        counts = [models[place].sum(1) for place in (i, j)]
        test = mcnemar(middle[i], middle[j])
        bootstrap = difference_interval(resampled[:, i], resampled[:, j])
        (low, high), p, beats = bootstrap, test.p, None
        if min(map(len, counts)) > 1:
            over_seeds = compare_seeds(models[i], models[j])
            low, high, p = over_seeds.low, over_seeds.high, over_seeds.p
            beats = probability_of_beating(*counts)
        pairs.append(
            Pair(
                a=tested[i],
                b=tested[j],
                difference=float(counts[0].mean() - counts[1].mean()) / len(labels),
                low=low,
                high=high,
                p=p,
                corrected=p,
                mcnemar=test,
                bootstrap=bootstrap,
                beats=beats,
            )
        )
    corrected = holm([pair.p for pair in pairs])
    return [replace(pair, corrected=float(p)) for pair, p in zip(pairs, corrected, strict=True)]


def told_apart(group: Group, others: Sequence[Group], labels: np.ndarray) -> list[bool]:
    """Return for each of others whether the group can be told apart from it.

    By the test that decides in `Pair`, Holm-corrected for these pairs.

    Args:
        group: evaluated, as are the others.
        others: of the same data set.
        labels: (N,) of its test images.
    """
    corrected = holm([_p_value(group, other, labels) for other in others]) if others else []
    return [bool(p < SIGNIFICANT) for p in corrected]


def _p_value(a: Group, b: Group, labels: np.ndarray) -> float:
    if min(len(a.evaluated), len(b.evaluated)) > 1:
        return compare_seeds(right(a, labels), right(b, labels)).p
    return mcnemar(a.median.predicted == labels, b.median.predicted == labels).p


def right(group: Group, labels: np.ndarray) -> np.ndarray:
    """Return (seeds, N) bool: whether each evaluated run has each image right."""
    return np.stack([run.predicted == labels for run in group.evaluated])


def contenders(groups: list[Group]) -> tuple[int, int] | None:
    """Return the places of the two groups that the verdict is about.

    The best MLP and the best CNN; where one is lacking, the best of each of two families, or the
    best two of the only one: best by mean validation accuracy, since the test set must not choose
    what it then judges. None if fewer than two were evaluated.
    """
    ranked = sorted(
        (place for place, group in enumerate(groups) if group.evaluated),
        key=lambda place: -validation_accuracy(groups[place]),
    )
    best: dict[str, int] = {}
    for place in ranked:
        best.setdefault(groups[place].family, place)
    if "mlp" in best and "cnn" in best:
        return best["mlp"], best["cnn"]
    chosen = list(best.values())[:2] if len(best) > 1 else ranked[:2]
    return (chosen[0], chosen[1]) if len(chosen) == 2 else None


def validation_accuracy(group: Group) -> float:
    """Return the mean validation accuracy over all seeds."""
    # runs without validation come last: nothing but the test set could choose them
    return float(np.mean([val_accuracy(run) for run in group.runs]))
