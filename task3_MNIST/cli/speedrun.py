"""The command line of `speedrun.py`."""

from __future__ import annotations

import argparse

from task3_MNIST.cli.arguments import Parser, add_device_flag, add_speed_flags, count, folder, seed
from task3_MNIST.experiments.speed.files import Speedrun
from task3_MNIST.experiments.speed.rivals import RIVALS
from task3_MNIST.experiments.speed.timing import MOST_EPOCHS


def speedrun_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Time a model and a recipe over many fresh processes.")
    add_speed_flags(made, Speedrun.PREFIX)
    add_device_flag(made)
    made.add_argument("--runs", type=count, default=20, help="processes (default: 20)")
    made.add_argument("--first-seed", type=seed, default=0, help="of the runs (default: 0)")
    about = "; ".join(f"{name}: {about}" for name, (_, about) in RIVALS.items())
    made.add_argument(
        "--rivals",
        nargs="*",
        choices=tuple(RIVALS),
        default=(),
        help=f"ordinary ways to train, timed after each run; an epoch each ({about})",
    )
    made.add_argument(
        "--checkout",
        type=folder,
        help="another clone of this repository, with .venv: its speedrun.py is a rival too",
    )
    made.add_argument(
        "--rival-model", metavar="MODEL", help="what the rivals train (default: the same model)"
    )
    made.add_argument(
        "--to-accuracy",
        type=accuracy,
        metavar="FRACTION",
        help="also time how long each takes to this validation accuracy, such as 0.99; a rival "
        f"trains at most {MOST_EPOCHS} epochs",
    )
    return made


def accuracy(text: str) -> float:
    """Return the fraction between 0 and 1 that an option gives; argparse reports any other."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a fraction between 0 and 1")
    return value
