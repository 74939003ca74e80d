"""A second test set: QMNIST's other 50,000 test images, which MNIST left out.

They are another population than MNIST's 10,000: 24 % are of NIST's series 1, which MNIST's test
images lack, and 49 % are by people who wrote some of the 10,000 (Yadav and Bottou 2019). None is by
a writer of the training images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.datasets.registry import MNIST_NORMALIZATION, FromTorchvision
from task3_MNIST.datasets.splits import Split
from task3_MNIST.datasets.writers import Writers

QMNIST = FromTorchvision("QMNIST", normalization=MNIST_NORMALIZATION)
PART = {"what": "test50k", "compat": False}  # not compatible with MNIST: all columns of the labels
CLASS, SERIES, WRITER = range(3)  # of the columns


def load_qmnist50k(data_dir: Path) -> tuple[Split, Writers]:
    """Return the images as they are read, and who wrote them; missing files are fetched.

    Raises:
        UserError: torchvision cannot fetch or read them.
    """
    opened = QMNIST.opened(data_dir, PART)
    columns = opened.targets  # (N, 8)
    images = Split(opened.data[:, None], columns[:, CLASS].clone(), *MNIST_NORMALIZATION)
    writers = Writers(
        columns[:, WRITER].numpy().astype(np.int16), columns[:, SERIES].numpy().astype(np.int8)
    )
    return images, writers
