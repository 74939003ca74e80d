"""The tables of README and docs, made from the files under `results/reference`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.experiments.speed.files import Profile, Speedrun, read_speed_files
from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import with_ends
from task3_MNIST.models import registry
from task3_MNIST.models.sklearn_baselines import BASELINES
from task3_MNIST.report.comparison import ensembles
from task3_MNIST.report.comparison.published import COLUMNS, EVERYDAY, beside
from task3_MNIST.report.comparison.verdicts import spread
from task3_MNIST.runs.folder import DEFAULT_DATASET, read_ensemble, run_folder
from task3_MNIST.runs.size_study import set_apart
from task3_MNIST.runs.tables import NAME, SUMMARY, TEST, group_rows, read_summary
from task3_MNIST.training.recipes import RECIPES

MARKS = "<!-- {name}: made by task3_MNIST/update_reference.py -->\n"
END = "<!-- end -->"
BEYOND_COLUMNS = (
    "model",
    "recipe",
    "seeds together",
    "with test-time augmentation",
    "points gained by picking the epoch on the test set, over validation's choice",
    "over the last epoch",
    "training a seed",
)


@dataclass(frozen=True)
class Group:
    """Runs on MNIST that differ in their seed only, by their rows of `summary.csv`."""

    model: str
    family: str
    name: str
    rows: Sequence[dict[str, Any]]


def with_tables(text: str, reference: Path) -> str:
    """Return a document with each table between its marks made again.

    Args:
        text: has, for every table of `TABLES` it shows, its mark and an end mark.
        reference: the folder of the reference results, `summary.csv` in it.

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
    *(("cnn", "fast"), ("cnn_strong", "strong+full-train"), ("cnn_fast", "fast")),
)


def headline_table(reference: Path) -> str:
    """Return the few models that a newcomer asks for, as far as they were measured."""
    groups = {(group.model, group.name): group for group in _groups(reference)}
    rows = [
        [
            f"`{model}`",
            f"`{name}`",
            f"{groups[model, name].rows[0]['parameters']:,}",
            _accuracy(groups[model, name]),
            _time([row["train_seconds"] for row in groups[model, name].rows]),
        ]
        for model, name in HEADLINE
        if (model, name) in groups
    ]
    head = ["model", "recipe", "parameters", "test accuracy", "training, one thread (median)"]
    return _markdown(head, rows)


def accuracy_table(reference: Path) -> str:
    """Return every model's test accuracy by each recipe; a size study has a table of its own."""
    compared, _ = set_apart(_groups(reference))
    rows = []
    for model in sorted({group.model for group in compared}, key=_place_of_model):
        groups = {group.name: group for group in compared if group.model == model}
        parameters = next(iter(groups.values())).rows[0]["parameters"]
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


def beyond_table(reference: Path) -> str:
    """Return what `strong` runs say together, averaged over shifts, and picked by the test set."""
    groups = [group for group in _groups(reference) if group.name.split("+")[0] == "strong"]
    if not groups:
        return _markdown(BEYOND_COLUMNS, [])
    labels = load_test(DEFAULT_DATASET, REPOSITORY / "data").labels.numpy()
    clusters = writers.clusters(DEFAULT_DATASET, len(labels))
    rows = []
    for group in groups:
        place = (reference, DEFAULT_DATASET, group.model, group.name)
        runs = [run_folder(*place, row["seed"]) for row in group.rows]
        ensemble = read_ensemble(runs[0].folder.parent)
        tests = [run.test() for run in runs]
        gains = [ensembles.gain(run.metrics(), test) for run, test in zip(runs, tests, strict=True)]
        correct = np.stack([run.classes() == labels for run in runs])
        one, shifted = ensembles.together(ensemble, correct, clusters), ensembles.shifted(tests)
        picked = [ensembles.picked(gains, over) for over in ("over_validation", "over_last")]
        if not any((one, shifted, *picked)):
            continue
        how = ensembles.how_read(gains)
        rows.append(
            [
                f"`{group.model}`",
                f"`{group.name}`",
                f"{_percent(one)}, {len(ensemble['seeds'])} seeds" if one else "–",
                f"{_percent(shifted)}, n={shifted.n}" if shifted else "–",
                *(
                    f"{with_ends(gain, '{:.2f}', factor=100)}, n={gain.n}{how}" if gain else "–"
                    for gain in picked
                ),
                _duration([row["train_seconds"] for row in group.rows]),
            ]
        )
    return _markdown(BEYOND_COLUMNS, rows)


