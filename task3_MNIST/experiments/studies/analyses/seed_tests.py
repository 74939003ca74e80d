"""How often each test errs, with so many seeds: measured by drawing from many runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from task3_MNIST.datasets import writers
from task3_MNIST.evaluation.moderation import SeedVariance
from task3_MNIST.evaluation.paired_tests import compare_models, compare_networks, contrast_of_means
from task3_MNIST.evaluation.statistics import cluster_sums, clustered_variance
from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.answer import Analysis, ExtraTable
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table, values
from task3_MNIST.formatting import percent

SIZES = (2, 3, 5, 10, 20)
DRAWS = 400
SIGNIFICANT = 0.05


def seed_tests(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """Measure false alarms and power, and what the variance of an accuracy consists of.

    A false alarm: two groups of seeds of one model are called different. Power: two models are,
    `mlp` and `mlp_120_84`, which really differ. Every draw is without replacement.
    """
    correct = {}
    for planned in cells:
        if planned.cell.get("seed_decides", "all") != "all":
            continue
        labels = parallel.test_images(planned.jobs[0]).labels.numpy()
        answers = [job.run(results).classes() for job in planned.jobs]
        correct[planned.cell["model"]] = np.stack(answers) == labels
    clusters = writers.clusters(cells[0].jobs[0].dataset, next(iter(correct.values())).shape[1])
    images = np.bincount(clusters)
    incorrect = {model: cluster_sums(~found, clusters) for model, found in correct.items()}
    pairs = [(model, model) for model in incorrect]
    if {"mlp", "mlp_120_84"} <= set(incorrect):
        pairs.append(("mlp", "mlp_120_84"))
    rows = []
    for a, b in pairs:
        kind = "false alarms" if a == b else "power"
        name = a if a == b else f"{a} and {b}"
        single = _rate(_networks, correct[a], correct[b], 1, a == b, clusters)
        rows.append([kind, name, 1, "", "", f"{single:.0%}"])
        for n in SIZES:
            if n * (2 if a == b else 1) > min(len(incorrect[a]), len(incorrect[b])):
                continue
            welch = _rate(_welch, incorrect[a], incorrect[b], n, a == b, images)
            both = _rate(_models, incorrect[a], incorrect[b], n, a == b, images)
            rows.append([kind, name, n, f"{welch:.0%}", f"{both:.0%}", ""])
    columns = [
        *("rate", "models", "seeds of each", "Welch's t-test over seeds"),
        *("over seeds and writers", "McNemar by writer, two networks"),
    ]
    shares, sentences = _variances(cells, table, correct, clusters)
    tables = [ExtraTable("How often each test says that two differ", columns, rows), shares]
    return sentences, tables


def _rate(test, a: np.ndarray, b: np.ndarray, n: int, same: bool, who: np.ndarray) -> float:
    """Return how often a test of n runs of each finds a difference."""
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(DRAWS):
        first = generator.permutation(len(a))
        second = first[n:] if same else generator.permutation(len(b))
        found += test(a[first[:n]], b[second[:n]], who) < SIGNIFICANT
    return found / DRAWS


def _networks(a: np.ndarray, b: np.ndarray, clusters: np.ndarray) -> float:
    return compare_networks(a[0], b[0], clusters).difference.p


def _welch(a: np.ndarray, b: np.ndarray, images: np.ndarray) -> float:
    return contrast_of_means((1, -1), (a.sum(1), b.sum(1))).p


def _models(a: np.ndarray, b: np.ndarray, images: np.ndarray) -> float:
    variances = tuple(
        SeedVariance(float(np.var(rows.sum(1), ddof=1)), len(rows) - 1) for rows in (a, b)
    )
    return compare_models(a, b, variances, images).p


def _variances(
    cells: Sequence[Planned], table: Table, correct: dict[str, np.ndarray], clusters: np.ndarray
) -> tuple[ExtraTable, list[str]]:
    """Return the standard deviation of an accuracy by what varies, in points."""
    rows, sentences = [], []
    for planned in cells:
        accuracies = values(table, planned.cell, None, "test_accuracy")
        rows.append(
            [
                planned.cell["model"],
                f"seed: {planned.cell.get('seed_decides', 'all')}",
                f"{100 * np.std(accuracies, ddof=1):.3f}",
                len(accuracies),
            ]
        )
    for model, found in correct.items():
        of_writers = 100 * float(np.sqrt(clustered_variance(found.mean(0), clusters)))
        people = int(clusters.max()) + 1
        rows.append([model, "writers of the test images", f"{of_writers:.3f}", people])
        of_seeds = 100 * float(np.std(found.mean(1), ddof=1))
        share = of_seeds**2 / (of_seeds**2 + of_writers**2)
        sentences.append(
            f"{model}: other seeds change an accuracy by {of_seeds:.2f} points (standard "
            f"deviation, n={len(found)}), other writers by {of_writers:.2f}; seeds are "
            f"{percent(share, 0)} of the variance of one run."
        )
    columns = ["model", "what varies", "standard deviation, points", "n"]
    return ExtraTable("What an accuracy varies by", columns, rows), sentences
