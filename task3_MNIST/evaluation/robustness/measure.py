"""Measure a finished run on changed test images: moved, blurred, corrupted, attacked.

The figures are `robustness.json` in the run's folder, and `robustness.npz` says of every image
whether it was classified correctly, for the statistics by writer. What is there is not measured
again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from task3_MNIST.datasets.doubtful_labels import TEST_IMAGES, corrected_labels
from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UsageError, unknown_name
from task3_MNIST.evaluation.robustness.attacks import OnPixels, attack, cross_entropy, gradient
from task3_MNIST.evaluation.robustness.corruptions import CORRUPTIONS, corrupted
from task3_MNIST.evaluation.robustness.distortions import DISTORTIONS, SHIFTS, shift
from task3_MNIST.models.inference import predict
from task3_MNIST.runs import files
from task3_MNIST.runs.files import Condition, Robustness
from task3_MNIST.runs.folder import Run

FILE, ARRAYS = "robustness.json", "robustness.npz"
AGAIN = "delete it, and give the command again"
EVERY = 5  # attacks take hundreds of passes: of every fifth test image
EPSILONS = [0.02, 0.05, 0.1, 0.15, 0.2]
ATTACKS = ("fgsm", "pgd", "margin")  # what `attack` is the worst of, image by image


class Wanted(NamedTuple):
    """A change to measure: as in `Condition`, a shift as a tuple."""

    kind: str
    value: Any

    @classmethod
    def of(cls, kind: str, value: Any) -> Wanted:
        """Return a change that was read from a file, where a shift is a list and 1 may be 1.0."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return cls(kind, tuple(value) if isinstance(value, list) else value)

    @property
    def key(self) -> str:
        """Its name in `robustness.npz`."""
        number = isinstance(self.value, int | float)
        return f"{self.kind}={self.value:g}" if number else f"{self.kind}={self.value}"


def kinds() -> list[str]:
    """Return the kinds of changes that can be measured."""
    return ["shift", *DISTORTIONS, "corruption", "attack", "corrected_labels"]


def standard_values(kind: str) -> list[Any]:
    """Return the strengths of a kind that `robustness.py` measures."""
    fixed = {
        "shift": SHIFTS,
        "corruption": list(CORRUPTIONS),
        "attack": EPSILONS,
        "corrected_labels": [0],  # there is nothing to choose
    }
    return fixed[kind] if kind in fixed else DISTORTIONS[kind][1]


def measure_robustness(
    run: Run, wanted: Iterable[Wanted], test: Split, data_dir: Path, device: torch.device
) -> Robustness:
    """Measure what was not measured yet, and return all that was.

    Args:
        run: a complete run of a network on the data set of `test`; the caller holds its lock.
        wanted: the changes to measure.
        test: the test images as they are read, uint8, on the CPU.
        data_dir: the folder of the data sets, in which MNIST-C may lie.
        device: where to compute.

    Raises:
        UserError: the run's weights or an earlier file cannot be used.
    """
    found, correct = read_robustness(run)
    there = {Wanted.of(one.kind, one.value).key for one in found.conditions}
    missing = [one for one in wanted if one.key not in there]
    if not missing:
        return found
    config = run.config()
    model = OnPixels(run.model().to(device), config.pixel_mean, config.pixel_std)
    images = Images(test.images.float() / 255, test.labels, data_dir, device)
    for one in missing:
        rows, zero = MEASURES.get(one.kind, _changed)(model, images, one)
        if zero is not None:
            found = dataclasses.replace(found, zero_gradients=zero)
        for condition, answers in rows:
            found = dataclasses.replace(found, conditions=[*found.conditions, condition])
            correct[Wanted.of(condition.kind, condition.value).key] = np.packbits(answers)
    # the figures go last: they say what the arrays hold
    files.write_array(run.folder / ARRAYS, **correct)
    files.write(run.folder / FILE, found)
    return found


def read_robustness(run: Run) -> tuple[Robustness, dict[str, np.ndarray]]:
    """Return what was measured of a run's weights so far, and the packed bits of each image.

    Raises:
        UserError: a file is damaged.
    """
    weights = run.weights_sha256()
    if not (run.folder / FILE).is_file():
        return Robustness(weights_sha256=weights, conditions=[]), {}
    found = files.read(run.folder / FILE, Robustness, AGAIN)
    if found.weights_sha256 != weights:  # trained again since
        return Robustness(weights_sha256=weights, conditions=[]), {}
    keys = [Wanted.of(one.kind, one.value).key for one in found.conditions]
    return found, {key: files.read_array(run.folder / ARRAYS, key, AGAIN) for key in keys}


