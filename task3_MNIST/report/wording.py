"""Numbers and findings as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from task3_MNIST.core.stats import RESAMPLES
from task3_MNIST.report.compare import Pair
from task3_MNIST.report.entries import Entry

MINUS = "−"
PER_CENT = "\u00a0%"


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


def listing(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def count(number: int, noun: str) -> str:
    """Return `1 seed` or `3 seeds`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def verdict(pair: Pair, entries: Sequence[Entry], images: int) -> str:
    """Return which of two is better and by how much, or that they are tied, in one sentence."""
    a, b = entries[pair.a], entries[pair.b]
    difference, low, high = pair.difference, pair.low, pair.high
    if difference < 0:
        a, b, difference, low, high = b, a, -difference, -high, -low
    size = f"n\u00a0=\u00a0{_seed_counts(a, b)}, {images:,} test images"
    basis = f"exact McNemar {p_value(pair.p)}; {size}"
    if pair.tied:
        return (
            f"{a.name} and {b.name} are tied: they differ by {points(difference)} percentage "
            f"points, with a 95{PER_CENT} interval from {points(low)} to {points(high)} ({basis})."
        )
    return (
        f"{a.name} is better than {b.name} by {points(difference)} percentage points of test "
        f"accuracy (95{PER_CENT} interval {points(low)} to {points(high)}; {basis})."
    )


def basis(pair: Pair, entries: Sequence[Entry]) -> str:
    """Return what a verdict rests on."""
    a, b = entries[pair.a], entries[pair.b]
    runs = f"seed {a.median.config['seed']} of {a.name}, seed {b.median.config['seed']} of {b.name}"
    median = "the runs" if a.seeds == b.seeds == 1 else "the runs of median accuracy"
    text = (
        f"McNemar's test compares {median} ({runs}): {count(pair.only_a, 'image')} only "
        f"{a.name} has right, {pair.only_b:,} only {b.name}. "
    )
    if a.seeds == b.seeds == 1:
        return text + (
            f"The interval draws the test images anew, {RESAMPLES:,} times; with one seed each "
            "it says nothing about the luck of training: train several to include it."
        )
    text += f"The interval draws seeds and test images anew, {RESAMPLES:,} times."
    if 1 in (a.seeds, b.seeds):
        single = a if a.seeds == 1 else b
        text += f" {single.name} has one seed: its luck of training is not in the interval."
    return text


def short(value: float) -> str:
    """Return a number with a prefix where it is long: `20 k`."""
    for scale, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.3g}\u00a0{prefix}"
    return f"{value:.3g}"


def how_chosen(entries: Sequence[Entry]) -> str:
    """Return how the verdict's two were found among the entries."""
    counts = Counter(entry.group.family.upper() for entry in entries if entry.accuracy)
    if set(counts) >= {"MLP", "CNN"}:
        if counts["MLP"] == counts["CNN"] == 1:
            return "The one MLP and the one CNN of these results."
        return (
            f"The best of {count(counts['MLP'], 'MLP')} and the best of "
            f"{count(counts['CNN'], 'CNN')}, chosen by validation accuracy, never by the test set."
        )
    return "The best two models, chosen by validation accuracy, never by the test set."


def _seed_counts(a: Entry, b: Entry) -> str:
    if a.seeds == b.seeds:
        return f"{count(a.seeds, 'seed')} each"
    return f"{count(a.seeds, 'seed')} of {a.name} and {b.seeds:,} of {b.name}"
