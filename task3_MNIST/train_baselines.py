"""Fit scikit-learn's classifiers to the training images, then evaluate them on the test images.

    python task3_MNIST/train_baselines.py [--models all] [--seeds 5]

`--list` prints them with their settings. They get the images that the networks train on and
validate on, and stand beside them in every table. A fitted classifier is not kept: scikit-learn
stores it as a pickle only, which could run code where it is loaded. So each is evaluated here,
right after its fit, and one that was interrupted begins again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import INTERRUPTED, before_imports, run_script

before_imports(__name__)

import argparse
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import torch
from tqdm import tqdm

from task3_MNIST.cli.arguments import Parser, add_data_flag, add_results_flag, count
from task3_MNIST.cli.train import describe_test, report_ensembles
from task3_MNIST.datasets.splits import DATASETS, Split, dataset_checksum, fetch, load_test
from task3_MNIST.errors import UsageError
from task3_MNIST.evaluation.ensemble import without_ensemble
from task3_MNIST.experiments.fit_baseline import BaselineJob, run_baseline
from task3_MNIST.experiments.grid import split_names
from task3_MNIST.experiments.run import finish
from task3_MNIST.experiments.train import load_splits, usable_name
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.runs.commands import command_to_go_on
from task3_MNIST.runs.folder import Run, check_same

MAX_SEED = 2**32 - 1


def main() -> None:
    """Fit and evaluate what is missing of the baselines asked for."""
    options = parser().parse_args()
    if options.list:
        print_list()
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    jobs = list(jobs_of(options))
    # the place is tried before the data is loaded: fail at the door
    jobs[0].run(options.results).folder.mkdir(parents=True, exist_ok=True)
    # loaded at their first use: a repeated command needs no data
    splits = functools.cache(lambda: load(options))
    test = functools.cache(lambda: load_test(options.dataset, options.data, replace_altered=True))
    checksum = functools.cache(dataset_checksum)
    for job in jobs:
        run = job.run(options.results)
        with run.locked():
            if options.overwrite:
                run.clear()
            try:
                fit(run, job, splits, None if options.no_evaluate else test, checksum)
            except KeyboardInterrupt:
                leave(job)
            finish(run, None)  # its picture
            report(run)
    runs = [job.run(options.results) for job in jobs]
    if not options.no_evaluate and (waiting := without_ensemble(runs)):
        report_ensembles(waiting, test())


def parser() -> argparse.ArgumentParser:
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
    made.add_argument(
        "--dataset",
        default="mnist",
        help=f"{', '.join(DATASETS)}, or a folder PATH/<digit>/*.png (default: mnist)",
    )
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "--seed",
        type=seed,
        default=0,
        help="of what a baseline draws; those that draw nothing run once, as seed 0 (default: 0)",
    )
    which.add_argument("--seeds", type=count, metavar="N", help="seeds 0 to N-1 in turn")
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
        "--threads", type=count, help="CPU threads (default: one a core; PyTorch's choice)"
    )
    return made


def seed(text: str) -> int:
    """Return the seed that an option gives; argparse reports any other text."""
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {MAX_SEED}")
    return int(text)


def print_list() -> None:
    """Print each baseline, its settings, and where they are from."""
    for name, row in sklearn_baselines.BASELINES.items():
        settings = ", ".join(f"{key}={value!r}" for key, value in row.settings.items())
        print(f"{name}: sklearn.{row.estimator}({settings})")
        print(f"  {row.why}; {'seeded' if row.seeded else 'no seed changes it: one run'}")


def jobs_of(options: argparse.Namespace) -> Iterator[BaselineJob]:
    """Yield the jobs of the command line, and say which ones no seed would change.

    Raises:
        UsageError: there is no such baseline or data set.
    """
    dataset = usable_name(options.dataset)
    asked = range(options.seeds) if options.seeds else [options.seed]
    for name in model_names(options.models):
        seeds: Sequence[int] = asked
        if not sklearn_baselines.baseline(name).seeded:
            seeds = [0]
            if list(asked) != seeds:
                print(f"{name} does not depend on the seed: one run, as seed 0")
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


def load(options: argparse.Namespace) -> tuple[Split, Split]:
    """Return train and validation; test files that will be needed are fetched too."""
    fetch(options.dataset, options.data, test=not options.no_evaluate)
    return load_splits(options.dataset, options.data, False, torch.device("cpu"))


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
        print(f"{run.folder}: was fitted with --no-evaluate, and its model not kept: once more")
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
        f"fitted in {summary['train_seconds']:.2f} s: validation accuracy "
        f"{summary['val_accuracy']:.2%}"
    )
    if run.evaluated:
        print(describe_test(run))
    print(f"written to {run.folder}", flush=True)


if __name__ == "__main__":
    run_script(main)
