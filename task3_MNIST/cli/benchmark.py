"""The flags of `benchmark.py`, its progress bar, and a line for each run that ends."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tqdm import tqdm

from task3_MNIST.cli.arguments import (
    SEEDS_HELP,
    Parser,
    add_data_flag,
    add_device_flag,
    add_folder_flags,
    add_plots_flag,
    add_results_flag,
    seeds,
)
from task3_MNIST.cli.workers import add_workers_flags
from task3_MNIST.datasets.splits import DATASETS
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.parallel import Finish, Workers, finish_runs
from task3_MNIST.experiments.train import Job
from task3_MNIST.files import REPOSITORY


def benchmark_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Train and evaluate models x recipes x seeds x data sets.")
    made.add_argument(
        "--models",
        nargs="+",
        default=["all"],
        metavar="MODEL",
        help="models to train. all: every model; mlp or cnn alone: every model of a family; or a "
        "list of names (mlp_d2_w64 works too), in which mlp and cnn are the single models of these "
        "names. mlp-grid, cnn-grid: a model-size study; for each depth, the width doubles from "
        "one model to the next (default: all)",
    )
    made.add_argument(
        "--recipes",
        nargs="+",
        default=["classic", "fast"],
        metavar="RECIPE",
        help="names, or files made by tune.py (default: classic fast)",
    )
    made.add_argument(
        "--datasets",
        nargs="+",
        default=["mnist"],
        metavar="DATASET",
        help=f"{', '.join(DATASETS)}, or folders PATH/<class>/*.png (default: mnist)",
    )
    add_folder_flags(made)
    made.add_argument(
        "--seeds",
        type=seeds,
        default=range(5),
        metavar="N",
        help=f"seeds {SEEDS_HELP} (default: 5)",
    )
    made.add_argument(
        "--full-train",
        action="store_true",
        help="train on the validation images too; the last epoch is kept",
    )
    add_workers_flags(made)
    made.add_argument("--no-pages", action="store_true", help="write no pages and their pictures")
    made.add_argument(
        "--out",
        type=Path,
        default=REPOSITORY / "task3_MNIST",
        help="folder of the two pages (default: task3_MNIST)",
    )
    add_plots_flag(made)
    add_results_flag(made)
    add_data_flag(made)
    add_device_flag(made)
    return made


def run_jobs(
    work: dict[Job, float],
    finished: int,
    results: Path,
    workers: Workers,
    finishes: Mapping[Job, Finish] | None = None,
    outcome: Callable[[Job, Path], str] = Job.outcome,
) -> dict[Job, str]:
    """Run jobs in the order given, print a line for each, and return why those that failed did.

    Args:
        work: the jobs, each with its estimated work.
        finished: how many of the grid were finished before.
        results: the folder of the run folders.
        workers: who does it.
        finishes: as in `finish_runs`.
        outcome: what to print of a run that ended.
    """
    failures = {}
    with progress(work, results) as (bar, ended):
        outcomes = finish_runs(list(work), results, workers, bar.write, finishes)
        with contextlib.closing(outcomes):
            for job, failure in outcomes:
                ended.add(job)
                if failure:
                    failures[job] = failure
                line = "failed, see the end" if failure else outcome(job, results)
                name = job.run(results).folder.relative_to(results).as_posix()
                bar.write(f"{finished + len(ended)}/{finished + len(work)} {name}: {line}")
                sys.stdout.flush()
    return failures


@contextlib.contextmanager
def progress(work: dict[Job, float], results: Path) -> Iterator[tuple[tqdm, set[Job]]]:
    """Show a bar on a terminal, with the time left by the work that is estimated to be left.

    Args:
        work: the estimate of each job.
        results: where their epochs are read from, every second.

    Yields:
        the bar, to write lines above it; and the set to which ended jobs are to be added.
    """
    ended: set[Job] = set()

    def done() -> float:
        return sum(
            amount * (1 if job in ended else trained(job, results)) for job, amount in work.items()
        )

    bar = tqdm(
        total=sum(work.values()),
        initial=done(),
        disable=not sys.stderr.isatty(),
        leave=False,
        smoothing=0,  # the mean rate: runs end seldom, and the last ones are short
        bar_format="{percentage:3.0f}% |{bar}| {elapsed} gone, about {remaining} left",
    )
    stop = threading.Event()

    def follow() -> None:
        while not stop.wait(1):
            bar.n = done()
            bar.refresh()

    follower = threading.Thread(target=follow, daemon=True)
    if not bar.disable:
        follower.start()
    try:
        yield bar, ended
    finally:
        stop.set()
        if follower.is_alive():
            follower.join()  # else it could draw the bar once more after it is gone
        bar.close()


def trained(job: Job, results: Path) -> float:
    """Return the fraction of a job's epochs that its run folder has."""
    try:
        return len(job.run(results).metrics()) / job.config.epochs
    except UserError:
        return 0.0
