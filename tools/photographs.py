"""Measure how well made photographs of digits are read: a line for each kind and model.

    .venv/bin/python tools/photographs.py [--digits test] [--style third] [--csv FILE]

It needs trained models (train_mlp.py, train_cnn.py). The default digits are those of the validation
split: what the reading does is chosen by them, and the test digits only measure it in the end.
"""

import argparse
import csv
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.datasets.photographs.reading import read_digits
from task3_MNIST.datasets.splits import load_test, load_train, split_validation
from task3_MNIST.errors import UserError
from task3_MNIST.experiments.predict import answer, best_models
from tests.helpers import photographs

REPOSITORY = Path(__file__).resolve().parents[1]
SURE = 0.8  # a wrong answer of at least this probability misleads
FIELDS = ("kind", "model", "pictures", "correct", "sure_and_wrong", "refused", "seconds")


def main() -> None:
    """Print the table, and write it if a file is named."""
    parser = argparse.ArgumentParser(description="Measure how made photographs are read.")
    parser.add_argument("--digits", choices=("validation", "test"), default="validation")
    parser.add_argument("--style", choices=photographs.STYLES, default="first")
    parser.add_argument("--count", type=int, default=100, help="pictures of each kind")
    parser.add_argument("--kinds", nargs="+", choices=photographs.KINDS, metavar="KIND")
    parser.add_argument("--csv", type=Path, help="write the table here too")
    parser.add_argument("--keep", type=Path, help="keep the pictures that were read wrong here")
    options = parser.parse_args()
    images, labels = digits(options.digits)
    models = best_models(REPOSITORY / "results" / "runs", None)
    rows = []
    print(f"{'kind':20} {'model':5} correct  sure and wrong  refused  seconds")
    for kind in options.kinds or photographs.KINDS:
        given = (images, labels, options.count, photographs.STYLES[options.style])
        for row in measure(kind, models, given, options.keep):
            print(
                f"{kind:20} {row['model']:5} {row['correct']:7} {row['sure_and_wrong']:15} "
                f"{row['refused']:8} {row['seconds']:8.2f}",
                flush=True,
            )
            rows.append(row)
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(rows)


def digits(name: str):
    """Return images (N, 28, 28) uint8 and labels of the validation split or the test set."""
    if name == "test":
        split = load_test("mnist", REPOSITORY / "data")
    else:
        _, split = split_validation(load_train("mnist", REPOSITORY / "data"), dataset="mnist")
    return split.images[:, 0].numpy(), split.labels.numpy()


def measure(kind: str, models: dict, given: tuple, keep: Path | None) -> list[dict]:
    """Return a row for each model: how the pictures of a kind are read."""
    counts = {name: dict.fromkeys(("correct", "sure_and_wrong"), 0) for name in models}
    refused = seconds = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (picture, text) in enumerate(photographs.pictures(kind, *given)):
            path = photographs.write(Path(folder) / f"{number}.png", picture)
            start = time.perf_counter()
            try:
                seen = read_digits(path).images
                reason = ""
            except UserError as error:
                seen, reason = [], str(error).rpartition("/")[2]
                refused += 1
            seconds += time.perf_counter() - start
            wrong = {}
            for name, model in models.items() if len(seen) else ():
                said = answer(model, seen)
                correct = said.text == text
                counts[name]["correct"] += correct
                counts[name]["sure_and_wrong"] += not correct and said.probability >= SURE
                if not correct:
                    wrong[name] = f"{said.text} {said.probability:.0%}"
            if keep and (reason or wrong):
                keep.mkdir(parents=True, exist_ok=True)
                target = keep / f"{kind}-{number}{path.suffix}"
                target.write_bytes(path.read_bytes())
                print(f"  {target.name} shows {text}: {reason or wrong}")
    number += 1
    return [
        {"kind": kind, "model": name, "pictures": number, "refused": refused, **count}
        | {"seconds": round(seconds / number, 3)}
        for name, count in counts.items()
    ]


if __name__ == "__main__":
    main()
