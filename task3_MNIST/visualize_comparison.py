"""Compare all trained models: writes plots and a page that opens from disk.

python task3_MNIST/visualize_comparison.py [--results results/runs] [--out PAGE.html]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_data_flag, add_plots_flag, add_results_flag
from task3_MNIST.report.comparison.page import OUT, compare


def main() -> None:
    """Write the comparison page and plots of all runs below a folder."""
    parser = Parser(description="Compare all trained models on one page.")
    add_results_flag(parser)
    add_data_flag(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=OUT,
        help="the page to write (default: task3_MNIST/model_comparison.html)",
    )
    add_plots_flag(parser)
    options = parser.parse_args()
    compare(options.results, options.data, options.out, options.plots)


if __name__ == "__main__":
    run_script(main)
