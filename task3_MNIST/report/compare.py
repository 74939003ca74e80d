"""Compare groups of runs pairwise on the same test images, and say which is better."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from task3_MNIST.core.stats import bootstrap_accuracies, difference_interval, mcnemar
from task3_MNIST.report.collect import Group

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pair:
    """Two groups, by their places in a list, and how they differ.

    Attributes:
        a: the first group's place.
        b: the second's.
        difference: mean test accuracy of a minus that of b, a fraction.
        low: lower end of its 95 % interval, from seeds and images drawn anew.
        high: upper end.
        only_a: images that only a's run of median accuracy has right.
        only_b: images that only b's has right.
        p: of McNemar's exact test on these two runs.
    """

    a: int
    b: int
    difference: float
    low: float
    high: float
    only_a: int
    only_b: int
    p: float

    @property
    def tied(self) -> bool:
        """Whether the test or the interval leaves room for no difference."""
        return self.p >= SIGNIFICANT or self.low <= 0 <= self.high


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
    accuracies = bootstrap_accuracies([right(groups[place], labels) for place in tested])
    middle = [groups[place].median.predicted == labels for place in tested]
    means = [
        np.mean([run.test["test_accuracy"] for run in groups[place].evaluated]) for place in tested
    ]
    pairs = []
    for i, j in combinations(range(len(tested)), 2):
        low, high = difference_interval(accuracies[:, i], accuracies[:, j])
        test = mcnemar(middle[i], middle[j])
        pairs.append(
            Pair(
                a=tested[i],
                b=tested[j],
                difference=float(means[i] - means[j]),
                low=low,
                high=high,
                only_a=test.only_a,
                only_b=test.only_b,
                p=test.p,
            )
        )
    return pairs


def right(group: Group, labels: np.ndarray) -> np.ndarray:
    """Return (seeds, N) bool: whether each evaluated run has each image right."""
    return np.stack([run.predicted == labels for run in group.evaluated])


def contenders(groups: list[Group]) -> tuple[int, int] | None:
    """Return the places of the two groups that the verdict is about.

    The best of each of the first two families, or the best two of the only one: best by mean
    validation accuracy, since the test set must not choose what it then judges. None if fewer
    than two were evaluated.
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
    return float(np.mean([run.summary["val_accuracy"] or 0.0 for run in group.runs]))
