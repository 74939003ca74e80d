"""Draw an MLP: its architecture, and a trained run's first-layer weights as images.

    python task1_MLP/visualize.py [--model mlp] [--run RUN] [--out DIR]

Without --run the first complete run of the model under results/runs is shown, if there is one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.visualize import choose_subject, show, show_diagram, visualize_parser
from task3_MNIST.plots.weights import draw_first_layer


def main() -> None:
    """Draw the diagram, and the weights of a run if there is one."""
    parser = visualize_parser("mlp", "Draw an MLP's architecture and first-layer weights.")
    subject = choose_subject(parser.parse_args(), "mlp")
    show_diagram(subject)
    if subject.run is not None:
        show(draw_first_layer(subject.run, subject.model, subject.out))


if __name__ == "__main__":
    run_script(main)
