"""Whether a study's hypothesis holds: its primary comparison, tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from task3_MNIST.datasets import writers
from task3_MNIST.evaluation.moderation import SeedVariance
from task3_MNIST.evaluation.paired_tests import Difference, contrast, contrast_of_means, holm
from task3_MNIST.evaluation.robustness.measure import EVERY, Wanted, correct_images
from task3_MNIST.evaluation.statistics import cluster_sums
from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.definition import DATASET, Study, pooled, rows_of
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.probes import PROBES
from task3_MNIST.experiments.studies.table import Table, values
from task3_MNIST.experiments.train import Job
from task3_MNIST.runs.folder import Run

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class PrimaryResult:
    """What came of a primary comparison.

    Attributes:
        mean: plus minus minus.
        tests: as in `Difference`.
        seeds: fewest of a cell.
        by_writer: whether images of other writers are accounted for, or seeds alone.
    """

    mean: float
    tests: tuple[tuple[float, float], ...]
    seeds: int
    by_writer: bool

    @property
    def difference(self) -> Difference:
        """The difference with its interval."""
        return Difference(self.mean, self.tests)

    def p(self, least: float) -> float:
        """Return the two-sided p of a difference of just `least`."""
        return replace(self.difference, mean=self.mean - least).p


@dataclass(frozen=True)
class Verdict:
    """Whether a hypothesis holds.

    Attributes:
        word: `confirmed`, `refuted` or `undecided`.
        p: of a difference of just the least that was asked, corrected (Holm).
        hypotheses: for how many it was corrected.
    """

    word: str
    p: float
    hypotheses: int


def verdicts(results: Sequence[tuple[PrimaryResult, float]]) -> list[Verdict]:
    """Return the verdict on each primary comparison.

    Confirmed: significantly more than the least that was asked. Refuted: significantly less.

    Args:
        results: what came of each comparison, and the least difference of its hypothesis.
    """
    corrected = holm([result.p(least) for result, least in results])
    found = []
    for (result, least), p in zip(results, corrected, strict=True):
        side = "confirmed" if result.mean > least else "refuted"
        found.append(Verdict(side if p < SIGNIFICANT else "undecided", float(p), len(results)))
    return found


def primary_result(
    study: Study, cells: Sequence[Planned], table: Table, results: Path
) -> PrimaryResult | None:
    """Return what came of a study's primary comparison; None if a cell has fewer than two runs.

    Accuracies on the same test images are compared by seed and by writer, all else by seed alone.
    """
    primary = study.primary
    figure = primary.figure or study.figures[0]
    terms = [(1, cell) for cell in primary.plus] + [(-1, cell) for cell in primary.minus]
    found = [
        (sign, pooled(study, cell), change)
        for sign, wanted in terms
        for cell, change in rows_of(study, wanted)[:1]
    ]
    of_seeds = [values(table, cell, change, figure) for _, cell, change in found]
    if min(map(len, of_seeds)) < 2:
        return None
    signs, seeds = [sign for sign, *_ in found], min(map(len, of_seeds))
    probes = any(change and change.kind in PROBES for *_, change in found)
    several = len({cell.get(DATASET) for _, cell, _ in found}) > 1  # of images, of writers
    if figure != "test_accuracy" or probes or several:
        difference = contrast_of_means(signs, of_seeds)
        return PrimaryResult(difference.mean, difference.tests, seeds, by_writer=False)
    incorrect = []
    for _, cell, change in found:
        jobs = [job for one in cells if pooled(study, one.cell) == cell for job in one.jobs]
        runs = [(job, job.run(results)) for job in jobs]
        rows = [~_correct(job, run, change) for job, run in runs if run.complete]
        incorrect.append(np.stack(rows))
    clusters = _clusters(jobs[0], len(incorrect[0][0]))
    sums = [cluster_sums(rows, clusters) for rows in incorrect]
    variances = [SeedVariance(float(np.var(rows.sum(1), ddof=1)), len(rows) - 1) for rows in sums]
    # an accuracy is 1 minus the error rate
    difference = contrast([-sign for sign in signs], sums, variances, np.bincount(clusters))
    mean = difference.mean + sum(signs)
    return PrimaryResult(mean, difference.tests, seeds, by_writer=True)


def _correct(job: Job, run: Run, change: Wanted | None) -> np.ndarray:
    """Return (N,) bool: whether a run classifies each image correctly, changed or not."""
    if change:
        return correct_images(run, change)
    return run.classes() == parallel.test_images(job).labels.numpy()


def _clusters(job: Job, images: int) -> np.ndarray:
    """Return who wrote each of the images that were measured: all of them, or every fifth."""
    total = len(parallel.test_images(job).labels)
    found = writers.clusters(job.dataset, total)
    found = found if images == total else found[::EVERY]
    return np.unique(found, return_inverse=True)[1] if len(found) == images else np.arange(images)
