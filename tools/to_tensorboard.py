"""Write runs, finished and running, as logs of TensorBoard.

    python tools/to_tensorboard.py [RUN ...] [--out FOLDER]
    python -m tensorboard.main --logdir results/tensorboard

RUN is a run folder, or one with run folders below it; without RUN, all in results/runs. Give the
command again to see what a running training has done since. It needs requirements-export.txt.
"""

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.arguments import Parser, add_results_flag, folder
from task3_MNIST.errors import UserError
from task3_MNIST.exports.formats import REQUIREMENTS
from task3_MNIST.exports.tensorboard_log import write_log
from task3_MNIST.files import REPOSITORY, readable_path
from task3_MNIST.formatting import count
from task3_MNIST.runs.commands import as_typed
from task3_MNIST.runs.folder import find, require_runs, runs_named


def main() -> None:
    """Write a log for each run, and say how to show them."""
    parser = Parser(description="Write runs, finished and running, as logs of TensorBoard.")
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="run folders, or folders that contain them (default: all in --results)",
    )
    add_results_flag(parser)
    parser.add_argument(
        "--out",
        type=folder,
        default=REPOSITORY / "results" / "tensorboard",
        help="folder of the logs (default: results/tensorboard)",
    )
    options = parser.parse_args()
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError(f"TensorBoard is missing: python -m pip install -r {REQUIREMENTS}")
    if not options.runs:
        require_runs(options.results)
    runs = runs_named(options.runs) if options.runs else find(options.results)
    failed = 0
    for run in runs:
        try:
            print(f"written: {write_log(run, options.out)}")
        except UserError as error:
            # one broken run must not keep the others waiting
            print(f"error: {error}", file=sys.stderr)
            failed += 1
    print(f"{count(len(runs) - failed, 'run')}; to show them:")
    where = readable_path(options.out)
    print(as_typed(["python", "-m", "tensorboard.main", "--logdir", where]))
    if failed:
        sys.exit(UserError.exit_code)


if __name__ == "__main__":
    run_script(main)
