"""Compare groups of runs on the same test images: every pair, and the one planned comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from task3_MNIST.datasets import writers
from task3_MNIST.evaluation.moderation import DETERMINISTIC, SeedVariance, moderated_variances
from task3_MNIST.evaluation.paired_tests import (
    Difference,
    Networks,
    bootstrap_accuracies,
    compare_models,
    compare_networks,
    difference_interval,
    holm,
    probability_of_superiority,
)
from task3_MNIST.evaluation.statistics import cluster_sums
from task3_MNIST.runs.records import RunGroup, val_accuracy

SIGNIFICANT = 0.05
FULL_TRAIN = "full-train"


@dataclass(frozen=True)
class Pair:
    """Two groups, by their places in a list, and how they differ.

    Where both have two seeds or more, or are deterministic, it is `compare_models`, which accounts
    for the variation between seeds and between writers. One seed says nothing about the variation
    between seeds: then `compare_networks` compares the two runs of median accuracy with each
    other, and nothing is said about their models.

    Attributes:
        a: the first group's place.
        b: the second's.
        models: whether it compares the models; if not, only these two networks.
        result: accuracy of a minus that of b with its test, of what is compared.
        corrected: p by Holm's correction for all pairs of models of the data set; None for
            networks.
        networks: the test of the two runs of median accuracy.
        bootstrap: the ends of the 95 % interval from seeds and writers drawn again.
        superiority: the probability that a new run of a is better than a new run of b; None for
            networks.
    """

    a: int
    b: int
    models: bool
    result: Difference
    corrected: float | None
    networks: Networks
    bootstrap: tuple[float, float]
    superiority: float | None

    @property
    def significant(self) -> bool:
        """Whether the two differ, by this test alone: just where its interval leaves out 0."""
        return self.result.p < SIGNIFICANT

    @property
    def significant_among_all(self) -> bool:
        """Whether the two models differ after correction for all pairs."""
        return self.corrected is not None and self.corrected < SIGNIFICANT


@dataclass(frozen=True)
class ComparedWithBest:
    """A model compared with the best by validation, by their places.

    Attributes:
        place: of the model.
        mean: its accuracy minus the best one's.
        low: lower end of its interval; those of all models hold together in 95 % of cases.
        high: upper end.
        p: corrected for the number of models compared with the best.
    """

    place: int
    mean: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether the two differ: just where the interval leaves out 0."""
        return self.p < SIGNIFICANT


@dataclass(frozen=True)
class Comparison:
    """Groups with what their comparison needs; made by `prepare`.

    Attributes:
        groups: all of one data set.
        labels: (N,) of its test images.
        clusters: (N,) who wrote each of them, from 0.
        images: (people,) how many each of them wrote.
        incorrect: of each evaluated group, by its place: (seeds, people) incorrect images.
        variances: of each group whose variation between seeds is known, by its place.
    """

    groups: Sequence[RunGroup]
    labels: np.ndarray
    clusters: np.ndarray
    images: np.ndarray
    incorrect: dict[int, np.ndarray]
    variances: dict[int, SeedVariance]

    def models(self, a: int, b: int, margin: float = 0.0) -> Difference:
        """Compare two groups as models; see `compare_models`."""
        return compare_models(
            self.incorrect[a],
            self.incorrect[b],
            (self.variances[a], self.variances[b]),
            self.images,
            margin,
        )

    def networks(self, a: int, b: int) -> Networks:
        """Compare the runs of median accuracy of two groups."""
        correct = (self.groups[place].median.classes == self.labels for place in (a, b))
        return compare_networks(*correct, self.clusters)


def prepare(groups: Sequence[RunGroup], labels: np.ndarray) -> Comparison:
    """Return what comparing the groups needs.

    Args:
        groups: all of one data set, also those that are not to be compared: each says something
            about how much the models of its recipe vary between seeds.
        labels: (N,) of its test images; runs with predictions of another number of images
            must have been sorted out.
    """
    clusters = writers.clusters(groups[0].dataset, len(labels))
    incorrect = {
        place: cluster_sums(~correct(group, labels), clusters)
        for place, group in enumerate(groups)
        if group.evaluated
    }
    variances: dict[int, SeedVariance] = {}
    recipes: dict[str, list[int]] = {}
    for place in incorrect:
        if groups[place].deterministic:
            variances[place] = DETERMINISTIC
        elif len(incorrect[place]) > 1:
            recipes.setdefault(groups[place].name, []).append(place)
    for places in recipes.values():
        found = moderated_variances([incorrect[place].sum(1) for place in places])
        variances |= dict(zip(places, found, strict=True))
    return Comparison(groups, labels, clusters, np.bincount(clusters), incorrect, variances)


