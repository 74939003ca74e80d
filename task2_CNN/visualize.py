"""Draw a CNN: its architecture, and a trained run's kernels and feature maps of a test image.

    python task2_CNN/visualize.py [--model cnn] [--run RUN] [--class 7 | --index 12] [--out DIR]

Without --run the first complete run of the model under results/runs is shown, if there is one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import argparse

from torch import nn

from task3_MNIST.cli.arguments import add_data_flag
from task3_MNIST.cli.visualize import choose_subject, show, show_diagram, visualize_parser
from task3_MNIST.datasets.splits import Split, load_test
from task3_MNIST.errors import UsageError, unknown_name
from task3_MNIST.plots.feature_maps import draw_feature_maps, draw_kernels


def main() -> None:
    """Draw the diagram, and the kernels and feature maps of a run if there is one."""
    parser = visualize_parser("cnn", "Draw a CNN's architecture, kernels and feature maps.")
    add_data_flag(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--class",
        "--digit",
        dest="label",
        help="show the first test image of this class, by its name",
    )
    which.add_argument("--index", type=int, help="show this test image, from 0 (default: 0)")
    options = parser.parse_args()
    subject = choose_subject(options, "cnn")
    show_diagram(subject)
    if subject.run is None:
        return
    convolutions = [layer for layer in subject.model.modules() if isinstance(layer, nn.Conv2d)]
    for number, convolution in enumerate(convolutions, 1):
        show(draw_kernels(subject.run, convolution, number, subject.out))
    test = load_test(subject.run.config().dataset, options.data)
    index = choose_image(options, test)
    show(draw_feature_maps(subject.run, subject.model, test, index, subject.out))


def choose_image(options: argparse.Namespace, test: Split) -> int:
    """Return the place in the test set of the image asked for.

    Raises:
        UsageError: there is no such image.
    """
    if options.label is not None:
        if options.label not in test.classes:
            raise unknown_name("class", options.label, test.classes)
        places = (test.labels == test.classes.index(options.label)).nonzero()
        if not len(places):
            raise UsageError(f"no test image is of class {options.label}: name another")
        return int(places[0])
    index = options.index or 0
    if not 0 <= index < len(test):
        raise UsageError(f"--index {index}: the test images are 0 to {len(test) - 1:,}")
    return index


if __name__ == "__main__":
    run_script(main)
