"""Evaluate finished runs on the sealed test set: writes test.json and predictions.npz.

    python task3_MNIST/evaluate.py [--average-shifts PIXELS] [RUN ...]

Without RUN, every complete run under --results that has no test.json is evaluated. Where a model
has several seeds, ensemble.json beside them says how right they are together.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.core.script import run_script

# isort: split
from task3_MNIST.core import data
from task3_MNIST.core.cli import describe_test, report_ensembles
from task3_MNIST.core.errors import UsageError, UserError
from task3_MNIST.core.finishing import evaluate_and_plot
from task3_MNIST.core.flags import Parser, add_common_flags, count, set_up_device
from task3_MNIST.core.runs import Run, find


def main() -> None:
    """Evaluate the runs named, or all that wait for it."""
    parser = Parser(description="Evaluate finished runs on the sealed test set.")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run folders")
    parser.add_argument(
        "--average-shifts",
        type=count,
        default=0,
        metavar="PIXELS",
        help="also average each image's probabilities over all shifts by up to so many pixels; "
        "test.json reports it beside the plain figures",
    )
    add_common_flags(parser)
    options = parser.parse_args()
    device = set_up_device(options)

    if not options.runs and not options.results.is_dir():
        raise UsageError(f"{options.results} is no folder of runs: name one with --results")
    runs = [Run(folder) for folder in options.runs] or waiting(options.results)
    for run in runs:
        if not run.started:
            raise UsageError(f"{run.folder} is not a run folder: it has no config.json")
    done: dict[str, list[Run]] = {}
    failed = 0
    tests: dict[str, data.Split] = {}
    for run in runs:
        try:
            run.require_network()
            dataset = run.config()["dataset"]
            if dataset not in tests:
                tests[dataset] = data.load_test(dataset, options.data).to(device)
            with run.locked():
                evaluate_and_plot(run, tests[dataset], options.average_shifts)
        except UserError as error:
            # one broken run must not keep the others waiting
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        print(f"{run.folder}: {describe_test(run)}")
        done.setdefault(dataset, []).append(run)
    for dataset, evaluated in done.items():
        report_ensembles(evaluated, tests[dataset])
    if not runs:
        print(f"nothing waits for evaluation in {options.results}")
        return
    print(f"{len(runs) - failed} evaluated")
    if failed:
        sys.exit(UserError.exit_code)


def waiting(results: Path) -> list[Run]:
    """Return the complete runs of networks below a folder that were never evaluated."""
    runs = [run for run in find(results) if run.complete and not run.evaluated]
    fitted = [run for run in runs if is_baseline(run)]
    for run in fitted:
        print(f"{run.folder}: a baseline's model is not kept, train_baselines.py evaluates it")
    return [run for run in runs if run not in fitted]


def is_baseline(run: Run) -> bool:
    """Return whether a run is a baseline's; one that cannot be read will be named as such."""
    try:
        return run.baseline
    except UserError:
        return False


if __name__ == "__main__":
    run_script(main)
