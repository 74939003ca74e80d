"""The flags that several scripts have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

import torch

from task3_MNIST.cli.app import DEBUG
from task3_MNIST.datasets.image_folders.reading import PREPROCESS
from task3_MNIST.datasets.splits import DATASETS, folder_name
from task3_MNIST.errors import UsageError
from task3_MNIST.files import REPOSITORY
from task3_MNIST.training.config import MAX_SEED, seed_range
from task3_MNIST.training.device import choose_device
from task3_MNIST.training.recipes import DEFAULT_RECIPE

MAX_COUNT = 1_000_000
SEEDS_HELP = "0 to N-1, or FIRST-LAST, such as 10-19,"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all others here; it has `--debug`.

    Options are not abbreviated: what reads a command line finds them by their names.
    """

    def __init__(self, description: str) -> None:
        super().__init__(description=description, allow_abbrev=False)
        # run_script looks for it: an error may come before the flags are read
        self.add_argument(
            DEBUG, action="store_true", help="show the traceback of an error, not its line alone"
        )

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage above the message."""
        raise UsageError(f"{message} (see --help)")


def add_common_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every script has which reads data or runs a model."""
    add_results_flag(parser)
    add_data_flag(parser)
    add_device_flag(parser)
    add_threads_flag(parser)


def add_device_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="device to compute on; auto: cuda if there is one, else cpu, never mps: for models of "
        "this size the CPU of a Mac is about as fast, and its results are reproducible "
        "(default: auto)",
    )


def add_threads_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument(
        "--threads",
        type=count,
        help="number of CPU threads (default: PyTorch's, usually one per core)",
    )


def add_results_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--results`."""
    parser.add_argument(
        "--results",
        type=folder,
        default=REPOSITORY / "results" / "runs",
        help="folder of the run folders (default: results/runs)",
    )


def add_data_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--data`."""
    parser.add_argument(
        "--data",
        type=folder,
        default=REPOSITORY / "data",
        help="folder of the data sets (default: data)",
    )


def add_dataset_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--dataset`, and what says how a folder of images is read; see `dataset_given`."""
    parser.add_argument(
        "--dataset",
        default="mnist",
        help=f"{', '.join(DATASETS)}, or a folder PATH/<class>/*.png (default: mnist)",
    )
    add_folder_flags(parser)


def add_folder_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--preprocess` and `--skip-broken`."""
    parser.add_argument(
        "--preprocess",
        choices=tuple(PREPROCESS),
        help="of a folder of images. digits: find the ink, scale and center it as in MNIST; "
        "resize: make each image 28x28 pixels and change nothing else, for what is no drawing "
        "(default: digits)",
    )
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        help="of a folder of images: leave out those that cannot be used",
    )


def dataset_given(options: argparse.Namespace, dataset: str | None = None) -> str:
    """Return the name of `--dataset`, or of one of several, with the flags of a folder in it.

    Raises:
        UsageError: the flags are given with a data set that is no folder.
    """
    return folder_name(dataset or options.dataset, options.preprocess, options.skip_broken)


def add_plots_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--plots`."""
    parser.add_argument(
        "--plots",
        type=folder,
        default=REPOSITORY / "results" / "plots",
        help="folder of the pictures (default: results/plots)",
    )


def add_jobs_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--jobs`."""
    import joblib  # training scripts have no such flag, and do not wait for it

    cores = joblib.cpu_count()
    parser.add_argument(
        "--jobs",
        type=count,
        default=cores,
        metavar="N",
        help=f"parallel runs, one thread each (default: one per core, {cores} on this machine)",
    )


def count(text: str) -> int:
    """Return the integer above 0 that an option gives; argparse reports any other."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"{text} is not an integer from 1 to {MAX_COUNT}")
    return int(text)


def seed(text: str) -> int:
    """Return the seed that an option gives; argparse reports any other text."""
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"{text} is not an integer from 0 to {MAX_SEED}")
    return int(text)


def seeds(text: str) -> range:
    """Return the seeds that an option gives, as `seed_range`; argparse reports any other text."""
    try:
        return seed_range(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def folder(text: str) -> Path:
    """Return the folder that an option names; an empty name is most likely an unset variable."""
    if not text:
        raise argparse.ArgumentTypeError("the folder's name is empty")
    return Path(text)


def set_up_device(options: argparse.Namespace) -> torch.device:
    """Apply `--threads` and return the device of `--device`."""
    if options.threads:
        torch.set_num_threads(options.threads)
    return choose_device(options.device)


def add_speed_flags(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add the flags of a script that measures a model and a recipe and writes a speed file."""
    parser.add_argument(
        "--model", help="model to measure (default: cnn, or the model in the recipe file)"
    )
    parser.add_argument(
        "--recipe",
        default=DEFAULT_RECIPE,
        help=f"how to train: a name, or a file made by tune.py (default: {DEFAULT_RECIPE})",
    )
    add_threads_flag(parser)
    add_data_flag(parser)
    default = f"results/speed/{kind}<model>-<recipe>.json"
    parser.add_argument("--out", type=Path, help=f"file to write (default: {default})")
