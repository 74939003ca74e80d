"""Profile a training step: images and FLOP a second, share of the peak, what takes how long.

    python task3_MNIST/profile_step.py [--model cnn] [--recipe fast]

Measured on the CPU and the real MNIST, 100 steps after as many to warm up.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import argparse
import os

import torch

from task3_MNIST.cli.arguments import Parser, add_speed_flags
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.experiments.speed.files import Profile, write_speed_file
from task3_MNIST.experiments.speed.profiling import CPU, profile_steps
from task3_MNIST.experiments.speed.text import profile_text
from task3_MNIST.experiments.train import load_splits
from task3_MNIST.training.recipes import resolve_config


def main() -> None:
    """Profile, print and write."""
    # else the profiler says on the terminal that it starts and stops
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    options = parser().parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    training = resolve_config(options.model, options.recipe, device=CPU)
    fetch("mnist", options.data, test=False)
    train, _ = load_splits("mnist", options.data, CPU)
    measured = profile_steps(training, train)
    print(profile_text(measured))
    print(f"written to {write_speed_file(measured, options.out)}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Profile a training step on the CPU.")
    add_speed_flags(made, Profile.PREFIX)
    return made


if __name__ == "__main__":
    run_script(main)
