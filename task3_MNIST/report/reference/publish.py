"""Merge finished runs into the tables of published results."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from task3_MNIST.datasets.splits import DATASETS, load_test
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.files import write_atomic
from task3_MNIST.formatting import count, listing
from task3_MNIST.report.studies.page import read_studies
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run, find, load_model, read_ensemble
from task3_MNIST.runs.groups import read_record, same_configuration
from task3_MNIST.runs.records import RunGroup, RunRecord, group_records
from task3_MNIST.runs.tables import WEIGHTS, read_tables, weights_name, write_tables
from task3_MNIST.training.recipes import DEFAULT_RECIPE

# the default models, of one run each: what the inference page can run
WITH_WEIGHTS = [(DEFAULT_DATASET, model, DEFAULT_RECIPE) for model in ("mlp", "cnn")]
MACHINE = ("cpu", "cpu_count", "device", "threads", "python", "torch", "numpy")


def finished_runs(folders: Sequence[Path], reference: Path) -> tuple[list[RunGroup], list[str]]:
    """Return the evaluated runs in or below folders, and why each other one is left out.

    Raises:
        UsageError: a folder holds no run, or lies in the reference results themselves.
        UserError: a run is damaged or given twice, or none is finished.
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
        runs |= {run.folder.resolve(): run for run in found}
    records: dict[tuple, RunRecord] = {}
    ensembles, left_out = {}, []
    for run in runs.values():
        record, problem = read_record(run, run.folder.parent)
        if problem and (record is None or not run.evaluated):
            left_out.append(f"{run.folder}: {problem.what}")
            continue
        if problem:
            raise UserError(f"{run.folder.parent}/{problem.what}")
        _check_complete(record, run)
        if record.config.dataset not in DATASETS:
            raise UserError(
                f"{run.folder} is on a folder of images, which others do not have: publish runs on "
                f"{listing(DATASETS)} only"
            )
        if records.setdefault(_key(record), record) is not record:
            raise UserError(f"{run.folder} is the same run as another one: name one of them")
        ensembles[_key(record)[:3]] = read_ensemble(run.folder.parent)
    if not records:
        raise UserError(f"no finished run is named; {left_out[0]}: finish it first")
    groups = [
        replace(group, ensemble=ensembles[_name(group)])
        for group in group_records(list(records.values()))
    ]
    return groups, left_out


def publish(
    given: Sequence[RunGroup], reference: Path, data_dir: Path
) -> tuple[list[RunGroup], list[str]]:
    """Merge groups into the tables; runs there that are not given stay as they are.

    Returns:
        all published groups; and what a reader should know: seeds without a common ensemble, and
        default models without weights.

    Raises:
        UserError: weights cannot be used, or a table is damaged.
    """
    # without one of its tables it is damaged, not new
    there = read_tables(reference) if any(reference.glob("*.csv")) else []
    records = {_key(run): run for group in [*there, *given] for run in group.runs}
    ensembles = {
        (*_name(group), tuple(group.ensemble.seeds)): group.ensemble
        for group in [*there, *given]
        if group.ensemble
    }
    # an ensemble is of certain runs: of other ones with the same seeds it says nothing
    replaced = {_key(run)[:3] for group in given for run in group.runs if not group.ensemble}
    groups, notes = [], []
    for group in group_records(list(records.values())):
        if differing := same_configuration(group, reference)[1]:
            raise UserError(f"{differing[0].run} cannot be published: {differing[0].what}")
        seeds = tuple(run.config.seed for run in group.runs)
        found = None if _name(group) in replaced else ensembles.get((*_name(group), seeds))
        groups.append(replace(group, ensemble=found))
        if not found and len(seeds) > 1 and not group.deterministic:
            notes.append(f"{group.model} {group.name}: no ensemble of just seeds {list(seeds)}")
    labels = {
        dataset: load_test(dataset, data_dir).labels.numpy()
        for dataset in dict.fromkeys(group.dataset for group in groups)
    }
    shown = [group for group in groups if _name(group) in WITH_WEIGHTS]
    for group in shown:  # all of them before anything is written
        if _new_weights(group, reference):
            load_model(group.by_validation.weights, group.by_validation.config)
    reference.mkdir(parents=True, exist_ok=True)
    for group in shown:
        notes += _keep_weights(group, reference)
    write_tables(groups, labels, reference)
    return groups, [note.replace(f"{reference}{os.sep}", "") for note in notes]


