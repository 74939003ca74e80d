"""What a training run can be told: the knobs, their checks, and the named recipes.

`TrainConfig` is the one source of the flags, their help and defaults, `config.json` and the
run's name. A recipe is everything about training that is not the model, so architecture and
training can be compared apart.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from task3_MNIST.errors import UsageError, unknown_name


def knob(default: Any, help: str, **checks: Any) -> Any:
    """Return a dataclass field with its help and checks: `choices`, `above`, `minimum`, `below`."""
    return field(default=default, metadata={"help": help, **checks})


@dataclass(frozen=True)
class TrainConfig:
    """Every knob of training; a value of another type or out of range raises UsageError."""

    epochs: int = knob(10, "passes over the training images", minimum=1)
    batch_size: int = knob(64, "images a step", minimum=1)
    optimizer: str = knob("adam", "update rule", choices=("adam", "adamw", "sgd"))
    lr: float = knob(1e-3, "peak learning rate", above=0)
    momentum: float = knob(0.9, "SGD's momentum", minimum=0, below=1)
    nesterov: bool = knob(True, "SGD's momentum is Nesterov's; without, the plain one")
    weight_decay: float = knob(0.0, "decay of the weights; decoupled in adamw", minimum=0)
    schedule: str = knob(
        "constant", "learning rate over the steps", choices=("constant", "one-cycle")
    )
    warmup: float = knob(
        0.2, "one-cycle: fraction of the steps in which the rate rises", minimum=0, below=1
    )
    label_smoothing: float = knob(
        0.0, "probability spread evenly over the classes in the target", minimum=0, below=1
    )
    rotation: float = knob(0.0, "augmentation: rotate by up to this many degrees", minimum=0)
    translate: float = knob(
        0.0, "augmentation: shift by up to this fraction of the side", minimum=0, below=1
    )
    scale: float = knob(
        0.0, "augmentation: enlarge or shrink by up to this fraction", minimum=0, below=1
    )
    shear: float = knob(
        0.0, "augmentation: slant by up to this fraction of the height", minimum=0, below=1
    )
    elastic: float = knob(
        0.0,
        "augmentation: bend by random shifts with this standard deviation, a fraction of the side",
        minimum=0,
        below=1,
    )
    ema: float = knob(
        0.0,
        "weight averaging: the average keeps this much of itself a step; 0 is none",
        minimum=0,
        below=1,
    )
    precision: str = knob(
        "float32",
        "arithmetic of the training steps; auto is bfloat16 where the processor has it",
        choices=("auto", "float32", "bfloat16"),
    )
    memory_format: str = knob(
        "contiguous",
        "order of a feature map in memory",
        choices=("contiguous", "channels-last"),
    )
    full_train: bool = knob(
        False, "train on the held-out images too: no validation, the last epoch is kept"
    )
    select: str = knob(
        "best",
        "weights kept: of the best epoch by validation, or the last",
        choices=("best", "last"),
    )
    patience: int = knob(
        0, "stop after this many epochs without better validation; 0 never stops", minimum=0
    )
    seed: int = knob(
        0, "seed of initialisation, order, dropout and augmentation", minimum=0, below=2**32
    )

    def __post_init__(self) -> None:
        """Refuse values that no training could use."""
        for knob_field in dataclasses.fields(self):
            name, kind = knob_field.name, KNOB_TYPES[knob_field.name]
            _check_type(name, getattr(self, name), kind)
            if kind is float:  # a whole number is a number too: 1 becomes 1.0
                object.__setattr__(self, name, float(getattr(self, name)))
            _check(name, getattr(self, name), knob_field.metadata)
        if self.full_train and self.patience:
            raise UsageError(
                f"--patience {self.patience} needs validation, which --full-train leaves out"
            )


KNOB_TYPES = get_type_hints(TrainConfig)
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


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


MOST_BYTES = 255  # of a folder's name, on every system
