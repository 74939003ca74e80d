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

import torch

from task3_MNIST.cli.arguments import Parser, add_speed_flags
from task3_MNIST.datasets.splits import fetch, load_train
from task3_MNIST.experiments.speed.files import PROFILE, chosen_training, write_speed_file
from task3_MNIST.experiments.speed.profiling import profile_steps

CPU = torch.device("cpu")


def main() -> None:
    """Profile, print and write."""
    options = parser().parse_args()
    named, config = chosen_training(options, CPU)
    if options.threads:
        torch.set_num_threads(options.threads)
    fetch("mnist", options.data, test=False)
    found = profile_steps(named["model"], config, load_train("mnist", options.data))
    report = {
        **named,
        "batch_size": config.batch_size,
        "precision": config.precision,
        **found,
    }
    print(
        f"{named['model']} with {named['recipe']}: {found['images_per_second']:,.0f} images/s, "
        f"{found['step_seconds'] * 1e3:.2f} ms a step of {config.batch_size}\n"
        f"{found['flops_per_second'] / 1e9:.1f} GFLOP/s, {found['fraction_of_peak']:.0%} of the "
        f"{found['matmul_peak'] / 1e9:.0f} GFLOP/s of a matrix product in {config.precision}"
    )
    for kind, share in found["shares"].items():
        print(f"  {share:6.1%}  {kind}")
    write_speed_file(report, PROFILE, options.out, CPU)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Profile a training step on the CPU.")
    add_speed_flags(made, PROFILE)
    return made


if __name__ == "__main__":
    run_script(main)
