"""Calibration of the models, and a radar chart of five measures."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from plotly import graph_objects as go

from task3_MNIST.formatting import listing, percent
from task3_MNIST.report.chart import chart, left_out, plain
from task3_MNIST.report.comparison.rows import Entry, tidy


def reliability(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the reliability diagram: accuracy of the images of each confidence.

    None if no entry says how sure it is.
    """
    tested = [entry for entry in entries if entry.median and "ece" in entry.figures]
    if not tested:
        return None
    unsure = [entry.name for entry in entries if entry.median and entry not in tested]
    figure = go.Figure(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": "#808790", "width": 1, "dash": "dot"},
            name="confidence = accuracy",
            hoverinfo="skip",
        )
    )
    rows = []
    for entry in tested:
        bins = entry.median.test.reliability
        rows += [
            (entry.name, tidy(bin_.confidence), tidy(bin_.accuracy), bin_.count) for bin_ in bins
        ]
        figure.add_trace(
            go.Scatter(
                x=[tidy(bin_.confidence) for bin_ in bins],
                y=[tidy(bin_.accuracy) for bin_ in bins],
                mode="lines+markers",
                name=plain(entry.name),
                line={"color": entry.color},
                marker={
                    "symbol": entry.symbol,
                    # area by the count's root: most images lie in the last bin
                    "size": [tidy(5 + 2 * math.log10(max(bin_.count, 1))) for bin_ in bins],
                },
                hovertext=[
                    f"{plain(entry.name)}<br>of {bin_.count:,} images at confidence "
                    f"{percent(bin_.confidence, 1)},<br>{percent(bin_.accuracy, 1)} are correct"
                    for bin_ in bins
                ],
                hoverinfo="text",
                meta={"place": entry.place},
            )
        )
    figure.update_xaxes(title_text="confidence", range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(title_text="accuracy", range=[0, 1.04], tickformat=".0%")
    return chart(
        "reliability",
        _reliability_finding(tested),
        "Below the dotted line, a model is overconfident. Larger marks are more images; "
        "of several seeds, the run of median accuracy."
        + left_out(unsure, "they give no probabilities"),
        figure,
        ("model", "confidence", "accuracy", "images"),
        rows,
    )


class Measure(NamedTuple):
    """A radar axis: less of the figure is better."""

    key: str
    word: str
    unit: str
    scale: float = 1.0


MEASURES = (
    Measure("error", "errors", "%", 100),
    Measure("train_seconds", "training time", "s"),
    Measure("latency_seconds", "latency", "ms", 1e3),
    Measure("model_bytes", "model size", "kB", 1e-3),
    Measure("ece", "calibration error", "%", 100),
)


def radar(entries: Sequence[Entry], most_accurate: Collection[Entry]) -> dict[str, Any] | None:
    """Return the radar over errors, training time, latency, size and calibration.

    Entries that lack a measure are left out; None if that leaves none.

    Args:
        entries: all of a data set.
        most_accurate: those whose accuracy is not significantly worse than the best one's.
    """
    tested = [entry for entry in entries if entry.accuracy and _has_all(entry)]
    if not tested:
        return None
    lacking = [entry.name for entry in entries if entry.accuracy and entry not in tested]
    values = [[_value(entry, measure) for measure in MEASURES] for entry in tested]
    scales = [_decades(column) for column in zip(*values, strict=True)]
    corners = [
        f"{measure.word.replace(' ', '<br>')}<br>{worst:g} → {best:g} {measure.unit}"
        for measure, (worst, best) in zip(MEASURES, scales, strict=True)
    ]
    figure = go.Figure()
    for entry, row in zip(tested, values, strict=True):
        radii = [_radius(value, scale) for value, scale in zip(row, scales, strict=True)]
        figure.add_trace(
            go.Scatterpolar(
                r=[*radii, radii[0]],
                theta=[*corners, corners[0]],
                name=plain(entry.name),
                line={"color": entry.color},
                fill="toself",
                fillcolor=f"{entry.color}26",
                marker={"symbol": entry.symbol, "size": 7},
                hovertext=[
                    f"{plain(entry.name)}<br>{measure.word}: {value:.3g} {measure.unit}"
                    for measure, value in zip(MEASURES, row, strict=True)
                ],
                hoverinfo="text",
                meta={"place": entry.place},
            )
        )
    figure.update_polars(
        radialaxis={"range": [0, 1], "showticklabels": False, "ticks": ""},
        angularaxis={"rotation": 90, "direction": "clockwise"},
    )
    drawn = chart(
        "radar",
        _radar_finding(tested, values, most_accurate),
        "Farther out is better on every axis. Each scale is logarithmic, from the center's value "
        "to the rim's, as written at its corner: powers of ten around all models here."
        + left_out(lacking, "they lack one of the measures"),
        figure,
        ("model", *(f"{measure.word}, {measure.unit}" for measure in MEASURES)),
        [
            (entry.name, *(tidy(value) for value in row))
            for entry, row in zip(tested, values, strict=True)
        ],
    )
    drawn["figure"]["layout"] |= {
        "margin": {"l": 80, "r": 80, "t": 60, "b": 60},
        "legend": {"y": -0.2, "yanchor": "top"},
    }
    return drawn


def _has_all(entry: Entry) -> bool:
    return all(measure.key in {"error", *entry.figures} for measure in MEASURES)


def _value(entry: Entry, measure: Measure) -> float:
    if measure.key == "error":
        return (1 - entry.accuracy.mean) * measure.scale
    return entry.figures[measure.key] * measure.scale


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Return the worst and the best end of a scale: powers of ten around the values."""
    exponents = [math.log10(max(value, 1e-6)) for value in values]
    return 10.0 ** (math.floor(max(exponents)) + 1), 10.0 ** (math.ceil(min(exponents)) - 1)


def _radius(value: float, scale: tuple[float, float]) -> float:
    worst, best = (math.log10(end) for end in scale)
    return tidy((worst - math.log10(max(value, 1e-6))) / (worst - best))


def _reliability_finding(tested: Sequence[Entry]) -> str:
    ranked = sorted(tested, key=lambda entry: entry.figures["ece"])
    ends = [f"{percent(entry.figures['ece'])} ({entry.name})" for entry in (ranked[0], ranked[-1])]
    if len(ranked) == 1:
        return f"The expected calibration error (ECE) is {ends[0]}"
    return f"The expected calibration error (ECE) is between {ends[0]} and {ends[1]}"


def _radar_finding(
    tested: Sequence[Entry], values: Sequence[Sequence[float]], most_accurate: Collection[Entry]
) -> str:
    if len(tested) == 1:
        return f"{tested[0].name} on five measures"
    led: dict[str, list[str]] = {}
    nobody: list[str] = []
    for measure, column in zip(MEASURES, zip(*values, strict=True), strict=True):
        best = min(column)
        first = [entry for entry, value in zip(tested, column, strict=True) if value == best]
        if measure.key == "error":
            # where the most accurate lacks another measure, nobody drawn here is ahead
            drawn = all(entry in tested for entry in most_accurate)
            first = list(most_accurate) if drawn else []
        if len(first) > 1:
            nobody.append(measure.word)
        elif first:
            led.setdefault(first[0].name, []).append(measure.word)
    parts = [f"{name} is ahead in {listing(words)}" for name, words in led.items()]
    parts += [f"several share the lead in {listing(nobody)}"] if nobody else []
    return "; ".join(parts)
