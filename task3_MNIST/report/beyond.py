"""What runs say beyond their own accuracy: together, over shifts, picked by the test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from task3_MNIST.core.engine import selected_epoch
from task3_MNIST.core.stats import Interval, accuracy_interval, mean_interval
from task3_MNIST.report.collect import Reading
from task3_MNIST.report.entries import Entry
from task3_MNIST.report.wording import percent, points

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


def _together(entry: Entry) -> str | None:
    found = entry.group.ensemble
    if not found:
        return None
    interval = accuracy_interval(found["correct"], found["n"])
    return f"{_accuracy(interval)}, {len(found['seeds'])} seeds as one"


def _shifted(entry: Entry) -> str | None:
    found = [run.test.get("shift_averaged") for run in entry.group.evaluated]
    if not found or not all(found):
        return None
    pixels = ", ".join(sorted({str(one["pixels"]) for one in found}))
    interval = mean_interval([one["test_accuracy"] for one in found])
    return f"{_accuracy(interval)}, up to {pixels} px, n\u00a0=\u00a0{interval.n}"


def _picked(entry: Entry) -> str | None:
    gains = [selection_gain(run) for run in entry.group.runs]
    known = [gain for gain in gains if gain is not None]
    if not known:
        return None
    gain = mean_interval(known)
    ends = "" if gain.low is None else f" [{points(gain.low)}, {points(gain.high)}]"
    return f"{points(gain.mean)}{ends}, n\u00a0=\u00a0{gain.n}"


def _accuracy(interval: Interval) -> str:
    if interval.low is None:
        return percent(interval.mean)
    # on one line: in narrow columns it would take three
    ends = ",\u00a0".join(f"{end * 100:.2f}" for end in (interval.low, interval.high))
    return f"{percent(interval.mean)}\u00a0[{ends}]"
