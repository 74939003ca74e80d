"""What the files of a run hold: a dataclass for each, and the one way to read and to write them.

`docs/run_folder.md` explains the fields. A file that was damaged, altered or written by another
version is refused in one line that names the field and the cure.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from task3_MNIST.errors import UserError
from task3_MNIST.files import write_atomic
from task3_MNIST.formatting import class_names, count
from task3_MNIST.training.loop import EpochMetrics

SCHEMA = 2
MOST = 1e15  # no figure here comes near it, and charts overflow above it

Version = Annotated[int, Meta(ge=SCHEMA, le=SCHEMA)]
Text = Annotated[str, Meta(min_length=1)]
Family = Literal["mlp", "cnn", "baseline"]  # charts have a color for each
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Measure = Annotated[float, Meta(ge=0, le=MOST)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Matrix = Annotated[list[list[Count]], Meta(min_length=2)]  # square


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What decides the numbers of a run: two runs with equal identities are the same run."""

    schema: Version = SCHEMA
    model: Text
    family: Family
    dataset: Text
    dataset_sha256: Text
    recipe: Text
    name: Text
    seed: Count
    hyperparameters: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The machine and the versions behind a measurement, and the command that was given.

    `host` is the machine's name where a cluster's worker measured, else None.
    """

    python: str | None
    torch: str | None
    torchvision: str | None
    numpy: str | None
    scikit_learn: str | None
    platform: str | None
    cpu: str | None
    cpu_count: int | None
    device: str | None
    threads: int | None
    git_commit: str | None
    command: str | None
    host: str | None = None

    @property
    def machine(self) -> str:
        """The device's name; of a CPU the processor and the threads as well."""
        if self.device != "cpu":
            return str(self.device)
        return f"CPU: {self.cpu}, {count(self.threads or 1, 'thread')}"


@dataclass(frozen=True, kw_only=True)
class Config(Provenance, Identity):
    """`config.json`: what was trained, how, on which images and by which machine.

    `pixel_mean` and `pixel_std` are those of the data set's training pixels in 0..1, by which
    the images were normalized. `classes` are the names of a folder's classes, by label; none for
    those of a data set with a name, and where they are ten digits.
    """

    pixel_mean: float
    pixel_std: float
    recipe_file: Text | None = None
    classes: list[Text] = field(default_factory=list)

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, by label."""
        return self.classes or class_names(self.dataset)


def written_classes(dataset: str, classes: Sequence[str]) -> list[str]:
    """Return the names of classes that `config.json` holds: none that its data set says."""
    return [] if list(classes) == class_names(dataset) else list(classes)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`summary.json`, written when training has ended: what it cost and what validation says.

    A baseline has no epochs, few of them have a fixed number of parameters and operations, and
    there are no validation figures without validation. Runs from before they were counted have no
    `trained_parameters`.
    """

    parameters: Count | None
    trained_parameters: Count | None = None
    flops: Count | None
    model_bytes: Count
    train_seconds: Measure
    images_per_second: Measure | None
    epochs_trained: Positive | None
    selected_epoch: Positive | None
    val_accuracy: Fraction | None
    val_loss: Measure | None

    def __post_init__(self) -> None:
        """Refuse an epoch that was never trained."""
        if self.selected_epoch and self.selected_epoch > (self.epochs_trained or 0):
            raise ValueError("selected_epoch is after the last one")


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class among the others; `accuracy` is that of telling this class from all others."""

    label: Count
    precision: Fraction
    recall: Fraction
    f1: Fraction
    accuracy: Fraction
    support: Count


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """The images whose highest probability lies in one bin: mean confidence, share correct."""

    confidence: Fraction
    accuracy: Fraction
    count: Count


@dataclass(frozen=True, kw_only=True)
class KeptEpoch:
    """Test figures of one kept epoch; the halves are those of the writers of the test images."""

    epoch: Positive
    test_loss: Measure
    test_accuracy: Fraction
    first_half_accuracy: Fraction | None = None
    second_half_accuracy: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """`test.json`: the one reading of the sealed test set.

    Loss and calibration error are None for a classifier without probabilities; `tta_*` are
    measured on request, and `epochs` where each epoch's weights were kept.
    """

    schema: Version = SCHEMA
    test_accuracy: Fraction
    test_loss: Measure | None
    correct: Count
    n: Positive
    ece: Fraction | None
    latency_seconds: Measure
    latency_seconds_p95: Measure
    throughput: Measure
    latency_device: str | None = None
    latency_threads: Positive | None = None
    tta_pixels: Positive | None = None
    tta_accuracy: Fraction | None = None
    tta_loss: Measure | None = None
    confusion: Matrix
    per_class: list[ClassFigures] = field(default_factory=list)
    reliability: list[ReliabilityBin] = field(default_factory=list)
    epochs: list[KeptEpoch] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse more correct answers than images, and a confusion matrix that is not square."""
        if self.correct > self.n:
            raise ValueError("more images are correct than there are")
        if any(len(row) != len(self.confusion) for row in self.confusion):
            raise ValueError("the confusion matrix is not square")


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """`ensemble.json` next to the seeds of a model: test figures of their mean probabilities.

    `predictions_sha256` says from which predictions it was made.
    """

    schema: Version = SCHEMA
    seeds: list[Count]
    predictions_sha256: dict[str, str | None] = field(default_factory=dict)
    test_accuracy: Fraction
    test_loss: Measure | None
    correct: Count
    n: Positive
    ece: Fraction | None


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One change of the test images, and how many of them are correct under it.

    `kind` is the change, `value` its strength: a number, the pixels of a shift (right, down), or
    the name of a corruption. `images` says which were measured: the origin of corrupted ones.
    """

    kind: Text
    value: float | list[int] | str
    accuracy: Fraction
    n: Positive
    images: str = ""


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """`robustness.json`: accuracy under changes of the test images.

    `zero_gradients` is the share of attacked images on which an attack has no gradient to follow;
    `weights_sha256` says which weights were measured.
    """

    schema: Version = SCHEMA
    weights_sha256: Text
    conditions: list[Condition]
    zero_gradients: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class PartOfSecondTest:
    """Accuracy on some of the 50,000 images, with the 95 % interval over their writers."""

    images: Text
    n: Positive
    writers: Positive
    accuracy: Fraction
    low: Fraction | None
    high: Fraction | None


@dataclass(frozen=True, kw_only=True)
class SecondTest:
    """`qmnist50k.json`: accuracy on QMNIST's other 50,000 test images, read once."""

    schema: Version = SCHEMA
    weights_sha256: Text
    parts: list[PartOfSecondTest]


