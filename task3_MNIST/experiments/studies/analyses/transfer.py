"""Attacks made on one model and tried on others: within a family and across families."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from task3_MNIST.evaluation.robustness.attacks import BATCH, OnPixels, margin, pgd
from task3_MNIST.evaluation.robustness.measure import EVERY
from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.answer import Analysis, ExtraTable, show
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table
from task3_MNIST.models import registry
from task3_MNIST.models.inference import predict

EPSILON = 0.1


def transfer(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """Return each model's accuracy on images that were made against another model.

    PGD on the margin with epsilon 0.1 and one start, on every fifth test image. The model that is
    asked is of the same seed; on the diagonal of the next one, so it is another network too.
    """
    models = [planned.cell["model"] for planned in cells]
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(len(cells[0].jobs)):
        networks = {}
        for planned in cells:
            for place in (number, (number + 1) % len(planned.jobs)):
                run = planned.jobs[place].run(results)
                config = run.config()
                network = OnPixels(run.model(), config.pixel_mean, config.pixel_std)
                networks.setdefault(planned.cell["model"], []).append(network)
        test = parallel.test_images(cells[0].jobs[0])
        pixels, labels = test.images[::EVERY].float() / 255, test.labels[::EVERY]
        for source in models:
            attacked = _attacked(networks[source][0], pixels, labels, number)
            for target in models:
                asked = networks[target][1 if source == target else 0]
                correct = (predict(asked, attacked).argmax(1) == labels).float().mean().item()
                found.setdefault((source, target), []).append(correct)
    rows = [
        [source, *(show(mean_interval(found[source, target]), True) for target in models)]
        for source in models
    ]
    kinds: dict[str, list[float]] = {}
    for (source, target), correct in found.items():
        same = registry.family_of(source) == registry.family_of(target)
        kinds.setdefault("within a family" if same else "across families", []).append(
            float(np.mean(correct))
        )
    sentence = (
        f"Attacks with epsilon {EPSILON} made on another network leave "
        + " and ".join(f"{100 * np.mean(correct):.1f} % {kind}" for kind, correct in kinds.items())
        + "."
    )
    columns = ["made on", *models]
    return [sentence], [ExtraTable("Accuracy on images made against another model", columns, rows)]


def _attacked(
    model: torch.nn.Module, pixels: torch.Tensor, labels: torch.Tensor, seed: int
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    parts = zip(pixels.split(BATCH), labels.split(BATCH), strict=True)
    return torch.cat(
        [pgd(model, images, truth, EPSILON, margin, generator) for images, truth in parts]
    )
