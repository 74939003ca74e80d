"""Time a model and a recipe over many fresh processes, next to the DataLoader baseline if asked.

    python task3_MNIST/speedrun.py [--model cnn] [--recipe fast] [--runs 20]
        [--dataloader-baseline [MODEL]]

While it runs it measures on the validation split. The test set is read once, at the end, for all
runs together; the timer does not include that. `TIMER` says what the seconds cover.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import argparse

from task3_MNIST.cli.arguments import Parser, add_device_flag, add_speed_flags, count, set_up_device
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.experiments.speed.files import Speedrun, write_speed_file
from task3_MNIST.experiments.speed.text import speedrun_text
from task3_MNIST.experiments.speed.timing import measure_speed
from task3_MNIST.models import registry
from task3_MNIST.training.recipes import resolve_config

SAME_MODEL = ""


def main() -> None:
    """Measure, then print and write what was measured."""
    options = parser().parse_args()
    device = set_up_device(options)
    training = resolve_config(options.model, options.recipe, device=device)
    baseline = options.dataloader_baseline
    if baseline == SAME_MODEL:
        baseline = training.model
    if baseline:
        registry.family_of(baseline)  # an unknown name must not wait for the first timing
    fetch("mnist", options.data, test=True)

    def print_run(seed: int, seconds: float, accuracy: float) -> None:
        line = f"run {seed + 1}/{options.runs}: {seconds:.2f} s, validation {accuracy:.2%}"
        print(line, flush=True)

    measured = measure_speed(training, options.runs, baseline, options.data, device, print_run)
    print(f"\n{speedrun_text(measured)}")
    print(f"written to {write_speed_file(measured, options.out)}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Time a model and a recipe over many fresh processes.")
    add_speed_flags(made, Speedrun.PREFIX)
    add_device_flag(made)
    made.add_argument("--runs", type=count, default=20, help="processes (default: 20)")
    made.add_argument(
        "--dataloader-baseline",
        nargs="?",
        const=SAME_MODEL,
        metavar="MODEL",
        help="also time an epoch of the DataLoader baseline and print the ratio; "
        "of another model than --model if one is named",
    )
    return made


if __name__ == "__main__":
    run_script(main)
