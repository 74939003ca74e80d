"""Whether two runs err on the same images, and what two of them are worth together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.answer import Analysis, ExtraTable
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table
from task3_MNIST.models import registry


def shared_errors(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """Cohen's kappa of the errors of two runs, and ensembles of two, by the kind of pair."""
    runs = {}
    for planned in cells:
        for job in planned.jobs:
            run = job.run(results)
            labels = parallel.test_images(job).labels.numpy()
            probabilities = _softmax(run.logits())
            runs[planned.cell["model"], job.config.seed] = (
                probabilities,
                probabilities.argmax(1) != labels,
                labels,
            )
    kappas: dict[tuple[str, str], list[float]] = {}
    together: dict[tuple[str, str], list[float]] = {}
    for (a, first), (b, second) in itertools.combinations(runs.items(), 2):
        if a[0] != b[0] and a[1] != b[1]:
            continue  # of two models, runs of one seed
        pair = (a[0], b[0])
        kappas.setdefault(pair, []).append(kappa(first[1], second[1]))
        mean = first[0] + second[0]
        together.setdefault(pair, []).append(float((mean.argmax(1) == first[2]).mean()))
    rows, by_kind = [], {}
    for pair, found in kappas.items():
        kind = _kind_of_pair(*pair)
        by_kind.setdefault(kind, []).extend(found)
        rows.append(
            [
                f"{pair[0]} and {pair[1]}",
                kind,
                f"{np.mean(found):.2f}",
                f"{100 * np.mean(together[pair]):.2f} %",
                len(found),
            ]
        )
    sentence = "Kappa of the errors of two runs: " + ", ".join(
        f"{kind} {np.mean(found):.2f} (from {min(found):.2f} to {max(found):.2f}, "
        f"{len(found)} pairs)"
        for kind, found in by_kind.items()
    )
    columns = ["pair", "kind", "kappa of their errors", "accuracy of the two as one", "pairs"]
    return [sentence + "."], [ExtraTable("Errors that two runs share", columns, rows)]


def kappa(a: np.ndarray, b: np.ndarray) -> float:
    """Return Cohen's kappa (1960) of two runs' errors (N,) bool: 1 the same, 0 as by chance."""
    agree = float((a == b).mean())
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return (agree - chance) / (1 - chance) if chance < 1 else 1.0


def _kind_of_pair(a: str, b: str) -> str:
    if a == b:
        return "the same model"
    families = {registry.family_of(a), registry.family_of(b)}
    return "across families" if len(families) == 2 else f"two {families.pop().upper()}s"


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)
