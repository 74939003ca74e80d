"""Say which digit is in image files: photos or scans, dark on light or light on dark, any size.

python task3_MNIST/predict.py FILE... [--out SEEN.png]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from task3_MNIST.cli.arguments import Parser, add_results_flag
from task3_MNIST.datasets import preprocessing
from task3_MNIST.datasets.image_files import read_grey
from task3_MNIST.datasets.splits import MEAN, STD
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.models.inference import predict
from task3_MNIST.models.sklearn_baselines import refuse_baseline
from task3_MNIST.plots.model_inputs import draw_seen
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run, find_complete, require_runs

DEFAULT_MODELS = ("mlp", "cnn")


def main() -> None:
    """Answer for each file, and fail in the end if one could not be answered."""
    parser = Parser(description="Say which digit is in image files (PNG or JPEG).")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="image of one digit")
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
    parser.add_argument("--out", type=Path, help="write a picture of what the models saw")
    options = parser.parse_args()

    if options.run:
        models = named_models(options.run)
    else:
        models = found_models(options.results, options.models)

    answered = []
    for path in options.files:
        try:
            image = read_digit(path)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        answers = {name: answer(model, image) for name, model in models.items()}
        print(f"{path}: {', '.join(f'{name} says {text}' for name, text in answers.items())}")
        answered.append((path.name, image, answers))
    if options.out and answered:
        print(f"written: {draw_seen(answered, options.out)}")
    if len(answered) < len(options.files):
        sys.exit(UserError.exit_code)


def named_models(folders: Sequence[Path]) -> dict[str, nn.Module]:
    """Return the models of run folders, by model where that tells them apart, else by folder.

    Raises:
        UsageError: a folder is no run.
        UserError: a run is not complete, or its weights cannot be used.
    """
    runs = [Run(folder) for folder in folders]
    for run in runs:
        if not run.started:
            raise UsageError(f"{run.folder} is not a run folder: it has no config.json")
        if not run.complete:
            raise UserError(f"{run.folder} is not complete: run its training command again first")
    names = [run.config()["model"] for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.folder) for run in runs]
    return {name: run.model() for name, run in zip(names, runs, strict=True)}


def found_models(results: Path, names: Sequence[str] | None) -> dict[str, nn.Module]:
    """Return models by name, each of its best run on MNIST by validation.

    Args:
        results: folder of the run folders.
        names: of the models; None means the default ones, as far as there are runs of them.

    Raises:
        UsageError: there is no run at all.
        UserError: there is no complete run of a model named, or of none of the default ones.
    """
    for name in names or ():
        refuse_baseline(name)
    require_runs(results)
    best: dict[str, Run] = {}
    runs, faults = find_complete(results)
    for run in runs:
        if run.config()["dataset"] == DEFAULT_DATASET and not run.baseline:
            name = run.config()["model"]
            if name not in best or val_accuracy(run) > val_accuracy(best[name]):
                best[name] = run
    wanted = names or DEFAULT_MODELS
    missing = [name for name in wanted if name not in best]
    if missing if names else len(missing) == len(wanted):
        if faults:
            raise faults[0]
        known = f"; there is {', '.join(best)}, to be chosen with --model" if best else ""
        raise UserError(
            f"no complete run of {' or '.join(missing)} on MNIST in {results}: train one with "
            f"python task3_MNIST/train_mlp.py or train_cnn.py{known}"
        )
    return {name: best[name].model() for name in wanted if name in best}


def val_accuracy(run: Run) -> float:
    """Return the validation accuracy of a complete run; what has none cannot be chosen by it."""
    return run.summary()["val_accuracy"] or 0.0


def read_digit(path: Path) -> np.ndarray:
    """Return the one digit of an image file in MNIST's framing, (28, 28) uint8.

    Raises:
        UserError: the file cannot be read, is blank, or shows several digits.
    """
    grey = read_grey(path)
    try:
        ink = preprocessing.extract_ink(grey)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    count = preprocessing.count_digits(ink)
    if count > 1:
        raise UserError(f"{path} shows {count} separate digits: cut it into files of one each")
    return preprocessing.frame(ink)


def answer(model: nn.Module, image: np.ndarray) -> str:
    """Return a model's digit and its confidence as text."""
    pixels = torch.from_numpy(image.astype(np.float32)).div_(255).sub_(MEAN).div_(STD)
    probabilities = predict(model, pixels.reshape(1, 1, 28, 28)).softmax(1)[0]
    confidence, digit = probabilities.max(0)
    return f"{digit.item()} ({confidence.item():.1%})"


if __name__ == "__main__":
    run_script(main)
