"""The flags of `tune.py`."""

from __future__ import annotations

import argparse

from task3_MNIST.cli.arguments import Parser, add_common_flags, add_dataset_flag, count
from task3_MNIST.experiments.tuning import search_space
from task3_MNIST.models import registry


def tuning_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Search the hyperparameters and layer sizes of a model.")
    add, cnn = made.add_argument, search_space.DEFAULT_CNN
    family = "mlp: its hidden layers are searched; cnn: the channels of --model (default: mlp)"
    add("--family", choices=tuple(registry.FAMILIES), help=family)
    add("--model", metavar="CNN", help=f"the CNN to search (default: {cnn})")
    trials = "total number of trials in the study; trials stopped early count too (default: 100)"
    add("--trials", type=count, default=100, metavar="N", help=trials)
    epochs = "epochs per trial, if it is not stopped early (default: 10)"
    add("--epochs", type=count, default=10, help=epochs)
    add("--jobs", type=count, default=1, metavar="N", help="parallel trials (default: 1)")
    add(
        "--seed",
        type=int,
        default=0,
        help="random seed of the search and of each training (default: 0)",
    )
    add(
        "--study",
        help="name of the study (default: the model's, plus the data set's if it is not mnist)",
    )
    storage = "database of the trials (default: sqlite:///RESULTS/tuning/STUDY/study.db)"
    add("--storage", metavar="URL", help=storage)
    add_dataset_flag(made)
    add_common_flags(made)
    return made