def compare_all(comparison: Comparison, places: Iterable[int]) -> list[Pair]:
    """Compare every two of the groups at these places that have predictions."""
    tested = [place for place in places if place in comparison.incorrect]
    if len(tested) < 2:
        return []
    resampled = bootstrap_accuracies(
        [comparison.incorrect[place] for place in tested], comparison.images
    )
    pairs = []
    for i, j in combinations(range(len(tested)), 2):
        a, b = tested[i], tested[j]
        networks = comparison.networks(a, b)
        result, superiority = networks.difference, None
        models = a in comparison.variances and b in comparison.variances
        if models:
            result = comparison.models(a, b)
            superiority = probability_of_superiority(
                -comparison.incorrect[a].sum(1),
                -comparison.incorrect[b].sum(1),
                (comparison.variances[a], comparison.variances[b]),
            )
        bootstrap = difference_interval(resampled[:, i], resampled[:, j])
        pairs.append(Pair(a, b, models, result, None, networks, bootstrap, superiority))
    corrected = iter(holm([pair.result.p for pair in pairs if pair.models]))
    return [
        replace(pair, corrected=float(next(corrected))) if pair.models else pair for pair in pairs
    ]


def compare_with_best(
    comparison: Comparison, places: Iterable[int]
) -> tuple[int, list[ComparedWithBest]] | None:
    """Compare each model at these places with the best by validation.

    Dunnett's (1955) question: many models, one reference that was named before. His test needs
    equal variances, which models do not have; so each interval is at 1 - 0.05 / k and each p times
    k, which holds however many differ and however they depend on each other (Dunn 1961).

    Returns:
        the best one's place, and the others from the highest test accuracy; None for fewer than
        two models whose variation between seeds is known, or if none was validated.
    """
    known = [place for place in places if place in comparison.variances]
    best = _best(comparison.groups, known)
    others = [place for place in known if place != best]
    if best is None or not others:
        return None
    confidence = 1 - SIGNIFICANT / len(others)
    rows = []
    for place in others:
        result = comparison.models(place, best)
        ends = result.interval(confidence)
        rows.append(ComparedWithBest(place, result.mean, *ends, min(1.0, result.p * len(others))))
    return best, sorted(rows, key=lambda row: -row.mean)


def correct(group: RunGroup, labels: np.ndarray) -> np.ndarray:
    """Return (seeds, N) bool: whether each evaluated run classifies each image correctly."""
    return np.stack([run.classes == labels for run in group.evaluated])


def planned_comparison(groups: Sequence[RunGroup]) -> tuple[int, int] | None:
    """Return the places of the two groups that the page leads with.

    The best MLP and the best CNN; where one is lacking, the best of each of two families, or the
    best two of the only one. Best by mean validation accuracy, since the test set must not choose
    what it then judges. Of a model that was chosen so the group with the most seeds stands for
    it, with or without training on all images: `--full-train` leaves no images to validate by, so
    nothing else could choose it. None if fewer than two were evaluated.
    """
    places = [place for place, group in enumerate(groups) if group.evaluated]
    best: dict[str, int] = {}
    for family in dict.fromkeys(groups[place].family for place in places):
        found = _best(groups, [place for place in places if groups[place].family == family])
        if found is not None:
            best[family] = found
    if "mlp" in best and "cnn" in best:
        return best["mlp"], best["cnn"]
    chosen = sorted(best.values(), key=lambda place: -validation_accuracy(groups[place]))[:2]
    if len(chosen) == 1:
        rest = [place for place in places if not _same_training(groups[place], groups[chosen[0]])]
        second = _best(groups, rest)
        chosen += [] if second is None else [second]
    return (chosen[0], chosen[1]) if len(chosen) == 2 else None


def validation_accuracy(group: RunGroup) -> float:
    """Return the mean validation accuracy over all seeds; 0 where none was validated."""
    return float(np.mean([val_accuracy(run) for run in group.runs]))


def _best(groups: Sequence[RunGroup], places: Sequence[int]) -> int | None:
    """Return the place of what stands for the best by validation; see `planned_comparison`."""
    if not places:
        return None
    chosen = groups[max(places, key=lambda place: validation_accuracy(groups[place]))]
    same = [place for place in places if _same_training(groups[place], chosen)]
    return max(
        same,
        key=lambda place: (
            len(groups[place].evaluated),
            FULL_TRAIN in groups[place].name.split("+"),
        ),
    )


def _same_training(a: RunGroup, b: RunGroup) -> bool:
    """Return whether two groups are of one model and recipe, but for training on all images."""
    recipes = [[part for part in x.name.split("+") if part != FULL_TRAIN] for x in (a, b)]
    return a.model == b.model and recipes[0] == recipes[1]
