"""Time a model and a recipe over many fresh processes, next to ordinary ways to train.

    python task3_MNIST/speedrun.py [--model cnn] [--recipe fast] [--runs 20]
        [--rivals dataloader in-memory] [--checkout FOLDER] [--to-accuracy 0.99]

Each rival trains after each run, so that a machine that changes its speed changes it for both.
With `--to-accuracy`, everybody trains until validation says so. The test set is read once, at the
end, for all runs together; the timer does not include that. `TIMER` says what the seconds cover.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import set_up_device
from task3_MNIST.cli.speedrun import speedrun_parser
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.experiments.speed.files import write_speed_file
from task3_MNIST.experiments.speed.text import speedrun_text
from task3_MNIST.experiments.speed.timing import checkout_rival, measure_speed, ordinary_rival
from task3_MNIST.models import registry
from task3_MNIST.training.recipes import resolve_config


def main() -> None:
    """Measure, then print and write what was measured."""
    options = speedrun_parser().parse_args()
    device = set_up_device(options)
    training = resolve_config(options.model, options.recipe, device=device)
    rival_model = options.rival_model or training.model
    registry.family_of(rival_model)  # an unknown name must not wait for the first timing
    setting = (rival_model, options.data, device, options.to_accuracy)
    rivals = [ordinary_rival(name, *setting) for name in options.rivals]
    if options.checkout:
        rivals.append(checkout_rival(options.checkout, *setting))
    seeds = range(options.first_seed, options.first_seed + options.runs)
    fetch("mnist", options.data, test=True)

    def print_run(run_seed: int, seconds: float, accuracy: float) -> None:
        run = run_seed - options.first_seed + 1
        line = f"run {run}/{options.runs}: {seconds:.2f} s, validation {accuracy:.2%}"
        print(line, flush=True)

    measured = measure_speed(
        training, seeds, rivals, options.data, device, print_run, options.to_accuracy
    )
    print(f"\n{speedrun_text(measured)}")
    print(f"written to {write_speed_file(measured, options.out)}")


if __name__ == "__main__":
    run_script(main)
