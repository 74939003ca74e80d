"""The comparison page and its pictures: what they are made of, and where they go."""

from __future__ import annotations

from pathlib import Path

from task3_MNIST import plots
from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import DATASET_NAMES, count, listing
from task3_MNIST.report.comparison.data import comparison
from task3_MNIST.report.comparison.explained import explanations
from task3_MNIST.report.html import render
from task3_MNIST.report.studies.page import OUT as STUDIES_PAGE
from task3_MNIST.runs.groups import Problem, read_groups
from task3_MNIST.runs.records import RunGroup

OUT = REPOSITORY / "task3_MNIST" / "model_comparison.html"


STYLES = ("comparison/page.css",)


SCRIPTS = (
    "static/format.js",
    "static/glossary.js",
    "static/copy.js",
    "static/pictures.js",
    "static/charts.js",
    "comparison/js/table.js",
    "comparison/js/confusion.js",
    "comparison/js/settings.js",
    "comparison/js/significance.js",
    "comparison/js/switches.js",
    "comparison/js/selection.js",
    "comparison/js/verdict.js",
    "comparison/js/comparison.js",
)


def compare(results: Path, data_dir: Path, out: Path, pictures: Path) -> list[dict[str, str]]:
    """Write the page and the pictures of all runs below a folder, and print what is where.

    Returns:
        the problems that the page names, as `write_page`.

    Raises:
        UserError: no run can be shown.
    """
    groups, problems = read_groups(results)
    drawn = plots.draw_comparison(groups, pictures)
    # the page comes last: make takes it for the sign that all is made
    found = write_page(groups, problems, data_dir, out)
    for problem in found:
        print(f"not shown completely: {problem['run']}: {problem['what']}")
    print(f"{count(len(groups), 'model')} compared in {out}")
    print(f"{count(len(drawn), 'picture')} in {pictures}")
    return found


def write_page(
    groups: list[RunGroup], problems: list[Problem], data_dir: Path, out: Path
) -> list[dict[str, str]]:
    """Write the page and return the problems it names: those given, and those met on the way."""
    content = comparison(groups, problems, data_dir)
    names = [DATASET_NAMES.get(data["name"], data["name"]) for data in content["datasets"]]
    render(
        "comparison/page.html.j2",
        out,
        title=f"MLPs and CNNs compared on {listing(names)}",
        data=content,
        styles=STYLES,
        scripts=SCRIPTS,
        plotly=True,
        count=count(len(groups), "model"),
        explained=explanations(out.with_name(STUDIES_PAGE.name)),
    )
    return content["problems"]
