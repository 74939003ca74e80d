"""Train and evaluate a grid of models, recipes, seeds and data sets: one table and both pages.

    python task3_MNIST/benchmark.py [--models all] [--recipes classic fast] [--seeds 5] [--jobs 2]

Each run has one thread of the processor to itself, --jobs of them at a time, the longest first.
What is finished is not run again and what was interrupted goes on, so the same command may be
stopped in any way and given again. A run that fails is named at the end. summary.csv in the
results folder has a row for every evaluated run there.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import dataset_given
from task3_MNIST.cli.benchmark import benchmark_parser, run_jobs
from task3_MNIST.cli.workers import device_of, workers_of
from task3_MNIST.datasets.splits import DATASETS, describe
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.evaluation import finished
from task3_MNIST.experiments.grid import Grid, GridResult, conclude, model_names, plan, split_names
from task3_MNIST.formatting import dataset_labels, with_ends
from task3_MNIST.report.comparison.page import OUT as COMPARISON
from task3_MNIST.report.comparison.page import compare
from task3_MNIST.report.inference.page import OUT as INFERENCE
from task3_MNIST.report.inference.page import show
from task3_MNIST.runs.commands import command_to_go_on


def main() -> None:
    """Run what is missing of the grid, then write the table and the pages."""
    options = benchmark_parser().parse_args()
    device = device_of(options)
    grid = Grid(
        models=model_names(split_names(options.models)),
        recipes=split_names(options.recipes),
        datasets=[
            name if name in DATASETS else dataset_given(options, name)
            for name in split_names(options.datasets)
        ],
        seeds=options.seeds,
        full_train=options.full_train,
    )
    jobs = grid.jobs(options.data, device)
    try:
        work, failures = plan(jobs, options.results, options.data)
        ready = len(jobs) - len(work)
        with workers_of(options) as workers:
            for dataset in dict.fromkeys(job.dataset for job in work):
                for line in describe(dataset, options.data, test=True):
                    print(line)
            print(f"{len(jobs)} runs, {ready} of them finished; {workers.describe()}", flush=True)
            failures |= run_jobs(work, ready, options.results, workers)
        result = conclude(jobs, failures, options.results, options.data)
    except KeyboardInterrupt:
        ended = sum(finished(job.run(options.results)) for job in jobs)
        print(f"\ninterrupted: {ended} of {len(jobs)} runs are finished; to go on: ", end="")
        print(command_to_go_on())
        raise
    report(result)
    if result.groups and not options.no_pages:
        options.out.mkdir(parents=True, exist_ok=True)
        where = (options.results, options.data)
        compare(*where, options.out / COMPARISON.name, options.plots)
        show(*where, (), options.out / INFERENCE.name, options.plots)
    if result.problems:
        sys.exit(UserError.exit_code)


def report(result: GridResult) -> None:
    """Print the mean accuracy of each model and recipe, and what went wrong."""
    called = dataset_labels([group.dataset for group in result.groups])
    for group in result.groups:
        accuracy = with_ends(
            mean_interval(group.tests("test_accuracy")), "{:.2f}", " %", factor=100
        )
        name = f"{group.model} with {group.name} on {called[group.dataset]}"
        print(f"{name}: test accuracy {accuracy}, n={len(group.evaluated)}")
    print(f"{result.rows} runs in {result.summary}")
    for line in result.problems:
        print(f"error: {line}", file=sys.stderr)
    if result.again:
        print(f"the same command tries them again; to train the first from scratch: {result.again}")


if __name__ == "__main__":
    run_script(main)
