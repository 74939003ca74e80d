"""How numbers and lists of names are written, in pictures, pages, tables and terminals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MINUS = "−"


PER_CENT = "\u00a0%"


DATASET_NAMES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "qmnist": "QMNIST",
}


DIGITS = tuple("0123456789")
# what the classes of a data set with a name are, where they are no digits
CLASS_NAMES = {
    "fashion_mnist": (
        *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": tuple("おきすつなはまやれを"),
}


FAMILY_NOUNS = {"mlp": "MLP", "cnn": "CNN", "baseline": "baseline"}


def class_names(dataset: str) -> list[str]:
    """Return the names of the ten classes of a data set with a name, in the order of their labels.

    Those of a folder of images are in `config.json` of its runs.
    """
    return list(CLASS_NAMES.get(dataset, DIGITS))


def dataset_labels(datasets: Sequence[str]) -> dict[str, str]:
    """Return what each data set is called next to the others: a folder by the end of its path."""
    parts = {dataset: Path(dataset).parts or (dataset,) for dataset in datasets}

    def end(dataset: str, length: int) -> tuple[str, ...]:
        return parts[dataset][-length:]

    found = {}
    for dataset, own in parts.items():
        lengths = range(1, len(own))
        others = [other for other in parts if other != dataset]
        unique = (n for n in lengths if end(dataset, n) not in [end(other, n) for other in others])
        found[dataset] = "/".join(end(dataset, next(unique, len(own))))
    return found


def percent(fraction: float, digits: int = 2) -> str:
    """Return a fraction as percent: `98.12 %`."""
    return f"{fraction * 100:.{digits}f}{PER_CENT}"


def points(fraction: float) -> str:
    """Return a difference of fractions in percentage points, with a true minus sign."""
    return f"{fraction * 100:.2f}".replace("-", MINUS)


def p_value(p: float) -> str:
    """Return `p = 0.25`, or a bound where digits would pretend to matter."""
    if p < 0.001:
        return "p\u00a0<\u00a00.001"
    return f"p\u00a0=\u00a0{p:.3f}" if p < 0.1 else f"p\u00a0=\u00a0{p:.2f}"


def with_ends(interval: Any, form: str, unit: str = "", factor: float = 1) -> str:
    """Return the `mean` of an interval and, in brackets, its `low` and `high`, times the factor."""
    mean, low, high = (
        None if value is None else form.format(value * factor).replace("-", MINUS)
        for value in (interval.mean, interval.low, interval.high)
    )
    return f"{mean}{unit}" if low is None else f"{mean}{unit} [{low}, {high}]"


def unbroken(text: str) -> str:
    """Return the text with each unit and ± kept on the line of its number."""
    return re.sub(r"(?<=\d) (?=%|s\b|[kKM]?B\b)|(?<=±) ", "\u00a0", text)


def listing(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def count(number: int, noun: str) -> str:
    """Return `1 seed` or `3 seeds`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def probability(chance: float) -> str:
    """Return a probability as percent, or a bound where digits would pretend to matter."""
    return f"over 99.9{PER_CENT}" if chance > 0.999 else percent(chance, 1)


def short(value: float) -> str:
    """Return a number with a prefix where it is long: `20 k`."""
    for scale, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.3g}\u00a0{prefix}"
    return f"{value:.3g}"