def publish_studies(folder: Path, reference: Path) -> list[str]:
    """Copy the tables, answers and pictures of finished studies, and return the studies' names.

    Args:
        folder: of the results of `study.py`.
        reference: the folder of the studies among the reference results.

    Raises:
        UserError: there is no study, or a file of one is damaged.
    """
    found = [one.name for one in read_studies(folder)]
    if not found:
        raise UserError(f"{folder} has no result of a study: run study.py first")
    reference.mkdir(parents=True, exist_ok=True)
    for name in found:
        here, there = StudyFiles(folder, name), StudyFiles(reference, name)
        for part in ("table", "result", "picture"):
            if (source := getattr(here, part)).is_file():
                write_atomic(getattr(there, part), source.read_bytes())
    return found


def differing_machines(groups: Sequence[RunGroup]) -> list[str]:
    """Return a line for each model and recipe that was measured on another machine than most."""

    def machine(run: RunRecord) -> tuple:
        return tuple(getattr(run.config, key) for key in MACHINE)

    common, _ = Counter(machine(run) for group in groups for run in group.runs).most_common(1)[0]
    lines = []
    for group in groups:
        for found, runs in Counter(machine(run) for run in group.runs).items():
            parts = [
                f"{key} {value}, not {expected}"
                for key, value, expected in zip(MACHINE, found, common, strict=True)
                if value != expected
            ]
            if parts:
                which = f"{runs} of {len(group.runs)} runs"
                lines.append(
                    f"{group.model} {group.name}, {which}, unlike most of the reference: "
                    f"{listing(parts)}"
                )
    return lines


def _check_complete(record: RunRecord, run: Run) -> None:
    """Raise UserError unless a reader can trust the run's figures."""
    epochs = record.summary.epochs_trained or 0  # a baseline has none
    if len(record.epochs) != epochs:
        raise UserError(
            f"{run.folder}/metrics.jsonl has {len(record.epochs)} of {count(epochs, 'epoch')}: "
            "train the run again"
        )
    if len(record.classes) != record.test.n:
        raise UserError(
            f"{run.folder} has predictions for {len(record.classes):,} test images and figures of "
            f"{record.test.n:,}: evaluate it again"
        )


def _keep_weights(group: RunGroup, reference: Path) -> list[str]:
    """Keep the weights of the one run of a model that a page with one run of it shows."""
    target = _published_weights(group, reference)
    if _new_weights(group, reference):
        target.parent.mkdir(exist_ok=True)
        write_atomic(target, group.by_validation.weights.read_bytes())
    for other in target.parent.glob(f"{group.model}-{group.name}-seed*.pt"):
        if other != target:
            other.unlink()
    if target.exists():
        return []
    return [f"{target}: missing, and the inference page needs it: name that run, with weights"]


def _new_weights(group: RunGroup, reference: Path) -> bool:
    """Return whether the weights to keep are those of a run that was given."""
    weights = group.by_validation.weights
    return bool(weights and weights != _published_weights(group, reference) and weights.exists())


def _published_weights(group: RunGroup, reference: Path) -> Path:
    return reference / WEIGHTS / weights_name(group.by_validation.config)


def _name(group: RunGroup) -> tuple[str, str, str]:
    return group.dataset, group.model, group.name


def _key(record: RunRecord) -> tuple[str, str, str, int]:
    config = record.config
    return config.dataset, config.model, config.name, config.seed
