"""What the two tasks' visualize.py share: which model, which run, and where pictures go."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from task3_MNIST.cli.arguments import Parser, add_results_flag
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.files import REPOSITORY
from task3_MNIST.models import registry
from task3_MNIST.plots.architecture import draw_diagram
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run, find_complete


@dataclass(frozen=True)
class Subject:
    """What is drawn.

    Attributes:
        name: the model's name.
        model: trained where there is a run, new otherwise.
        run: the complete run shown, if there is one.
        out: folder of the pictures.
    """

    name: str
    model: nn.Module
    run: Run | None
    out: Path


def visualize_parser(family: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of a task's visualize.py with the flags that both have."""
    parser = Parser(description=description)
    parser.add_argument("--model", help=f"which one (default: the run's, or {family})")
    parser.add_argument(
        "--run",
        type=Path,
        help="a run folder (default: the first complete run of the model under --results)",
    )
    add_results_flag(parser)
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of the pictures (default: the run's plots, or results/plots/<model>)",
    )
    return parser


def choose_subject(options: argparse.Namespace, family: str) -> Subject:
    """Return what the command line asks for.

    Raises:
        UsageError: an unknown model, one of the other family, or a run of another model.
        UserError: the run is not complete, or its weights cannot be used.
    """
    run = None if options.run is None else Run(options.run)
    if run is not None and not run.started:
        raise UsageError(f"{run.folder} is not a run folder: it has no config.json")
    if run is not None:
        run.require_network()
    name = options.model or (run.config().model if run else family)
    if registry.family_of(name) != family:
        task = type(registry.build(name)).__module__.partition(".")[0]
        raise UsageError(f"{name} is of the other family: use {task}/visualize.py")
    if run is None:
        run = next(iter(_complete_runs(options.results, name)), None)
    elif run.config().model != name:
        raise UsageError(f"{run.folder} is a run of {run.config().model}, not of {name}")
    elif not run.complete:
        raise UserError(f"{run.folder} is not complete: run its training command again first")

    default = REPOSITORY / "results" / "plots" / name if run is None else run.folder / "plots"
    return Subject(
        name=name,
        model=registry.build(name) if run is None else run.model(),
        run=run,
        out=options.out or default,
    )


def _complete_runs(results: Path, model: str) -> list[Run]:
    """Return the complete runs of a model, those on MNIST first; broken ones are left out."""
    readable, faults = find_complete(results)
    runs = [run for run in readable if run.config().model == model]
    if faults and not runs:
        # what was asked for may be the run that cannot be read
        raise faults[0]
    return sorted(runs, key=lambda run: run.config().dataset != DEFAULT_DATASET)


def show_diagram(subject: Subject) -> None:
    """Draw the architecture, and say so where there is no run to show more of."""
    show(draw_diagram(subject.name, subject.model, subject.out / "architecture.png"))
    if subject.run is None:
        print(f"no complete run of {subject.name} found: train one, or name it with --run")
    else:
        print(f"showing {subject.run.folder}")


def show(path: Path) -> None:
    """Print a file that was written."""
    print(f"written: {path}")
