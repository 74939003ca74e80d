"""Time a model and a recipe over many fresh processes, against the usual pipeline if asked.

    python task3_MNIST/speedrun.py [--model cnn] [--recipe fast] [--runs 20] [--against [MODEL]]

`TIMER` says what the seconds cover.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import argparse
import concurrent.futures
import multiprocessing
import time
from typing import Any

import numpy as np
import torch

from task3_MNIST.cli.arguments import Parser, add_device_flag, add_speed_flags, count, set_up_device
from task3_MNIST.datasets.splits import fetch, load_test
from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.speed.dataloader_baseline import train_usual_epochs
from task3_MNIST.experiments.speed.files import SPEEDRUN, chosen_training, write_speed_file
from task3_MNIST.experiments.train import load_splits
from task3_MNIST.models import registry
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.models.size import parameter_count
from task3_MNIST.runs.provenance import describe
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.loop import fit, seed_generators

WARM_UP_STEPS = 20
SAME_MODEL = ""
TIMER = (
    "The timer starts before the first training step and stops after the last epoch's validation: "
    "it covers ordering, augmentation, forward, backward, updates, validation and the copies of "
    "weights and optimizer that each epoch leaves. It leaves out imports, reading the data, "
    f"building the model, a warm-up of {WARM_UP_STEPS} steps on a model that is thrown away, and "
    "the evaluation on the test set."
)


def main() -> None:
    """Run the processes one after the other, then print and write what they measured."""
    options = parser().parse_args()
    device = set_up_device(options)
    named, config = chosen_training(options, device)
    options.model = named["model"]
    if options.against == SAME_MODEL:
        options.against = options.model
    if options.against:
        registry.family_of(options.against)  # an unknown name must not wait for the first timing
    fetch("mnist", options.data, test=True)

    usual = measure_usual(options) if options.against else []
    runs = []
    for seed in range(options.runs):
        runs.append(in_fresh_process(timed_run, config, seed, options))
        print(
            f"run {seed + 1}/{options.runs}: {runs[-1]['seconds']:.2f} s, "
            f"validation {runs[-1]['val_accuracy']:.2%}, test {runs[-1]['test_accuracy']:.2%}",
            flush=True,
        )
    if options.against:
        # once more at the end: a machine that changed its speed meanwhile shows
        usual += measure_usual(options)
    report = {
        **named,
        "parameters": parameter_count(registry.build(options.model)),
        "timer": TIMER,
        "runs": runs,
        "usual_model": options.against,
        "usual_epoch_seconds": usual,
    }
    print_report(report, describe(device))
    write_speed_file(report, SPEEDRUN, options.out, device)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Time a model and a recipe over many fresh processes.")
    add_speed_flags(made, SPEEDRUN)
    add_device_flag(made)
    made.add_argument("--runs", type=count, default=20, help="processes (default: 20)")
    made.add_argument(
        "--against",
        nargs="?",
        const=SAME_MODEL,
        metavar="MODEL",
        help="also time an epoch of the usual DataLoader pipeline and print the ratio; "
        "of another model than --model if one is named",
    )
    return made


def in_fresh_process(function: Any, *arguments: Any) -> Any:
    """Return what the function returns in a new Python process."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def timed_run(config: TrainConfig, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Train once and return `seconds`, `val_accuracy` and `test_accuracy`.

    Accuracies are fractions, of the selected epoch.
    """
    device = set_up_device(options)
    config = TrainConfig(**{**vars(config), "seed": seed})
    train, val = load_splits("mnist", options.data, full_train=False, device=device)
    few = train[torch.arange(WARM_UP_STEPS * config.batch_size) % len(train)]
    warm_up = TrainConfig(**{**vars(config), "epochs": 1})
    list(fit(registry.build(options.model).to(device), few, val, warm_up))

    seed_generators(seed, 0)
    model = registry.build(options.model).to(device)
    started = time.perf_counter()
    *_, last = fit(model, train, val, config)
    seconds = time.perf_counter() - started
    test = load_test("mnist", options.data).to(device)
    model.load_state_dict(last.checkpoint["selected"]["state_dict"])
    _, test_accuracy = loss_and_accuracy(predict(model, test.images), test.labels)
    chosen = last.checkpoint["history"][last.checkpoint["selected"]["epoch"] - 1]
    return {
        "seconds": seconds,
        "val_accuracy": chosen["val_accuracy"],
        "test_accuracy": test_accuracy,
    }


def measure_usual(options: argparse.Namespace) -> list[float]:
    """Return the seconds of one warm epoch of the usual pipeline, in a fresh process."""
    return in_fresh_process(usual_epoch, options)


def usual_epoch(options: argparse.Namespace) -> list[float]:
    """Return the seconds of the second of two epochs: the first is the warm-up."""
    model = registry.build(options.against).to(set_up_device(options))
    return train_usual_epochs(model, options.data, epochs=2)[1:]


def print_report(report: dict[str, Any], machine: dict[str, Any]) -> None:
    """Print mean, interval, median and spread of the runs, the ratio, and the machine."""
    print(f"\n{report['model']} with {report['recipe']}: {report['parameters']:,} parameters")
    print(report["timer"])
    for name, unit, factor in (
        ("test_accuracy", "%", 100),
        ("val_accuracy", "%", 100),
        ("seconds", "s", 1),
    ):
        values = np.array([run[name] for run in report["runs"]]) * factor
        print(f"  {name:<14} {summarise(values, unit)}")
    if report["usual_epoch_seconds"]:
        usual = float(np.mean(report["usual_epoch_seconds"]))
        ratio = np.mean([run["seconds"] for run in report["runs"]]) / usual
        print(f"  one epoch of the usual {report['usual_model']}: {usual:.2f} s; ratio {ratio:.2f}")
    found = {name: version for name, version in machine["versions"].items() if version}
    versions = ", ".join(f"{name} {version}" for name, version in found.items())
    hardware = f"{machine['device']}; {machine['cpu']}, {machine['threads']} threads"
    print(f"  {hardware}; {versions}")


def summarise(values: np.ndarray, unit: str) -> str:
    """Return mean, 95 % t-interval, median and extremes of the values in a line."""
    mean = mean_interval(values)
    spread = f"median {np.median(values):.2f}, from {values.min():.2f} to {values.max():.2f}"
    if mean.low is None:
        return f"{mean.mean:.2f} {unit} (n={mean.n}), {spread}"
    return f"{mean.mean:.3f} {unit} [{mean.low:.3f}, {mean.high:.3f}] (n={mean.n}), {spread}"


if __name__ == "__main__":
    run_script(main)
