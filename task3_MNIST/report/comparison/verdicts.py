"""Numbers and findings as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from task3_MNIST.evaluation.pairs import SIGNIFICANT, Pair
from task3_MNIST.evaluation.statistics import RESAMPLES, mean_interval
from task3_MNIST.formatting import (
    FAMILY_NOUNS,
    PER_CENT,
    count,
    p_value,
    points,
    probability,
    with_ends,
)
from task3_MNIST.report.comparison.rows import Entry


def spread(values: Sequence[float], form: str, unit: str = "") -> str:
    """Return the mean and its 95 % t-interval over seeds: `98.51 % [98.45, 98.57]`."""
    return with_ends(mean_interval(values), form, unit)


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
