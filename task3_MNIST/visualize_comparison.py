"""Compare all trained models: writes plots and a page that opens from disk.

python task3_MNIST/visualize_comparison.py [--results results/runs] [--out PAGE.html]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.core.script import before_imports, run_script

before_imports(__name__)

from task3_MNIST.core import plots
from task3_MNIST.core.environment import REPOSITORY
from task3_MNIST.core.flags import Parser, add_data_flag, add_plots_flag, add_results_flag
from task3_MNIST.report.collect import Group, Problem, collect
from task3_MNIST.report.comparison import comparison
from task3_MNIST.report.page import render
from task3_MNIST.report.wording import count

OUT = REPOSITORY / "task3_MNIST" / "model_comparison.html"
STYLES = ("comparison.css",)
SCRIPTS = (
    "format.js",
    "charts.js",
    "table.js",
    "copy.js",
    "confusion.js",
    "settings.js",
    "significance.js",
    "comparison.js",
)


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


def compare(results: Path, data_dir: Path, out: Path, pictures: Path) -> list[dict[str, str]]:
    """Write the page and the pictures of all runs below a folder, and print what is where.

    Returns:
        the problems that the page names, as `write_page`.

    Raises:
        UserError: no run can be shown.
    """
    groups, problems = collect(results)
    found = write_page(groups, problems, data_dir, out)

    # what could not be read is named on the page and below, and in no picture
    readable = [run for group in groups for run in group.runs if run.test or not run.run.evaluated]
    drawn = plots.draw_comparison([run.run for run in readable], pictures)
    for problem in found:
        print(f"not shown wholly: {problem['run']}: {problem['what']}")
    print(f"{count(len(groups), 'model')} compared in {out}")
    print(f"{count(len(drawn), 'picture')} in {pictures}")
    return found


def write_page(
    groups: list[Group], problems: list[Problem], data_dir: Path, out: Path
) -> list[dict[str, str]]:
    """Write the page and return the problems it names: those given, and those met on the way."""
    content = comparison(groups, problems, data_dir)
    render(
        "comparison.html.j2",
        out,
        title="MLPs and CNNs compared",
        data=content,
        styles=STYLES,
        scripts=SCRIPTS,
        plotly=True,
        count=count(len(groups), "model"),
    )
    return content["problems"]


if __name__ == "__main__":
    run_script(main)
