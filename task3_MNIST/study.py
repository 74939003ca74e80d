"""Run studies: each asks a question, and answers it with trainings, a table, a picture, a page.

    python task3_MNIST/study.py NAME... [--quick] [--jobs 2]
    python task3_MNIST/study.py --list

NAME is a study of task3_MNIST/studies, or a file of your own, such as mine.toml (docs/studies.md
explains what is in it). What is finished is not run again, so the same command may be stopped in
any way and given again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.study import run_study, study_parser
from task3_MNIST.cli.workers import device_of, workers_of
from task3_MNIST.errors import UsageError
from task3_MNIST.experiments.studies.conclude import write_study
from task3_MNIST.experiments.studies.definition import find_study, shipped
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.experiments.studies.plan import Setting, on_datasets, quick
from task3_MNIST.report.studies.page import write_page
from task3_MNIST.runs.commands import command_to_go_on
from task3_MNIST.runs.folder import DEFAULT_DATASET


def main() -> None:
    """Run the studies named, then write the page of all that were run."""
    options = study_parser().parse_args()
    if options.list:
        for path in shipped():
            print(f"{path.stem}: {find_study(path.stem).study.question}")
        return
    names = [path.stem for path in shipped()] if options.all else options.studies
    if not names:
        raise UsageError("name a study, or a file NAME.toml of your own; --list prints the studies")
    # every file is read before the first run
    named = [find_study(name) for name in names]
    folder = options.results / "quick" if options.quick else options.results
    if options.quick:
        named = [one.changed(quick) for one in named]
    if options.datasets:
        named = [one.changed(lambda study: on_datasets(study, options.datasets)) for one in named]
    dataset = [*options.datasets, DEFAULT_DATASET][0]
    setting = Setting(options.data, device_of(options), dataset)
    try:
        with workers_of(options) as workers:
            for one in named:
                paths = StudyFiles(folder, one.name)
                write_study(one, run_study(one, setting, paths, workers), paths)
    except KeyboardInterrupt:
        print(f"\ninterrupted; to go on: {command_to_go_on()}")
        raise
    names = {one.name for one in named}
    for answered in write_page(folder, options.out):
        if answered.name in names:
            print(f"{answered.name}: {answered.answer}")
    print(f"the page is {options.out}")


if __name__ == "__main__":
    run_script(main)
