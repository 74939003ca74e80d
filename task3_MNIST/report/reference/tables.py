"""The tables of README and docs, made from the files under `results/reference`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.experiments.speed.files import Profile, Speedrun, read_speed_files
from task3_MNIST.experiments.speed.text import ratio_text
from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import with_ends
from task3_MNIST.models import registry
from task3_MNIST.models.sklearn_baselines import BASELINES
from task3_MNIST.report.comparison.ensembles import (
    ensemble_interval,
    how_read,
    picked,
    selection_gain,
    tta_interval,
)
from task3_MNIST.report.comparison.published import COLUMNS, EVERYDAY, published_rows
from task3_MNIST.report.comparison.verdicts import spread
from task3_MNIST.report.reference import peers, records
from task3_MNIST.report.studies.page import read_studies
from task3_MNIST.runs.folder import DEFAULT_DATASET
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.records import RunGroup, split_size_study
from task3_MNIST.training.recipes import RECIPES

MARKS = "<!-- {name}: made by task3_MNIST/update_reference.py -->\n"
END = "<!-- end -->"
ENSEMBLE_COLUMNS = (
    "model",
    "recipe",
    "ensemble of the seeds",
    "with test-time augmentation",
    "points gained by picking the epoch on the test set, over validation's choice",
    "over the last epoch",
    "training a seed",
)


def with_tables(text: str, reference: Path) -> str:
    """Return a document with each table between its marks made again.

    Args:
        text: has, for every table of `TABLES` it shows, its mark and an end mark.
        reference: the folder of the reference results, `runs.csv` in it.

    Raises:
        UserError: a file there is missing or damaged.
    """
    for name, table in TABLES.items():
        mark = MARKS.format(name=name)
        if mark not in text:
            continue
        pattern = re.escape(mark) + r".*?" + re.escape(END)
        fresh = mark + "\n" + table(reference) + "\n" + END
        text = re.sub(pattern, lambda _, fresh=fresh: fresh, text, flags=re.S)
    return text


# the default MLP and CNN, the most accurate ones, the fastest
HEADLINE = (
    *(("mlp", "fast"), ("mlp_strong", "strong+full-train")),
    *(("cnn", "fast"), ("cnn_strong", "strong+full-train"), ("cnn_whitened", "fast")),
)


def headline_table(reference: Path) -> str:
    """Return the few models that a newcomer asks for, as far as they were measured."""
    groups = {(group.model, group.name): group for group in _groups(reference)}
    rows = [
        [
            f"`{model}`",
            f"`{name}`",
            f"{groups[model, name].summaries('parameters')[0]:,}",
            _accuracy(groups[model, name]),
            _time(groups[model, name]),
        ]
        for model, name in HEADLINE
        if (model, name) in groups
    ]
    head = ["model", "recipe", "parameters", "test accuracy", "training, one thread (median)"]
    return _markdown(head, rows)


def accuracy_table(reference: Path) -> str:
    """Return every model's test accuracy with each recipe; a size study has its own table."""
    compared, _ = split_size_study(_groups(reference))
    rows = []
    for model in sorted({group.model for group in compared}, key=_place_of_model):
        groups = {group.name: group for group in compared if group.model == model}
        parameters = next(iter(groups.values())).summaries("parameters")[0]
        everyday = [_accuracy(groups.pop(recipe, None)) for recipe in EVERYDAY]
        others = [f"{_accuracy(group)} with `{name}`" for name, group in groups.items()]
        rows.append(
            [
                f"`{model}`",
                "–" if parameters is None else f"{parameters:,}",
                *everyday,
                "<br>".join(others) or "–",
            ]
        )
    heads = ["model", "parameters", *(f"`{recipe}`" for recipe in EVERYDAY)]
    return _markdown([*heads, "other recipes"], rows)


