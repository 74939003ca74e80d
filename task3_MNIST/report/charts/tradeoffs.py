"""Accuracy against what it costs: parameters, operations, training time, latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from plotly import graph_objects as go

from task3_MNIST.core.stats import Interval
from task3_MNIST.report.charts.chart import chart, plain
from task3_MNIST.report.entries import Entry, tidy
from task3_MNIST.report.wording import listing, percent

CHANCE = 0.1  # ten classes
MANY = 8  # more names than this would lie on each other
ACCURACY_TICKS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)


class Cost(NamedTuple):
    """A cost: its key among the figures, its axis, and how sentences say less and more of it."""

    key: str
    axis: str
    less: str
    more: str


COSTS = (
    Cost("parameters", "parameters", "with fewer parameters", "parameters"),
    Cost("flops", "floating-point operations an image", "with fewer operations", "operations"),
    Cost("train_seconds", "training time, s", "in less training time", "training time"),
    Cost("latency_seconds", "latency of one image, s", "with less latency", "latency"),
)


def tradeoff(entries: Sequence[Entry], cost: Cost) -> dict[str, Any]:
    """Return the chart of test accuracy against a cost, with the Pareto front."""
    tested = [entry for entry in entries if entry.accuracy]
    front = pareto_front([(entry.figures[cost.key], 1 - entry.accuracy.mean) for entry in tested])
    leading = [tested[place] for place in front]
    named = tested if len(tested) <= MANY else leading
    figure = go.Figure(
        [
            _front_line(leading, cost),
            *(_mark(entry, cost, named=entry in named) for entry in tested),
        ]
    )
    figure.update_xaxes(title_text=f"{cost.axis} (log scale)", type="log", exponentformat="power")
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
        "Better is up and to the left. The line is the Pareto front of the means; bars are "
        "95\u00a0% intervals, over seeds or, with one seed, over the test images.",
        figure,
        ("model", cost.axis, "accuracy", "low", "high", "seeds", "on the front"),
        [
            (
                entry.name,
                tidy(entry.figures[cost.key]),
                tidy(entry.accuracy.mean),
                *(tidy(end) for end in _ends(entry.accuracy)),
                entry.seeds,
                "yes" if entry in leading else "no",
            )
            for entry in tested
        ],
    )


def efficiency(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the chart of accuracy above guessing per thousand parameters and per second."""
    tested = [entry for entry in entries if entry.accuracy]
    gains = [(entry.accuracy.mean - CHANCE) * 100 for entry in tested]
    rates = {
        "per 1,000 parameters": [
            gain / entry.figures["parameters"] * 1000
            for gain, entry in zip(gains, tested, strict=True)
        ],
        "per second of training": [
            gain / entry.figures["train_seconds"] for gain, entry in zip(gains, tested, strict=True)
        ],
    }
    excess = [
        [_excess(entry, tested, key) for entry in tested] for key in ("parameters", "train_seconds")
    ]
    names = [plain(entry.name) for entry in tested]
    figure = go.Figure()
    for number, (unit, values) in enumerate(rates.items(), start=1):
        figure.add_trace(
            go.Bar(
                x=[tidy(value) for value in values],
                y=names,
                orientation="h",
                marker={"color": [entry.colour for entry in tested]},
                text=[f"{value:.3g}" for value in values],
                textposition="auto",
                hovertext=[
                    f"{name}: {value:.3g} points {unit}"
                    for name, value in zip(names, values, strict=True)
                ],
                hoverinfo="text",
                xaxis=f"x{number}",
                yaxis="y",
            )
        )
    figure.update_layout(
        showlegend=False,
        bargap=0.3,
        height=130 + 26 * len(tested),
        xaxis={"domain": [0, 0.46], "title": {"text": "points per 1,000 parameters"}},
        xaxis2={"domain": [0.54, 1], "title": {"text": "points per second"}, "anchor": "y"},
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
    )
    figure.update_layout({axis: {"type": "log"} for axis in ("xaxis", "xaxis2")})
    most = [tested[max(range(len(tested)), key=values.__getitem__)] for values in rates.values()]
    return chart(
        "efficiency",
        _efficiency_finding(most),
        "Percentage points of test accuracy above guessing (10\u00a0%), divided by the cost; log "
        "scales. It favours small models whatever they reach, so the table adds how many times "
        "the cost of the cheapest model at least as accurate each one has: 1 is on the front.",
        figure,
        ("model", *rates, "times the parameters needed", "times the seconds needed"),
        [
            (entry.name, *(tidy(value) for value in values))
            for entry, *values in zip(tested, *rates.values(), *excess, strict=True)
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


def _front_line(leading: Sequence[Entry], cost: Cost) -> go.Scatter:
    return go.Scatter(
        x=[tidy(entry.figures[cost.key]) for entry in leading],
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
        x=[tidy(entry.figures[cost.key])],
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
        textposition="top right",
        textfont={"size": 11},
        marker={"color": entry.colour, "symbol": entry.symbol, "size": 10},
        cliponaxis=False,
        hovertext=[
            f"{plain(entry.name)}: {percent(entry.accuracy.mean)} (95 % interval over "
            f"{over}: {percent(_ends(entry.accuracy)[0])} to {percent(_ends(entry.accuracy)[1])})"
            f"<br>{cost.axis}: {entry.figures[cost.key]:,.4g}"
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


def _efficiency_finding(most: Sequence[Entry]) -> str:
    per_parameter, per_second = most
    if per_parameter is per_second:
        return f"{per_parameter.name} gets the most accuracy out of a parameter and of a second"
    return (
        f"{per_parameter.name} gets the most accuracy out of a parameter, "
        f"{per_second.name} out of a second"
    )
