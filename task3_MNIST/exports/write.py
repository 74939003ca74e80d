"""Export a run: a file for each format, checked on every test image, and a model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.exports.card import FILE, card
from task3_MNIST.exports.formats import FORMATS, Agreement, WithPreprocessing, compare
from task3_MNIST.exports.metadata import facts_of, metadata
from task3_MNIST.files import write_atomic
from task3_MNIST.formatting import count
from task3_MNIST.runs.folder import Run


def export_run(
    run: Run, formats: Sequence[str], test: Split, out: Path, preprocessing: bool = False
) -> Iterator[tuple[Path, Agreement]]:
    """Write a run's model in some formats and then its model card, and yield each model file.

    Args:
        run: evaluated.
        formats: of `FORMATS`.
        test: the test images of its data set, as they are read.
        out: the folder, which is made.
        preprocessing: whether the files take pixels as they are, and normalize them.

    Yields:
        the file, and how its answers differ from the model's.

    Raises:
        UserError: the run's files cannot be used, or a file's classes are not the model's.
    """
    facts = facts_of(run, test)
    model, images = run.model(), test.normalized().images
    if preprocessing:
        config = facts.config
        model = WithPreprocessing(model, config.pixel_mean, config.pixel_std).eval()
        images = test.images
    example = torch.zeros_like(images[:2])  # of its own: a view would carry all images along
    out.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in dict.fromkeys(formats):
        content = FORMATS[name].to_bytes(model, example, metadata(facts, preprocessing))
        found[name] = compare(name, content, model, images)
        if found[name].other_classes:
            images_differ = count(found[name].other_classes, "test image")
            raise UserError(
                f"{FORMATS[name].file} would give {images_differ} another class than the model of "
                f"{run.folder}, so it was not written: choose another --format"
            )
        write_atomic(out / FORMATS[name].file, content)
        yield out / FORMATS[name].file, found[name]
    write_atomic(out / FILE, card(facts, found, preprocessing).encode())
