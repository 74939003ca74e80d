"""Pictures that compare models of one data set: accuracy, training time and size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from task3_MNIST.evaluation.pairs import planned_comparison, validation_accuracy
from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.formatting import short
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.plots import style
from task3_MNIST.plots.learning_curves import draw_learning_curves
from task3_MNIST.plots.model_size import draw_size
from task3_MNIST.plots.radar import draw_radar
from task3_MNIST.runs.folder import DEFAULT_DATASET, dataset_folder
from task3_MNIST.runs.records import RunGroup, labels, split_size_study

ROW_INCHES, LETTER_INCHES = 0.36, 0.075
A_FAMILY = 3  # models of a family that a picture of lines shows
LINEAR_RANGE = 20  # bars of a wider range than this would not be seen next to each other


def draw_comparison(groups: Sequence[RunGroup], out: Path) -> list[Path]:
    """Draw one set of figures for each data set and return the files.

    Groups that were never evaluated are left out of what needs the test set. The models of a
    model-size study have a figure of their own for each recipe, `size_<recipe>.png`, and are in
    the others only if next to nothing else was trained.

    Args:
        groups: any.
        out: folder of the figures; those of another data set than MNIST go into a folder of
            its name below it.
    """
    files = []
    for dataset in dict.fromkeys(group.dataset for group in groups):
        folder = out if dataset == DEFAULT_DATASET else out / dataset_folder(dataset)
        members = [group for group in groups if group.dataset == dataset]
        compared, study = split_size_study(members)
        files += _draw_set(compared, folder) + _draw_study(study, members, folder)
    return files


def _draw_study(study: list[RunGroup], groups: list[RunGroup], folder: Path) -> list[Path]:
    evaluated = [group for group in groups if group.tests("test_accuracy")]
    others = [group for group in evaluated if group not in study]
    return [
        draw_size(
            [group for group in study if group.name == name and group in evaluated],
            [group for group in others if group.name == name],
            folder / f"size_{name}.png",
        )
        for name in dict.fromkeys(group.name for group in study if group in evaluated)
    ]


def _draw_set(groups: list[RunGroup], folder: Path) -> list[Path]:
    dataset = Path(groups[0].dataset).name
    evaluated = [group for group in groups if group.tests("test_accuracy")]
    by_epoch = [group for group in groups if group.curve("epoch")[0]]  # baselines have none
    files = [
        _draw_bars(
            groups,
            lambda group: group.summaries("train_seconds"),
            f"Training time on {dataset}",
            "seconds, all epochs or the fit, without loading data and writing files",
            lambda seconds: f"{seconds:,.3g} s",
            folder / "training_time.png",
            _machines(groups),
        ),
        _draw_bars(
            groups,
            lambda group: [size / 1000 for size in group.summaries("model_bytes")[:1]],
            f"Model size on {dataset}",
            "kilobytes of parameters and buffers; of a baseline, of its pickle"
            if any(group.family == sklearn_baselines.FAMILY for group in groups)
            else "kilobytes of parameters and buffers",
            lambda kilobytes: f"{short(1000 * kilobytes)}B",
            folder / "model_size.png",
        ),
    ]
    if by_epoch:
        shown, how = few(by_epoch)
        files.append(draw_learning_curves(shown, folder / "learning_curves.png", how))
    if evaluated:
        files.insert(0, _draw_accuracy(evaluated, folder / "accuracy.png"))
        shown, how = few(evaluated)
        radar = draw_radar(shown, folder / "radar.png", how)
        files += [radar] if radar else []
    return files


def few(groups: list[RunGroup]) -> tuple[list[RunGroup], str]:
    """Return all of few groups; of many, the best networks of each family, each model once.

    More than half a dozen lines hide each other. Best by validation accuracy; the two that the
    comparison leads with come first.

    Returns:
        the groups, and in a sentence how they were chosen.
    """
    if len(groups) <= 2 * A_FAMILY:
        return groups, ""
    led = [groups[place] for place in planned_comparison(groups) or ()]
    ranked = sorted(groups, key=lambda group: (group not in led, -validation_accuracy(group)))
    shown = []
    for family in ("mlp", "cnn"):
        of_family = [group for group in ranked if group.family == family]
        best = {group.model: group for group in reversed(of_family)}  # of each model the first
        shown += sorted(best.values(), key=ranked.index)[:A_FAMILY]
    return shown, f"The {A_FAMILY} best of each family by validation."


def _draw_accuracy(groups: list[RunGroup], path: Path) -> Path:
    accuracies = {group: group.tests("test_accuracy") for group in groups}
    rows = sorted(groups, key=lambda group: mean_interval(accuracies[group]).mean)
    figure, axes = _new_rows(rows)
    for position, group in enumerate(rows):
        values = accuracies[group]
        interval = mean_interval(values)
        color = style.FAMILY_COLORS[group.family]
        axes.plot(values, [position] * len(values), "o", color=color, alpha=0.3, markersize=4)
        if len(values) > 1:
            axes.plot([interval.low, interval.high], [position] * 2, color=color, linewidth=2.5)
        axes.plot(interval.mean, position, style.FAMILY_MARKERS[group.family], color=color)
        spread = f" ± {100 * (interval.high - interval.mean):.2f}" if len(values) > 1 else ""
        _write_value(axes, position, f"{100 * interval.mean:.2f}{spread} % (n={len(values)})")
    style.percent_axis(axes.xaxis)
    axes.margins(x=0.08)
    axes.set_xlim(right=min(axes.get_xlim()[1], 1.0005))
    axes.set_xlabel("test images classified correctly; the axis does not start at 0")
    style.add_title(
        figure,
        f"Test accuracy on {Path(rows[0].dataset).name}",
        "Mean over n seeds with its 95 % t-interval; faint dots are single seeds. "
        "Models whose intervals overlap are not ranked by this order.",
    )
    return style.save(figure, path)


def _draw_bars(
    groups: list[RunGroup],
    measure: Callable[[RunGroup], list[float]],
    title: str,
    unit: str,
    text: Callable[[float], str],
    path: Path,
    note: str = "",
) -> Path:
    """Draw a bar for each group's mean, from 0, or logarithmic where the range is too wide."""
    intervals = {group: mean_interval(measure(group)) for group in groups}
    rows = sorted(groups, key=lambda group: -intervals[group].mean)
    means = [intervals[group].mean for group in rows]
    figure, axes = _new_rows(rows)
    base = 0.0
    if 0 < min(means) < max(means) / LINEAR_RANGE:
        base = 10.0 ** math.floor(math.log10(min(means) / 1.5))
        axes.set_xscale("log")
        style.log_axis(axes.xaxis)
        unit += f"; logarithmic, bars start at {text(base)}"
    for position, group in enumerate(rows):
        interval, count = intervals[group], len(measure(group))
        axes.barh(
            position,
            interval.mean - base,
            left=base,
            height=0.6,
            color=style.FAMILY_COLORS[group.family],
            alpha=0.85,
        )
        if count > 1:
            ends = [max(interval.low, base), interval.high]
            axes.plot(ends, [position] * 2, color=style.INK, linewidth=1.5)
        spread = f" ± {text(interval.high - interval.mean)}" if count > 1 else ""
        counted = f" (n={count})" if note else ""
        _write_value(axes, position, f"{text(interval.mean)}{spread}{counted}")
    axes.set_xlim(left=base)
    axes.set_xlabel(unit)
    style.add_title(figure, title, note)
    return style.save(figure, path)


def _new_rows(rows: list[RunGroup]):
    """Return a figure whose axes have a labeled row for each group, the last on top."""
    names = labels(rows)
    longest = max(len(name) for name in names.values())
    figure = style.new_figure(6.6 + LETTER_INCHES * longest, ROW_INCHES * len(rows) + 1.6)
    axes = style.plain_axes(figure.add_subplot(), grid="x")
    axes.set_yticks(range(len(rows)), [names[group] for group in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="y", length=0)
    style.family_legend(figure, {group.family for group in rows})
    return figure, axes


def _write_value(axes, position: int, text: str) -> None:
    axes.text(
        1.02,
        position,
        text,
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=9,
        color=style.INK,
    )


def _machines(groups: list[RunGroup]) -> str:
    """Return where the times were measured: another machine makes them another quantity."""
    configs = [run.config for group in groups for run in group.runs]
    machines = {(config.cpu, config.device, config.threads) for config in configs}
    if len(machines) > 1:
        return f"Measured on {len(machines)} different machines or thread counts: not comparable."
    cpu, device, threads = machines.pop()
    where = f"{cpu}, {threads} threads" if device == "cpu" else device
    return f"Mean over n seeds with its 95 % t-interval; measured on {where}."
