"""What an exported file says of the run that it was made of."""

from __future__ import annotations

import json
from dataclasses import dataclass

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.statistics import Interval, accuracy_interval
from task3_MNIST.exports.sources import Source, source_of
from task3_MNIST.files import REPOSITORY
from task3_MNIST.runs.commands import as_typed, train_command
from task3_MNIST.runs.files import Config, Evaluation, Summary
from task3_MNIST.runs.folder import EVALUATE_AGAIN, Run

LICENSE = "MIT"  # of the code, and of weights trained with it
NORMALIZED, PIXELS = "images", "pixels"  # the input's name, without and with preprocessing


@dataclass(frozen=True)
class Facts:
    """What is known of an evaluated run.

    Attributes:
        config: `config.json`.
        summary: `summary.json`.
        test: `test.json`.
        accuracy: on the test images, with its interval over the people who wrote them.
        writers: how many people wrote the test images; None if nobody knows.
        source: of the data set.
        labels: the names of the classes, in the order of the logits.
        weights_sha256: of `model.pt`.
    """

    config: Config
    summary: Summary
    test: Evaluation
    accuracy: Interval
    writers: int | None
    source: Source
    labels: list[str]
    weights_sha256: str

    @property
    def command(self) -> str:
        """The command that trains this run again."""
        return train_command(self.config, REPOSITORY / "results" / "runs")


def facts_of(run: Run, test: Split) -> Facts:
    """Return what is known of a run that was trained and evaluated.

    Args:
        run: of a network.
        test: the test images of its data set.

    Raises:
        UserError: a file is missing or damaged, or was measured on other test images.
    """
    config, classes = run.config(), run.classes()
    if len(classes) != len(test):
        raise UserError(
            f"{run.folder} was evaluated on {len(classes):,} test images, and {config.dataset} has "
            f"{len(test):,}: {EVALUATE_AGAIN}"
        )
    people = writers.clusters(config.dataset, len(test))
    known = writers.test_writers(config.dataset) is not None
    return Facts(
        config=config,
        summary=run.summary(),
        test=run.test(),
        accuracy=accuracy_interval(classes == test.labels.numpy(), people),
        writers=int(people.max()) + 1 if known else None,
        source=source_of(config.dataset),
        labels=config.class_names,
        weights_sha256=run.weights_sha256(),
    )


def require_exportable(run: Run) -> None:
    """Raise UserError if a run has no weights, or was not evaluated."""
    run.require_network()
    if not run.complete:
        given = run.config().command
        raise UserError(
            f"{run.folder} is not complete: run its training command again first, `{given}`"
        )
    if not run.evaluated:
        command = as_typed(["python", "task3_MNIST/evaluate.py", str(run.folder)])
        raise UserError(
            f"{run.folder} was not evaluated, and an export says how accurate its model is: give "
            f"`{command}` first"
        )


def metadata(facts: Facts, preprocessing: bool) -> dict[str, str]:
    """Return what is written into a file, as text by name.

    Args:
        facts: of the run.
        preprocessing: whether the file's network normalizes the pixels itself.
    """
    config, test = facts.config, facts.test
    return {
        "model": config.model,
        "family": config.family,
        "recipe": config.name,
        "seed": str(config.seed),
        "dataset": facts.source.name,
        "parameters": str(facts.summary.parameters),
        "test_accuracy": str(test.test_accuracy),
        "test_accuracy_low": str(facts.accuracy.low),
        "test_accuracy_high": str(facts.accuracy.high),
        "test_images": str(test.n),
        "seeds": "1",
        "labels": json.dumps(facts.labels, ensure_ascii=False),
        "input": PIXELS if preprocessing else NORMALIZED,
        "pixel_mean": str(config.pixel_mean),
        "pixel_std": str(config.pixel_std),
        "license": LICENSE,
        "dataset_license": facts.source.license,
        "command": facts.command,
        "git_commit": config.git_commit or "",
        "torch": config.torch or "",
        "weights_sha256": facts.weights_sha256,
    }
