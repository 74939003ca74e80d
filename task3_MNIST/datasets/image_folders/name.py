"""The name of a folder of images as a data set: its path, and how its images are read.

`PATH+preprocess=resize+skip-broken`, as a run's name has its hyperparameters. So whatever reads the
data set later, a page or `evaluate.py`, reads the same images.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PREPROCESS = "digits"
RESIZE = "resize"
SETTINGS = re.compile(rf"(\+preprocess={RESIZE})?(\+skip-broken)?")


@dataclass(frozen=True)
class FolderName:
    """What a name says.

    Attributes:
        path: the folder, as it was given.
        preprocess: `digits` as MNIST's images were, or `resize`.
        skip_broken: whether images that cannot be used are left out.
    """

    path: str
    preprocess: str = DEFAULT_PREPROCESS
    skip_broken: bool = False

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that are not the default, as the name has them."""
        return (
            *((f"preprocess={self.preprocess}",) if self.preprocess != DEFAULT_PREPROCESS else ()),
            *(("skip-broken",) if self.skip_broken else ()),
        )

    def words(self) -> list[str]:
        """Return the name as it is given on a command line."""
        flags = [word for setting in self.settings for word in f"--{setting}".split("=")]
        return ["--dataset", self.path, *flags]

    def __str__(self) -> str:
        """Return the name."""
        return "+".join((self.path, *self.settings))


def parse(dataset: str) -> FolderName:
    """Return what the name of a data set says; a folder that is there is named by its path."""
    for found in SETTINGS.finditer(dataset):
        if found[0] and found.end() == len(dataset) and not Path(dataset).exists():
            return FolderName(
                dataset[: found.start()],
                RESIZE if found[1] else DEFAULT_PREPROCESS,
                bool(found[2]),
            )
    return FolderName(dataset)
