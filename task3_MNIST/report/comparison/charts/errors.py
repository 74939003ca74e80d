"""Where models err: errors of each class, and the frame of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from plotly import graph_objects as go

from task3_MNIST.report.chart import chart, plain, rows_layout
from task3_MNIST.report.comparison.rows import Entry, tidy


def class_heatmap(
    entries: Sequence[Entry], name: str = "classes", ranked: bool = True
) -> dict[str, Any]:
    """Return the chart of each model's errors by true class.

    Args:
        entries: those of them that were evaluated are shown.
        name: the chart's.
        ranked: whether to order them by accuracy.
    """
    tested = [entry for entry in entries if entry.median]
    if ranked:
        tested.sort(key=lambda entry: -entry.median.test.test_accuracy)
    confusions = np.array(
        [entry.median.test.confusion for entry in tested]
    )  # (M, classes, classes)
    correct = confusions.diagonal(axis1=1, axis2=2)
    support = confusions.sum(2)
    errors = support - correct  # (M, classes)
    share = errors / np.maximum(support, 1)
    classes = tested[0].group.class_names
    labels = [plain(name) for name in classes]
    figure = go.Figure(
        go.Heatmap(
            x=labels,
            y=[plain(entry.name) for entry in tested],
            # the root: one poor model must not leave all others without color
            z=[[tidy(value) for value in row] for row in np.sqrt(share)],
            zmin=0,
            text=errors.tolist(),
            texttemplate="%{text}",
            hovertext=[
                [
                    f"{plain(entry.name)}<br>{count} of {total} with class {label}<br>"
                    f"are misclassified ({count / max(total, 1):.2%})"
                    for label, count, total in zip(labels, counts, totals, strict=True)
                ]
                for entry, counts, totals in zip(tested, errors, support, strict=True)
            ],
            hoverinfo="text",
            xgap=2,
            ygap=2,
            showscale=False,
            meta={"scale": "errors", "places": [entry.place for entry in tested]},
        )
    )
    figure.update_layout(
        **rows_layout(len(tested)),
        xaxis={"title": {"text": "true class"}, "type": "category", "showgrid": False},
        yaxis={
            "autorange": "reversed",
            "automargin": True,
            "type": "category",
            "tickmode": "linear",
            "showgrid": False,
        },
    )
    return chart(
        name,
        _class_finding(errors, classes, tested),
        "Numbers are misclassified test images; a stronger color is a larger share of the class. "
        "Of several seeds, the run of median accuracy.",
        figure,
        ("model", *(f"errors on {label}" for label in classes), "all errors"),
        [(entry.name, *row, sum(row)) for entry, row in zip(tested, errors.tolist(), strict=True)],
    )


def confusion_frame() -> dict[str, Any]:
    """Return the figure of a confusion matrix without classes and counts, which the page adds."""
    figure = go.Figure(
        go.Heatmap(
            x=[],
            y=[],
            z=[],
            text=[],
            texttemplate="%{text}",
            hoverinfo="text",
            xgap=2,
            ygap=2,
            showscale=False,
            meta={"scale": "errors"},
        )
    )
    axis = {"type": "category", "showgrid": False, "fixedrange": True}
    figure.update_layout(
        height=400,
        xaxis={**axis, "title": {"text": "predicted"}},
        yaxis={**axis, "title": {"text": "true"}, "autorange": "reversed"},
    )
    return chart("confusion", "", "", figure, (), ())["figure"]


def _class_finding(errors: np.ndarray, classes: Sequence[str], tested: Sequence[Entry]) -> str:
    by_class = errors.sum(0)
    if not by_class.any():
        return "No test image is misclassified"
    hardest, easiest = int(by_class.argmax()), int(by_class.argmin())
    whose = {1: tested[0].name, 2: "both models together"}.get(
        len(tested), f"all {len(tested)} models together"
    )
    return (
        f"Class {classes[hardest]} is the hardest: {by_class[hardest]:,} errors by {whose}, "
        f"compared with {by_class[easiest]:,} on class {classes[easiest]}"
    )
