"""Numbers and findings as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from task3_MNIST.evaluation.pairs import Pair
from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.formatting import (
    DIGITS,
    FAMILY_NOUNS,
    PER_CENT,
    count,
    listing,
    p_value,
    percent,
    points,
    probability,
    with_ends,
)
from task3_MNIST.report.comparison.rows import Entry

CHOSEN = (
    "chosen by validation accuracy, never by the test set. If a model was trained both with and "
    "without the validation images, the version with more seeds is compared. This comparison was "
    "planned, so its p is not corrected for other pairs."
)


def spread(values: Sequence[float], form: str, unit: str = "") -> str:
    """Return the mean and its 95 % t-interval over seeds: `98.51 % [98.45, 98.57]`."""
    return with_ends(mean_interval(values), form, unit)


def headline(pair: Pair, entries: Sequence[Entry], best: bool) -> str:
    """Return what the page says first of a pair, in at most twenty words.

    Args:
        pair: the two.
        entries: of the data set.
        best: whether they are the planned comparison, and so called the best of their families
            where they are of two.
    """
    a, b, sign = _better_first(pair, entries)
    nouns = [FAMILY_NOUNS[entry.group.family] for entry in (a, b)]
    names = [a.name, b.name]
    if best and nouns[0] != nouns[1]:
        names = [f"the best {noun}" for noun in nouns]
        if pair.models:
            names[0] = f"The best {nouns[0]}"
    reads = "reads" if _digits(a) else "recognizes"
    what = "test digits" if _digits(a) else "test images"
    low, high = sorted(sign * end for end in pair.result.interval())
    difference = f"+{points(sign * pair.result.mean)} points [{points(low)}, {points(high)}]"
    accuracies = (
        f"{names[0]} {reads} {percent(a.accuracy.mean)} of {what}, "
        f"{names[1]} {percent(b.accuracy.mean)}"
    )
    if not pair.models:
        return f"With one seed, {accuracies}: {difference}."
    significant = pair.significant if best else pair.significant_among_all
    verdict = "" if significant else "not significantly different, "
    return f"{accuracies}: {verdict}{difference}."


def evidence(
    pair: Pair, entries: Sequence[Entry], images: np.ndarray, pairs: int, planned: bool
) -> list[str]:
    """Return what a headline rests on, a sentence or two each.

    Args:
        pair: the two.
        entries: of the data set.
        images: (writers,) number of test images by each; ones where the writers are not known.
        pairs: number of pairs that p is corrected for.
        planned: whether the pair was the planned comparison, whose p is not corrected.
    """
    people, total = len(images), int(images.sum())
    sentences = [
        verdict(pair, entries, test_images(total, people)),
        how_chosen(entries) if planned else correction(pair, pairs),
        *basis(pair, entries, people < total),
        superiority(pair, entries),
    ]
    return [sentence for sentence in sentences if sentence]


def verdict(pair: Pair, entries: Sequence[Entry], images: str) -> str:
    """Return in one sentence whether two differ significantly, and by how much.

    The test is the pair's own, so the verdict is "different" just where the interval in it leaves
    out 0. With a single seed it is about two networks, and says nothing of their models.

    Args:
        pair: the two.
        entries: of the data set.
        images: what they were tested on, from `test_images`.
    """
    a, b, sign = _better_first(pair, entries)
    difference = points(sign * pair.result.mean)
    ends = " to ".join(points(sign * end) for end in pair.result.interval()[::sign])
    size = f"n\u00a0=\u00a0{_seed_counts(a, b)}, {images}"
    rest = f"(95{PER_CENT} confidence interval {ends}; {p_value(pair.result.p)}; {size})"
    if not pair.models:
        first, second = (f"{_seed(entry)} of {entry.name}" for entry in (a, b))
        if pair.significant:
            return (
                f"Of two networks, {first} classifies {difference} percentage points more of the "
                f"test images correctly than {second} {rest}."
            )
        return (
            f"Two networks, {first} and {second}, are not significantly different: their test "
            f"accuracies differ by {difference} percentage points {rest}."
        )
    if pair.significant:
        return (
            f"{a.name} is better than {b.name} by {difference} percentage points of test accuracy "
            f"{rest}."
        )
    return (
        f"{a.name} and {b.name} are not significantly different: their test accuracies differ by "
        f"{difference} percentage points {rest}."
    )


def test_images(images: int, people: int) -> str:
    """Return what models were tested on: `10,000 test images by 297 writers`."""
    return f"{images:,} test images" + (f" by {people:,} writers" if people < images else "")


def basis(pair: Pair, entries: Sequence[Entry], people: bool) -> list[str]:
    """Return the tests that a verdict rests on.

    Args:
        pair: the two.
        entries: of the data set.
        people: whether it is known who wrote each image.
    """
    a, b = entries[pair.a], entries[pair.b]
    drawn = "writers" if people else "test images"
    low, high = pair.bootstrap if pair.result.mean >= 0 else [-end for end in pair.bootstrap[::-1]]
    test = pair.networks
    counts = (
        f"{count(test.only_a, 'image')} only {a.name} classifies correctly, {test.only_b:,} only "
        f"{b.name}"
    )
    bootstrap = (
        f"Paired bootstrap over {{}}: 95{PER_CENT} confidence interval {points(low)} to "
        f"{points(high)}."
    )
    if not pair.models:
        single = listing([entry.name for entry in (a, b) if not _seeds_known(entry)])
        return [
            f"This is McNemar's test{' by writer' if people else ''}: {counts}.",
            f"{single} has one seed, so the test compares these two trained networks, not the "
            "kinds of model: train more seeds of each.",
            bootstrap.format(drawn),
        ]
    varying = "writers" if people else "images"
    return [
        f"p is the larger one of two t-tests: over the seeds, and over seeds and {varying}.",
        f"The two runs of median accuracy ({_seed(a)} of {a.name}, {_seed(b)} of {b.name}) differ "
        f"on {test.only_a + test.only_b:,} images: {counts} (McNemar's test"
        f"{' by writer' if people else ''}, {p_value(test.difference.p)}).",
        bootstrap.format(f"seeds and {drawn}"),
    ]


def correction(pair: Pair, pairs: int) -> str:
    """Return whether a difference of models is significant among all pairs; "" for networks.

    Args:
        pair: the two.
        pairs: number of pairs that p was corrected for.
    """
    if pair.corrected is None or pairs < 2:
        return ""
    significant = "Significant" if pair.significant_among_all else "Not significant"
    return f"{significant} after correction for {pairs:,} pairs ({p_value(pair.corrected)}, Holm)."


def superiority(pair: Pair, entries: Sequence[Entry]) -> str:
    """Return the better one's probability of superiority as a sentence; "" for networks."""
    if pair.superiority is None:
        return ""
    a, b, sign = _better_first(pair, entries)
    chance = pair.superiority if sign > 0 else 1 - pair.superiority
    return (
        f"Probability of superiority: a new run of {a.name} is better than a new run of {b.name} "
        f"with probability {probability(chance)}."
    )


