"""Learning curves of several models on one axis, mean and band over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.plots import style
from task3_MNIST.runs.records import RunGroup, labels


def draw_learning_curves(groups: list[RunGroup], path: Path, chosen: str = "") -> Path:
    """Draw training and validation, accuracy and loss, of all groups, and return the file.

    Args:
        groups: of one data set; all have epochs.
        path: the PNG file.
        chosen: how they were chosen among more, as a sentence.
    """
    names, looks = labels(groups), colors(groups)
    figure = style.new_figure(11.0, 7.5)
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for axes, (measure, split) in zip(
        panels.flat, product(("accuracy", "loss"), ("train", "val")), strict=True
    ):
        style.plain_axes(axes)
        axes.set_title(style.SPLITS[split] + " " + measure, loc="left", fontsize=10)
        for group in groups:
            _draw_group(axes, group, f"{split}_{measure}", looks[group])
    longest = max(max(group.curve("epoch")[0], default=1) for group in groups)
    for axes in panels.flat:
        style.epoch_axis(axes, longest)
    for axes in panels[0]:
        axes.set_xlabel("")
    style.percent_axis(panels[0, 0].yaxis)
    panels[1, 0].set_yscale("log")
    style.log_axis(panels[1, 0].yaxis)
    panels[0, 0].set_ylim(top=min(panels[0, 0].get_ylim()[1], 1.002))
    panels[1, 0].set_ylabel("mean cross-entropy (nats), logarithmic")
    panels[0, 0].set_ylabel("images classified correctly")
    # an accuracy rises: the corner below it is free, while a legend outside covers the caption
    panels[0, 1].legend(
        panels[0, 0].get_lines(),
        [f"{names[group]} (n={len(group.runs)})" for group in groups],
        loc="lower right",
        fontsize=9,
        frameon=False,
    )
    style.add_title(
        figure,
        f"Learning curves on {Path(groups[0].dataset).name}",
        "Mean over n seeds, with its 95 % t-interval as a band where n > 1. Training figures are "
        "running means over each epoch, with augmentation and dropout where the recipe has them. "
        + chosen,
    )
    return style.save(figure, path)


def _draw_group(axes, group: RunGroup, key: str, color: str) -> None:
    epochs, values = group.curve(key)
    intervals = [mean_interval(seeds) for seeds in values]
    means = [interval.mean for interval in intervals]
    axes.plot(epochs, means, color=color, marker="o", markersize=3, linewidth=1.6)
    if len(group.runs) > 1:
        low = [max(interval.low, 0) for interval in intervals]
        high = [interval.high for interval in intervals]
        axes.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)


def colors(groups: Sequence[RunGroup]) -> dict[RunGroup, str]:
    """Return a color for each group, of its family."""
    met: dict[str, int] = {}
    found = {}
    for group in groups:
        hues = style.HUES[group.family]
        found[group] = hues[met.setdefault(group.family, 0) % len(hues)]
        met[group.family] += 1
    return found