Kind = TypeVar("Kind")


def read(path: Path, kind: type[Kind], cure: str) -> Kind:
    """Return the dataclass that a JSON file holds; see `refused` for what it raises."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise refused(path, error, cure) from error


def write(path: Path, content: Any) -> None:
    """Write a dataclass as JSON."""
    text = json.dumps(dataclasses.asdict(content), indent=2, allow_nan=False) + "\n"
    write_atomic(path, text.encode())


def read_epochs(path: Path, cure: str) -> list[EpochMetrics]:
    """Return the lines of `metrics.jsonl`, an epoch each."""
    try:
        return checked_epochs(msgspec.json.Decoder(EpochMetrics).decode_lines(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise refused(path, error, cure) from error


def checked_epochs(history: list[EpochMetrics]) -> list[EpochMetrics]:
    """Return the epochs if they are those from the first on; else raise ValueError."""
    if [metrics.epoch for metrics in history] != list(range(1, len(history) + 1)):
        raise ValueError("the epochs are not in order")
    return history


def write_epochs(path: Path, history: list[EpochMetrics]) -> None:
    """Write `metrics.jsonl` in one piece, so that it can never end within a line."""
    lines = (json.dumps(dataclasses.asdict(metrics), allow_nan=False) for metrics in history)
    write_atomic(path, "".join(line + "\n" for line in lines).encode())


def read_array(path: Path, key: str, cure: str) -> np.ndarray:
    """Return an array of an archive of NumPy's."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[key]
    except Exception as error:  # NumPy raises whatever the damage makes it stumble over
        raise refused(path, error, cure) from error


def write_array(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays into a compressed archive."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def refused(path: Path, error: Exception, cure: str) -> UserError:
    """Return the error for a file that is missing, damaged, altered or of another version."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path} is missing: {cure}")
    if (version := _schema(path)) not in (None, SCHEMA):
        return UserError(f"{path} is of another version (schema {version}, not {SCHEMA}): {cure}")
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return UserError(f"{path} is damaged or was altered ({reason}): {cure}")


def _schema(path: Path) -> int | None:
    """Return the version that a JSON file says it is of, if it says so."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content.get("schema") if isinstance(content, dict) else None
