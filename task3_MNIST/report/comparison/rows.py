"""One entry of the page for each group of runs: its figures over the seeds, and its looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from task3_MNIST.datasets import writers
from task3_MNIST.evaluation.statistics import Interval, accuracy_interval, mean_interval, wilson
from task3_MNIST.plots.style import HUES, SYMBOLS
from task3_MNIST.runs.records import RunGroup, RunRecord, labels


@dataclass(frozen=True)
class Entry:
    """What the page shows of a group.

    Attributes:
        place: its place in the data set's list of entries.
        name: what it is called on the page.
        group: where the figures come from.
        color: of its lines and marks.
        symbol: of its marks.
        accuracy: test accuracy over the seeds; of one seed, with the interval over the writers of
            the test images; None if no run was evaluated.
        figures: means over the seeds: the numbers of `summary.json`, and of `test.json` if any
            run was evaluated; one that a run does not have is not in it.
    """

    place: int
    name: str
    group: RunGroup
    color: str
    symbol: str
    accuracy: Interval | None
    figures: dict[str, float]

    @property
    def seeds(self) -> int:
        """Number of evaluated seeds; of trained ones, if none was evaluated."""
        return len(self.group.evaluated or self.group.runs)

    @property
    def median(self) -> RunRecord | None:
        """The run of median test accuracy."""
        return self.group.median


def make_entries(groups: Sequence[RunGroup], labels_of_test: np.ndarray | None) -> list[Entry]:
    """Return the entries of one data set's groups, in their order.

    Args:
        groups: all of the data set, or some.
        labels_of_test: (N,) of its test images; None where they cannot be read, and then the
            interval of a single seed takes its images as independent.
    """
    names = labels(groups).values()
    met: dict[str, int] = {}
    entries = []
    for place, (group, name) in enumerate(zip(groups, names, strict=True)):
        hues = HUES[group.family]
        number = met.setdefault(group.family, 0)
        met[group.family] += 1
        entries.append(
            Entry(
                place=place,
                name=name,
                group=group,
                color=hues[number % len(hues)],
                symbol=SYMBOLS[group.family],
                accuracy=_accuracy(group, labels_of_test),
                figures=_figures(group),
            )
        )
    return entries


def as_data(entry: Entry) -> dict[str, Any]:
    """Return what the page's scripts need of an entry: plain data, fractions and seconds."""
    accuracy, figures, median = entry.accuracy, entry.figures, entry.median
    return {
        "name": entry.name,
        "model": entry.group.model,
        "recipe": entry.group.name,
        "family": entry.group.family,
        "color": entry.color,
        "seeds": entry.seeds,
        "accuracy": accuracy and [accuracy.mean, accuracy.low, accuracy.high],
        "figures": {key: tidy(value) for key, value in figures.items()},
        "confusion": median and median.test.confusion,
    }


def tidy(value: float) -> float:
    """Return a count as it is and a measure in five digits: nothing shown needs more."""
    return int(value) if float(value).is_integer() else float(f"{value:.5g}")


def _accuracy(group: RunGroup, labels_of_test: np.ndarray | None) -> Interval | None:
    runs = group.evaluated
    if len(runs) == 1:
        if labels_of_test is None:
            n = runs[0].test.n
            return wilson(runs[0].test.correct / n, n, effect=1, people=n)
        clusters = writers.clusters(group.dataset, len(labels_of_test))
        return accuracy_interval(runs[0].classes == labels_of_test, clusters)
    return mean_interval(group.tests("test_accuracy")) if runs else None


def _figures(group: RunGroup) -> dict[str, float]:
    summaries = ("parameters", "flops", "model_bytes", "train_seconds", "val_accuracy", "val_loss")
    tests = ("test_loss", "ece", "latency_seconds", "throughput")
    values = {key: group.summaries(key) for key in summaries}
    values |= {key: group.tests(key) for key in tests}
    return {
        key: float(np.mean(found)) for key, found in values.items() if found and None not in found
    }
