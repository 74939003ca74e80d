"""The hyperparameters of training, and their checks.

`TrainConfig` is the one source of the flags, their help and defaults, `config.json` and the
run's name.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from task3_MNIST.errors import UsageError, unknown_name


def hyperparameter(default: Any, help: str, **checks: Any) -> Any:
    """Return a dataclass field with its help and checks: `choices`, `above`, `minimum`, `below`."""
    return field(default=default, metadata={"help": help, **checks})


@dataclass(frozen=True)
class TrainConfig:
    """Every hyperparameter; a value of another type or out of range raises UsageError."""

    epochs: int = hyperparameter(10, "passes over the training images", minimum=1)
    batch_size: int = hyperparameter(64, "images per step", minimum=1)
    optimizer: str = hyperparameter("adam", "update rule", choices=("adam", "adamw", "sgd"))
    lr: float = hyperparameter(1e-3, "peak learning rate", above=0)
    momentum: float = hyperparameter(0.9, "SGD's momentum", minimum=0, below=1)
    nesterov: bool = hyperparameter(
        True, "use Nesterov momentum with SGD; without, standard momentum"
    )
    beta1: float = hyperparameter(
        0.9, "Adam's decay of the mean gradient, per step", minimum=0, below=1
    )
    beta2: float = hyperparameter(
        0.999, "Adam's decay of the mean squared gradient, per step", minimum=0, below=1
    )
    weight_decay: float = hyperparameter(0.0, "decay of the weights; decoupled in adamw", minimum=0)
    schedule: str = hyperparameter(
        "constant", "learning rate over the steps", choices=("constant", "one-cycle")
    )
    warmup: float = hyperparameter(
        0.2, "one-cycle: fraction of the steps in which the rate rises", minimum=0, below=1
    )
    label_smoothing: float = hyperparameter(
        0.0,
        "fraction of the target probability that is spread evenly over all classes",
        minimum=0,
        below=1,
    )
    drop_easy: float = hyperparameter(
        0.0,
        "fraction of the training images that each epoch leaves out; half of the others are those "
        "that a linear classifier finds hardest",
        minimum=0,
        below=1,
    )
    train_images: int = hyperparameter(
        0,
        "condition: train on so many images only, drawn by the seed with each class's share, in as "
        "many steps as all of them would take; 0 is all",
        minimum=0,
    )
    label_noise: float = hyperparameter(
        0.0,
        "condition: fraction of the training and validation labels that are replaced by another "
        "label, drawn by the seed",
        minimum=0,
        below=1,
    )
    shuffle_pixels: str = hyperparameter(
        "no",
        "condition: move the 16 tiles of 7x7 pixels, the pixels within each tile, or all pixels, "
        "in every image alike",
        choices=("no", "tiles", "within-tiles", "all"),
    )
    permutation: int = hyperparameter(
        -1, "condition: number of the permutation of --shuffle-pixels; -1 is the seed", minimum=-1
    )
    validation: str = hyperparameter(
        "random",
        "condition: images that validate: the same random twelfth in every run, the images of "
        "some writers (MNIST), or one of three thirds",
        choices=("random", "writers", "third1", "third2", "third3"),
    )
    seed_decides: str = hyperparameter(
        "all",
        "condition: what the seed decides; order: that of the images, dropout and augmentation. "
        "The rest is as with seed 0",
        choices=("all", "initialization", "order"),
    )
    rotation: float = hyperparameter(
        0.0, "augmentation: rotate by up to this many degrees", minimum=0
    )
    translate: float = hyperparameter(
        0.0, "augmentation: shift by up to this fraction of the side", minimum=0, below=1
    )
    scale: float = hyperparameter(
        0.0, "augmentation: enlarge or shrink by up to this fraction", minimum=0, below=1
    )
    shear: float = hyperparameter(
        0.0, "augmentation: slant by up to this fraction of the height", minimum=0, below=1
    )
    elastic: float = hyperparameter(
        0.0,
        "augmentation: elastic deformation; standard deviation of the shifts, as a fraction of the "
        "image width",
        minimum=0,
        below=1,
    )
    plain_end: float = hyperparameter(
        0.0,
        "augmentation: fraction of the epochs, the last ones, that train on the images as they are",
        minimum=0,
        below=1,
    )
    ema: float = hyperparameter(
        0.0,
        "decay of the exponential moving average (EMA) of the weights, per step; 0 turns it off",
        minimum=0,
        below=1,
    )
    precision: str = hyperparameter(
        "float32",
        "arithmetic of the training steps; auto is bfloat16 where the processor has it",
        choices=("auto", "float32", "bfloat16"),
    )
    memory_format: str = hyperparameter(
        "contiguous",
        "order of a feature map in memory",
        choices=("contiguous", "channels-last"),
    )
    full_train: bool = hyperparameter(
        False, "train on the validation images too; the last epoch is kept"
    )
    select: str = hyperparameter(
        "best",
        "weights kept: of the best epoch by validation, or the last",
        choices=("best", "last"),
    )
    patience: int = hyperparameter(
        0, "stop after this many epochs without better validation; 0 never stops", minimum=0
    )
    seed: int = hyperparameter(
        0, "seed of initialization, order, dropout and augmentation", minimum=0, below=2**32
    )

    def __post_init__(self) -> None:
        """Refuse values that no training could use."""
        for one in dataclasses.fields(self):
            name, kind = one.name, TYPES[one.name]
            _check_type(name, getattr(self, name), kind)
            if kind is float:  # an integer is a number too: 1 becomes 1.0
                object.__setattr__(self, name, float(getattr(self, name)))
            _check(name, getattr(self, name), one.metadata)
        if self.full_train and self.patience:
            raise UsageError(
                f"--patience {self.patience} needs validation, which --full-train leaves out"
            )


MOST_SEEDS = 1_000_000
MAX_SEED = 2**32 - 1


def seed_range(text: str) -> range:
    """Return the seeds that a text names: `10` is 0 to 9, `10-19` is 10 to 19.

    Raises:
        ValueError: it names none; the error's text is a sentence.
    """
    first, dash, last = text.partition("-")
    if not dash:
        if not text.isdecimal() or not 0 < int(text) <= MOST_SEEDS:
            raise ValueError(f"{text} is not an integer from 1 to {MOST_SEEDS}")
        return range(int(text))
    for end in (first, last):
        if not end.isdecimal() or int(end) > MAX_SEED:
            raise ValueError(f"{end} is not an integer from 0 to {MAX_SEED}")
    found = range(int(first), int(last) + 1)
    if not found:
        raise ValueError(f"{text} ends before it begins")
    return found


TYPES = get_type_hints(TrainConfig)
KINDS = {int: "an integer", float: "a number", str: "text", bool: "true or false"}


def _check_type(name: str, value: Any, kind: type) -> None:
    # not isinstance: True would pass for 1
    whole = kind is float and type(value) is int and abs(value) < 1e15
    if type(value) is not kind and not whole:
        raise UsageError(f"{_flag(name)} {reprlib.repr(value)} is not {KINDS[kind]}")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check(name: str, value: Any, checks: dict) -> None:
    flag = _flag(name)
    if "choices" in checks:
        if value not in checks["choices"]:
            raise unknown_name(name.replace("_", " "), str(value), checks["choices"])
        return
    if not math.isfinite(value):
        raise UsageError(f"{flag} {value} is not a finite number")
    if "above" in checks and not value > checks["above"]:
        raise UsageError(f"{flag} {value} must be above {checks['above']}")
    if "minimum" in checks and not value >= checks["minimum"]:
        raise UsageError(f"{flag} {value} must be at least {checks['minimum']}")
    if "below" in checks and not value < checks["below"]:
        raise UsageError(f"{flag} {value} must be below {checks['below']}")
