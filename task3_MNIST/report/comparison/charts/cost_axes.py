"""What charts of test accuracy by a cost share: the costs, the axes, bars and names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from plotly import graph_objects as go

from task3_MNIST.evaluation.statistics import Interval
from task3_MNIST.formatting import count, percent, short
from task3_MNIST.plots.style import ACCURACY_TICKS
from task3_MNIST.report.chart import log_ticks, plain
from task3_MNIST.report.comparison.rows import Entry, tidy

NAME_SIZE = (0.3, 0.06)  # width and height of a name, as parts of the span of all marks
MOST_ROOM = 2  # for bars: that many times above the largest error, as far below the smallest


class Cost(NamedTuple):
    """A cost: its key among the figures, its axis, and how sentences say less and more of it."""

    key: str
    axis: str
    unit: str
    less: str
    more: str
    scale: float = 1.0

    def of(self, entry: Entry) -> float:
        """Return the entry's cost in the axis's unit."""
        return entry.figures[self.key] * self.scale


COSTS = (
    Cost("parameters", "parameters", "parameters", "with fewer parameters", "parameters"),
    Cost("flops", "FLOPs an image", "FLOPs", "with fewer operations", "operations"),
    Cost(
        "train_seconds",
        "training time, s",
        "s of training",
        "in less training time",
        "training time",
    ),
    Cost(
        "latency_seconds",
        "latency of one image, ms",
        "ms an image",
        "with less latency",
        "latency",
        1e3,
    ),
)


def set_axes(figure: go.Figure, entries: Sequence[Entry], cost: Cost) -> None:
    """Give a figure a log axis of a cost, and one of accuracy by the logarithm of the errors."""
    costs = [cost.of(entry) for entry in entries]
    figure.update_xaxes(
        title_text=cost.axis,
        type="log",
        range=padded(costs),
        **log_ticks(costs, short),
    )
    figure.update_yaxes(**error_axis(entries))


def error_axis(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return Plotly's axis of accuracy by the logarithm of the errors, the worst first."""
    return {
        "title_text": "test accuracy (log scale of the error rate)",
        "type": "log",
        "range": _errors_shown(entries),
        "tickvals": [tidy(1 - tick) for tick in ACCURACY_TICKS],
        "ticktext": [f"{tick * 100:g} %" for tick in ACCURACY_TICKS],
    }


def _errors_shown(entries: Sequence[Entry]) -> list[float]:
    """Return the ends of an axis of errors, the worst first: it is at the bottom."""
    means = [error_of(entry.accuracy.mean) for entry in entries]
    ends = [error_of(end) for entry in entries for end in ends_of(entry.accuracy)]
    # the bar of two seeds may be wider than the range of all means: it leaves the frame
    low = max(min(ends), min(means) / MOST_ROOM) / 1.15
    high = min(max(ends), max(means) * MOST_ROOM) * 1.15
    return [tidy(math.log10(high)), tidy(math.log10(low))]


def padded(values: Sequence[float]) -> list[float]:
    """Return the ends of a log axis, with room for names left of the first mark."""
    low, high = math.log10(min(values)), math.log10(max(values))
    span = max(high - low, 0.5)
    return [tidy(low - 0.35 * span), tidy(high + 0.15 * span)]


def readable(wanted: Sequence[Entry], shown: Sequence[Entry], cost: Cost) -> list[Entry]:
    """Return those wanted whose names would not lie on an earlier one's."""
    marks = {
        entry.place: (math.log10(cost.of(entry)), math.log10(error_of(entry.accuracy.mean)))
        for entry in shown
    }
    width, height = (
        part * max(max(values) - min(values), 0.3)
        for part, values in zip(NAME_SIZE, zip(*marks.values(), strict=True), strict=True)
    )
    named: list[Entry] = []
    for entry in wanted:
        x, y = marks[entry.place]
        places = [marks[other.place] for other in named]
        if all(abs(x - left) > width or abs(y - top) > height for left, top in places):
            named.append(entry)
    return named


def bars(entries: Sequence[Entry], color: str | None = None) -> dict[str, Any]:
    """Return Plotly's error bars of the entries' intervals, on an axis of errors.

    Without a color they have the theme's.
    """
    means = [error_of(entry.accuracy.mean) for entry in entries]
    lows, highs = zip(*(ends_of(entry.accuracy) for entry in entries), strict=True)
    return {
        "type": "data",
        "symmetric": False,
        "array": [
            max(0, tidy(error_of(low) - mean)) for low, mean in zip(lows, means, strict=True)
        ],
        "arrayminus": [
            max(0, tidy(mean - error_of(high))) for high, mean in zip(highs, means, strict=True)
        ],
        "thickness": 1.2,
        "width": 3,
        **({"color": color} if color else {}),
    }


def hover(entry: Entry, cost: Cost) -> str:
    """Return what a mark says when it is pointed at."""
    return f"{accuracy_hover(entry)}<br>{cost.axis}: {short(cost.of(entry))}"


def accuracy_hover(entry: Entry) -> str:
    """Return what a mark says of an entry's accuracy, in lines that no window cuts."""
    over = count(entry.seeds, "seed") if entry.seeds > 1 else "the test images, one seed"
    low, high = map(percent, ends_of(entry.accuracy))
    return (
        f"{plain(entry.name)}: {percent(entry.accuracy.mean)}<br>"
        f"95 % interval over {over}: {low} to {high}"
    )


def ends_of(accuracy: Interval) -> tuple[float, float]:
    """Return the ends of an accuracy's interval, as far as accuracies go."""
    return max(0.0, accuracy.low), min(1.0, accuracy.high)


def error_of(accuracy: float) -> float:
    """Return the error rate as a log scale can show it: there is no place for no error."""
    return tidy(max(1 - accuracy, 2e-5))
