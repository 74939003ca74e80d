"""The table of the records: what fresh seeds read, next to the record before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from task3_MNIST.datasets.doubtful_labels import corrected_labels
from task3_MNIST.evaluation.paired_tests import Difference
from task3_MNIST.evaluation.pairs import prepare
from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.formatting import with_ends
from task3_MNIST.report.comparison.ensembles import ensemble_interval
from task3_MNIST.runs.records import RunGroup

BEFORE, NOW = "strong-v1+full-train", "strong+full-train"
COLUMNS = (
    *("model", "parameters", "record before", "fresh seeds"),
    *("fresh minus before, points", "p", "ensemble of the fresh seeds"),
    "fresh seeds, with the doubtful labels corrected",
)


def record_rows(groups: Sequence[RunGroup], labels: np.ndarray) -> list[list[str]]:
    """Return a row for each model with a record.

    Args:
        groups: all of one data set.
        labels: (N,) of its test images.
    """
    comparison = prepare(groups, labels)
    places = {(group.model, group.name): place for place, group in enumerate(groups)}
    rows = []
    for (model, name), place in places.items():
        if name != NOW:
            continue
        before = places.get((model, BEFORE))
        group = groups[place]
        ensemble = ensemble_interval(group, labels)
        rows.append(
            [
                f"`{model}`",
                f"{group.summaries('parameters')[0]:,}",
                "–" if before is None else _accuracy(groups[before]),
                _accuracy(group),
                *(("–", "–") if before is None else _difference(comparison.models(place, before))),
                _percent(ensemble) if ensemble else "–",
                _percent(mean_interval(_corrected_accuracies(group, labels))),
            ]
        )
    return rows


def _corrected_accuracies(group: RunGroup, labels: np.ndarray) -> list[float]:
    corrected, counts = corrected_labels(labels)
    return [float((run.classes == corrected)[counts].mean()) for run in group.runs]


def _difference(found: Difference) -> tuple[str, str]:
    low, high = found.interval()
    points = Interval(found.mean, low, high, 0)
    return with_ends(points, "{:.2f}", factor=100), f"{found.p:.2g}"


def _accuracy(group: RunGroup) -> str:
    seeds = [run.config.seed for run in group.runs]
    accuracy = _percent(mean_interval(group.tests("test_accuracy")))
    return f"{accuracy}, seeds {min(seeds)} to {max(seeds)}"


def _percent(interval: Interval) -> str:
    return with_ends(interval, "{:.2f}", " %", factor=100)