def correct_images(run: Run, one: Wanted) -> np.ndarray:
    """Return (n,) bool: whether the run classifies each image correctly under a change."""
    found, correct = read_robustness(run)
    row = next(c for c in found.conditions if Wanted.of(c.kind, c.value) == one)
    return np.unpackbits(correct[one.key], count=row.n).astype(bool)


def changed_pixels(pixels: Tensor, change: Wanted, data_dir: Path) -> tuple[Tensor, str]:
    """Return test images under any change but an attack, and the origin of corrupted ones.

    Args:
        pixels: (N, 1, 28, 28), from 0 to 1.
        change: what to do.
        data_dir: the folder of the data sets, in which MNIST-C may lie.
    """
    if change.kind == "corruption":
        return corrupted(change.value, pixels, data_dir)
    if change.kind == "shift":
        return shift(pixels, change.value), ""
    return DISTORTIONS[change.kind][0](pixels, change.value), ""


@dataclasses.dataclass(frozen=True)
class Images:
    """The test images: `pixels` (N, 1, 28, 28) from 0 to 1 and `labels` (N,), on the CPU."""

    pixels: Tensor
    labels: Tensor
    data_dir: Path
    device: torch.device


Rows = list[tuple[Condition, np.ndarray]]
Measure = Callable[[nn.Module, Images, Wanted], tuple[Rows, float | None]]


def _changed(model: nn.Module, images: Images, one: Wanted) -> tuple[Rows, None]:
    pixels, origin = changed_pixels(images.pixels, one, images.data_dir)
    classes = predict(model, pixels.to(images.device)).argmax(1).cpu()
    return [_row(one.kind, one.value, (classes == images.labels).numpy(), origin)], None


def _attacked(model: nn.Module, images: Images, one: Wanted) -> tuple[Rows, float]:
    pixels, labels = (part[::EVERY].to(images.device) for part in (images.pixels, images.labels))
    results = attack(model, pixels, labels, one.value, seed=0)
    answers = {name: correct.cpu().numpy() for name, correct in results.items()}
    worst = {
        name: np.logical_and.reduce([kept for key, kept in answers.items() if key.startswith(name)])
        for name in ATTACKS
    }
    worst["attack"] = np.logical_and.reduce(list(worst.values()))
    rows = [_row(kind, one.value, kept) for kind, kept in worst.items()]
    flat = gradient(model, pixels, labels, cross_entropy).flatten(1).abs().amax(1) == 0
    return rows, flat.float().mean().item()


def _with_corrected_labels(model: nn.Module, images: Images, one: Wanted) -> tuple[Rows, None]:
    labels = images.labels.numpy()
    if len(labels) != TEST_IMAGES:
        return [], None  # of another data set
    corrected, counts = corrected_labels(labels)
    classes = predict(model, images.pixels.to(images.device)).argmax(1).cpu().numpy()
    kept = (classes == corrected)[counts]
    return [_row(one.kind, one.value, kept)], None


MEASURES: dict[str, Measure] = {
    "attack": _attacked,
    "corrected_labels": _with_corrected_labels,
}


def _row(
    kind: str, value: Any, correct: np.ndarray, origin: str = ""
) -> tuple[Condition, np.ndarray]:
    """Return the figures of which images (n,) are correct under a change, and these."""
    accuracy, n = float(correct.mean()), len(correct)
    return Condition(kind=kind, value=value, accuracy=accuracy, n=n, images=origin), correct


def check_values(kind: str, values: Sequence[Any]) -> None:
    """Raise UsageError for a strength that a kind of change cannot have."""
    for value in values:
        if kind == "corruption":
            if value not in CORRUPTIONS:
                raise unknown_name("corruption", str(value), CORRUPTIONS)
        elif kind == "shift":
            if not (isinstance(value, list) and [type(part) for part in value] == [int, int]):
                raise UsageError(f"test_shift {value!r} is not [right, down] in whole pixels")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"test_{kind} {value!r} is not a number")
