"""The flags of `robustness.py`, its workers and its lines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from joblib import delayed

from task3_MNIST.cli.arguments import (
    Parser,
    add_data_flag,
    add_device_flag,
    add_jobs_flag,
    add_results_flag,
)
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import explain
from task3_MNIST.evaluation.robustness.measure import Wanted, kinds, measure_robustness
from task3_MNIST.experiments.evaluation import ERROR_NAME
from task3_MNIST.experiments.parallel import side_by_side, traceback_left
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
    add_jobs_flag(made)
    add_results_flag(made)
    add_data_flag(made)
    add_device_flag(made)
    return made


def measured_side_by_side(
    runs: Sequence[Run],
    wanted: Sequence[Wanted],
    options: argparse.Namespace,
    device: torch.device,
) -> Iterator[tuple[Run, str, bool]]:
    """Yield each run as it is measured, its line, and whether that is an error."""
    tasks = (delayed(_measured)(run, wanted, options.data, device) for run in runs)
    yield from side_by_side(tasks, min(options.jobs, len(runs)))


def _measured(
    run: Run, wanted: Sequence[Wanted], data_dir: Path, device: torch.device
) -> tuple[Run, str, bool]:
    torch.set_num_threads(1)
    try:
        with run.locked(), traceback_left(run):
            test = load_test(run.config().dataset, data_dir)
            found = measure_robustness(run, wanted, test, data_dir, device)
        return run, summary(found, wanted), False
    except Exception as error:  # one broken run must not keep the others waiting
        return run, explain(error, f"{ERROR_NAME} in its folder shows where"), True


def summary(found: Robustness, wanted: Sequence[Wanted]) -> str:
    """Return the mean accuracy under each kind of change."""
    shown = []
    for kind in dict.fromkeys(one.kind for one in wanted):
        values = [one.accuracy for one in found.conditions if one.kind == kind]
        if values:
            shown.append(f"{kind.replace('_', ' ')} {np.mean(values):.2%}")
    return ", ".join(shown)
