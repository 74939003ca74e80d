"""How to cite what the page shows: the software, its version, and what the figures come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import count, listing
from task3_MNIST.runs.records import RunGroup


def citation(groups: Sequence[RunGroup]) -> str:
    """Return a BibTeX entry for the figures of these runs.

    Args:
        groups: at least one.
    """
    stated = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    title, author = (
        re.search(rf"^[ -]*{key}: (.+)$", stated, re.M)[1] for key in ("title", "name")
    )
    runs = [run for group in groups for run in group.runs]
    commits = _distinct(str(run.config.git_commit or "unknown")[:7] for run in runs)
    versions = _distinct(str(run.config.torch) for run in runs)
    note = (
        f"{count(len(runs), 'run')} of {count(len(groups), 'model')}; "
        f"commit {listing(commits)}; PyTorch {listing(versions)}"
    )
    return (
        "@software{mlp_cnn_mnist,\n"
        f"  title = {{{title}}},\n"
        f"  author = {{{{{author}}}}},\n"
        f"  note = {{{note}}}\n"
        "}"
    )


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted(set(values))
