"""Accuracy by what a size costs: a line for each depth of a grid, through its widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.models import registry
from task3_MNIST.plots import style
from task3_MNIST.runs.records import RunGroup

# the deeper, the darker; the dashes distinguish depths without color
LOOKS = (("-", 0.45), ("--", 0.2), ("-.", 0.0), (":", -0.35))
SMALLEST_ERROR = 1e-5  # a logarithm has no zero
FAR = 1.5  # that many times the worst error of the study: other models would take its room
NAME_POINTS = 7


@dataclass(frozen=True)
class Cost:
    """What a size costs: the panel's axis, and where the figure comes from."""

    axis: str
    measure: Callable[[RunGroup], float]


COSTS = (
    Cost("parameters", lambda group: group.summaries("parameters")[0]),
    Cost("floating-point operations of one image", lambda group: group.summaries("flops")[0]),
    Cost("training, seconds", lambda group: fmean(group.summaries("train_seconds"))),
    Cost(
        "latency of one image, milliseconds",
        lambda group: 1000 * fmean(group.tests("latency_seconds")),
    ),
)


def draw_size(study: Sequence[RunGroup], others: Sequence[RunGroup], path: Path) -> Path:
    """Draw test accuracy by each cost, and return the file.

    Args:
        study: evaluated models of the grids, of one data set and recipe.
        others: evaluated models besides, by the same recipe: drawn as single points, but for
            those far worse than the study, which would take the room from it.
        path: the PNG file.
    """
    from matplotlib.lines import Line2D

    figure = style.new_figure(11.0, 9.0)
    panels = figure.subplots(2, 2, sharey=True).flatten()
    lines = depths(study)
    worst = max(_error(_interval(group).mean) for group in study)
    shown = [group for group in others if _error(_interval(group).mean) <= FAR * worst]
    handles = [Line2D([], [], **_looks(*key)) for key in lines]
    names = [
        f"{family.upper()}, {depth} layer{'s' if depth > 1 else ''}" for family, depth in lines
    ]
    _set_accuracy_axis(panels[0], [_interval(group).mean for group in (*study, *shown)])
    for axes, cost in zip(panels, COSTS, strict=True):
        style.plain_axes(axes, grid="both")
        axes.set_xscale("log")
        style.short_log_axis(axes.xaxis)
        axes.set_xlabel(cost.axis)
        _set_cost_axis(axes, [cost.measure(group) for group in (*study, *shown)])
        for key, line in lines.items():
            _draw(axes, line, cost, **_looks(*key))
        for group in shown:
            color = style.FAMILY_COLORS[group.family]
            _draw(axes, [group], cost, marker="D", color=color, markerfacecolor="white")
    for axes in (panels[0], panels[2]):
        axes.set_ylabel("test images classified correctly (logarithm of the errors)")
    if shown:
        handles.append(Line2D([], [], linestyle="", marker="D", color=style.MUTED, mfc="white"))
        names.append("other models")
    figure.legend(
        handles,
        names,
        loc="outside upper right",
        ncols=4,
        fontsize=9,
        frameon=False,
        handlelength=3,
    )
    [recipe] = {group.name for group in study}
    below = [group.model for group in others if group not in shown]
    style.add_title(
        figure,
        f"Size and accuracy on {Path(study[0].dataset).name}, {recipe}",
        "A line is a depth, from the narrowest model to the widest. Means over seeds; bars are "
        "their 95 % t-intervals, cut at the frame; one seed has none. Other models are by the "
        "same recipe" + (f"; below the frame: {', '.join(below)}." if below else "."),
    )
    figure.draw_without_rendering()  # names find room by where all else lies
    for axes, cost in zip(panels, COSTS, strict=True):
        _write_names(axes, shown, cost)
    return style.save(figure, path)


def depths(study: Sequence[RunGroup]) -> dict[tuple[str, int], list[RunGroup]]:
    """Return the models of each family and depth, the narrowest first."""
    sizes = {group: registry.size_of(group.model) for group in study}
    ordered = sorted(study, key=lambda group: (group.family != "mlp", *sizes[group]))
    lines: dict[tuple[str, int], list[RunGroup]] = {}
    for group in ordered:
        lines.setdefault((group.family, sizes[group][0]), []).append(group)
    return lines


def _looks(family: str, depth: int) -> dict[str, Any]:
    dash, paler = LOOKS[depth - 1]
    goal = 1.0 if paler > 0 else 0.0
    parts = [int(style.FAMILY_COLORS[family][place : place + 2], 16) / 255 for place in (1, 3, 5)]
    mixed = tuple(part + abs(paler) * (goal - part) for part in parts)
    return {"color": mixed, "linestyle": dash, "marker": style.FAMILY_MARKERS[family]}


def _set_accuracy_axis(axes, means: Sequence[float]) -> None:
    axes.set_yscale("log")
    axes.set_yticks([1 - accuracy for accuracy in style.ACCURACY_TICKS])
    axes.set_yticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda error, _: f"{100 * (1 - error):.4g} %")
    # the bar of two seeds may be wider than the range of all means: the means have the room
    errors = [_error(mean) for mean in means]
    axes.set_ylim(max(errors) * 1.3, min(errors) / 1.3)


def _set_cost_axis(axes, costs: Sequence[float]) -> None:
    # where all cost the same, matplotlib's own limits may fall together
    low, high = min(costs), max(costs)
    room = max((high / low) ** 0.05, 1.2)
    axes.set_xlim(low / room, high * room)


def _draw(axes, line: Sequence[RunGroup], cost: Cost, **looks) -> None:
    intervals = [_interval(group) for group in line]
    errors = [_error(interval.mean) for interval in intervals]
    below, above = (
        [
            0 if end is None else abs(error - _error(end))
            for error, end in zip(errors, ends, strict=True)
        ]
        for ends in zip(*((one.high, one.low) for one in intervals), strict=True)
    )
    costs = [cost.measure(group) for group in line]
    marks = axes.errorbar(
        costs, errors, [below, above], markersize=5, linewidth=1.6, elinewidth=0.8, **looks
    )
    for bar in marks[2]:
        bar.set_alpha(0.6)


def _write_names(axes, others: Sequence[RunGroup], cost: Cost) -> None:
    """Name the models whose names would not lie on an earlier one's."""
    letter = NAME_POINTS * style.DPI / 72  # its height in pixels, and more than its width
    taken: list[tuple[float, float, int]] = []
    for group in others:
        at = cost.measure(group), _error(_interval(group).mean)
        x, y = axes.transData.transform(at)
        length = len(group.model)
        if any(
            abs(y - top) < 1.2 * letter
            and x < left + 0.7 * letter * letters
            and left < x + 0.7 * letter * length
            for left, top, letters in taken
        ):
            continue
        taken.append((x, y, length))
        axes.annotate(
            group.model,
            at,
            xytext=(5, -2.5),
            textcoords="offset points",
            fontsize=NAME_POINTS,
            color=style.INK,
            annotation_clip=True,
        )


def _interval(group: RunGroup) -> Interval:
    return mean_interval(group.tests("test_accuracy"))


def _error(accuracy: float) -> float:
    return max(1 - accuracy, SMALLEST_ERROR)
