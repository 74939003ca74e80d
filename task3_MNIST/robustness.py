"""Measure finished runs on changed test images: moved, blurred, corrupted, attacked.

    python task3_MNIST/robustness.py [RUN ...] [--kinds rotation corruption] [--jobs 2]

RUN is a run folder, or one with run folders below it; without RUN, every complete run under
--results. robustness.json in a run's folder has its accuracy under each change; what is there is
not measured again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.robustness import measured, robustness_parser
from task3_MNIST.cli.workers import workers_of
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.robustness.measure import Wanted, standard_values
from task3_MNIST.runs.folder import find_complete, require_runs, runs_named


def main() -> None:
    """Measure the runs named, or all of them, and print a line for each."""
    options = robustness_parser().parse_args()
    if not options.runs:
        require_runs(options.results)
    runs = runs_named(options.runs) if options.runs else find_complete(options.results)[0]
    runs = [run for run in runs if not run.baseline]
    if not runs:
        raise UserError("none of the runs is complete and a network's: nothing to measure")
    wanted = [Wanted.of(kind, value) for kind in options.kinds for value in standard_values(kind)]
    for dataset in dict.fromkeys(run.config().dataset for run in runs):
        fetch(dataset, options.data, test=True)
    failed = 0
    with workers_of(options) as workers:
        for run, line, error in measured(runs, wanted, workers):
            failed += error
            if error:
                print(f"error: {run.folder}: {line}", file=sys.stderr)
            else:
                print(f"{run.folder}: {line}", flush=True)
    if failed:
        sys.exit(UserError.exit_code)


if __name__ == "__main__":
    run_script(main)
