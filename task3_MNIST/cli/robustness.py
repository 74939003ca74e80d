"""The flags of `robustness.py`, its workers and its lines."""

from __future__ import annotations

import argparse
import contextlib
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from task3_MNIST.cli.arguments import (
    Parser,
    add_data_flag,
    add_device_flag,
    add_results_flag,
)
from task3_MNIST.cli.workers import add_workers_flags
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.robustness.measure import (
    Wanted,
    kinds,
    measure_robustness,
    read_robustness,
)
from task3_MNIST.experiments.parallel import Task, Workers, safely
from task3_MNIST.runs.files import Robustness
from task3_MNIST.runs.folder import Run


def robustness_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Measure finished runs on changed test images.")
    made.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="run folders, or folders that contain them (default: all complete runs)",
    )
    made.add_argument(
        "--kinds",
        nargs="+",
        choices=kinds(),
        default=kinds(),
        metavar="KIND",
        help=f"what to change: {', '.join(kinds())} (default: all; attack takes longest, minutes "
        "for a large model)",
    )
    add_workers_flags(made)
    add_results_flag(made)
    add_data_flag(made)
    add_device_flag(made)
    return made


def measured(
    runs: Sequence[Run], wanted: Sequence[Wanted], workers: Workers
) -> Iterator[tuple[Run, str, bool]]:
    """Yield each run as it is measured, its line, and whether that is an error."""
    call = functools.partial(_measure, wanted=tuple(wanted))
    tasks = [Task(run, run.config().dataset, call) for run in runs]
    with contextlib.closing(workers.each(tasks, lambda _: None)) as outcomes:
        for task, failure in outcomes:
            if failure:
                yield task.run, failure, True
            else:
                yield task.run, summary(read_robustness(task.run)[0], wanted), False


def _measure(
    run: Run, data_dir: Path, device: torch.device, wanted: Sequence[Wanted]
) -> str | None:
    def measure() -> None:
        test = load_test(run.config().dataset, data_dir)
        measure_robustness(run, wanted, test, data_dir, device)

    return safely(measure, run)


def summary(found: Robustness, wanted: Sequence[Wanted]) -> str:
    """Return the mean accuracy under each kind of change."""
    shown = []
    for kind in dict.fromkeys(one.kind for one in wanted):
        values = [one.accuracy for one in found.conditions if one.kind == kind]
        if values:
            shown.append(f"{kind.replace('_', ' ')} {np.mean(values):.2%}")
    return ", ".join(shown)
