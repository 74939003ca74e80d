"""Which studies explain what the comparison page shows."""

from __future__ import annotations

from pathlib import Path

from task3_MNIST.experiments.studies.definition import find_study, shipped

# the sections of the page, by their ids
STUDIES = {
    "verdict": ("shuffled_pixels", "weight_sharing", "translation", "sample_efficiency"),
    "size": ("model_size",),
    "errors": ("shared_errors",),
    "profile": ("calibration",),
}


def explanations(page: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the studies to link to for each section: the address, and the study's question.

    Args:
        page: the page of studies that lies next to this one; without it there are no links, and
            none to a study that it does not show.
    """
    shown = page.read_text(encoding="utf-8") if page.is_file() else ""
    known = {path.stem for path in shipped()}
    return {
        section: [
            (f"{page.name}#{name}", find_study(name).study.question)
            for name in names
            if name in known and f'id="{name}"' in shown
        ]
        for section, names in STUDIES.items()
    }
