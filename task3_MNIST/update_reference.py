"""Publish finished runs as reference results, and make again all that follows from these.

    python task3_MNIST/update_reference.py [RUN ...]

RUN is a run folder, or one with run folders below it, such as results/runs. Of each evaluated run
the config, metrics, summary, test figures and predicted classes are copied to results/reference,
and of the two default models the weights of one run. What is there of the same model, recipe and
seed is replaced wholly; all else stays. Then summary.csv, the plots, both pages and the
tables of README.md and docs/ are made from results/reference alone; without RUN, only that is done.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from collections.abc import Sequence
from typing import Any

from task3_MNIST.cli.arguments import Parser, add_data_flag, folder
from task3_MNIST.datasets.splits import fetch
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.files import REPOSITORY, write_atomic
from task3_MNIST.formatting import count
from task3_MNIST.report.comparison.page import OUT as COMPARISON
from task3_MNIST.report.comparison.page import compare
from task3_MNIST.report.inference.page import OUT as INFERENCE
from task3_MNIST.report.inference.page import show
from task3_MNIST.report.reference.publish import (
    differing_knobs,
    differing_machines,
    finished_runs,
    publish,
)
from task3_MNIST.report.reference.tables import with_tables
from task3_MNIST.runs.folder import find
from task3_MNIST.runs.tables import NAME, as_csv, read_summary, summary_rows


def main() -> None:
    """Copy the runs named, then make anew what follows from the reference results."""
    parser = Parser(description="Publish finished runs as reference results.")
    parser.add_argument(
        "runs",
        nargs="*",
        type=folder,
        metavar="RUN",
        help="run folders, or folders with runs below them (default: none, make all else anew)",
    )
    parser.add_argument(
        "--reference",
        type=folder,
        default=REPOSITORY / "results" / "reference",
        help="folder of the reference results (default: results/reference)",
    )
    parser.add_argument(
        "--documents",
        nargs="+",
        type=Path,
        default=[REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))],
        metavar="FILE",
        help="the files whose tables are made again (default: README.md and docs/*.md)",
    )
    parser.add_argument("--no-pages", action="store_true", help="make no pages and no plots")
    add_data_flag(parser)
    options = parser.parse_args()
    for path in options.documents:
        if not path.is_file():
            raise UsageError(f"{path} is no file: name Markdown files with --documents")

    if (options.reference / NAME).exists():
        read_summary(options.reference / NAME)  # refused if nothing here wrote it
    if options.runs:
        copy_runs(options.runs, options.reference)
    rows = summarise(options.reference)
    for path in options.documents:
        update_document(path, options.reference)
    if not options.no_pages:
        write_pages(options.reference, options.data, {row["dataset"] for row in rows})


def copy_runs(folders: Sequence[Path], reference: Path) -> None:
    """Copy the finished runs in and below folders, and print what was done."""
    runs, left_out = finished_runs(folders, reference)
    changed, notes = publish(runs, reference)
    for line in left_out:
        print(f"left out: {line}")
    print(f"{count(len(runs), 'run')} given, {len(changed)} of them new or changed in {reference}")
    warn(notes)


def summarise(reference: Path) -> list[dict[str, Any]]:
    """Write `summary.csv` of the reference results and return its rows.

    Raises:
        UserError: there are no runs, or one is not whole.
    """
    rows, faults = summary_rows(reference)
    if faults:
        raise UserError(str(next(iter(faults.values()))))
    runs = find(reference)
    for run in runs:
        if not (run.complete and run.evaluated):
            raise UserError(f"{run.folder} is not whole: name its run again, or remove it")
    if not rows:
        raise UsageError(f"{reference} has no runs: name finished ones, such as results/runs")
    write_atomic(reference / NAME, as_csv(rows))
    print(f"{count(len(rows), 'run')} in {reference / NAME}")
    warn([*differing_machines(rows), *differing_knobs(runs)])
    return rows


def update_document(path: Path, reference: Path) -> None:
    """Write a document if a figure in it changed, and say so."""
    before = path.read_text(encoding="utf-8")
    after = with_tables(before, reference)
    if after != before:
        write_atomic(path, after.encode())
        print(f"{path}: written")


def write_pages(reference: Path, data_dir: Path, datasets: set[str]) -> None:
    """Write the plots and both pages from the reference results alone.

    Raises:
        UserError: the comparison page does not show all of them wholly, or no run has weights.
    """
    for dataset in sorted(datasets):
        fetch(dataset, data_dir, test=True)
    where, plots = (reference, data_dir), reference / "plots"
    page = reference / COMPARISON.name
    problems = compare(*where, page, plots)
    print(f"written: {page} ({page.stat().st_size / 1e6:.1f} MB)")
    page = reference / INFERENCE.name
    show(*where, (), page, plots)
    if problems:
        raise UserError(
            f"{count(len(problems), 'run')} of {reference} not shown wholly, as said above: name "
            "these runs again"
        )


def warn(lines: Sequence[str]) -> None:
    """Print a line each that a reader of the reference results should know of."""
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


if __name__ == "__main__":
    run_script(main)
