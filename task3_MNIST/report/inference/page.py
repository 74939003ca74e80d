"""The page on which models answer to a drawing: what it is made of, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import DATASET_NAMES
from task3_MNIST.plots import draw_prediction_grid
from task3_MNIST.report.html import render
from task3_MNIST.report.inference.data import Page, build_page

OUT = REPOSITORY / "task3_MNIST" / "model_inference.html"


TEMPLATE = "inference/page.html.j2"


STYLES = (
    "inference/page.css",
    "inference/walk.css",
    "inference/map.css",
    "inference/fool.css",
    "inference/train.css",
)


SCRIPTS = (
    "static/format.js",
    "inference/js/slices.js",
    "inference/js/sight.js",
    "inference/js/random.js",
    "inference/js/forward.js",
    "inference/js/backward.js",
    "inference/js/preprocessing.js",
    "inference/js/outliers.js",
    "inference/js/strokes.js",
    "inference/js/deform.js",
    "inference/js/files.js",
    "inference/js/painting.js",
    "inference/js/models.js",
    "inference/js/drawing.js",
    "inference/js/bars.js",
    "inference/js/answers.js",
    "inference/js/explain.js",
    "inference/js/walk.js",
    "inference/js/convolution_walk.js",
    "inference/js/unit_walk.js",
    "inference/js/inside.js",
    "inference/js/occlusion.js",
    "inference/js/push.js",
    "inference/js/neighbors.js",
    "inference/js/scatter.js",
    "inference/js/image_map.js",
    "inference/js/gallery.js",
    "inference/js/attacks.js",
    "inference/js/fool_texts.js",
    "inference/js/fool.js",
    "inference/js/train/matrix.js",
    "inference/js/train/layers.js",
    "inference/js/train/loop.js",
    "inference/js/train/curves.js",
    "inference/js/train/view.js",
    "inference/js/inference.js",
)


def show(results: Path, data_dir: Path, models: Sequence[str], out: Path, pictures: Path) -> None:
    """Write the page of the runs below a folder and the picture, and print what is where.

    Raises:
        UserError: as `build_page`.
    """
    page = build_page(results, data_dir, models)
    grid = draw_prediction_grid(
        page.answers, page.test, page.data["dataset"], pictures / "predictions.png"
    )
    # the page comes last: make takes it for the sign that all is made
    render(
        TEMPLATE,
        out,
        title=title(page),
        data=page.data,
        styles=STYLES,
        scripts=SCRIPTS,
        workers=True,
        **page.texts,
    )
    runnable = ", ".join(page.embedded) or "none"
    print(f"written: {out} ({out.stat().st_size / 1e6:.1f} MB; runs {runnable})")
    print(f"written: {grid}")


def title(page: Page) -> str:
    """Return the page's title."""
    name = DATASET_NAMES.get(page.data["dataset"], page.data["dataset"])
    return f"Draw {page.texts['drawn']}: two models trained on {name} answer"
