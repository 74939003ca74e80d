"""A grid of runs: every model by every recipe on every data set, from every seed."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

from task3_MNIST.datasets.splits import dataset_checksum, fetch, load_test, load_train
from task3_MNIST.errors import UsageError, UserError, unknown_name
from task3_MNIST.evaluation.ensemble import without_ensemble, write_ensembles
from task3_MNIST.experiments.evaluation import finished
from task3_MNIST.experiments.train import Job, make_job
from task3_MNIST.models import registry
from task3_MNIST.models.size import count_flops
from task3_MNIST.models.sklearn_baselines import refuse_baseline
from task3_MNIST.runs.commands import train_command
from task3_MNIST.runs.folder import Run, check_same
from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.records import RunGroup
from task3_MNIST.runs.tables import SUMMARY, write_summary

# names that stand for several models, in any list
GROUPS = {
    "all": registry.names(),
    **{f"{family}-grid": registry.grid_points(family) for family in registry.FAMILIES},
}

# Floating-point operations that take about as long as what every image of an epoch costs whatever
# the model is, and as the evaluation and the pictures of a run; of twenty models on one thread.
PER_IMAGE = 1e6
PER_RUN = 1.5e11


@dataclasses.dataclass(frozen=True)
class Grid:
    """What to run: the product of these, each named once.

    Attributes:
        models: names of the registry.
        recipes: names or files of recipes.
        datasets: names or folders of data sets.
        seeds: of every model.
        full_train: whether the validation images train the models too.
    """

    models: Sequence[str]
    recipes: Sequence[str]
    datasets: Sequence[str]
    seeds: range
    full_train: bool = False

    def jobs(self, data_dir: Path, device: torch.device) -> list[Job]:
        """Return a job for each run, in the order of the names.

        Raises:
            UsageError: a name is unknown, or a list of names is empty.
            UserError: a recipe's file cannot be used.
        """
        for flag in ("models", "recipes", "datasets"):
            if not getattr(self, flag):
                raise UsageError(f"the grid is empty: --{flag} names none")
        product = itertools.product(self.datasets, self.recipes, self.models, self.seeds)
        return [
            make_job(
                model,
                recipe,
                {"seed": seed, **({"full_train": True} if self.full_train else {})},
                dataset,
                data_dir,
                device,
            )
            for dataset, recipe, model, seed in product
        ]


@dataclasses.dataclass(frozen=True)
class GridResult:
    """What came of a grid.

    Attributes:
        groups: those of the grid that were evaluated, from the run folders.
        rows: how many runs the summary has.
        summary: its file.
        problems: a line for each thing that went wrong.
        again: the command that trains the first failed run from scratch; "" if none failed.
    """

    groups: list[RunGroup]
    rows: int
    summary: Path
    problems: list[str]
    again: str


def plan(
    jobs: Sequence[Job],
    results: Path,
    data_dir: Path,
    is_finished: Callable[[Run], bool] = finished,
) -> tuple[dict[Job, float], dict[Job, str]]:
    """Return the jobs that are to be run, the longest first, and what is wrong with finished ones.

    Each job comes with its estimated work; see `estimate`. Data sets that are needed are fetched.

    Args:
        jobs: all that are wanted.
        results: the folder of the run folders.
        data_dir: the folder of the data sets.
        is_finished: says of a run whether nothing is left to do.

    Raises:
        UsageError: two of the jobs would share a folder.
        UserError: a data set cannot be fetched.
    """
    folders: dict[Path, Job] = {}
    for job in jobs:
        other = folders.setdefault(job.run(results).folder, job)
        if other is not job:
            raise UsageError(
                f"the recipes {other.recipe_file} and {job.recipe_file} would share their run "
                "folders: rename one, or give each its own --results"
            )
    results.mkdir(parents=True, exist_ok=True)
    failures, waiting = {}, []
    checksum = functools.cache(dataset_checksum)
    for job in jobs:
        run = job.run(results)
        if not is_finished(run):
            waiting.append(job)
            continue
        try:
            check_same(run, job.identity(checksum))
        except UserError as error:
            failures[job] = str(error)
    images = {}
    for dataset in dict.fromkeys(job.dataset for job in waiting):
        fetch(dataset, data_dir, test=True)
        images[dataset] = len(load_train(dataset, data_dir))
    work = {job: estimate(job, images[job.dataset]) for job in waiting}
    return dict(sorted(work.items(), key=lambda item: -item[1])), failures


def conclude(
    jobs: Sequence[Job], failures: dict[Job, str], results: Path, data_dir: Path
) -> GridResult:
    """Write the ensembles of the grid and `summary.csv` of all runs below the results folder."""
    problems = []
    for dataset in dict.fromkeys(job.dataset for job in jobs):
        due = without_ensemble(job.run(results) for job in jobs if job.dataset == dataset)
        try:
            if due:
                write_ensembles(due, load_test(dataset, data_dir))
        except UserError as error:
            problems.append(str(error))
    groups: list[RunGroup] = []
    failed = {job.run(results).folder: job for job in jobs if job in failures}
    try:
        groups, found = read_groups(results)
        # a run's own failure says more than what is missing in its folder or next to it
        for one in found:
            if not any(folder.is_relative_to(results / one.run) for folder in failed):
                problems.append(f"{results / one.run}: {one.what}")
    except UserError as error:
        if not failures:
            problems.append(str(error))
    rows = write_summary(groups, results / SUMMARY)
    for folder, job in failed.items():
        where = "" if str(folder) in failures[job] else f"{folder}: "
        problems.append(f"{where}{failures[job]}")
    again = ""
    if failed:
        first = next(iter(failed.values()))
        file = str(first.recipe_file) if first.recipe_file else None
        again = f"{train_command(first.identity(), results, True, file)} --threads 1"
    names = {(job.dataset, job.model, job.name) for job in jobs}
    wanted = [g for g in groups if (g.dataset, g.model, g.name) in names and g.evaluated]
    return GridResult(wanted, rows, results / SUMMARY, problems, again)


def split_names(words: Iterable[str]) -> list[str]:
    """Return the names in words that may hold several, with commas; each once."""
    parts = (
        # a folder of images or a recipe's file may have a comma in its name
        [word] if Path(word).exists() else word.split(",")
        for word in words
    )
    return [name for name in dict.fromkeys(itertools.chain(*parts)) if name]


def model_names(words: Sequence[str]) -> list[str]:
    """Return the models that the words name, each once.

    `mlp` and `cnn` are a family where they stand alone, and the model of that name in a list.
    The names of `GROUPS` stand for several models anywhere.

    Raises:
        UsageError: a word is no name of a model or group; the text lists close ones.
    """
    if len(words) == 1 and words[0] in registry.FAMILIES:
        return registry.names(words[0])
    return list(dict.fromkeys(name for word in words for name in _models_of(word)))


def _models_of(word: str) -> list[str]:
    if word in GROUPS:
        return GROUPS[word]
    refuse_baseline(word)
    try:
        registry.family_of(word)
    except UsageError:
        raise unknown_name("model", word, [*registry.names(), *GROUPS]) from None
    return [word]


def estimate(job: Job, images: int) -> float:
    """Return about how much work a run is, in floating-point operations.

    Backward takes about twice what forward takes. A model bound by memory takes longer than
    its operations say, up to twice: enough to order runs and to guess the time left, and no
    measurement.

    Args:
        job: the run.
        images: how many training images its data set has.
    """
    return PER_RUN + job.config.epochs * images * (3 * _flops(job.model) + PER_IMAGE)


@functools.cache
def _flops(model: str) -> int:
    return count_flops(registry.build(model))
