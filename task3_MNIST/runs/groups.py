"""Read runs, from their folders or from the tables of published results, into groups of seeds.

This is the one reader for all that compares: pictures, pages, documents and the notebook.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from task3_MNIST.errors import UserError
from task3_MNIST.files import readable_path
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs import tables
from task3_MNIST.runs.commands import as_typed, train_command
from task3_MNIST.runs.folder import Run, among_runs, find, read_ensemble, require_runs
from task3_MNIST.runs.records import RunGroup, RunRecord, group_records
from task3_MNIST.training.config import TrainConfig

# what training writes: a folder that holds one of these was a run
TRACES = ("summary.json", "model.pt", "checkpoint.pt", "metrics.jsonl")


@dataclass(frozen=True)
class Problem:
    """Why a run is not shown, or not with all its figures.

    Attributes:
        run: its folder, below the results.
        what: what is missing or wrong.
        command: what fixes it, to be typed at the repository's root.
    """

    run: str
    what: str
    command: str


def read_groups(results: Path) -> tuple[list[RunGroup], list[Problem]]:
    """Return the groups of all complete runs below a folder, and what is wrong with the others.

    Args:
        results: a folder of run folders, or of published results.

    Raises:
        UsageError: there is no run.
        UserError: no run can be shown, or a published table is damaged.
    """
    if (results / tables.RUNS).is_file():
        return tables.read_tables(results), []
    records, problems = _read_folders(results)
    if not (records or problems):
        require_runs(results)
    if not records:
        raise UserError(
            f"{results} has no run that can be shown, and {len(problems)} that cannot; "
            f"{problems[0].run}: {problems[0].what}; fix it with `{problems[0].command}`"
        )
    groups = []
    for group in group_records(records):
        kept, removed = same_configuration(group, results)
        problems += removed
        groups.append(_with_ensemble(kept, results, problems))
    return groups, problems


def _read_folders(results: Path) -> tuple[list[RunRecord], list[Problem]]:
    records: dict[tuple[str, str, str, int], RunRecord] = {}
    problems = []
    for run in find(results):
        try:
            record, problem = read_record(run, results)
        except UserError as error:
            record, problem = None, _unreadable(run, results, error)
        if problem:
            problems.append(problem)
        if not record:
            continue
        config = record.config
        first = records.setdefault((config.dataset, config.model, config.name, config.seed), record)
        if first is not record:
            # counted twice, one run would pass for two
            what = f"the same run as {first.name}: left out"
            problems.append(Problem(record.name, what, f"rm -r {_typed(run.folder)}"))
    return list(records.values()), [*problems, *_without_config(results)]


def read_record(run: Run, results: Path) -> tuple[RunRecord | None, Problem | None]:
    """Return what a run folder says, or as much of it as can be used, and what is missing.

    Raises:
        UserError: a file that training wrote cannot be used.
    """
    name = run.folder.relative_to(results).as_posix()
    config = run.config()
    baseline = config.family == sklearn_baselines.FAMILY
    if not run.complete:
        what = "its fit or evaluation has not ended: it begins again"
        if not baseline:
            done, total = len(run.metrics()), config.hyperparameters.get("epochs", "?")
            what = f"training has not ended: {done} of {total} epochs are there"
        return None, Problem(name, what, train_command(config, results))
    # a baseline's model is not kept
    again = f"python task3_MNIST/evaluate.py {_typed(run.folder)}"
    if baseline:
        again = train_command(config, results, overwrite=run.evaluated)
    problem = test = classes = None
    try:
        if run.evaluated:
            test, classes = run.test(), run.classes()
        else:
            problem = Problem(name, "was not evaluated: no figures of the test set", again)
    except UserError as error:
        test, problem = None, Problem(name, _below(results, str(error)), again)
    weights = None if baseline else run.folder / "model.pt"
    record = RunRecord(name, config, run.summary(), run.metrics(), test, classes, weights, again)
    return record, problem


def same_configuration(group: RunGroup, results: Path) -> tuple[RunGroup, list[Problem]]:
    """Return the group without seeds whose configuration is not that of most, and these.

    The configuration is the hyperparameters and the classes.
    """
    # a run from before a hyperparameter was added has its default
    baseline = group.family == sklearn_baselines.FAMILY
    defaults = {} if baseline else dataclasses.asdict(TrainConfig())

    def settings(run: RunRecord) -> tuple[tuple[str, str], ...]:
        found = {**defaults, **run.config.hyperparameters}
        found["classes"] = ", ".join(run.config.class_names)
        return tuple((name, str(value)) for name, value in sorted(found.items()) if name != "seed")

    common, _ = Counter(settings(run) for run in group.runs).most_common(1)[0]
    problems = []
    for run in group.runs:
        if settings(run) != common:
            differ = dict(sorted(set(settings(run)) - set(common)))
            found = ", ".join(f"{name} {value}" for name, value in differ.items())
            what = f"left out: it was trained with {found}, unlike the other seeds"
            command = train_command(run.config, results, overwrite=True)
            problems.append(Problem(run.name, what, command))
    kept = tuple(run for run in group.runs if settings(run) == common)
    return replace(group, runs=kept), problems


def _with_ensemble(group: RunGroup, results: Path, problems: list[Problem]) -> RunGroup:
    """Return the group with its ensemble; if that cannot be used, add the problem."""
    folder = results / group.runs[0].name
    where = folder.parent.relative_to(results).as_posix()
    ensemble = None
    try:
        ensemble = read_ensemble(folder.parent)
        seeds = [run.config.seed for run in group.evaluated]
        if ensemble and ensemble.seeds != seeds:
            raise UserError(f"ensemble.json is of seeds {ensemble.seeds}, not {seeds}")
    except UserError as error:
        ensemble = None
        # a seed that is named already explains why the others are not those of the file
        if not any(problem.run.startswith(f"{where}/") for problem in problems):
            runs = " ".join(_typed(results / run.name) for run in group.runs)
            fix = f"python task3_MNIST/evaluate.py {runs}"
            if group.family == sklearn_baselines.FAMILY:
                fit = train_command(group.runs[0].config, results)
                fix = f"rm {_typed(folder.parent / 'ensemble.json')} && {fit}"
            problems.append(Problem(where, _below(results, str(error)), fix))
    return replace(group, ensemble=ensemble)


def _unreadable(run: Run, results: Path, error: UserError) -> Problem:
    try:
        command = train_command(run.config(), results, overwrite=True)
    except UserError:
        command = f"rm -r {_typed(run.folder)}"
    name = run.folder.relative_to(results).as_posix()
    return Problem(name, _below(results, str(error)), command)


def _without_config(results: Path) -> list[Problem]:
    """Return the folders that hold parts of a run, but not what it is a run of."""
    found = (path for name in TRACES for path in results.rglob(name))
    folders = sorted({path.parent for path in among_runs(results, found)})
    return [
        Problem(
            folder.relative_to(results).as_posix(),
            "config.json is missing: nothing says what was trained",
            f"rm -r {_typed(folder)}",
        )
        for folder in folders
        if not (folder / "config.json").exists()
    ]


def _typed(folder: Path) -> str:
    return as_typed([readable_path(folder)])


def _below(results: Path, text: str) -> str:
    return text.replace(f"{results}{os.sep}", "")
