"""What `train_baselines.py` reads from the command line and prints."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import torch
from tqdm import tqdm

from task3_MNIST.cli.app import INTERRUPTED
from task3_MNIST.cli.arguments import (
    SEEDS_HELP,
    Parser,
    add_data_flag,
    add_dataset_flag,
    add_results_flag,
    count,
    seed,
    seeds,
)
from task3_MNIST.cli.train import describe_test
from task3_MNIST.cli.workers import add_cluster_flags
from task3_MNIST.datasets.splits import Split, load_test, load_train, split_validation
from task3_MNIST.errors import UsageError
from task3_MNIST.experiments.evaluation import evaluate_and_plot
from task3_MNIST.experiments.fit_baseline import BaselineJob, run_baseline
from task3_MNIST.experiments.grid import split_names
from task3_MNIST.experiments.parallel import Task, Workers, safely
from task3_MNIST.experiments.train import usable_name
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.commands import command_to_go_on
from task3_MNIST.runs.folder import Run, check_same


def baselines_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Fit and evaluate scikit-learn's classifiers.")
    made.add_argument(
        "--models",
        nargs="+",
        default=["all"],
        metavar="MODEL",
        help=f"{', '.join(sklearn_baselines.BASELINES)}, or all (default: all)",
    )
    made.add_argument("--list", action="store_true", help="print the baselines and their settings")
    add_dataset_flag(made)
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "--seed",
        type=seed,
        default=0,
        help="of the random numbers; deterministic baselines run once, as seed 0 (default: 0)",
    )
    which.add_argument("--seeds", type=seeds, metavar="N", help=f"seeds {SEEDS_HELP} in turn")
    made.add_argument(
        "--no-evaluate",
        action="store_true",
        help="leave the test set sealed: validation figures only, and since the fitted model is "
        "not kept, the same command without this flag fits it again",
    )
    made.add_argument("--overwrite", action="store_true", help="fit a finished one again")
    add_results_flag(made)
    add_data_flag(made)
    made.add_argument(
        "--threads",
        type=count,
        help="number of CPU threads (default: PyTorch's, usually one per core)",
    )
    add_cluster_flags(made)
    # scikit-learn computes on the CPU; a SLURM job for each baseline
    made.set_defaults(device="cpu", jobs=len(sklearn_baselines.BASELINES))
    return made


def print_list() -> None:
    """Print each baseline, its settings, and where they are from."""
    for name, row in sklearn_baselines.BASELINES.items():
        settings = ", ".join(f"{key}={value!r}" for key, value in row.settings.items())
        print(f"{name}: sklearn.{row.estimator}({settings})")
        print(f"  {row.why}; {'seeded' if row.seeded else 'deterministic: one run'}")


def jobs_of(options: argparse.Namespace) -> Iterator[BaselineJob]:
    """Yield the jobs of the command line, and say which baselines are deterministic.

    Raises:
        UsageError: there is no such baseline or data set.
    """
    dataset = usable_name(options.dataset)
    asked = options.seeds if options.seeds else [options.seed]
    for name in model_names(options.models):
        seeds: Sequence[int] = asked
        if not sklearn_baselines.baseline(name).seeded:
            seeds = [0]
            if list(asked) != seeds:
                print(f"{name} is deterministic: one run, as seed 0")
        for number in seeds:
            yield BaselineJob(name, number, dataset, options.data, torch.get_num_threads())


def model_names(words: Sequence[str]) -> list[str]:
    """Return the baselines that the words name, each once.

    Raises:
        UsageError: a word is no name of a baseline, or there is none; the text lists close ones.
    """
    names = split_names(words)
    if not names:
        raise UsageError("--models names none: name baselines, or all")
    for name in names:
        if name != "all":
            sklearn_baselines.baseline(name)
    return list(sklearn_baselines.BASELINES) if "all" in names else names


def fit(
    run: Run,
    job: BaselineJob,
    splits: Callable[[], tuple],
    test: Callable[[], Split] | None,
    checksum: Callable[[str, Path], str],
) -> None:
    """Fit and measure a baseline unless its run is complete."""
    if run.complete:
        check_same(run, job.identity(checksum))
        if run.evaluated or not test:
            print(f"{run.folder}: complete, nothing to fit (--overwrite fits it again)")
            return
        print(f"{run.folder}: was not evaluated, and its model is not kept: it is fitted again")
    train, val = splits()
    print(
        f"{job.model}, seed {job.seed}: {len(train):,} training and {len(val):,} validation "
        f"images, {job.threads} threads",
        flush=True,
    )
    with tqdm(
        bar_format="fitting for {elapsed}", disable=not sys.stderr.isatty(), leave=False
    ) as bar:
        for warned in run_baseline(run, job, (train, val), test, bar.refresh, checksum):
            bar.write(f"scikit-learn warns: {warned}")


def fit_on(
    workers: Workers, jobs: Sequence[BaselineJob], results: Path, evaluate: bool, overwrite: bool
) -> int:
    """Fit and measure baselines on a cluster, print each, and return how many failed.

    Args:
        workers: who does it, with one thread each.
        jobs: what to fit.
        results: the folder of the run folders.
        evaluate: whether to read the test set.
        overwrite: whether to fit finished ones again.
    """
    failed = 0
    tasks = []
    for job in jobs:
        run = job.run(results)
        if overwrite:
            with run.locked():
                run.clear()
        call = functools.partial(_fit_there, job=replace(job, threads=1), evaluate=evaluate)
        tasks.append(Task(run, job.dataset, call))
    with contextlib.closing(workers.each(tasks, print)) as outcomes:
        for task, failure in outcomes:
            if failure:
                print(f"error: {task.run.folder}: {failure}", file=sys.stderr)
                failed += 1
            else:
                report(task.run)
    return failed


def _fit_there(
    run: Run, data_dir: Path, device: torch.device, job: BaselineJob, evaluate: bool
) -> str | None:
    job = replace(job, data_dir=data_dir)

    def fit_and_draw() -> None:
        if run.complete and (run.evaluated or not evaluate):
            check_same(run, job.identity())
            return
        splits = split_validation(load_train(job.dataset, data_dir))
        test = functools.partial(load_test, job.dataset, data_dir, replace_altered=True)
        run_baseline(run, job, splits, test if evaluate else None)
        evaluate_and_plot(run, None)

    return safely(fit_and_draw, run)


def leave(job: BaselineJob) -> NoReturn:
    """Say what Ctrl-C left, and end the process."""
    print(
        f"\ninterrupted: a fit cannot be kept half done, {job.model} begins again with "
        f"{command_to_go_on()}",
        flush=True,
    )
    # The fit goes on in its thread: an orderly end would take away the libraries it computes with.
    os._exit(INTERRUPTED)


def report(run: Run) -> None:
    """Print what a run's files say."""
    summary = run.summary()
    print(
        f"fitted in {summary.train_seconds:.2f} s: validation accuracy {summary.val_accuracy:.2%}"
    )
    if run.evaluated:
        print(describe_test(run))
    print(f"written to {run.folder}", flush=True)
