"""Learning curves: loss and accuracy by epoch, mean and interval over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plotly import graph_objects as go

from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.report.chart import chart, log_ticks, plain
from task3_MNIST.report.comparison.rows import Entry, tidy
from task3_MNIST.runs.records import shared_curve

DASHES = {"train": "dot", "val": "solid", "test": "dash"}
WORDS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class _Curve:
    entry: Entry
    split: str
    epochs: list[int]
    values: list[Interval]


def learning_curves(entries: Sequence[Entry], quantity: str) -> dict[str, Any]:
    """Return the chart of `"loss"` or `"accuracy"` of all entries.

    Traces carry `meta` with `place` and `split`, by which the page shows and hides them.
    """
    curves = [
        curve
        for entry in entries
        for split in DASHES
        if (curve := _curve(entry, split, quantity)).epochs
    ]
    figure = go.Figure([trace for curve in curves for trace in _traces(curve)])
    figure.update_xaxes(title_text="epoch", rangemode="tozero", tickformat=",d")
    if quantity == "loss":
        means = [value.mean for curve in curves for value in curve.values]
        ticks = log_ticks(means, "{:g}".format)
        figure.update_yaxes(title_text="loss (log scale)", type="log", **ticks)
    else:
        figure.update_yaxes(title_text="accuracy", tickformat=".1%")
    return chart(
        f"curves-{quantity}",
        f"{quantity.capitalize()} by epoch, mean over the seeds",
        "Solid: validation; dotted: training; dashed: test, if every epoch was kept. A model that "
        "was trained on the validation images has no validation curve. Bands are "
        "the 95\u00a0% confidence interval; one seed has no band.",
        figure,
        ("model", "split", "epoch", quantity, "low", "high", "n"),
        [
            (curve.entry.name, WORDS[curve.split], epoch, *_numbers(value), value.n)
            for curve in curves
            for epoch, value in zip(curve.epochs, curve.values, strict=True)
        ],
    )


def _curve(entry: Entry, split: str, quantity: str) -> _Curve:
    """Return the epochs that every seed has: later means would be of other runs."""
    key = f"{split}_{quantity}"
    if split == "test":
        epochs, values = shared_curve([run.test.epochs for run in entry.group.evaluated], key)
    else:
        epochs, values = entry.group.curve(key)
    return _Curve(entry, split, epochs, [mean_interval(seeds) for seeds in values])


def _traces(curve: _Curve) -> list[go.Scatter]:
    entry, split = curve.entry, curve.split
    common = {
        "x": curve.epochs,
        "legendgroup": str(entry.place),
        "meta": {"place": entry.place, "split": split},
    }
    line = go.Scatter(
        y=[tidy(value.mean) for value in curve.values],
        name=plain(entry.name),
        mode="lines+markers" if len(curve.epochs) < 12 else "lines",
        line={"color": entry.color, "dash": DASHES[split], "width": 2},
        marker={"size": 5},
        hovertext=[f"{plain(entry.name)}, {WORDS[split]}"] * len(curve.epochs),
        hoverinfo="text+x+y",
        **common,
    )
    if curve.values[0].low is None:
        return [line]
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    return [
        go.Scatter(y=[tidy(value.low) for value in curve.values], **edge, **common),
        go.Scatter(
            y=[tidy(value.high) for value in curve.values],
            fill="tonexty",
            fillcolor=f"{entry.color}2e",
            **edge,
            **common,
        ),
        line,
    ]


def _numbers(value: Interval) -> list[float | None]:
    ends = (value.mean, value.low, value.high)
    return [None if number is None else tidy(number) for number in ends]