def ensemble_table(reference: Path) -> str:
    """Return what ensembles, test-time augmentation and picking by the test set add to `strong`."""
    groups = [group for group in _groups(reference) if group.name.split("+")[0] == "strong"]
    if not groups:
        return _markdown(ENSEMBLE_COLUMNS, [])
    labels = load_test(DEFAULT_DATASET, REPOSITORY / "data").labels.numpy()
    rows = []
    for group in groups:
        gains = [selection_gain(run) for run in group.runs]
        ensemble, tta = ensemble_interval(group, labels), tta_interval(group)
        over = [picked(gains, which) for which in ("over_validation", "over_last")]
        if not any((ensemble, tta, *over)):
            continue
        rows.append(
            [
                f"`{group.model}`",
                f"`{group.name}`",
                f"{_percent(ensemble)}, {len(group.runs)} seeds" if ensemble else "–",
                f"{_percent(tta)}, n={tta.n}" if tta else "–",
                *(
                    f"{with_ends(gain, '{:.2f}', factor=100)}, n={gain.n}{how_read(gains)}"
                    if gain
                    else "–"
                    for gain in over
                ),
                _duration(group),
            ]
        )
    return _markdown(ENSEMBLE_COLUMNS, rows)


def records_table(reference: Path) -> str:
    """Return what fresh seeds read, next to the records before."""
    labels = load_test(DEFAULT_DATASET, REPOSITORY / "data").labels.numpy()
    return _markdown(records.COLUMNS, records.record_rows(_groups(reference), labels))


def size_tables(reference: Path) -> str:
    """Return the test accuracy of a model-size study: of each family and recipe, depth by width."""
    _, studied = split_size_study(_groups(reference))
    tables = []
    for family, name in dict.fromkeys((group.family, group.name) for group in studied):
        sizes = {
            registry.size_of(group.model): _mean_percent(group.tests("test_accuracy"))
            for group in studied
            if (group.family, group.name) == (family, name)
        }
        depths, widths = (sorted(set(steps)) for steps in zip(*sizes, strict=True))
        rows = [
            [f"`{family}_d{depth}_`", *(sizes.get((depth, width), "–") for width in widths)]
            for depth in depths
        ]
        seeds = sorted({len(g.runs) for g in studied if (g.family, g.name) == (family, name)})
        head = f"`{name}`, n={' or '.join(map(str, seeds))}"
        tables.append(_markdown([head, *(f"`w{width}`" for width in widths)], rows))
    return "\n".join(tables)


def published_table(reference: Path) -> str:
    """Return what others report, next to what is measured here."""
    rows = [
        [
            f"[{row.source}]({row.link})" if row.link else row.source,
            row.of,
            row.claimed,
            *(cell if cell == "–" else f"`{cell}`" for cell in (row.model, row.recipe)),
            row.differs,
            row.here,
            row.difference,
        ]
        for row in published_rows(_groups(reference))
    ]
    return _markdown(COLUMNS, rows)


def speed_table(reference: Path) -> str:
    """Return training times, and ratios to those of rivals, from `speedrun.py`'s files."""
    rows = []
    for found in read_speed_files(reference / "speed", Speedrun):
        if found.target is not None:  # in the table of peers
            continue
        seconds = [run.seconds for run in found.runs]
        ratios = [
            f"{ratio_text(found, rival)}: `{rival.model}`, {rival.name}" for rival in found.rivals
        ]
        rows.append(
            [
                f"`{found.model}`",
                f"`{found.recipe}`",
                found.provenance.machine,
                _mean_percent([run.test_accuracy for run in found.runs]),
                f"{spread(seconds, '{:.2f}')} s",
                len(seconds),
                "; ".join(ratios) or "–",
                f"`{_without_out(found.provenance.command)}`",
            ]
        )
    head = [
        *("model", "recipe", "machine", "test accuracy", "training", "runs"),
        *("seconds over those of a rival", "command"),
    ]
    return _markdown(head, rows)


def peers_table(reference: Path) -> str:
    """Return other people's trainings next to ours."""
    return _markdown(peers.HEAD, peers.peer_rows(reference))


