"""Accuracy against what it costs, with the Pareto front, and accuracy for each unit of cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from plotly import graph_objects as go

from task3_MNIST.core.stats import Interval
from task3_MNIST.report.charts.chart import chart, left_out, log_ticks, plain
from task3_MNIST.report.entries import Entry, tidy
from task3_MNIST.report.wording import listing, percent, short

CHANCE = 0.1  # ten classes
MANY = 8  # of more models, only those on the front are named
NAME_SIZE = (0.3, 0.06)  # width and height of a name, as parts of the span of all marks
ACCURACY_TICKS = (
    *(0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985),
    *(0.99, 0.9925, 0.995, 0.9965, 0.998, 0.999, 0.9995),
)


class Cost(NamedTuple):
    """A cost: its key among the figures, its axis, and how sentences say less and more of it."""

    key: str
    axis: str
    less: str
    more: str
    scale: float = 1.0


COSTS = (
    Cost("parameters", "parameters", "with fewer parameters", "parameters"),
    Cost("flops", "FLOPs an image", "with fewer operations", "operations"),
    Cost("train_seconds", "training time, s", "in less training time", "training time"),
    Cost("latency_seconds", "latency of one image, ms", "with less latency", "latency", 1e3),
)


class Rate(NamedTuple):
    """A cost that accuracy is divided by: its key, how it is written, named, and scaled."""

    key: str
    unit: str
    word: str
    scale: float = 1.0


RATES = (
    Rate("parameters", "per 1,000 parameters", "parameter", 1000),
    Rate("train_seconds", "per second of training", "second"),
)


def tradeoff(entries: Sequence[Entry], cost: Cost) -> dict[str, Any] | None:
    """Return the chart of test accuracy against a cost, with the Pareto front.

    Entries whose cost is 0 are left out; None if that leaves none.
    """
    tested = [entry for entry in entries if entry.figures[cost.key] > 0]
    if not tested:
        return None
    free = [entry.name for entry in entries if entry not in tested]
    front = pareto_front([(_cost(entry, cost), 1 - entry.accuracy.mean) for entry in tested])
    leading = [tested[place] for place in front]
    others = [entry for entry in tested if entry not in leading] if len(tested) <= MANY else []
    named = _readable([*leading, *others], tested, cost)
    figure = go.Figure(
        [
            _front_line(leading, cost),
            *(_mark(entry, cost, named=entry in named) for entry in tested),
        ]
    )
    costs = [_cost(entry, cost) for entry in tested]
    figure.update_xaxes(
        title_text=cost.axis,
        type="log",
        range=_padded(costs),
        **log_ticks(costs, short),
    )
    figure.update_yaxes(
        title_text="test accuracy (log of the errors)",
        type="log",
        autorange="reversed",
        tickvals=[tidy(1 - tick) for tick in ACCURACY_TICKS],
        ticktext=[f"{tick * 100:g} %" for tick in ACCURACY_TICKS],
    )
    figure.update_layout(showlegend=False)
    return chart(
        f"accuracy-{cost.key.replace('_', '-')}",
        _finding(tested, leading, cost),
        "Better is up and to the left, on log scales. The line is the Pareto front of the means; "
        "bars are 95\u00a0% intervals, over seeds or, with one seed, over the test images."
        + left_out(free, f"a log scale has no place for no {cost.more}"),
        figure,
        ("model", cost.axis, "accuracy", "low", "high", "seeds", "on the front"),
        [
            (
                entry.name,
                tidy(_cost(entry, cost)),
                tidy(entry.accuracy.mean),
                *(tidy(end) for end in _ends(entry.accuracy)),
                entry.seeds,
                "yes" if entry in leading else "no",
            )
            for entry in tested
        ],
    )


def efficiency(entries: Sequence[Entry], rate: Rate) -> dict[str, Any] | None:
    """Return the chart of accuracy above guessing, divided by a cost.

    Entries that are no better than guessing, or whose cost is 0, are left out; None if that
    leaves none.
    """
    ranked = sorted(entries, key=lambda entry: -entry.accuracy.mean)
    tested = [
        entry for entry in ranked if entry.accuracy.mean > CHANCE and entry.figures[rate.key] > 0
    ]
    if not tested:
        return None
    rest = [entry.name for entry in ranked if entry not in tested]
    values = [
        (entry.accuracy.mean - CHANCE) * 100 * rate.scale / entry.figures[rate.key]
        for entry in tested
    ]
    names = [plain(entry.name) for entry in tested]
    figure = go.Figure(
        go.Scatter(
            x=[tidy(value) for value in values],
            y=names,
            mode="markers+text",
            marker={
                "color": [entry.colour for entry in tested],
                "symbol": [entry.symbol for entry in tested],
                "size": 10,
            },
            text=[f" {value:.3g}" for value in values],
            textposition="middle right",
            cliponaxis=False,
            hovertext=[
                f"{name}: {value:.3g} points {rate.unit}"
                for name, value in zip(names, values, strict=True)
            ],
            hoverinfo="text",
        )
    )
    figure.update_xaxes(
        title_text=f"points {rate.unit}",
        type="log",
        range=_padded(values),
        **log_ticks(values, short),
    )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(showlegend=False, height=130 + 26 * len(tested))
    most = tested[max(range(len(tested)), key=values.__getitem__)]
    return chart(
        f"efficiency-{rate.key.replace('_', '-')}",
        f"{most.name} gets the most accuracy out of a {rate.word}",
        "Percentage points of test accuracy above guessing (10\u00a0%), divided by the cost, on a "
        "log scale. It favours small models whatever they reach, so the table adds how many times "
        "the cost of the cheapest model at least as accurate each has: 1 is on the front."
        + left_out(rest, f"they are no better than guessing or cost no {rate.word}"),
        figure,
        ("model", f"points {rate.unit}", "times the cost needed"),
        [
            (entry.name, tidy(value), tidy(_excess(entry, tested, rate.key)))
            for entry, value in zip(tested, values, strict=True)
        ],
    )


def pareto_front(places: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the points that none beats in cost and error, cheapest first."""
    front: list[int] = []
    for index in sorted(range(len(places)), key=places.__getitem__):
        if not front or places[index][1] < places[front[-1]][1]:
            front.append(index)
    return front


