"""What runs say beyond their own accuracy: together, over shifts, picked by the test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from task3_MNIST.evaluation.statistics import Interval, accuracy_interval, mean_interval
from task3_MNIST.formatting import percent, points
from task3_MNIST.report.comparison.rows import Entry
from task3_MNIST.runs.groups import Reading
from task3_MNIST.training.loop import selected_epoch

COLUMNS = (
    "model",
    "alone",
    "its seeds together",
    "averaged over shifts",
    "points gained by picking the epoch on the test set",
)


def beyond(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the table, `columns` and `rows` of texts; None if no entry has any such figure."""
    rows = [
        [entry.name, _accuracy(entry.accuracy), *cells]
        for entry in entries
        if entry.accuracy and any(cells := [_together(entry), _shifted(entry), _picked(entry)])
    ]
    return {"columns": list(COLUMNS), "rows": rows} if rows else None


def selection_gain(run: Reading) -> float | None:
    """Return what picking the epoch on the test set would have added to a run; see `gain`."""
    return gain(run.metrics, run.test) if run.test else None


def gain(metrics: list[dict[str, Any]], test: dict[str, Any]) -> float | None:
    """Return how much higher the best epoch by test reads than the one validation chooses.

    A fraction; None unless there are epochs, and every one was validated and kept. It is what a
    paper that picks its epoch on the test set adds to its accuracy without anything having been
    learned.

    Args:
        metrics: of `metrics.jsonl`.
        test: of `test.json`.
    """
    curve = test.get("epochs", [])
    if (
        not curve
        or len(curve) != len(metrics)
        or any(epoch["val_loss"] is None for epoch in metrics)
    ):
        return None
    accuracies = {row["epoch"]: row["test_accuracy"] for row in curve}
    chosen = accuracies.get(selected_epoch(metrics))
    return None if chosen is None else max(accuracies.values()) - chosen


def together(ensemble: dict[str, Any] | None) -> Interval | None:
    """Return the accuracy of the seeds as one, with the interval of the test images."""
    return accuracy_interval(ensemble["correct"], ensemble["n"]) if ensemble else None


def shifted(tests: Sequence[dict[str, Any]]) -> Interval | None:
    """Return the accuracy averaged over shifts, over the seeds; None unless all have it.

    Args:
        tests: each seed's `test.json`.
    """
    found = [test.get("shift_averaged") for test in tests]
    if not found or not all(found):
        return None
    return mean_interval([one["test_accuracy"] for one in found])


def picked(gains: Sequence[float | None]) -> Interval | None:
    """Return what picking adds, over those seeds of which it is known; see `gain`."""
    known = [gain for gain in gains if gain is not None]
    return mean_interval(known) if known else None


def _together(entry: Entry) -> str | None:
    found = entry.group.ensemble
    interval = together(found)
    return interval and f"{_accuracy(interval)}, {len(found['seeds'])} seeds as one"


def _shifted(entry: Entry) -> str | None:
    tests = [run.test for run in entry.group.evaluated]
    interval = shifted(tests)
    if not interval:
        return None
    pixels = ", ".join(sorted({str(test["shift_averaged"]["pixels"]) for test in tests}))
    return f"{_accuracy(interval)}, up to {pixels} px, n\u00a0=\u00a0{interval.n}"


def _picked(entry: Entry) -> str | None:
    interval = picked([selection_gain(run) for run in entry.group.runs])
    if not interval:
        return None
    ends = "" if interval.low is None else f" [{points(interval.low)}, {points(interval.high)}]"
    return f"{points(interval.mean)}{ends}, n\u00a0=\u00a0{interval.n}"


def _accuracy(interval: Interval) -> str:
    if interval.low is None:
        return percent(interval.mean)
    # on one line: in narrow columns it would take three
    ends = ",\u00a0".join(f"{end * 100:.2f}" for end in (interval.low, interval.high))
    return f"{percent(interval.mean)}\u00a0[{ends}]"
