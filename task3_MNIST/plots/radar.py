"""Radar of five qualities, each on a stated logarithmic scale, a small one for each model."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from task3_MNIST.formatting import short
from task3_MNIST.plots import style
from task3_MNIST.runs.records import RunGroup, labels

COLUMNS, TITLE_LETTERS = 3, 32
# a logarithm has no zero: errors below 0.01 % are drawn as that, all else below 1e-9 as that
SMALLEST, NEARLY_NONE = 1e-4, 1e-9


@dataclass(frozen=True)
class Quality:
    """One spoke: from which figure, how measured and written, and which end is good."""

    name: str
    key: str
    measure: Callable[[RunGroup], float]
    text: Callable[[float], str]
    more_is_better: bool = False


QUALITIES = (
    Quality(
        "accuracy",
        "test_accuracy",
        lambda group: max(1 - fmean(group.tests("test_accuracy")), SMALLEST),
        lambda error: f"{100 * (1 - error):.5g} % of test images correct",
    ),
    Quality(
        "speed",
        "images_per_second",
        lambda group: fmean(group.summaries("images_per_second")),
        lambda speed: f"{speed:,.0f} training images/s",
        more_is_better=True,
    ),
    Quality(
        "size",
        "model_bytes",
        lambda group: fmean(group.summaries("model_bytes")),
        lambda size: f"{short(size)}B",
    ),
    Quality(
        "latency",
        "latency_seconds",
        lambda group: fmean(group.tests("latency_seconds")),
        lambda seconds: f"{1000 * seconds:.4g} ms for one image",
    ),
    Quality(
        "calibration",
        "ece",
        lambda group: max(fmean(group.tests("ece")), SMALLEST),
        lambda error: f"{100 * error:.4g} % calibration error",
    ),
)


def draw_radar(evaluated: list[RunGroup], path: Path, chosen: str = "") -> Path | None:
    """Draw a radar for each group on the same scales, the others faint behind it.

    Groups that lack a quality, as baselines do, are left out; None if that leaves none.

    Args:
        evaluated: groups of one data set.
        path: the PNG file.
        chosen: how they were chosen among more, as a sentence.
    """
    groups = [group for group in evaluated if _has_all(group)]
    if not groups:
        return None
    lacking = [group.model for group in evaluated if group not in groups]
    values = {
        group: [max(quality.measure(group), NEARLY_NONE) for quality in QUALITIES]
        for group in groups
    }
    ends = [bracket(list(column)) for column in zip(*values.values(), strict=True)]
    shapes = {
        group: [
            position(value, *end, quality.more_is_better)
            for value, quality, end in zip(row, QUALITIES, ends, strict=True)
        ]
        for group, row in values.items()
    }
    columns = min(COLUMNS, len(groups))
    lines = math.ceil(len(groups) / columns)
    figure = style.new_figure(max(2.9 * columns, 7.5), 2.4 * lines + 1.8)
    panels = figure.subplots(
        lines, columns, squeeze=False, subplot_kw={"projection": "polar"}
    ).flatten()
    names = labels(groups)
    for axes, group in zip(panels, groups, strict=False):
        _draw_one(axes, group, shapes)
        axes.set_title(textwrap.fill(names[group], TITLE_LETTERS), fontsize=10, pad=14)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    scales = "\n".join(
        f"{quality.name}: center {quality.text(worst)}, rim {quality.text(best)}"
        for quality, end in zip(QUALITIES, ends, strict=True)
        for worst, best in [end if quality.more_is_better else reversed(end)]
    )
    style.add_title(
        figure,
        f"Five qualities on {Path(groups[0].dataset).name}: further out is better",
        f"Means over seeds, logarithmic scales (of the error for accuracy):\n{scales}\n"
        "Gray outlines: the other models. The area has no meaning."
        + f" {chosen}".rstrip()
        + (f" Not drawn, for want of a figure: {', '.join(lacking)}." if lacking else ""),
    )
    return style.save(figure, path)


def _has_all(group: RunGroup) -> bool:
    """Return whether an evaluated group has every figure: baselines lack some."""
    run = group.evaluated[0]
    figures = {**vars(run.summary), **vars(run.test)}
    return all(figures[quality.key] is not None for quality in QUALITIES)


def bracket(values: list[float]) -> tuple[float, float]:
    """Return the closest numbers of the form 1, 2 or 5 times 10^k below and above all values."""
    steps = [digit * 10.0**power for power in range(-10, 17) for digit in (1, 2, 5)]
    low = max(step for step in steps if step < min(values))
    high = min(step for step in steps if step > max(values))
    return low, high


def position(value: float, low: float, high: float, more_is_better: bool) -> float:
    """Return where a value lies on its spoke: 0 in the center and worst, 1 at the rim and best."""
    share = math.log(value / low) / math.log(high / low)
    return share if more_is_better else 1 - share


def _draw_one(axes, shown: RunGroup, shapes: dict[RunGroup, list[float]]) -> None:
    angles = [2 * math.pi * spoke / len(QUALITIES) for spoke in range(len(QUALITIES))]
    closed = [*angles, angles[0]]
    for group, shape in shapes.items():
        if group != shown:
            axes.plot(closed, [*shape, shape[0]], color="#BBBBBB", linewidth=0.6)
    color, shape = style.FAMILY_COLORS[shown.family], shapes[shown]
    axes.plot(closed, [*shape, shape[0]], color=color, linewidth=1.8, marker="o", markersize=3)
    axes.fill(angles, shape, color=color, alpha=0.2)
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75], [])
    axes.set_xticks(angles, [quality.name for quality in QUALITIES], fontsize=8)
    axes.grid(color=style.GRID)
    axes.spines["polar"].set_color(style.MUTED)
