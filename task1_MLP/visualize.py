"""Draw an MLP: its architecture, and a trained run's first-layer weights as images.

    python task1_MLP/visualize.py [--model mlp] [--run RUN] [--out DIR]

Without --run the first complete run of the model under results/runs is shown, if there is one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

import torch
from torch import nn

from task3_MNIST.cli.visualize import Subject, choose_subject, show, show_diagram, visualize_parser
from task3_MNIST.plots import style
from task3_MNIST.plots.run import run_title
from task3_MNIST.plots.weights import show_signed, tile

MOST_UNITS = 100
COLUMNS = 10


def main() -> None:
    """Draw the diagram, and the weights of a run if there is one."""
    parser = visualize_parser("mlp", "Draw an MLP's architecture and first-layer weights.")
    subject = choose_subject(parser.parse_args(), "mlp")
    show_diagram(subject)
    if subject.run is not None:
        show(draw_first_layer(subject))


def draw_first_layer(subject: Subject) -> Path:
    """Draw each unit's weights as the 28x28 image they multiply, and return the file."""
    linear = next(layer for layer in subject.model.modules() if isinstance(layer, nn.Linear))
    weights = linear.weight.detach()  # (units, 784)
    strongest = weights.norm(dim=1).argsort(descending=True)[:MOST_UNITS]
    # in their own order if all are shown: of a linear classifier that is the digits' order
    shown = strongest if len(strongest) < len(weights) else torch.arange(len(weights))
    columns = min(COLUMNS, len(shown))
    sheet = tile(weights[shown].reshape(-1, 28, 28).numpy(), columns)

    rows, inches = -(-len(shown) // columns), 0.85
    figure = style.new_figure(columns * inches + 1.2, rows * inches + 1.2)
    show_signed(figure, figure.add_subplot(), sheet, "weight")
    which = (
        f"The {len(shown)} units with the largest weights (Euclidean norm) of {len(weights)}"
        if len(shown) < len(weights)
        else f"All {len(weights)} units in order"
    )
    style.add_title(
        figure,
        f"First-layer weights: {run_title(subject.run)}",
        f"{which}. Red: ink there excites the unit; blue: inhibits it.",
    )
    return style.save(figure, subject.out / "first_layer_weights.png")


if __name__ == "__main__":
    run_script(main)
