"""Publish finished runs as reference results, and make again all that follows from these.

    python task3_MNIST/update_reference.py [RUN ...]

RUN is a run folder, or one with run folders below it, such as results/runs. The evaluated runs are
merged into the tables of results/reference (one row replaces that of the same model, recipe and
seed), with the weights of one run of each default model. Then the plots, both pages and the tables
of README.md and docs/ are made from results/reference alone; without RUN, only that is done.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_data_flag, folder
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.files import REPOSITORY
from task3_MNIST.formatting import count
from task3_MNIST.report.reference.pages import write_document, write_pages
from task3_MNIST.report.reference.publish import (
    differing_machines,
    finished_runs,
    publish,
    publish_studies,
)
from task3_MNIST.report.reference.tables import STUDIES


def main() -> None:
    """Merge the runs named, then make what follows from the reference results."""
    parser = Parser(description="Publish finished runs as reference results.")
    parser.add_argument(
        "runs",
        nargs="*",
        type=folder,
        metavar="RUN",
        help="run folders, or folders with runs below them (default: none, make only what follows)",
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
    parser.add_argument(
        "--studies",
        type=folder,
        metavar="FOLDER",
        help="also publish the studies in a folder, such as results/studies",
    )
    parser.add_argument("--no-pages", action="store_true", help="make no pages and no plots")
    add_data_flag(parser)
    options = parser.parse_args()
    for path in options.documents:
        if not path.is_file():
            raise UsageError(f"{path} is not a file: name Markdown files with --documents")
    if options.runs:
        given, left_out = finished_runs(options.runs, options.reference)
        for line in left_out:
            print(f"left out: {line}")
        groups, notes = publish(given, options.reference, options.data)
        for line in [*notes, *differing_machines(groups)]:
            print(f"warning: {line}", file=sys.stderr)
        runs = sum(len(group.runs) for group in groups)
        print(f"{count(runs, 'run')} in {options.reference}")
    if options.studies:
        names = publish_studies(options.studies, options.reference / STUDIES)
        print(f"studies in {options.reference / STUDIES}: {', '.join(names)}")
    for path in options.documents:
        if write_document(path, options.reference):
            print(f"{path}: written")
    if not options.no_pages:
        problems = write_pages(options.reference, options.data)
        if problems:
            raise UserError(f"not all results are shown: {problems[0]['what']}")


if __name__ == "__main__":
    run_script(main)
