"""Make the README's tables of figures anew from the files under `results/reference`.

python task3_MNIST/update_readme.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.core.script import run_script

# isort: split
from task3_MNIST.core.environment import REPOSITORY
from task3_MNIST.core.files import write_atomic
from task3_MNIST.core.flags import Parser
from task3_MNIST.report.readme import with_tables


def main() -> None:
    """Write the README if a figure in it changed."""
    Parser(description="Make the README's tables anew from results/reference.").parse_args()
    path = REPOSITORY / "README.md"
    before = path.read_text()
    after = with_tables(before, REPOSITORY / "results" / "reference")
    if after != before:
        write_atomic(path, after.encode())
    print(f"{path}: {'written' if after != before else 'up to date'}")


if __name__ == "__main__":
    run_script(main)
