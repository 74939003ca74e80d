"""Say which digit is in image files: photos or scans, dark on light or light on dark, any size.

python task3_MNIST/predict.py FILE... [--out INPUTS.png]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_results_flag
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.predict import answer, best_models, models_of, reader_of
from task3_MNIST.plots.model_inputs import draw_model_inputs


def main() -> None:
    """Answer for each file, and fail in the end if one could not be answered."""
    parser = Parser(description="Say which digit is in image files (PNG or JPEG).")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="image of one digit, or of one class"
    )
    add_results_flag(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--model",
        action="append",
        dest="models",
        metavar="MODEL",
        help="a model to ask, by its best run by validation; may be given again (default: mlp "
        "and cnn)",
    )
    choice.add_argument(
        "--run",
        action="append",
        type=Path,
        metavar="RUN",
        help="a run folder to ask, instead of models; may be given again",
    )
    parser.add_argument("--out", type=Path, help="write a picture of the images the models got")
    options = parser.parse_args()
    models = models_of(options.run) if options.run else best_models(options.results, options.models)
    read = reader_of(models.values())

    answered = []
    for path in options.files:
        try:
            image = read(path)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        answers = {}
        for name, model in models.items():
            label, probability = answer(model, image)
            answers[name] = f"{label} ({probability:.1%})"
        print(f"{path}: {', '.join(f'{name} says {text}' for name, text in answers.items())}")
        answered.append((path.name, image, answers))
    if options.out and answered:
        print(f"written: {draw_model_inputs(answered, options.out)}")
    if len(answered) < len(options.files):
        sys.exit(UserError.exit_code)


if __name__ == "__main__":
    run_script(main)
