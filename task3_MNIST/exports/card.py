"""A model card: Markdown that says what a model is, how good, for what, and how it was made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from task3_MNIST.exports.formats import Agreement
from task3_MNIST.exports.metadata import NORMALIZED, PIXELS, Facts
from task3_MNIST.formatting import percent, with_ends
from task3_MNIST.training.config import TrainConfig

FILE = "README.md"  # the name under which model hubs look for it
ARTICLES = {"mlp": "A multi-layer perceptron", "cnn": "A convolutional network"}
ALWAYS = ("epochs", "batch_size", "optimizer", "lr")  # named also where they are the default
CHOSEN = {"best": "the best by validation", "last": "the last"}


def card(facts: Facts, formats: Mapping[str, Agreement], preprocessing: bool) -> str:
    """Return the model card of a run.

    Args:
        facts: of the run.
        formats: for each exported format how its answers differ from the model's.
        preprocessing: whether the networks in the files normalize pixels themselves.
    """
    config = facts.config
    trained = {**dataclasses.asdict(TrainConfig()), **config.hyperparameters}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    return environment.get_template("card.md.j2").render(
        **{field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
        | {"accuracy": with_ends(facts.accuracy, "{:.2f}", " %", factor=100)},
        formats=formats,
        preprocessing=preprocessing,
        input=PIXELS if preprocessing else NORMALIZED,
        article=ARTICLES[config.family],
        command=facts.command,
        full_train=trained["full_train"],
        shuffled=trained["shuffle_pixels"] != "no",
        chosen=CHOSEN[trained["select"]],
        validation=_percent(facts.summary.val_accuracy),
        seconds=f"{facts.summary.train_seconds:,.0f} s",
        hyperparameters=_hyperparameters(trained),
    )


def _percent(accuracy: float | None) -> str:
    return "not measured" if accuracy is None else percent(accuracy)


def _hyperparameters(trained: Mapping[str, Any]) -> str:
    """Return those that are always named, and those that are not the default."""
    default = dataclasses.asdict(TrainConfig())
    named = {
        name: value
        for name, value in trained.items()
        if name != "seed" and (name in ALWAYS or value != default.get(name))
    }
    return ", ".join(f"`{name}` {value}" for name, value in named.items())
