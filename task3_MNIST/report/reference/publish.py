"""Copy finished runs into the reference results: figures and answers, weights of two runs only."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.files import write_atomic
from task3_MNIST.formatting import listing
from task3_MNIST.runs.folder import (
    DEFAULT_DATASET,
    Run,
    find,
    read_ensemble,
    refuse_other_schemas,
    run_folder,
)
from task3_MNIST.runs.groups import Group, collect
from task3_MNIST.runs.tables import group_rows
from task3_MNIST.training.recipes import DEFAULT_RECIPE

# as they are; of the predictions the classes, since logits are thirty times as large
KEPT = ("config.json", "metrics.jsonl", "test.json", "summary.json")
# the default models, of one run each: what the inference page can run
WITH_WEIGHTS = [(DEFAULT_DATASET, model, DEFAULT_RECIPE) for model in ("mlp", "cnn")]
MACHINE = ("cpu", "cpu_count", "device", "threads", "python", "torch", "numpy")


@dataclass(frozen=True)
class Copy:
    """A run that was read and found whole, and where it goes.

    Attributes:
        source: the run.
        target: its place in the reference results.
        files: the content of each file of `KEPT`.
        classes: (N,) uint8, what the run answers.
    """

    source: Run
    target: Run
    files: dict[str, bytes]
    classes: np.ndarray


def finished_runs(folders: Sequence[Path], reference: Path) -> tuple[list[Run], list[str]]:
    """Return the evaluated runs in or below folders, and why each other one is left out.

    Raises:
        UsageError: a folder holds no run, or lies in the reference results themselves.
        UserError: a folder holds runs of another version, or none that is finished.
    """
    runs: dict[Path, Run] = {}
    for folder in folders:
        if folder.resolve().is_relative_to(reference.resolve()):
            raise UsageError(f"{folder} is in the reference results already: name runs of yours")
        found = find(folder) if folder.is_dir() else []
        if not found:
            raise UsageError(
                f"{folder} holds no run: name a run folder, or one with run folders below it"
            )
        refuse_other_schemas(folder)
        runs |= {run.folder.resolve(): run for run in found}
    left_out = [
        f"{run.folder}: {'was not evaluated' if run.complete else 'training has not ended'}"
        for run in runs.values()
        if not (run.complete and run.evaluated)
    ]
    finished = [run for run in runs.values() if run.complete and run.evaluated]
    if not finished:
        raise UserError(f"no finished run is named; {left_out[0]}: finish it first")
    return finished, left_out


def publish(runs: Iterable[Run], reference: Path) -> tuple[list[Run], list[str]]:
    """Copy runs into the reference results; those there that are not given stay as they are.

    All runs are read first, but for their weights: if one is damaged, nothing is copied.

    Returns:
        the runs of the reference that changed; and what a reader should know: where the seeds
        have no common `ensemble.json`, and default models without weights.

    Raises:
        UserError: a file of a run cannot be used, or two are the same run.
    """
    copies: dict[Path, Copy] = {}
    for run in runs:
        copy = _read(run, reference)
        other = copies.setdefault(copy.target.folder, copy)
        if other is not copy:
            raise UserError(
                f"{run.folder} is the same run as {other.source.folder}: name one of them"
            )
    ensembles = {
        parent: read_ensemble(parent)
        for parent in dict.fromkeys(copy.source.folder.parent for copy in copies.values())
    }
    changed = [copy.target for copy in copies.values() if _replace(copy)]
    notes = []
    for parent in dict.fromkeys(copy.target.folder.parent for copy in copies.values()):
        given = [
            copy.source.folder.parent
            for copy in copies.values()
            if copy.target.folder.parent == parent
        ]
        notes += _copy_ensemble(parent, {folder: ensembles[folder] for folder in given})
    for group in collect(reference)[0]:
        if (group.dataset, group.model, group.name) in WITH_WEIGHTS and group.evaluated:
            notes += _keep_weights(group, copies)
    return changed, [note.replace(f"{reference}{os.sep}", "") for note in notes]


def differing_machines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return a line for each model and recipe that was measured on another machine than most.

    Args:
        rows: of `summary.csv`.
    """
    rows = list(rows)
    machines = Counter(tuple(row[key] for key in MACHINE) for row in rows)
    usual = max(machines, key=machines.get)
    lines = []
    for (_, model, name), members in group_rows(rows).items():
        counted = Counter(tuple(row[key] for key in MACHINE) for row in members)
        for machine, count in counted.items():
            parts = [
                f"{key} {found}, not {expected}"
                for key, found, expected in zip(MACHINE, machine, usual, strict=True)
                if found != expected
            ]
            if parts:
                of = f"{count} of {len(members)} runs" if len(counted) > 1 else "all its runs"
                lines.append(
                    f"{model} {name}, {of}, unlike most of the reference: {listing(parts)}"
                )
    return lines


