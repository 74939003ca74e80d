"""The page of a study."""

from pathlib import Path


def write_page(search, study, trials) -> Path:
    """."""
    return search.folder / "study.html"
