"""Fit scikit-learn's classifiers to the training images, then evaluate them on the test images.

    python task3_MNIST/train_baselines.py [--models all] [--seeds 5]

`--list` prints them with their settings. They get the images that the networks train on and
validate on, and are next to them in every table. A fitted classifier is not kept: scikit-learn
stores it as a pickle only, which could run code where it is loaded. So each is evaluated here,
right after its fit, and one that was interrupted begins again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import argparse
import functools
from collections.abc import Sequence

import torch

from task3_MNIST.cli.arguments import dataset_given
from task3_MNIST.cli.baselines import (
    baselines_parser,
    fit,
    fit_on,
    jobs_of,
    leave,
    print_list,
    report,
)
from task3_MNIST.cli.train import report_ensembles
from task3_MNIST.cli.workers import workers_of
from task3_MNIST.datasets.splits import (
    Split,
    dataset_checksum,
    describe,
    fetch,
    load_test,
    load_train,
    split_validation,
)
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.ensemble import without_ensemble
from task3_MNIST.experiments.evaluation import evaluate_and_plot
from task3_MNIST.experiments.fit_baseline import BaselineJob


def main() -> None:
    """Fit and evaluate what is missing of the baselines asked for."""
    options = baselines_parser().parse_args()
    if options.list:
        print_list()
        return
    options.dataset = dataset_given(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    jobs = list(jobs_of(options))
    # the place is tried before the data is loaded: fail at the door
    jobs[0].run(options.results).folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    if options.cluster:
        with workers_of(options) as workers:
            evaluate = not options.no_evaluate
            failed = fit_on(workers, jobs, options.results, evaluate, options.overwrite)
    else:
        fit_here(jobs, options)
    runs = [job.run(options.results) for job in jobs]
    if not options.no_evaluate and (waiting := without_ensemble(runs)):
        report_ensembles(waiting, load_test(options.dataset, options.data, replace_altered=True))
    if failed:
        sys.exit(UserError.exit_code)


def fit_here(jobs: Sequence[BaselineJob], options: argparse.Namespace) -> None:
    """Fit and evaluate baselines in turn."""

    # loaded at their first use: a repeated command needs no data
    @functools.cache
    def splits() -> tuple[Split, Split]:
        # test files that will be needed are fetched too
        given = {"test": not options.no_evaluate}
        fetch(options.dataset, options.data, **given)
        for line in describe(options.dataset, options.data, **given):
            print(line)
        return split_validation(load_train(options.dataset, options.data))

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
            evaluate_and_plot(run, None)  # its picture
            report(run)


if __name__ == "__main__":
    run_script(main)
