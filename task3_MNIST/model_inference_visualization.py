"""Write the page on which the models answer to a drawing, and a grid of test digits as PNG.

python task3_MNIST/model_inference_visualization.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.core.script import before_imports, run_script

before_imports(__name__)

from collections.abc import Sequence

from task3_MNIST.core.environment import REPOSITORY
from task3_MNIST.core.flags import Parser, add_data_flag, add_plots_flag, add_results_flag
from task3_MNIST.core.plots import draw_prediction_grid
from task3_MNIST.report.inference import build_page
from task3_MNIST.report.page import render

OUT = REPOSITORY / "task3_MNIST" / "model_inference.html"
TEMPLATE = "inference.html.j2"
TITLE = "Draw a digit: two models answer"
STYLES = ("inference.css",)
SCRIPTS = (
    "slices.js",
    "forward.js",
    "prepare.js",
    "strokes.js",
    "deform.js",
    "files.js",
    "painting.js",
    "models.js",
    "drawing.js",
    "answers.js",
    "inside.js",
    "occlusion.js",
    "push.js",
    "gallery.js",
    "inference.js",
)


def main() -> None:
    """Read the runs and write the page and the picture."""
    parser = Parser(description="Write the page on which the models answer to a drawing.")
    add_results_flag(parser)
    add_data_flag(parser)
    parser.add_argument(
        "--models",
        nargs="+",
        default=(),
        metavar="MODEL",
        help="which models, the first two shown at first (default: all that were evaluated, but "
        "no study of size; the best MLP and the best CNN by validation shown at first)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=OUT,
        help="the page (default: task3_MNIST/model_inference.html)",
    )
    add_plots_flag(parser)
    options = parser.parse_args()
    show(options.results, options.data, options.models, options.out, options.plots)


def show(results: Path, data_dir: Path, models: Sequence[str], out: Path, pictures: Path) -> None:
    """Write the page of the runs below a folder and the picture, and print what is where.

    Raises:
        UserError: as `build_page`.
    """
    page = build_page(results, data_dir, models)
    render(
        TEMPLATE,
        out,
        title=TITLE,
        data=page.data,
        styles=STYLES,
        scripts=SCRIPTS,
        **page.texts,
    )
    grid = draw_prediction_grid(
        page.runs, page.test.images, page.test.labels, pictures / "predictions.png"
    )
    runnable = ", ".join(page.embedded) or "none"
    print(f"written: {out} ({out.stat().st_size / 1e6:.1f} MB; runs {runnable})")
    print(f"written: {grid}")


if __name__ == "__main__":
    run_script(main)
