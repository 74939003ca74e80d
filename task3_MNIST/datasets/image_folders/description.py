"""What was found in a folder of images, and what about it changes the meaning of the figures."""

from __future__ import annotations

from collections import Counter

from task3_MNIST.datasets.image_folders.dataset import Folder
from task3_MNIST.datasets.image_folders.layout import KINDS, TEST_EVERY, Layout
from task3_MNIST.formatting import count, listing

MOST_NAMES = 12  # classes, or files, in a sentence
IMBALANCE = 10  # times the images of the rarest class


def describe(folder: Folder, test: bool) -> list[str]:
    """Return a sentence that says what a folder holds, then what is left out, then warnings.

    Args:
        folder: its images can be used, see `Folder.fetch`.
        test: whether test images are to be evaluated on.
    """
    layout = folder.layout()
    wanted = [part for part in layout.parts if test or part != "test"]
    read = {part: folder.images(layout, part) for part in wanted}
    counts = {part: _counts(folder, layout, part) for part in wanted}
    broken = {path: reason for images in read.values() for path, reason in images.broken.items()}
    lines = [_found(layout, counts, read["train"].sizes)]
    if broken:
        names = [
            f"{path.relative_to(folder.path).as_posix()} ({why})" for path, why in broken.items()
        ]
        lines.append(f"left out, as they cannot be used: {_some(names)}")
    lines += _left_out(layout)
    return lines + [f"warning: {text}" for text in _warnings(layout, counts)]


def _counts(folder: Folder, layout: Layout, part: str) -> Counter[str]:
    """Return how many images of each class can be used, 0 for a class without any."""
    files, usable = layout.files(part), folder.images(layout, part).usable
    found = Counter(name for (name, _), good in zip(files, usable, strict=True) if good)
    return Counter({name: found[name] for name in layout.classes})


def _found(layout: Layout, counts: dict[str, Counter[str]], sizes: tuple) -> str:
    nouns = {"train": "training", "validation": "validation", "test": "test"}
    parts = [
        f"{count(sum(found.values()), f'{nouns[part]} image')} ({_each(found)})"
        for part, found in counts.items()
    ]
    if not layout.folders and "test" in counts:
        parts[-1] += f", every {TEST_EVERY}th of each class"
    pixels = " to ".join(f"{width} x {height}" for height, width in sizes)
    classes = layout.classes
    return (
        f"found in {layout.path}: {len(classes)} classes "
        f"({_some(classes)}); {'; '.join(parts)}; {pixels} pixels"
    )


def _each(found: Counter[str]) -> str:
    least, most = min(found.values()), max(found.values())
    return f"{least:,} of each class" if least == most else f"{least:,} to {most:,} of each class"


def _some(names) -> str:
    """Return names as a list, the first few of many."""
    names = list(names)
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"


def _left_out(layout: Layout) -> list[str]:
    lines = []
    if layout.others:
        kinds = listing([f"{number:,} {suffix}" for suffix, number in layout.others.items()])
        lines.append(f"left out: {kinds} in the folders of classes (images are {KINDS} files)")
    if layout.stray:
        lines.append(
            f"left out: {count(layout.stray, 'image')} next to the folders of classes: put them "
            "into one of these to use them"
        )
    if layout.unused:
        lines.append(f"left out: {_some(layout.unused)}, next to train and test")
    return lines


def _warnings(layout: Layout, counts: dict[str, Counter[str]]) -> list[str]:
    train, test = counts["train"], counts.get("test")
    lines = []
    if layout.empty:
        lines.append(f"{_some(layout.empty)} has no image: it is not counted as a class")
    if untrained := [name for name in layout.classes if not train[name]]:
        errors = sum(test[name] for name in untrained) if test else 0
        lines.append(
            f"no training image of {_some(untrained)}: no model can learn it, and its "
            f"{count(errors, 'test image')} will all be errors"
        )
    if test and (untested := [name for name in layout.classes if not test[name]]):
        lines.append(
            f"no test image of {_some(untested)}: no test figure says how well it is recognized"
        )
    seen = [(number, name) for name, number in train.items() if number]
    (least, rarest), (most, commonest) = min(seen), max(seen)
    if most >= IMBALANCE * least:
        share = most / sum(train.values())
        lines.append(
            f"{commonest} has {most:,} training images and {rarest} has {least:,}: a model that "
            f"always answers {commonest} is correct on {share:.0%} of the training images, so "
            "compare accuracy with that, and look at each class in the confusion matrix"
        )
    return lines
