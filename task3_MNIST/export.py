"""Write a trained model in a format that other tools read, with a model card next to it.

    python task3_MNIST/export.py RUN [--format onnx|torch-export|safetensors]
    python task3_MNIST/export.py RUN --format onnx --with-preprocessing

RUN is the folder of an evaluated run. Every file is checked on all test images: it must give the
same classes as the model, and the largest difference of two logits is printed. docs/export.md says
what is in the files.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_data_flag, folder
from task3_MNIST.datasets.splits import load_test
from task3_MNIST.errors import UsageError
from task3_MNIST.exports.card import FILE
from task3_MNIST.exports.formats import FORMATS, require_packages
from task3_MNIST.exports.metadata import require_exportable
from task3_MNIST.exports.write import export_run
from task3_MNIST.runs.folder import runs_named


def main() -> None:
    """Export the run named."""
    parser = Parser(description="Write a trained model in a format that other tools read.")
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of an evaluated run")
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        dest="formats",
        help="what to write; may be given again: the model card describes the files of one call "
        "(default: onnx)",
    )
    parser.add_argument(
        "--with-preprocessing",
        action="store_true",
        help="the model takes pixels as they are, uint8 from 0 to 255, and normalizes them itself",
    )
    parser.add_argument(
        "--out", type=folder, help="folder of the files (default: the folder export in RUN)"
    )
    add_data_flag(parser)
    options = parser.parse_args()
    formats = options.formats or ["onnx"]
    for name in formats:
        if options.with_preprocessing and not FORMATS[name].runs:
            raise UsageError(f"{name} holds weights alone: leave out --with-preprocessing")
        require_packages(name)
    runs = runs_named([options.run])
    if len(runs) > 1:
        raise UsageError(f"{options.run} has {len(runs)} runs: name one, such as {runs[0].folder}")
    [run] = runs
    require_exportable(run)

    test = load_test(run.config().dataset, options.data)
    out = options.out or run.folder / "export"
    for path, found in export_run(run, formats, test, out, options.with_preprocessing):
        print(
            f"written: {path}: the model's classes on all {found.images:,} test images, largest "
            f"difference of logits {found.difference:.1e}"
        )
    print(f"written: {out / FILE}")


if __name__ == "__main__":
    run_script(main)
