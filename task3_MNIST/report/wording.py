"""Numbers and findings as sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from task3_MNIST.core.stats import RESAMPLES, Interval, mean_interval
from task3_MNIST.report.compare import SIGNIFICANT, Pair
from task3_MNIST.report.entries import Entry

MINUS = "−"
PER_CENT = "\u00a0%"
FAMILY_NOUNS = {"mlp": "MLP", "cnn": "CNN", "baseline": "baseline"}


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


def spread(values: Sequence[float], form: str, unit: str = "") -> str:
    """Return the mean and its 95 % t-interval over seeds: `98.51 % [98.45, 98.57]`."""
    return with_ends(mean_interval(values), form, unit)


def with_ends(interval: Interval, form: str, unit: str = "", factor: float = 1) -> str:
    """Return an interval's mean and, in brackets, its ends, each times the factor."""
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


def verdict(pair: Pair, entries: Sequence[Entry], images: int, pairs: int) -> str:
    """Return which of two is better and by how much, or that they are tied, in one sentence.

    Args:
        pair: the two.
        entries: of the data set.
        images: number of its test images.
        pairs: number of pairs that p was corrected for.
    """
    a, b = entries[pair.a], entries[pair.b]
    difference, (low, high) = pair.difference, (pair.low, pair.high)
    if difference < 0:
        a, b, difference, low, high = b, a, -difference, -high, -low
    size = f"n\u00a0=\u00a0{_seed_counts(a, b)}, {images:,} test images"
    basis = f"{_tests(pair, pairs)}; {size}"
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
    both_single = a.seeds == b.seeds == 1
    runs = f"seed {a.median.config['seed']} of {a.name}, seed {b.median.config['seed']} of {b.name}"
    mcnemar = (
        f"McNemar's test compares the runs{'' if both_single else ' of median accuracy'} ({runs}): "
        f"{count(pair.mcnemar.only_a, 'image')} only {a.name} has right, "
        f"{pair.mcnemar.only_b:,} only {b.name}."
    )
    drawn = "the test images" if both_single else "seeds and test images"
    draws = f"draws {drawn} anew, {RESAMPLES:,} times"
    if pair.beats is not None:
        low, high = pair.bootstrap
        if pair.difference < 0:
            low, high = -high, -low
        decides = (
            "The t-test decides: its variance holds the luck of training and that of the test "
            "images."
        )
        bootstrap = f"The paired bootstrap {draws}: {points(low)} to {points(high)}."
        sentences = (decides, _correction(pair), mcnemar, bootstrap, beats(pair, entries))
    else:
        sentences = (
            mcnemar,
            "It decides.",
            _correction(pair),
            f"The interval {draws}; {_luck(a, b)}",
        )
    return " ".join(sentence for sentence in sentences if sentence)


def _luck(a: Entry, b: Entry) -> str:
    """Return what an interval with a single seed leaves out of the luck of training."""
    single = [entry for entry in (a, b) if entry.seeds == 1]
    lucky = [entry for entry in single if not entry.group.seedless]
    if not lucky:
        if len(single) == 2:
            return "neither draws anything in training, which has no luck to leave out."
        return f"{single[0].name} draws nothing in its training, which has no luck to leave out."
    if len(single) == 2:
        return (
            "with one seed each it says nothing about the luck of training: train several to "
            "include it."
        )
    return f"{lucky[0].name} has one seed: its luck of training is not in the interval."


def beats(pair: Pair, entries: Sequence[Entry]) -> str:
    """Return how probably a new run of the better beats one of the other; "" if unknown."""
    if pair.beats is None:
        return ""
    a, b, chance = entries[pair.a].name, entries[pair.b].name, pair.beats
    if pair.difference < 0:
        a, b, chance = b, a, 1 - chance
    return f"A new run of {a} beats a new run of {b} with probability {probability(chance)}."


def probability(chance: float) -> str:
    """Return a probability as percent, or a bound where digits would pretend to matter."""
    return f"over 99.9{PER_CENT}" if chance > 0.999 else percent(chance, 1)


def _correction(pair: Pair) -> str:
    if pair.p < SIGNIFICANT <= pair.corrected:
        return (
            f"By itself this pair would count as different ({p_value(pair.p)}); among so many "
            "pairs, chance alone makes such differences."
        )
    return ""


def _tests(pair: Pair, pairs: int) -> str:
    """Return the p-value that decides, corrected for the pairs, and McNemar's."""
    corrected = f", Holm-corrected for {pairs:,} pairs" if pairs > 1 else ""
    if pair.beats is None:
        return f"exact McNemar {p_value(pair.corrected)}{corrected}"
    return f"t-test {p_value(pair.corrected)}{corrected}; exact McNemar {p_value(pair.mcnemar.p)}"


def short(value: float) -> str:
    """Return a number with a prefix where it is long: `20 k`."""
    for scale, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.3g}\u00a0{prefix}"
    return f"{value:.3g}"


def how_chosen(entries: Sequence[Entry]) -> str:
    """Return how the verdict's two were found among the entries."""
    counts = Counter(FAMILY_NOUNS[entry.group.family] for entry in entries if entry.accuracy)
    networks = [noun for noun in ("MLP", "CNN") if noun in counts]
    families = networks if len(networks) == 2 else list(counts)
    if len(families) == 2:
        first, second = families
        if counts[first] == counts[second] == 1:
            return f"The one {first} and the one {second} of these results."
        return (
            f"The best of {count(counts[first], first)} and the best of "
            f"{count(counts[second], second)}, chosen by validation accuracy, never by the test "
            "set."
        )
    return "The best two models, chosen by validation accuracy, never by the test set."


def _seed_counts(a: Entry, b: Entry) -> str:
    if a.seeds == b.seeds:
        return f"{count(a.seeds, 'seed')} each"
    return f"{count(a.seeds, 'seed')} of {a.name} and {b.seeds:,} of {b.name}"