def _digits(entry: Entry) -> bool:
    return entry.group.class_names == list(DIGITS)


def _better_first(pair: Pair, entries: Sequence[Entry]) -> tuple[Entry, Entry, int]:
    """Return the better one, the other, and -1 if that is not the pair's own order."""
    a, b = entries[pair.a], entries[pair.b]
    return (b, a, -1) if pair.result.mean < 0 else (a, b, 1)


def _seed(entry: Entry) -> str:
    return f"seed {entry.median.config.seed}"


def _seeds_known(entry: Entry) -> bool:
    return entry.seeds > 1 or entry.group.deterministic


def how_chosen(entries: Sequence[Entry]) -> str:
    """Return how the planned comparison's two were found among the entries."""
    counts = Counter(FAMILY_NOUNS[entry.group.family] for entry in entries if entry.accuracy)
    networks = [noun for noun in ("MLP", "CNN") if noun in counts]
    families = networks if len(networks) == 2 else list(counts)
    if len(families) == 2:
        first, second = families
        if counts[first] == counts[second] == 1:
            return f"The one {first} and the one {second} of these results: a planned comparison."
        return (
            f"The best of {count(counts[first], first)} and the best of "
            f"{count(counts[second], second)}, {CHOSEN}"
        )
    return f"The best two models, {CHOSEN}"


def _seed_counts(a: Entry, b: Entry) -> str:
    if a.seeds == b.seeds:
        return f"{count(a.seeds, 'seed')} each"
    return f"{count(a.seeds, 'seed')} of {a.name} and {b.seeds:,} of {b.name}"
