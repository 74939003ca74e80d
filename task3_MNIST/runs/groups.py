"""Read run folders for a page: what can be shown, grouped by seeds, and what cannot, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from task3_MNIST.errors import UserError
from task3_MNIST.files import readable_path
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.commands import as_typed, train_command
from task3_MNIST.runs.folder import (
    Run,
    among_runs,
    find,
    read_ensemble,
    require_runs,
)

# what training writes: a folder that holds one of these was a run
TRACES = ("summary.json", "model.pt", "checkpoint.pt", "metrics.jsonl")


@dataclass(frozen=True)
class Problem:
    """Why a run is not on the page, or not with all its figures.

    Attributes:
        run: its folder, below the results.
        what: what is missing or wrong.
        command: what fixes it, to be typed at the repository's root.
    """

    run: str
    what: str
    command: str


@dataclass(frozen=True)
class Reading:
    """One complete run, read and checked.

    Attributes:
        name: its folder, below the results.
        run: the run itself.
        typed: its folder as a shell takes it, at the repository's root.
        again: the command that evaluates it again, likewise.
        config: `config.json`.
        summary: `summary.json`.
        metrics: `metrics.jsonl`.
        test: `test.json`; None if the run was not evaluated.
        predicted: (N,) uint8, the class it says for each test image; None likewise.
    """

    name: str
    run: Run
    typed: str
    again: str
    config: dict[str, Any]
    summary: dict[str, Any]
    metrics: list[dict[str, float]]
    test: dict[str, Any] | None
    predicted: np.ndarray | None


@dataclass(frozen=True, eq=False)  # arrays are in it: a group equals itself
class Group:
    """Runs that differ in their seed only, ordered by it; `ensemble` is what they say together."""

    dataset: str
    model: str
    family: str
    name: str
    runs: tuple[Reading, ...]
    ensemble: dict[str, Any] | None = None

    @property
    def evaluated(self) -> list[Reading]:
        """The runs with test figures."""
        return [run for run in self.runs if run.test]

    @property
    def seedless(self) -> bool:
        """Whether no seed would change anything: a baseline that draws nothing."""
        row = (
            sklearn_baselines.BASELINES.get(self.model)
            if self.family == sklearn_baselines.FAMILY
            else None
        )
        return bool(row) and not row.seeded

    @property
    def median(self) -> Reading | None:
        """The evaluated run of median test accuracy; of two in the middle, the lower."""
        return _middle(self.evaluated, lambda run: run.test["test_accuracy"])

    @property
    def by_validation(self) -> Reading | None:
        """The evaluated run of median validation accuracy: what a page with one run shows."""
        return _middle(self.evaluated, val_accuracy)


def val_accuracy(run: Reading) -> float:
    """Return the run's validation accuracy; runs without one cannot be chosen by it."""
    return run.summary["val_accuracy"] or 0.0


