"""The flags of `study.py`, and how its runs are made."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from task3_MNIST.cli.arguments import Parser, add_data_flag, add_device_flag, folder
from task3_MNIST.cli.benchmark import run_jobs
from task3_MNIST.cli.workers import add_workers_flags
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.grid import plan
from task3_MNIST.experiments.parallel import Workers, leave_sealed
from task3_MNIST.experiments.studies.conclude import measurement
from task3_MNIST.experiments.studies.definition import NamedStudy
from task3_MNIST.experiments.studies.files import StudyFiles
from task3_MNIST.experiments.studies.measure import Measurement
from task3_MNIST.experiments.studies.plan import (
    Planned,
    Setting,
    chosen_factors,
    pilot_jobs,
    planned,
)
from task3_MNIST.experiments.train import Job
from task3_MNIST.files import REPOSITORY
from task3_MNIST.report.studies.page import OUT
from task3_MNIST.runs.folder import Run


def study_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Answer a question with trainings: run a study.")
    made.add_argument(
        "studies",
        nargs="*",
        metavar="STUDY",
        help="names that --list prints, or files NAME.toml of your own",
    )
    made.add_argument("--list", action="store_true", help="print the studies and their questions")
    made.add_argument("--all", action="store_true", help="run every study that --list prints")
    made.add_argument(
        "--quick",
        action="store_true",
        help="a small version, to try a study: two seeds, one epoch, the ends of what varies; its "
        "files are in the folder `quick` of the results",
    )
    made.add_argument(
        "--datasets",
        nargs="+",
        default=[],
        metavar="DATASET",
        help="other data sets: the first one for mnist; where a study varies data sets, one for "
        "each (default: as the study says)",
    )
    add_workers_flags(made)
    made.add_argument(
        "--results",
        type=folder,
        default=REPOSITORY / "results" / "studies",
        help="folder of the tables, pictures and runs (default: results/studies)",
    )
    made.add_argument(
        "--out",
        type=Path,
        default=OUT,
        help="the page (default: task3_MNIST/studies.html)",
    )
    add_data_flag(made)
    add_device_flag(made)
    return made


def run_study(
    named: NamedStudy, setting: Setting, paths: StudyFiles, workers: Workers
) -> list[Planned]:
    """Choose each cell's learning rate, run what is missing, and return the cells.

    Raises:
        UserError: a run that is to be measured failed.
    """
    study = named.study
    pilots = pilot_jobs(study, setting)
    if pilots:
        print(f"{named.name}: learning rates, chosen by validation", flush=True)
        jobs = [job for jobs in pilots.values() for job in jobs]
        for job, reason in _finish(jobs, {}, paths, workers, setting).items():
            print(f"no choice for {job.run(paths.runs).folder}: {reason}")
    cells = planned(study, setting, chosen_factors(study, pilots, paths.runs))
    measured = {job: measurement(named.name, study, cell) for cell in cells for job in cell.jobs}
    failures = _finish(list(measured), measured, paths, workers, setting)
    if failures:
        job, reason = next(iter(failures.items()))
        raise UserError(
            f"{named.name}: {len(failures)} of {len(measured)} runs failed, the first "
            f"{job.run(paths.runs).folder}: {reason}"
        )
    return cells


def _finish(
    jobs: Sequence[Job],
    measured: dict[Job, Measurement],
    paths: StudyFiles,
    workers: Workers,
    setting: Setting,
) -> dict[Job, str]:
    """Run what is missing of some jobs, measure them, and return why those that failed did."""
    by_folder = {job.run(paths.runs).folder: measured.get(job) for job in jobs}

    def is_finished(run: Run) -> bool:
        wanted = by_folder[run.folder]
        return run.complete if wanted is None else wanted.read(run) is not None

    work, failures = plan(jobs, paths.runs, setting.data_dir, is_finished)
    ready = len(jobs) - len(work)
    print(f"{len(jobs)} runs, {ready} of them finished; {workers.describe()}", flush=True)
    finishes = measured or dict.fromkeys(jobs, leave_sealed)
    return failures | run_jobs(work, ready, paths.runs, workers, finishes, _line)


def _line(job: Job, results: Path) -> str:
    summary = job.run(results).summary()
    return f"trained in {summary.train_seconds:.1f} s"
