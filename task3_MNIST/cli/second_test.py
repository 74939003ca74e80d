"""`evaluate.py --qmnist50k`: finished runs on a second test set, a line for each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from task3_MNIST.datasets.qmnist50k import load_qmnist50k
from task3_MNIST.datasets.writers import DATASETS
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.second_test import second_test
from task3_MNIST.runs.files import SecondTest
from task3_MNIST.runs.folder import Run


def report_second_test(runs: Sequence[Run], data_dir: Path, device: torch.device) -> int:
    """Measure and print each run, and return how many failed.

    Raises:
        UserError: the images cannot be had.
    """
    split, writers = load_qmnist50k(data_dir)
    images = split.normalized(device)
    failed = 0
    for run in runs:
        try:
            run.require_network()
            if run.config().dataset not in DATASETS:
                raise UserError(f"{run.folder} was not trained on MNIST: name runs that were")
            with run.locked():
                found = second_test(run, images, writers)
        except UserError as error:  # one broken run must not keep the others waiting
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        print(f"{run.folder}: {describe(found)}", flush=True)
    return failed


def describe(found: SecondTest) -> str:
    """Return each part's accuracy in a line."""
    return "; ".join(
        f"{part.images} {part.accuracy:.2%} (n={part.n:,}, {part.writers} writers)"
        for part in found.parts
    )