def profile_table(reference: Path) -> str:
    """Return what `profile_step.py` measured: arithmetic, rates, and where a step's time goes."""
    rows = []
    for found in read_speed_files(reference / "speed", Profile):
        peak = f"{found.matmul_peak / 1e9:.0f} ({found.precision})"
        shares = ", ".join(
            f"{share:.0%} {kind}" for kind, share in found.shares.items() if share > 0.02
        )
        rows.append(
            [
                f"`{found.model}`, `{found.recipe}`",
                f"{found.images_per_second:,.0f}",
                f"{found.flops_of_run / 1e12:.2f} TFLOP",
                f"{found.flops_per_second / 1e9:.0f} GFLOP/s",
                f"{found.fraction_of_peak * 100:.0f} % of {peak}",
                shares.replace("%", " %"),
            ]
        )
    head = [
        "training",
        "images/s",
        "arithmetic of a training",
        "of a second",
        "of the matrix-product peak",
        "where a step's time goes",
    ]
    return _markdown(head, rows)


STUDIES = "studies"  # the folder of the studies' tables and answers


def studies_table(reference: Path) -> str:
    """Return each study's question, its verdict and its answer."""
    rows = [
        [one.study.question, one.verdict.word if one.verdict else "–", one.answer]
        for one in read_studies(reference / STUDIES)
    ]
    return _markdown(["question", "hypothesis", "answer"], rows)


TABLES: dict[str, Callable[[Path], str]] = {
    "headline": headline_table,
    "accuracy": accuracy_table,
    "records": records_table,
    "ensembles": ensemble_table,
    "size": size_tables,
    "speed": speed_table,
    "peers": peers_table,
    "profile": profile_table,
    "published": published_table,
    "studies": studies_table,
}


def _groups(reference: Path) -> list[RunGroup]:
    """Return the groups on MNIST by recipe, then by model; what is in no table comes last."""
    recipes = list(RECIPES)

    def place(group: RunGroup) -> tuple[Any, ...]:
        recipe = group.name.split("+")[0]
        return _index(recipes, recipe), _place_of_model(group.model), group.name

    found = [group for group in read_groups(reference)[0] if group.dataset == DEFAULT_DATASET]
    return sorted(found, key=place)


def _place_of_model(model: str) -> tuple[int, str]:
    """Return what sorts models as their tables have them."""
    return _index([*registry.names(), *BASELINES], model), model


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _accuracy(group: RunGroup | None) -> str:
    if group is None:
        return "–"
    return f"{_mean_percent(group.tests('test_accuracy'))}, n={len(group.runs)}"


def _mean_percent(fractions: Sequence[float]) -> str:
    return _percent(mean_interval(fractions))


def _percent(interval: Interval) -> str:
    return with_ends(interval, "{:.2f}", " %", factor=100)


def _time(group: RunGroup) -> str:
    seconds, where = _training_seconds(group)
    median = float(np.median(seconds))
    return (f"{median:.1f} s" if median < 60 else f"{median / 60:.1f} min") + where


def _duration(group: RunGroup) -> str:
    """Return median and extremes: a run that was paused for others would carry a mean away."""
    seconds, where = _training_seconds(group)
    minutes = np.array(seconds) / 60
    extremes = f", {minutes.min():.1f} to {minutes.max():.1f}" if len(minutes) > 1 else ""
    return f"{np.median(minutes):.1f} min{extremes}{where}"


def _training_seconds(group: RunGroup) -> tuple[list[float], str]:
    """Return the times of the runs on the device that most of them had, and its name."""
    [(device, _)] = Counter(run.config.device for run in group.runs).most_common(1)
    seconds = [run.summary.train_seconds for run in group.runs if run.config.device == device]
    return seconds, "" if device in ("cpu", None) else f" on {device}"


def _without_out(command: str) -> str:
    """Return a command without where its file was put."""
    return re.sub(r" --out \S+", "", command)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
