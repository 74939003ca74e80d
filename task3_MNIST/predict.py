"""Say which digits are in image files: photos or scans, dark on light or light on dark, any size.

    python task3_MNIST/predict.py FILE... [--out SEEN.png] [--csv ANSWERS.csv]

docs/photographs.md says what it reads, and how.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_results_flag
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.predict import (
    answer,
    answers_table,
    best_models,
    doubted,
    models_of,
    reader_of,
)
from task3_MNIST.files import write_atomic
from task3_MNIST.plots.model_inputs import draw_model_inputs


def main() -> None:
    """Answer for each file, and fail in the end if one could not be answered."""
    parser = Parser(description="Say which digits, or which class, image files show.")
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="image of a row of digits, or of a class",
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
    parser.add_argument("--out", type=Path, help="write a picture of what was seen in each file")
    parser.add_argument("--csv", type=Path, help="write a row for each file and model")
    options = parser.parse_args()
    models = models_of(options.run) if options.run else best_models(options.results, options.models)
    read = reader_of(models.values())

    seen, rows = [], []
    for path in options.files:
        try:
            reading = read(path)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            rows += [(path, name, None, str(error)) for name in models]
            continue
        answers = {name: answer(model, reading.images) for name, model in models.items()}
        score = doubted(models.values(), reading.images)
        status = f"doubted: {score:.2f}" if score else "read"
        rows += [(path, name, said, status) for name, said in answers.items()]
        said = ", ".join(f"{name} says {said}" for name, said in answers.items())
        if score:
            said += f"; it does not look like a digit (outlier score {score:.2f}, over 1)"
        print(f"{path}: {said}")
        seen.append((path.name, reading, {name: str(said) for name, said in answers.items()}))
    if options.out and seen:
        print(f"written: {draw_model_inputs(seen, options.out)}")
    if options.csv:
        write_atomic(options.csv, answers_table(rows).encode())
        print(f"written: {options.csv}")
    if len(seen) < len(options.files):
        sys.exit(UserError.exit_code)


if __name__ == "__main__":
    run_script(main)
