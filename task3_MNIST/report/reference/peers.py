"""Other people's trainings next to ours: measured by our tools, or quoted and called so."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.speed.files import RivalTimes, Speedrun, read_speed_files
from task3_MNIST.formatting import with_ends
from task3_MNIST.runs.groups import read_groups

HEAD = ("training", "seconds", "accuracy", "where from")
# Each ran once, on two cores of an x86-64 CPU with AVX-512, in one session in which `cnn_fast` took
# 1.1 s and `mlp` 1.67 s: what, seconds, test accuracy in percent.
QUOTED = (
    ("[flax, MNIST example](https://github.com/google/flax), JAX, two epochs", "63", "99.00"),
    (
        "[Keras, simple_mnist_convnet](https://keras.io/examples/vision/mnist_convnet/), JAX, "
        "three epochs",
        *("82", "98.59"),
    ),
    (
        "[pytorch/examples, MNIST](https://github.com/pytorch/examples), one epoch, whole command",
        *("39.7", "98.31"),
    ),
    (
        "[tuomaso/train_mnist_fast](https://github.com/tuomaso/train_mnist_fast), one epoch",
        *("4.65", "98.9 to 99.06"),
    ),
    (
        "[tinygrad, beautiful_mnist](https://github.com/tinygrad/tinygrad), 60 of 70 steps, one "
        "core",
        *("191", "97.93"),
    ),
)


def peer_rows(reference: Path) -> list[list[str]]:
    """Return the cells of the table of peers, row by row; see `HEAD`."""
    rows = []
    for found in read_speed_files(reference / "speed", Speedrun):
        if found.target is None:
            continue
        machine = f"`speedrun.py`, {found.provenance.machine}, PyTorch {found.provenance.torch}"
        rows.append([f"`{found.model}`, `{found.recipe}`", *_own_times(found), machine])
        rows += [_rival_row(rival, found, machine) for rival in found.rivals]
    for group in read_groups(reference)[0]:
        if group.model == "sklearn_mlp":
            config = group.runs[0].config
            rows.append(
                [
                    "scikit-learn, MLPClassifier (512, 256)",
                    f"{np.median([run.summary.train_seconds for run in group.runs]):.1f} s",
                    with_ends(
                        mean_interval(group.tests("test_accuracy")), "{:.2f}", " %", factor=100
                    ),
                    f"`train_baselines.py`, {config.cpu}, scikit-learn {config.scikit_learn}",
                ]
            )
    quoted = "quoted: one run, on another machine"
    rows += [[name, f"{seconds} s", f"{percent} %", quoted] for name, seconds, percent in QUOTED]
    return rows


def _rival_row(rival: RivalTimes, found: Speedrun, machine: str) -> list[str]:
    epoch = f"{np.median(rival.seconds):.2f} s an epoch"
    return [f"`{rival.model}`: {rival.about}; {epoch}", *_times(rival.reached, found), machine]


def _own_times(found: Speedrun) -> list[str]:
    """Return the cells of our own training, which ends whether or not it reaches the target."""
    reached = [run.reached for run in found.runs]
    if any(reached):
        return _times(reached, found)
    seconds = float(np.median([run.seconds for run in found.runs]))
    accuracy = float(np.mean([run.val_accuracy for run in found.runs]))
    complete = f"{seconds:.2f} s for the complete training, n={len(reached)}"
    return [complete, f"{accuracy * 100:.2f} % on validation at its end"]


def _times(reached: list[float | None], found: Speedrun) -> list[str]:
    """Return the cells of the seconds until the target, and of the target."""
    times = [seconds for seconds in reached if seconds is not None]
    median = f"median {np.median(times):.2f} s, " if times else "not reached, "
    target = f"{found.target * 100:.1f} % on validation"
    return [f"{median}{len(times)} of {len(reached)} runs", target]
