"""Ensembles, test-time augmentation, and what picking the epoch on the test set would gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from task3_MNIST.datasets import writers
from task3_MNIST.evaluation.statistics import Interval, design_effect, mean_interval, wilson
from task3_MNIST.formatting import percent, points
from task3_MNIST.report.comparison.rows import Entry
from task3_MNIST.runs.records import RunGroup, RunRecord
from task3_MNIST.training.loop import selected_epoch

SAME_IMAGES = ", same images"
COLUMNS = ("model", "mean over seeds", "ensemble of its seeds", "with test-time augmentation")
SELECTION_COLUMNS = (
    "model",
    "more than the epoch chosen on validation, points",
    "more than the last epoch, points",
)


@dataclass(frozen=True)
class Gain:
    """What picking the epoch on the test set adds to a run's accuracy, a fraction.

    Attributes:
        over_validation: compared with the epoch that validation chooses.
        over_last: compared with the last epoch, which is what most papers keep.
        other_writers: whether it was picked on half of the writers and read on the other half;
            if not, on the same images, which flatters it by their chance.
    """

    over_validation: float
    over_last: float
    other_writers: bool


def ensemble_table(entries: Sequence[Entry], labels: np.ndarray | None) -> dict[str, Any] | None:
    """Return the table, `columns` and `rows` of texts; None if no entry has any such figure.

    Args:
        entries: of the data set.
        labels: (N,) of its test images; None where they cannot be read.
    """
    rows = [
        [entry.name, _accuracy(entry.accuracy), *cells]
        for entry in entries
        if entry.accuracy and any(cells := [_ensemble(entry, labels), _tta(entry)])
    ]
    return {"columns": list(COLUMNS), "rows": rows} if rows else None


def selection_table(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the table of what picking the epoch on the test set adds; None if it is not known."""
    rows = [[entry.name, *cells] for entry in entries if any(cells := _picked(entry))]
    return {"columns": list(SELECTION_COLUMNS), "rows": rows} if rows else None


def selection_gain(run: RunRecord) -> Gain | None:
    """Return what picking the epoch on the test set would have added to a run's accuracy.

    None unless there are epochs, and every one was validated and kept. Nothing was learned by it;
    what is picked and read on the same images is also the best of their chances, so where the
    run says how each epoch does on the two halves of the writers, the epoch is picked on one half
    and read on the other, both ways, and the mean is taken.
    """
    curve = run.test.epochs if run.test else []
    if (
        not curve
        or len(curve) != len(run.epochs)
        or any(epoch.val_loss is None for epoch in run.epochs)
    ):
        return None
    places = {row.epoch: place for place, row in enumerate(curve)}
    chosen = places.get(selected_epoch(run.epochs))
    if chosen is None:
        return None
    other_writers = all(row.first_half_accuracy is not None for row in curve)
    same_images = [[row.test_accuracy] * 2 for row in curve]
    halves = [[row.first_half_accuracy, row.second_half_accuracy] for row in curve]
    accuracies = np.array(halves if other_writers else same_images)
    picked = accuracies.argmax(0)  # on each half
    read = accuracies[picked, [1, 0]]  # on the other one
    over = [float((read - accuracies[place, [1, 0]]).mean()) for place in (chosen, -1)]
    return Gain(*over, other_writers)


def ensemble_interval(group: RunGroup, labels: np.ndarray) -> Interval | None:
    """Return the accuracy of the ensemble of a group's seeds, with its interval over the writers.

    Which images it classifies correctly is in no file, so its design effect is taken to be that
    of the mean over its seeds, which err on the same images.

    Args:
        group: None is returned without an ensemble.
        labels: (N,) of the test images.
    """
    if not group.ensemble:
        return None
    correct = np.stack([run.classes == labels for run in group.evaluated])
    clusters = writers.clusters(group.dataset, len(labels))
    n = group.ensemble.n
    effect = design_effect(correct.mean(0), clusters)
    return wilson(group.ensemble.correct / n, n, effect, int(clusters.max()) + 1)


def tta_interval(group: RunGroup) -> Interval | None:
    """Return the accuracy with test-time augmentation over the seeds; None unless all have it."""
    found = group.tests("tta_accuracy")
    return mean_interval(found) if found and None not in found else None


def picked(gains: Sequence[Gain | None], over: str) -> Interval | None:
    """Return what picking adds, over those seeds of which it is known.

    Args:
        gains: of each seed.
        over: the field of `Gain` that is asked for.
    """
    known = [getattr(gain, over) for gain in gains if gain]
    return mean_interval(known) if known else None


def how_read(gains: Sequence[Gain | None]) -> str:
    """Return what must be said of a mean of gains: "" where all were read on other writers."""
    return "" if all(gain.other_writers for gain in gains if gain) else SAME_IMAGES


def _ensemble(entry: Entry, labels: np.ndarray | None) -> str | None:
    interval = None if labels is None else ensemble_interval(entry.group, labels)
    return interval and f"{_accuracy(interval)}, {len(entry.group.ensemble.seeds)} seeds"


def _tta(entry: Entry) -> str | None:
    interval = tta_interval(entry.group)
    if not interval:
        return None
    pixels = ", ".join(sorted({str(found) for found in entry.group.tests("tta_pixels")}))
    return f"{_accuracy(interval)}, up to {pixels} px, n\u00a0=\u00a0{interval.n}"


def _picked(entry: Entry) -> list[str | None]:
    gains = [selection_gain(run) for run in entry.group.runs]
    cells = []
    for over in ("over_validation", "over_last"):
        interval = picked(gains, over)
        if not interval:
            return [None, None]
        ends = "" if interval.low is None else f" [{points(interval.low)}, {points(interval.high)}]"
        text = f"{points(interval.mean)}{ends}, n\u00a0=\u00a0{interval.n}"
        cells.append(f"{text}{how_read(gains)}")
    return cells


def _accuracy(interval: Interval) -> str:
    if interval.low is None:
        return percent(interval.mean)
    # on one line: in narrow columns it would take three
    ends = ",\u00a0".join(f"{end * 100:.2f}" for end in (interval.low, interval.high))
    return f"{percent(interval.mean)}\u00a0[{ends}]"
