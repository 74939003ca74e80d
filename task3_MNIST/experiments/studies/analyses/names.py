"""The analyses by the names that studies give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from task3_MNIST.experiments.studies.analyses.budgets import budgets
from task3_MNIST.experiments.studies.analyses.images_needed import images_needed
from task3_MNIST.experiments.studies.analyses.ink_lost import ink_lost
from task3_MNIST.experiments.studies.analyses.mean_errors import mean_errors
from task3_MNIST.experiments.studies.analyses.seed_tests import seed_tests
from task3_MNIST.experiments.studies.analyses.shared_errors import shared_errors
from task3_MNIST.experiments.studies.analyses.transfer import transfer
from task3_MNIST.experiments.studies.analyses.writer_gap import writer_gap
from task3_MNIST.experiments.studies.answer import Analysis
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table

ANALYSES: dict[str, Callable[[Study, Sequence[Planned], Table, Path], Analysis]] = {
    "images_needed": images_needed,
    "ink_lost": ink_lost,
    "mean_errors": mean_errors,
    "shared_errors": shared_errors,
    "writer_gap": writer_gap,
    "budgets": budgets,
    "seed_tests": seed_tests,
    "transfer": transfer,
}