def _excess(entry: Entry, entries: Sequence[Entry], key: str) -> float:
    enough = [other for other in entries if other.accuracy.mean >= entry.accuracy.mean]
    return entry.figures[key] / min(other.figures[key] for other in enough)


def _cost(entry: Entry, cost: Cost) -> float:
    return entry.figures[cost.key] * cost.scale


def _padded(costs: Sequence[float]) -> list[float]:
    """Return the ends of a log axis, with room for names left of the first mark."""
    low, high = math.log10(min(costs)), math.log10(max(costs))
    span = max(high - low, 0.5)
    return [tidy(low - 0.35 * span), tidy(high + 0.15 * span)]


def _readable(wanted: Sequence[Entry], shown: Sequence[Entry], cost: Cost) -> list[Entry]:
    """Return those wanted whose names would not lie on an earlier one's."""
    marks = {
        entry.place: (math.log10(_cost(entry, cost)), math.log10(_error(entry.accuracy.mean)))
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


def _front_line(leading: Sequence[Entry], cost: Cost) -> go.Scatter:
    return go.Scatter(
        x=[tidy(_cost(entry, cost)) for entry in leading],
        y=[_error(entry.accuracy.mean) for entry in leading],
        mode="lines",
        line={"shape": "hv", "width": 1.5, "dash": "dot", "color": "#808790"},
        hoverinfo="skip",
    )


def _mark(entry: Entry, cost: Cost, named: bool) -> go.Scatter:
    mean = _error(entry.accuracy.mean)
    low, high = (_error(end) for end in _ends(entry.accuracy))
    over = "seeds" if entry.seeds > 1 else "test images"
    return go.Scatter(
        x=[tidy(_cost(entry, cost))],
        y=[mean],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [max(0, tidy(low - mean))],
            "arrayminus": [max(0, tidy(mean - high))],
            "thickness": 1.2,
            "width": 3,
        },
        mode="markers+text" if named else "markers",
        text=[plain(entry.name)],
        # no model lies up and left of the front
        textposition="top left",
        textfont={"size": 11},
        marker={"color": entry.colour, "symbol": entry.symbol, "size": 10},
        cliponaxis=False,
        hovertext=[
            f"{plain(entry.name)}: {percent(entry.accuracy.mean)} (95 % interval over "
            f"{over}: {percent(_ends(entry.accuracy)[0])} to {percent(_ends(entry.accuracy)[1])})"
            f"<br>{cost.axis}: {_cost(entry, cost):,.4g}"
        ],
        hoverinfo="text",
        meta={"place": entry.place},
    )


def _ends(accuracy: Interval) -> tuple[float, float]:
    return max(0.0, accuracy.low), min(1.0, accuracy.high)


def _error(accuracy: float) -> float:
    # a log scale has no place for no error at all
    return tidy(max(1 - accuracy, 2e-5))


def _finding(tested: Sequence[Entry], leading: Sequence[Entry], cost: Cost) -> str:
    if len(tested) == 1:
        return f"{tested[0].name} reaches {percent(tested[0].accuracy.mean)}"
    if len(leading) == 1:
        return f"{leading[0].name} is ahead of every other model, {cost.less} and fewer errors"
    if len(leading) == len(tested):
        return f"Every step up in accuracy costs {cost.more}"
    names = (
        listing([entry.name for entry in leading])
        if len(leading) <= 4
        else f"{len(leading)} of {len(tested)} models"
    )
    return f"{names} are on the front; all others are matched {cost.less}"
