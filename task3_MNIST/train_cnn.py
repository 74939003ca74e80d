"""Train one CNN on the training images, then evaluate it on the test images.

    python task3_MNIST/train_cnn.py [--model cnn] [--recipe fast] [--seeds 10]

`--help` shows every hyperparameter and its default, `--list` the models and recipes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)

from task3_MNIST.cli.train import train_main

if __name__ == "__main__":
    run_script(lambda: train_main("cnn"))
