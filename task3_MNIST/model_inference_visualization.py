"""Write the page on which the models answer to a drawing, and a grid of test digits as PNG.

python task3_MNIST/model_inference_visualization.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_data_flag, add_plots_flag, add_results_flag
from task3_MNIST.report.inference.page import OUT, show


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
        "no model-size study; the best MLP and the best CNN by validation shown at first)",
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


if __name__ == "__main__":
    run_script(main)
