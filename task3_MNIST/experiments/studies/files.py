"""Where a study's files are: its table, its result and its picture, next to the runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StudyFiles:
    """The files of a study below a folder of results."""

    folder: Path
    name: str

    @property
    def runs(self) -> Path:
        """The folder of the run folders of all studies: equal runs are shared."""
        return self.folder / "runs"

    @property
    def table(self) -> Path:
        """A row for each run and each change of the test images."""
        return self.folder / f"{self.name}.csv"

    @property
    def result(self) -> Path:
        """What is computed from runs: see `answer.Result`."""
        return self.folder / f"{self.name}.json"

    @property
    def picture(self) -> Path:
        """The figure."""
        return self.folder / f"{self.name}.png"