def _middle(runs: list[Reading], figure: Callable[[Reading], float]) -> Reading | None:
    """Return the run of median figure; of two in the middle, the lower."""
    ranked = sorted(runs, key=figure)
    return ranked[(len(ranked) - 1) // 2] if ranked else None


def collect(results: Path) -> tuple[list[Group], list[Problem]]:
    """Read every run below a folder; none that is broken stops the others.

    Raises:
        UsageError: there is no run.
        UserError: no run can be shown.
    """
    readings: dict[tuple[str, str, str, str], dict[int, Reading]] = {}
    problems = []
    for run in find(results):
        try:
            reading, problem = _read(run, results)
        except UserError as error:
            reading, problem = None, Problem(*_explain(run, results, error))
        if problem:
            problems.append(problem)
        if not reading:
            continue
        config = reading.config
        key = (config["dataset"], config["model"], config["family"], config["name"])
        seeds = readings.setdefault(key, {})
        if config["seed"] in seeds:
            # counted twice, one run would pass for two
            what = f"the same run as {seeds[config['seed']].name}: left out"
            problems.append(Problem(reading.name, what, f"rm -r {_typed(run.folder)}"))
            continue
        seeds[config["seed"]] = reading
    problems += _without_config(results)
    if not (readings or problems):
        require_runs(results)
    if not readings:
        raise UserError(_nothing_to_show(results, problems))
    groups = [_group(key, seeds, results, problems) for key, seeds in readings.items()]
    return groups, problems


def _nothing_to_show(results: Path, problems: list[Problem]) -> str:
    first = problems[0]
    return (
        f"{results} has no run that can be shown, and {len(problems)} that cannot; "
        f"{first.run}: {first.what}; fix it with `{first.command}`"
    )


def labels(groups: Iterable[Group]) -> list[str]:
    """Return what tells groups apart: the model, and the recipe where there are several.

    A baseline has one way of being fitted, which tells it from nothing.
    """
    groups = list(groups)
    recipes = {group.name for group in groups if group.family != sklearn_baselines.FAMILY}
    return [
        group.model
        if len(recipes) == 1 or group.family == sklearn_baselines.FAMILY
        else f"{group.model} · {group.name}"
        for group in groups
    ]


def _group(
    key: tuple[str, str, str, str],
    seeds: dict[int, Reading],
    results: Path,
    problems: list[Problem],
) -> Group:
    dataset, model, family, name = key
    readings = tuple(seeds[seed] for seed in sorted(seeds))
    folder = readings[0].run.folder.parent
    where = folder.relative_to(results).as_posix()
    try:
        together = read_ensemble(folder)
        evaluated = [reading.config["seed"] for reading in readings if reading.test]
        if together and together["seeds"] != evaluated:
            raise UserError(f"ensemble.json is of seeds {together['seeds']}, not {evaluated}")
    except UserError as error:
        together = None
        # a seed that is named already explains why the others are not those of the file
        if not any(problem.run.startswith(f"{where}/") for problem in problems):
            mend = f"python task3_MNIST/evaluate.py {' '.join(one.typed for one in readings)}"
            if family == sklearn_baselines.FAMILY:
                fit = train_command(readings[0].config, results)
                mend = f"rm {_typed(folder / 'ensemble.json')} && {fit}"
            problems.append(Problem(where, _below(results, str(error)), mend))
    return Group(dataset, model, family, name, readings, together)


def _read(run: Run, results: Path) -> tuple[Reading | None, Problem | None]:
    name = run.folder.relative_to(results).as_posix()
    config = run.config()
    baseline = config["family"] == sklearn_baselines.FAMILY
    if not run.complete and baseline:
        what = "its fit or evaluation has not ended: it begins again"
        return None, Problem(name, what, train_command(config, results))
    if not run.complete:
        done, total = len(run.metrics()), config["config"].get("epochs", "?")
        what = f"training has not ended: {done} of {total} epochs are there"
        return None, Problem(name, what, train_command(config, results))
    summary = run.summary()
    metrics = run.metrics()

    typed = _typed(run.folder)
    evaluate = f"python task3_MNIST/evaluate.py {typed}"
    if baseline:  # its model is not kept
        evaluate = train_command(config, results, overwrite=run.evaluated)
    untested = Reading(name, run, typed, evaluate, config, summary, metrics, None, None)
    if not run.evaluated:
        problem = Problem(name, "was not evaluated: no figures of the test set", evaluate)
        return untested, problem
    try:
        test = run.test()
        predicted = run.classes()
    except UserError as error:
        problem = Problem(name, _below(results, str(error)), evaluate)
        return untested, problem
    return replace(untested, test=test, predicted=predicted), None


def _explain(run: Run, results: Path, error: UserError) -> tuple[str, str, str]:
    try:
        command = train_command(run.config(), results, overwrite=True)
    except UserError:
        command = f"rm -r {_typed(run.folder)}"
    return run.folder.relative_to(results).as_posix(), _below(results, str(error)), command


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
