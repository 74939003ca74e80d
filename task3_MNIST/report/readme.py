"""The README's tables of figures, made from the files under `results/reference`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.core import zoo
from task3_MNIST.core.config import RECIPES
from task3_MNIST.core.ensemble import read_ensemble
from task3_MNIST.core.runs import DEFAULT_DATASET, run_folder
from task3_MNIST.core.summary_table import NAME, SUMMARY, TEST, group_rows, read_summary
from task3_MNIST.report.beyond import gain
from task3_MNIST.report.others import COLUMNS, beside
from task3_MNIST.report.wording import spread

MARKS = "<!-- {name}: made by task3_MNIST/update_reference.py -->\n"
END = "<!-- end -->"


def with_tables(text: str, reference: Path) -> str:
    """Return the README's text with each table between its marks made anew.

    Args:
        text: holds, for every table of `TABLES` it shows, its mark and an end mark.
        reference: the folder of the reference results, `summary.csv` in it.

    Raises:
        UserError: a file there is missing or damaged.
    """
    for name, table in TABLES.items():
        mark = MARKS.format(name=name)
        pattern = re.escape(mark) + r".*?" + re.escape(END)
        fresh = mark + "\n" + table(reference) + "\n" + END
        text = re.sub(pattern, lambda _, fresh=fresh: fresh, text, flags=re.S)
    return text


def accuracy_table(reference: Path) -> str:
    """Return test accuracy and what goes with it, of every model and recipe."""
    rows = [
        [
            f"`{model}`",
            f"`{name}`",
            _mean([row["parameters"] for row in members[:1]], "{:,.0f}"),
            _percent([row["test_accuracy"] for row in members]),
            len(members),
            _mean([row["test_loss"] for row in members], "{:.4f}"),
            _mean([row["ece"] for row in members], "{:.2%}").replace("%", " %"),
        ]
        for (model, name), members in _groups(reference).items()
    ]
    head = ["model", "recipe", "parameters", "test accuracy", "seeds", "test loss"]
    return _markdown([*head, "calibration error"], rows)


def beyond_table(reference: Path) -> str:
    """Return what runs say together, averaged over shifts, and picked by the test set."""
    rows = []
    for (model, name), members in _groups(reference).items():
        runs = [run_folder(reference, DEFAULT_DATASET, model, name, row["seed"]) for row in members]
        together = read_ensemble(runs[0].folder.parent)
        tests = [run.test() for run in runs]
        shifted = [
            test["shift_averaged"]["test_accuracy"] for test in tests if "shift_averaged" in test
        ]
        gains = [
            found
            for run, test in zip(runs, tests, strict=True)
            if (found := gain(run.metrics(), test)) is not None
        ]
        if not (together or shifted or gains):
            continue
        rows.append(
            [
                f"`{model}`",
                f"`{name}`",
                f"{together['test_accuracy'] * 100:.2f} % of {len(together['seeds'])}"
                if together
                else "–",
                f"{_percent(shifted)}, n={len(shifted)}" if shifted else "–",
                f"{_points(gains)}, n={len(gains)}" if gains else "–",
                _duration([row["train_seconds"] for row in members]),
            ]
        )
    head = ["model", "recipe", "seeds together", "averaged over shifts"]
    return _markdown(
        [*head, "points gained by picking the epoch on the test set", "training a seed"], rows
    )


def others_table(reference: Path) -> str:
    """Return what others report, beside what is measured here."""
    keys = (*SUMMARY, *TEST)
    figures = {
        group: {key: [row[key] for row in members] for key in keys}
        for group, members in _groups(reference).items()
    }
    rows = [
        [
            f"[{row.source}]({row.link})" if row.link else row.source,
            row.of,
            row.claimed,
            f"`{row.model}`",
            f"`{row.recipe}`",
            row.here,
            row.difference,
        ]
        for row in beside(figures)
    ]
    return _markdown(COLUMNS, rows)


def speed_table(reference: Path) -> str:
    """Return training times beside an epoch of the usual pipeline, from `speedrun.py`'s files."""
    rows = []
    for path in sorted(reference.glob("speed/*.json")):
        found = json.loads(path.read_text())
        if "usual_epoch_seconds" not in found:
            continue
        seconds = [run["seconds"] for run in found["runs"]]
        usual = float(np.mean(found["usual_epoch_seconds"]))
        rows.append(
            [
                f"`{found['model']}`",
                _percent([run["test_accuracy"] for run in found["runs"]]),
                f"{spread(seconds, '{:.2f}')} s",
                len(seconds),
                f"{usual:.2f} s of `{found['usual_model']}`",
                f"{np.mean(seconds) / usual:.2f}",
                f"`{_short(found['command'])}`",
            ]
        )
    head = ["model", "test accuracy", "training", "runs", "one usual epoch", "ratio", "command"]
    return _markdown(head, rows)


def profile_table(reference: Path) -> str:
    """Return what `profile_step.py` measured: rates, and where a step's time goes."""
    rows = []
    for path in sorted(reference.glob("speed/profile-*.json")):
        found = json.loads(path.read_text())
        peak = f"{found['matmul_peak'] / 1e9:.0f} ({found['precision']})"
        shares = ", ".join(
            f"{share:.0%} {kind}" for kind, share in found["shares"].items() if share > 0.02
        )
        rows.append(
            [
                f"`{found['model']}`",
                f"{found['images_per_second']:,.0f}",
                f"{found['flops_per_second'] / 1e9:.0f} GFLOP/s",
                f"{found['fraction_of_peak'] * 100:.0f} % of {peak}",
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
    "accuracy": accuracy_table,
    "beyond": beyond_table,
    "speed": speed_table,
    "profile": profile_table,
    "others": others_table,
}


def _groups(reference: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the rows of `summary.csv` on MNIST by (model, run name).

    By recipe, then in the order of the tables of models; what is in no table comes last.
    """
    models, recipes = zoo.names(), list(RECIPES)

    def place(group: tuple[str, str]) -> tuple[Any, ...]:
        model, name = group
        return _index(recipes, name.split("+")[0]), _index(models, model), model, name

    groups = {
        (model, name): members
        for (dataset, model, name), members in group_rows(read_summary(reference / NAME)).items()
        if dataset == DEFAULT_DATASET
    }
    return {group: groups[group] for group in sorted(groups, key=place)}


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _mean(values: Sequence[float | None], form: str) -> str:
    """Return the mean; a dash where a run has no such figure, as baselines may."""
    return "–" if None in values else form.format(np.mean(values))


def _percent(fractions: Sequence[float]) -> str:
    return spread([fraction * 100 for fraction in fractions], "{:.2f}", " %")


def _points(fractions: Sequence[float]) -> str:
    return spread([fraction * 100 for fraction in fractions], "{:.3f}")


def _duration(seconds: Sequence[float]) -> str:
    """Return the median: a run that was paused for others would carry the mean away."""
    median = float(np.median(seconds))
    return f"{median:.1f} s" if median < 60 else f"{median / 60:.1f} min"


def _short(command: str) -> str:
    """Return a command without the interpreter, the folder, and where its file was put."""
    return re.sub(r" --out \S+", "", command.removeprefix("python task3_MNIST/"))


def _markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