def size_tables(reference: Path) -> str:
    """Return the test accuracy of a study's sizes: of each family and recipe, depth by width."""
    _, studied = set_apart(_groups(reference))
    tables = []
    for family, name in dict.fromkeys((group.family, group.name) for group in studied):
        sizes = {
            registry.size_of(group.model): _mean_percent(
                [row["test_accuracy"] for row in group.rows]
            )
            for group in studied
            if (group.family, group.name) == (family, name)
        }
        depths, widths = (sorted(set(steps)) for steps in zip(*sizes, strict=True))
        rows = [
            [f"`{family}_d{depth}_`", *(sizes.get((depth, width), "–") for width in widths)]
            for depth in depths
        ]
        seeds = sorted({len(g.rows) for g in studied if (g.family, g.name) == (family, name)})
        head = f"`{name}`, n={' or '.join(map(str, seeds))}"
        tables.append(_markdown([head, *(f"`w{width}`" for width in widths)], rows))
    return "\n".join(tables)


def others_table(reference: Path) -> str:
    """Return what others report, beside what is measured here."""
    keys = (*SUMMARY, *TEST)
    figures = {
        (group.model, group.name): {key: [row[key] for row in group.rows] for key in keys}
        for group in _groups(reference)
    }
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
        for row in beside(figures)
    ]
    return _markdown(COLUMNS, rows)


def speed_table(reference: Path) -> str:
    """Return training times and an epoch of the DataLoader baseline, from `speedrun.py`'s files."""
    rows = []
    for found in read_speed_files(reference / "speed", Speedrun):
        seconds = [run.seconds for run in found.runs]
        epochs = found.dataloader_epoch_seconds
        each = ", ".join(f"{one:.2f}" for one in epochs)
        rows.append(
            [
                f"`{found.model}`",
                found.provenance.machine,
                _mean_percent([run.test_accuracy for run in found.runs]),
                f"{spread(seconds, '{:.2f}')} s",
                len(seconds),
                f"{np.mean(epochs):.2f} s of `{found.dataloader_model}` ({each})"
                if epochs
                else "–",
                f"{np.mean(seconds) / np.mean(epochs):.2f}" if epochs else "–",
                f"`{_without_out(found.provenance.command)}`",
            ]
        )
    head = [
        *("model", "machine", "test accuracy", "training", "runs"),
        *("DataLoader epoch", "ratio", "command"),
    ]
    return _markdown(head, rows)


def profile_table(reference: Path) -> str:
    """Return what `profile_step.py` measured: rates, and where a step's time goes."""
    rows = []
    for found in read_speed_files(reference / "speed", Profile):
        peak = f"{found.matmul_peak / 1e9:.0f} ({found.precision})"
        shares = ", ".join(
            f"{share:.0%} {kind}" for kind, share in found.shares.items() if share > 0.02
        )
        rows.append(
            [
                f"`{found.model}`",
                f"{found.images_per_second:,.0f}",
                f"{found.flops_per_second / 1e9:.0f} GFLOP/s",
                f"{found.fraction_of_peak * 100:.0f} % of {peak}",
                shares.replace("%", " %"),
            ]
        )
    head = [
        "model",
        "images/s",
        "arithmetic",
        "of the matrix-product peak",
        "where a step's time goes",
    ]
    return _markdown(head, rows)


TABLES: dict[str, Callable[[Path], str]] = {
    "headline": headline_table,
    "accuracy": accuracy_table,
    "beyond": beyond_table,
    "size": size_tables,
    "speed": speed_table,
    "profile": profile_table,
    "others": others_table,
}


def _groups(reference: Path) -> list[Group]:
    """Return the groups by recipe, then by model; what is in no table comes last."""
    recipes = list(RECIPES)

    def place(group: Group) -> tuple[Any, ...]:
        recipe = group.name.split("+")[0]
        return _index(recipes, recipe), _place_of_model(group.model), group.name

    groups = [
        Group(model, rows[0]["family"], name, rows)
        for (dataset, model, name), rows in group_rows(read_summary(reference / NAME)).items()
        if dataset == DEFAULT_DATASET
    ]
    return sorted(groups, key=place)


def _place_of_model(model: str) -> tuple[int, str]:
    """Return what sorts models as their tables have them."""
    return _index([*registry.names(), *BASELINES], model), model


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _accuracy(group: Group | None) -> str:
    if group is None:
        return "–"
    return f"{_mean_percent([row['test_accuracy'] for row in group.rows])}, n={len(group.rows)}"


def _mean_percent(fractions: Sequence[float]) -> str:
    return _percent(mean_interval(fractions))


def _percent(interval: Interval) -> str:
    return with_ends(interval, "{:.2f}", " %", factor=100)


def _time(seconds: Sequence[float]) -> str:
    median = float(np.median(seconds))
    return f"{median:.1f} s" if median < 60 else f"{median / 60:.1f} min"


def _duration(seconds: Sequence[float]) -> str:
    """Return median and extremes: a run that was paused for others would carry a mean away."""
    minutes = np.array(seconds) / 60
    median = f"{np.median(minutes):.1f} min"
    if len(minutes) == 1:
        return median
    return f"{median}, {minutes.min():.1f} to {minutes.max():.1f}"


def _without_out(command: str) -> str:
    """Return a command without where its file was put."""
    return re.sub(r" --out \S+", "", command)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
