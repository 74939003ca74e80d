"""Train and evaluate a grid of models, recipes, seeds and data sets: one table and both pages.

    python task3_MNIST/benchmark.py [--models all] [--recipes classic fast] [--seeds 5] [--jobs 2]

Each run has one thread of the processor to itself, --jobs of them at a time, the longest first.
What is finished is not run again and what was interrupted goes on, so the same command may be
stopped in any way and given again. A run that fails is named at the end. summary.csv in the
results folder has a row for every evaluated run there; it is made from the run folders, again
by each call.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import argparse
import contextlib
import functools
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import joblib
import torch
from tqdm import tqdm

from task3_MNIST.cli.arguments import (
    Parser,
    add_data_flag,
    add_device_flag,
    add_plots_flag,
    add_results_flag,
    count,
)
from task3_MNIST.datasets.splits import DATASETS, dataset_checksum, fetch, load_test, load_train
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.evaluation.ensemble import without_ensemble, write_ensembles
from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.grid import Grid, estimate, model_names, split_names
from task3_MNIST.experiments.parallel import finish_runs
from task3_MNIST.experiments.run import finished
from task3_MNIST.experiments.train import Job
from task3_MNIST.files import REPOSITORY
from task3_MNIST.report.comparison.page import OUT as COMPARISON
from task3_MNIST.report.comparison.page import compare
from task3_MNIST.report.inference.page import OUT as INFERENCE
from task3_MNIST.report.inference.page import show
from task3_MNIST.runs.commands import command_to_go_on, train_command
from task3_MNIST.runs.folder import check_same, refuse_other_schemas
from task3_MNIST.runs.tables import NAME, group_rows, read_summary, write_summary
from task3_MNIST.training.device import choose_device


def main() -> None:
    """Run what is missing of the grid, then write the table and the pages."""
    options = parser().parse_args()
    device = choose_device(options.device)
    grid = Grid(
        models=model_names(split_names(options.models)),
        recipes=split_names(options.recipes),
        datasets=split_names(options.datasets),
        seeds=options.seeds,
        full_train=options.full_train,
    )
    jobs = grid.jobs(options.data, device)
    check_results(jobs, options.results)
    try:
        failures = run_missing(jobs, options, device)
        problems = conclude(jobs, options)
    except KeyboardInterrupt:
        ended = sum(finished(job.run(options.results)) for job in jobs)
        print(
            f"\ninterrupted: {ended} of {len(jobs)} runs are finished; to go on: "
            f"{command_to_go_on()}"
        )
        raise
    complain(failures, problems, jobs, options.results)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Train and evaluate models x recipes x seeds x data sets.")
    made.add_argument(
        "--models",
        nargs="+",
        default=["all"],
        metavar="MODEL",
        help="all, mlp or cnn: every model of the tables, or of one family; or names: sizes such "
        "as mlp_d2_w64 too, and mlp-grid or cnn-grid for a study of size, at each depth with "
        "every width twice the one before. In a list of several, mlp and cnn are the models of "
        "these names (default: all)",
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
        help=f"{', '.join(DATASETS)}, or folders PATH/<digit>/*.png (default: mnist)",
    )
    made.add_argument(
        "--seeds", type=count, default=5, metavar="N", help="seeds 0 to N-1 (default: 5)"
    )
    made.add_argument(
        "--full-train",
        action="store_true",
        help="train on the held-out images too: no validation, the last epoch is kept",
    )
    cores = joblib.cpu_count()
    made.add_argument(
        "--jobs",
        type=count,
        default=cores,
        metavar="N",
        help=f"runs at a time, each with one thread (default: one a core, here {cores})",
    )
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


def check_results(jobs: Sequence[Job], results: Path) -> None:
    """Find out before anything is trained what would spoil the end.

    Raises:
        UserError: the results folder holds runs of another version, or a summary that this did
            not write; two of the jobs would share a folder.
    """
    folders: dict[Path, Job] = {}
    for job in jobs:
        other = folders.setdefault(job.run(results).folder, job)
        if other is not job:
            pair = (
                f"data sets {other.dataset} and {job.dataset}"
                if other.dataset != job.dataset
                else f"recipes {other.recipe_file} and {job.recipe_file}"
            )
            raise UsageError(
                f"the {pair} would share their run folders: rename one, or give each its own "
                "--results"
            )
    results.mkdir(parents=True, exist_ok=True)
    refuse_other_schemas(results)
    if (results / NAME).exists():
        read_summary(results / NAME)


def run_missing(
    jobs: Sequence[Job], options: argparse.Namespace, device: torch.device
) -> dict[Job, str]:
    """Run the jobs that are not finished; return why each that failed did so."""
    failures = {}
    waiting = []
    checksum = functools.cache(dataset_checksum)
    for job in jobs:
        run = job.run(options.results)
        if not finished(run):
            waiting.append(job)
            continue
        try:
            check_same(run, job.identity(checksum))
        except UserError as error:
            failures[job] = str(error)
    ready = len(jobs) - len(waiting)
    print(f"{len(jobs)} runs, {ready} of them finished; {options.jobs} at a time")
    if not waiting:
        return failures

    images = {}
    for dataset in dict.fromkeys(job.dataset for job in waiting):
        fetch(dataset, options.data, test=True)
        images[dataset] = len(load_train(dataset, options.data))
    work = {job: estimate(job, images[job.dataset]) for job in waiting}
    longest_first = sorted(waiting, key=work.get, reverse=True)

    with progress(work, options.results) as (bar, ended):
        outcomes = finish_runs(
            longest_first,
            options.results,
            device,
            options.jobs,
            lambda: bar.write("a worker was killed: what it and the others ran begins again"),
        )
        with contextlib.closing(outcomes):
            for job, failure in outcomes:
                ended.add(job)
                if failure:
                    failures[job] = failure
                bar.write(f"{ready + len(ended)}/{len(jobs)} {outcome(job, failure, options)}")
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


def outcome(job: Job, failure: str | None, options: argparse.Namespace) -> str:
    """Return what came of a job, in a line."""
    run = job.run(options.results)
    name = run.folder.relative_to(options.results).as_posix()
    if failure:
        return f"{name}: failed, see the end"
    summary, test = run.summary(), run.test()
    return (
        f"{name}: test accuracy {test['test_accuracy']:.2%}, trained in "
        f"{summary['train_seconds']:.1f} s"
    )


def conclude(jobs: Sequence[Job], options: argparse.Namespace) -> dict[Path, str]:
    """Write ensembles, the summary and the pages; return what is wrong, by the folder it is in."""
    problems = {}
    runs = [(job, job.run(options.results)) for job in jobs]
    for dataset in dict.fromkeys(job.dataset for job in jobs):
        waiting = without_ensemble(run for job, run in runs if job.dataset == dataset)
        try:
            if waiting:
                write_ensembles(waiting, load_test(dataset, options.data))
        except UserError as error:
            problems[options.data / dataset] = str(error)
    rows, faults = write_summary(options.results)
    problems |= {run.folder: str(error) for run, error in faults.items()}
    print_accuracies(jobs, rows)
    print(f"{len(rows)} runs in {options.results / NAME}")
    if not options.no_pages:
        try:
            write_pages(options)
        except UserError as error:
            problems[options.out] = str(error)
    return problems


def print_accuracies(jobs: Sequence[Job], rows: Sequence[dict[str, Any]]) -> None:
    """Print the mean test accuracy over the seeds of each model and recipe of the grid."""
    groups = group_rows(rows)
    wanted = dict.fromkeys((job.dataset, job.model, job.name) for job in jobs)
    names = {key: "  ".join((key[0], key[2], key[1])) for key in wanted if key in groups}
    for key, name in names.items():
        mean = mean_interval([row["test_accuracy"] for row in groups[key]])
        spread = "" if mean.low is None else f" [{mean.low:.2%}, {mean.high:.2%}]"
        width = max(map(len, names.values()))
        print(f"{name:<{width}}  test accuracy {mean.mean:.2%}{spread}, n={mean.n}")


def write_pages(options: argparse.Namespace) -> None:
    """Write both pages of all runs below the results folder, and their pictures."""
    options.out.mkdir(parents=True, exist_ok=True)
    where = (options.results, options.data)
    page = options.out / COMPARISON.name
    compare(*where, page, options.plots)
    page = options.out / INFERENCE.name
    show(*where, (), page, options.plots)


def complain(
    failures: dict[Job, str], problems: dict[Path, str], jobs: Sequence[Job], results: Path
) -> None:
    """Print a line for each thing that went wrong, and exit with 1 if any did."""
    failed = [job for job in jobs if job in failures]
    folders = {job.run(results).folder: failures[job] for job in failed}
    lines = {**problems, **folders}  # the run's own failure says more than the summary's
    for folder, text in lines.items():
        where = "" if str(folder) in text else f"{folder}: "
        print(f"error: {where}{text}", file=sys.stderr)
    if failed:
        run = {**failed[0].identity(), **failed[0].origin()}
        alone = train_command(run, results, overwrite=True)
        print(
            f"{len(failed)} of {len(jobs)} runs failed: the same command tries them again; to "
            f"train the first from scratch: {alone} --threads 1"
        )
    if lines:
        sys.exit(UserError.exit_code)


if __name__ == "__main__":
    run_script(main)
