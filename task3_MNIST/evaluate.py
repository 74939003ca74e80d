"""Evaluate finished runs on the sealed test set: writes test.json and predictions.npz.

    python task3_MNIST/evaluate.py [--tta PIXELS] [RUN ...]
    python task3_MNIST/evaluate.py --qmnist50k RUN ...

RUN is a run folder, or one with run folders below it; each run is evaluated, again if it was
before. Without RUN, every complete run under --results that has no test.json is evaluated. Where a
model has several seeds, ensemble.json next to them has the accuracy of their ensemble. --qmnist50k
takes QMNIST's other 50,000 test images instead and writes qmnist50k.json; runs that have it are not
measured again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_common_flags, count, set_up_device
from task3_MNIST.cli.second_test import report_second_test
from task3_MNIST.cli.train import describe_test, report_ensembles
from task3_MNIST.datasets.splits import Split, load_test
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.evaluation.evaluate import evaluate_run
from task3_MNIST.experiments.evaluation import plot
from task3_MNIST.runs.folder import Run, runs_named, runs_to_evaluate


def main() -> None:
    """Evaluate the runs named, or all that wait for it."""
    parser = Parser(description="Evaluate finished runs on the sealed test set.")
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="run folders, or folders that contain them; runs that were already evaluated are "
        "evaluated again (default: all runs not evaluated yet)",
    )
    parser.add_argument(
        "--tta",
        type=count,
        default=0,
        metavar="PIXELS",
        help="also measure with test-time augmentation: each image's probabilities averaged over "
        "all shifts by up to so many pixels",
    )
    parser.add_argument(
        "--qmnist50k",
        action="store_true",
        help="measure the runs named, once, on the 50,000 test images of QMNIST that MNIST lacks",
    )
    add_common_flags(parser)
    options = parser.parse_args()
    device = set_up_device(options)
    if options.qmnist50k:
        if not options.runs:
            raise UsageError("--qmnist50k measures each run once: name the runs to confirm")
        if report_second_test(runs_named(options.runs), options.data, device):
            sys.exit(UserError.exit_code)
        return

    runs = runs_named(options.runs) if options.runs else runs_to_evaluate(options.results)
    done: dict[str, list[Run]] = {}
    failed = 0
    tests: dict[str, Split] = {}
    for run in runs:
        try:
            if run.baseline and run.folder not in options.runs:
                print(f"{run.folder}: a baseline's model is not kept, see train_baselines.py")
                continue
            run.require_network()
            dataset = run.config().dataset
            if dataset not in tests:
                tests[dataset] = load_test(dataset, options.data).normalized(device)
            with run.locked():
                evaluate_run(run, tests[dataset], options.tta)
                plot(run)
        except UserError as error:
            # one broken run must not keep the others waiting
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        print(f"{run.folder}: {describe_test(run)}")
        done.setdefault(dataset, []).append(run)
    for dataset, evaluated in done.items():
        report_ensembles(evaluated, tests[dataset])
    count_done = sum(map(len, done.values()))
    if count_done or failed:
        print(f"{count_done} evaluated")
    else:
        print(f"all runs in {options.results} are evaluated: name one to evaluate it again")
    if failed:
        sys.exit(UserError.exit_code)


if __name__ == "__main__":
    run_script(main)