def differing_knobs(runs: Iterable[Run]) -> list[str]:
    """Return a line for each folder of seeds whose runs differ in more than their seed."""
    knobs: dict[Path, list[dict[str, Any]]] = {}
    for run in runs:
        knobs.setdefault(run.folder.parent, []).append(run.config()["config"])
    lines = []
    for folder, configs in knobs.items():
        names = sorted({name for config in configs for name in config} - {"seed"})
        differ = [name for name in names if len({str(config.get(name)) for config in configs}) > 1]
        if differ:
            where = f"{folder.parent.name} {folder.name}"
            lines.append(f"{where}: its seeds differ in {listing(differ)} too, so are no one model")
    return lines


def _read(run: Run, reference: Path) -> Copy:
    config, test, classes = run.config(), run.test(), run.classes()
    run.summary()
    if not run.baseline and not run.metrics():
        raise UserError(f"{run.folder}/metrics.jsonl is missing: train the run again")
    if len(classes) != test["n"]:
        raise UserError(
            f"{run.folder} has predictions for {len(classes):,} test images and figures of "
            f"{test['n']:,}: {'fit' if run.baseline else 'evaluate'} it again"
        )
    # the place is emptied before it is written: a config from elsewhere must not choose another
    for key in ("model", "name", "dataset"):
        part = Path(config[key]).name if key == "dataset" else config[key]
        if part == ".." or PureWindowsPath(part).name != part:
            raise UserError(f"{run.folder}/config.json has no usable {key}: train the run again")
    target = run_folder(
        reference, config["dataset"], config["model"], config["name"], config["seed"]
    )
    files = {
        name: (run.folder / name).read_bytes()
        for name in KEPT
        if (run.folder / name).exists()  # a baseline has no epochs
    }
    return Copy(run, target, files, classes)


def _replace(copy: Copy) -> bool:
    """Make the target what the copy says, wholly; return whether it was anything else."""
    target = copy.target
    if _is_same(copy):
        return False
    target.folder.mkdir(parents=True, exist_ok=True)
    target.clear()
    target.write_classes(copy.classes)
    # the summary comes last: a run that has it is complete
    for name, content in copy.files.items():
        write_atomic(target.folder / name, content)
    return True


def _is_same(copy: Copy) -> bool:
    folder = copy.target.folder
    try:
        same = all((folder / name).read_bytes() == copy.files[name] for name in copy.files)
        return same and copy.target.published and (copy.target.classes() == copy.classes).all()
    except (OSError, UserError):
        return False


def _copy_ensemble(parent: Path, given: dict[Path, dict[str, Any] | None]) -> list[str]:
    """Copy the `ensemble.json` that is of just the seeds of a reference folder, if one is.

    Args:
        parent: the folder of seeds in the reference.
        given: the content of `ensemble.json`, or None, by the folder it was read from.
    """
    seeds = sorted(run.config()["seed"] for run in find(parent))
    for folder, content in given.items():
        if content and content["seeds"] == seeds:
            write_atomic(parent / "ensemble.json", (folder / "ensemble.json").read_bytes())
            return []
    (parent / "ensemble.json").unlink(missing_ok=True)
    if len(seeds) < 2:
        return []
    return [f"{parent}: no ensemble.json, since none is given of just seeds {seeds}"]


def _keep_weights(group: Group, copies: dict[Path, Copy]) -> list[str]:
    """Keep the weights of the one run of a model that a page with one run of it shows."""
    chosen = group.by_validation.run
    for reading in group.runs:
        if reading.run.folder != chosen.folder:
            (reading.run.folder / "model.pt").unlink(missing_ok=True)
    weights = chosen.folder / "model.pt"
    source = copies[chosen.folder].source if chosen.folder in copies else None
    if source and (source.folder / "model.pt").exists():
        source.model()  # raises if it holds anything else
        content = (source.folder / "model.pt").read_bytes()
        if not weights.exists() or weights.read_bytes() != content:
            write_atomic(weights, content)
    if weights.exists():
        return []
    return [f"{chosen.folder}: no weights, which the inference page needs: name its run, with them"]
