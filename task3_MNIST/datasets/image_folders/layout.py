"""What lies in a folder of images: its parts, the classes in them, and the files of each class.

Nothing is opened here. As in torchvision's `ImageFolder`, a class is a folder, its name is the
folder's, and the classes are numbered in the order of their names.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from task3_MNIST.errors import UserError

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".jfif"),
)
KINDS = "PNG, JPEG, WebP, BMP, TIFF or GIF"
# what systems and programs leave in folders, in small letters; so do names that begin with a dot
LEFTOVERS = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "__pycache__")
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
TEST_EVERY = 5  # without train/ and test/, every fifth image of a class, by name, is a test image
MOST_CLASSES = 256  # a predicted class is stored as a byte

Part = dict[str, tuple[Path, ...]]  # the image files of each class


@dataclass(frozen=True)
class Layout:
    """What lies in a folder.

    Attributes:
        path: the folder.
        parts: `train`, and `validation` and `test` where there are such folders; a folder without
            parts has `train` and `test`.
        folders: the folder of each part that has one.
        empty: folders of classes that have no image in any part.
        others: how many files of other kinds lie in the folders of classes, by their suffix.
        stray: how many images lie next to the folders of classes.
        unused: folders with images that are of no part.
    """

    path: Path
    parts: dict[str, Part]
    folders: dict[str, Path]
    empty: tuple[str, ...]
    others: dict[str, int]
    stray: int
    unused: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that have an image in any part, in the order of their names."""
        return tuple(
            sorted({name for part in self.parts.values() for name, files in part.items() if files})
        )

    def files(self, part: str) -> list[tuple[str, Path]]:
        """Return the (class, file) pairs of a part, by class, then by name.

        Raises:
            UserError: there is no such part.
        """
        if part not in self.parts:
            raise _without(part, self)
        found = self.parts[part]
        return [(name, file) for name in self.classes for file in found.get(name, ())]


def read_layout(folder: Path) -> Layout:
    """List a folder of images.

    Raises:
        UserError: it cannot be listed, or is no data set.
    """
    reader = _Reader()
    inside = _folders(folder)
    named = {part: _named(inside, part) for part in PART_NAMES}
    parts = {part: found[0] for part, found in named.items() if found}
    rest = [one for one in inside if not any(one in found for found in named.values())]
    split = [parts[part] for part in ("train", "test") if part in parts]
    # a folder called train that holds images, next to others, is a class: trains, say
    if split and (not rest or any(map(_folders, split))):
        for found in named.values():
            if len(found) > 1:
                both = " and ".join(one.name for one in found)
                raise UserError(f"{folder} has {both}, which mean the same: keep one of them")
        for one in parts.values():
            if not _folders(one):
                raise UserError(
                    f"{one} has no folders of classes: put its images into folders named by their "
                    f"class, such as {one / 'cat'}"
                )
        listed = {part: reader.classes(one) for part, one in parts.items()}
        unused = tuple(one.name for one in rest if any(_Reader().classes(one).values()))
    else:
        parts, listed, unused = {}, _every_fifth(reader.classes(folder), folder), ()
    layout = Layout(
        path=folder,
        parts=listed,
        folders=parts,
        empty=tuple(
            sorted(
                {name for part in listed.values() for name in part}
                - {name for part in listed.values() for name, files in part.items() if files}
            )
        ),
        others=dict(reader.others.most_common()),
        stray=reader.stray,
        unused=unused,
    )
    _check(layout)
    return layout


class _Reader:
    """Lists the folders of classes, and counts what lies there besides images."""

    def __init__(self) -> None:
        self.others: Counter[str] = Counter()
        self.stray = 0

    def classes(self, folder: Path) -> Part:
        """Return the files of each class below a folder."""
        self.stray += sum(one.is_file() and is_image(one) for one in _visible(folder))
        return {one.name: tuple(sorted(self._files(one))) for one in _folders(folder)}

    def _files(self, folder: Path) -> list[Path]:
        """Return the images in a folder and in the folders below it, through links too."""
        found, waiting, been = [], [folder], set()
        while waiting:
            place = waiting.pop()
            if (real := os.path.realpath(place)) in been:  # a link that leads back
                continue
            been.add(real)
            for one in _visible(place):
                if one.is_dir():
                    waiting.append(one)
                elif is_image(one):
                    found.append(one)
                else:
                    self.others[one.suffix.lower() or "no suffix"] += 1
        return found


def is_image(path: Path) -> bool:
    """Return whether a file's name says that it is an image."""
    return path.suffix.lower() in SUFFIXES


def _visible(folder: Path) -> list[Path]:
    """Return what lies in a folder, without what is hidden and what systems leave there."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(
            f"cannot list {error.filename}: {error.strerror}: make it readable, or name another "
            "folder"
        ) from error
    return [one for one in inside if one.name[0] != "." and one.name.lower() not in LEFTOVERS]


def _folders(folder: Path) -> list[Path]:
    return [one for one in _visible(folder) if one.is_dir()]


def _named(folders: list[Path], part: str) -> list[Path]:
    return [one for one in folders if one.name.lower() in PART_NAMES[part]]


def _every_fifth(found: Part, folder: Path) -> dict[str, Part]:
    """Return the images of a folder without parts as training and test images."""
    for name, files in found.items():
        if 0 < len(files) < TEST_EVERY:
            raise UserError(
                f"{folder / name} has {_count(len(files))}, too few to take every {TEST_EVERY}th "
                f"for the test: add some, or give {folder / 'train'} and {folder / 'test'}"
            )
    last = TEST_EVERY - 1
    return {
        "train": {
            name: tuple(file for i, file in enumerate(files) if i % TEST_EVERY != last)
            for name, files in found.items()
        },
        "test": {name: files[last::TEST_EVERY] for name, files in found.items()},
    }


def _check(layout: Layout) -> None:
    """Refuse what no model can be trained on, whatever the images show."""
    folder, classes = layout.path, layout.classes
    if not any(layout.parts.values()):
        raise UserError(
            f"{folder} has no folders of classes: put the images of each class into a folder named "
            f"by it, such as {folder / 'cat'} and {folder / 'dog'}"
        )
    if not classes:
        other = ", ".join(f"{number} {suffix}" for suffix, number in layout.others.items())
        raise UserError(
            f"{folder} has folders but no images in them{f' (there are {other})' if other else ''}"
            f": put {KINDS} files there, or name another folder"
        )
    if "train" not in layout.parts:
        raise _without("train", layout)
    if len(classes) == 1:
        only = next(iter(layout.folders.values()), folder) / classes[0]
        deeper = _folders(only) if only.is_dir() else []
        raise UserError(
            f"{folder} has one class only, {classes[0]}, and nothing to tell it from: add the "
            "folder of another class"
            + (f", or name {only} if its folders are the classes" if deeper else "")
        )
    if len(classes) > MOST_CLASSES:
        raise UserError(
            f"{folder} has {len(classes)} classes, and {MOST_CLASSES} is the most: leave some out, "
            "or join some"
        )


def _without(part: str, layout: Layout) -> UserError:
    has = " and ".join(f"{one.name}/" for one in layout.folders.values())
    if part == "train":
        return UserError(
            f"{layout.path} has {has} and no train/: put training images into "
            f"{layout.path / 'train'}, in a folder for each class; if {has} is a class, rename it"
        )
    return UserError(
        f"{layout.path} has {has} and no test/: put test images into {layout.path / 'test'}, in a "
        "folder for each class, or train with --no-evaluate"
    )


def _count(number: int) -> str:
    return f"{number} image{'' if number == 1 else 's'}"
