"""The files that `speedrun.py` and `profile_step.py` write: a dataclass each, written as JSON.

`docs/run_folder.md` describes their keys, and the tables of `docs/speed.md` are made from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from task3_MNIST.files import REPOSITORY
from task3_MNIST.runs.files import Provenance, read, write


@dataclass(frozen=True)
class TimedRun:
    """One run of ours.

    Attributes:
        seconds: of training.
        reached: seconds until the target accuracy was reached on validation; None if it was not,
            or if there is no target.
        val_accuracy, test_accuracy: of the selected epoch's weights, fractions.
    """

    seconds: float
    reached: float | None
    val_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class RivalTimes:
    """What one rival took, measured in turn with our runs.

    Attributes:
        name: one of `rivals.RIVALS`, or the commit of another checkout.
        about: what it is, for people.
        model: what it trained.
        seconds: of an epoch (the mean, if it trained several), or of a checkout's whole training;
            after each of our runs.
        reached: as in `TimedRun`, after each of our runs.
    """

    name: str
    about: str
    model: str
    seconds: list[float]
    reached: list[float | None]


@dataclass(frozen=True)
class Speedrun:
    """What `speedrun.py` measured.

    Attributes:
        model, recipe, recipe_file: as in `recipes.Resolved`.
        parameters: number of the model's parameters.
        trained_parameters: those of them that are trained.
        timer: what the seconds cover.
        target: the validation accuracy of `reached`; None if there is none.
        first_seed: of the runs; each further one is higher by 1.
        runs: at least one.
        rivals: those that were measured.
        provenance: where it was measured.
    """

    PREFIX: ClassVar[str] = ""  # what a file's name begins with

    model: str
    recipe: str
    recipe_file: str | None
    parameters: int
    trained_parameters: int
    timer: str
    target: float | None
    first_seed: int
    runs: list[TimedRun]
    rivals: list[RivalTimes]
    provenance: Provenance


@dataclass(frozen=True)
class Profile:
    """What `profile_step.py` measured.

    Attributes:
        model, recipe, recipe_file: as in `recipes.Resolved`.
        batch_size: images of a step.
        precision: `float32` or `bfloat16`.
        images_per_second: over all profiled steps.
        step_seconds: of one step.
        flops_per_image: of forward and backward pass, not of the update.
        flops_of_run: of all epochs on the images given, without validation.
        flops_per_second: what the processor did of them.
        matmul_peak: FLOP/s of a large matrix product in the same precision and threads.
        fraction_of_peak: `flops_per_second` over `matmul_peak`.
        shares: each kind of operator's fraction of the time of all operators, largest first.
        provenance: where it was measured.
    """

    PREFIX: ClassVar[str] = "profile-"

    model: str
    recipe: str
    recipe_file: str | None
    batch_size: int
    precision: str
    images_per_second: float
    step_seconds: float
    flops_per_image: float
    flops_of_run: float
    flops_per_second: float
    matmul_peak: float
    fraction_of_peak: float
    shares: dict[str, float]
    provenance: Provenance


Measured = TypeVar("Measured", Speedrun, Profile)


def write_speed_file(measured: Speedrun | Profile, out: Path | None) -> Path:
    """Write what was measured, and return the file's path.

    Args:
        measured: the content.
        out: the file; None for the one in `results/speed`.

    Raises:
        UserError: the file cannot be written.
    """
    name = f"{measured.PREFIX}{measured.model}-{measured.recipe}.json"
    path = out or REPOSITORY / "results" / "speed" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, measured)
    return path


def read_speed_files(folder: Path, kind: type[Measured]) -> Iterator[Measured]:
    """Yield the content of the files of one kind in a folder, in the order of their names.

    Raises:
        UserError: one cannot be read, or an older version of the script wrote it.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(Profile.PREFIX) != (kind is Profile):
            continue
        yield read(path, kind, "measure again, or delete it")
