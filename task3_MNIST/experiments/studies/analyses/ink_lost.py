"""How many test images lose ink when a shift moves some of it out of the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from task3_MNIST.evaluation.robustness.distortions import shift
from task3_MNIST.experiments import parallel
from task3_MNIST.experiments.studies.answer import Analysis, ExtraTable
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table
from task3_MNIST.formatting import percent

SHARE = 0.01  # of an image's ink: more than this counts as lost


def ink_lost(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """Return the share of test images that lose ink by each shift along an axis."""
    pixels = parallel.test_images(cells[0].jobs[0]).images.float() / 255
    shifts = [one.value for one in cells[0].wanted if one.kind == "shift" and 0 in one.value]
    losing = {by: losing_ink(pixels, by) for by in shifts}
    most = max(max(map(abs, by)) for by in shifts)
    far = [share for by, share in losing.items() if max(map(abs, by)) == most]
    sentence = (
        f"Of a shift of {most} pixels, {percent(min(far), 0)} to {percent(max(far), 0)} of the "
        f"images lose more than {percent(SHARE, 0)} of their ink, by direction."
    )
    rows = [[right, down, percent(share, 1)] for (right, down), share in losing.items()]
    columns = ["right", "down", "images that lose ink"]
    return [sentence], [ExtraTable("Ink lost at the edge", columns, rows)]


def losing_ink(pixels: Tensor, by: Sequence[int]) -> float:
    """Return the share of images (N, 1, 28, 28) that lose more than `SHARE` of their ink."""
    before, after = pixels.sum((1, 2, 3)), shift(pixels, by).sum((1, 2, 3))
    return ((before - after) > SHARE * before).float().mean().item()
