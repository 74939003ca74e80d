"""What a condition looks like: the same test images under each value of what varies."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from task3_MNIST.evaluation.robustness.attacks import OnPixels, margin, pgd
from task3_MNIST.evaluation.robustness.measure import Wanted, changed_pixels
from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.panels import panels
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.probes import PROBES
from task3_MNIST.training.conditions import pixel_order, shuffle

IMAGES = 3  # of each condition
MOST = 16  # conditions of a strip
WITHOUT_LOOKS = ("corrected_labels", *PROBES)


@dataclass(frozen=True)
class Example:
    """The same digits under one condition: its name, and a PNG file in base64, side by side."""

    name: str
    png: str


def examples(study: Study, cells: Sequence[Planned], results: Path) -> list[Example]:
    """Return pictures of the conditions that can be seen: of pixels, of test images."""
    job = cells[0].jobs[0]
    test = parallel.test_images(job)
    few = test[torch.arange(min(IMAGES, len(test)))]
    found: dict[str, Tensor] = {}
    for panel in panels(study):
        for point in panel.points:
            if how := point.cell.get("shuffle_pixels"):
                order = pixel_order(dataclasses.replace(job.config, shuffle_pixels=how))
                plain = few.images.float() / 255
                found[how] = plain if order is None else shuffle(plain, order)
            change = point.change
            if change is None or change.kind in WITHOUT_LOOKS or panel.grid:
                continue
            name = f"{change.kind.replace('_', ' ')} {point.label}"
            if change.kind == "attack":
                found[name] = _attacked(cells[0], few, change, results)
            else:
                found[name], _ = changed_pixels(few.images.float() / 255, change, job.data_dir)
    shown = list(found.items())
    step = -(-len(shown) // MOST) if shown else 1
    return [Example(name.removeprefix("corruption "), _png(x)) for name, x in shown[::step]]


def _attacked(planned: Planned, few, change: Wanted, results: Path) -> Tensor:
    run = planned.jobs[0].run(results)
    config = run.config()
    model = OnPixels(run.model(), config.pixel_mean, config.pixel_std)
    generator = torch.Generator().manual_seed(0)
    return pgd(model, few.images.float() / 255, few.labels, change.value, margin, generator)


def _png(pixels: Tensor) -> str:
    """Return images (N, 1, 28, 28), 0..1, side by side as a PNG file in base64."""
    from PIL import Image

    row = torch.cat(list(pixels[:, 0]), dim=1)  # (28, N * 28)
    stream = io.BytesIO()
    Image.fromarray((row * 255).round().byte().numpy()).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()
