"""Write what tells digits from other pictures, and print how many of each kind are doubted.

    python tools/fit_outliers.py

The clouds are fitted to MNIST's 55,000 training images, the threshold to its 5,000 validation
images. What is no digit is drawn by tests/helpers/not_digits.py; clothes are counted if they are
in data/.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from task3_MNIST.datasets.outliers import (
    FILE,
    edge_directions,
    fit_clouds,
    outlier_scores,
    read_clouds,
)
from task3_MNIST.datasets.preprocessing import prepare
from task3_MNIST.datasets.splits import load_train, split_validation
from task3_MNIST.errors import UserError
from task3_MNIST.evaluation.robustness.corruptions import CORRUPTIONS
from task3_MNIST.files import REPOSITORY
from tests.helpers import not_digits

DOUBTED = 0.01  # of the validation images


def main() -> None:
    """Fit, write and print."""
    train, val = split_validation(load_train("mnist", REPOSITORY / "data"))
    digits = val.images.reshape(-1, 28, 28).numpy()
    features = edge_directions(train.images.reshape(-1, 28, 28).numpy())
    clouds = fit_clouds(features, train.labels.numpy())
    scale = np.abs(clouds.axes).max(axis=2)
    fitted = {
        "mean": clouds.mean,
        "axes": np.round(clouds.axes / scale[..., None] * 127).astype(np.int8),
        "scale": scale,
        "variance": clouds.variance,
        "rest": clouds.rest,
    }
    np.savez_compressed(FILE, **fitted, threshold=np.float32(1))
    # with the axes as they are read, rounded
    read_clouds.cache_clear()
    distances = read_clouds().distance(edge_directions(digits))
    np.savez_compressed(FILE, **fitted, threshold=np.float32(np.quantile(distances, 1 - DOUBTED)))
    read_clouds.cache_clear()
    print(f"written: {FILE} ({FILE.stat().st_size / 1e3:.0f} kB)")
    print_shares(digits)


def print_shares(digits: np.ndarray) -> None:
    """Print the share of each kind of picture that is doubted, in percent."""
    rows = {"validation digits": digits}
    for number, draw in enumerate(not_digits.SETS, start=1):
        for kind, pictures in draw(np.random.default_rng(number)).items():
            rows[f"{kind}, set {number}"] = np.stack([prepare(picture) for picture in pictures])
    pixels = torch.from_numpy(digits[::5])[:, None].float() / 255
    for kind, corrupt in CORRUPTIONS.items():
        changed = corrupt(pixels).mul(255).round().clamp(0, 255).byte()
        rows[f"digits with {kind}"] = changed[:, 0].numpy()
    try:
        clothes = load_train("fashion_mnist", REPOSITORY / "data").images[::30]
        rows["clothes"] = clothes.reshape(-1, 28, 28).numpy()
    except UserError:
        print("clothes: data/ has none")
    for name, images in rows.items():
        print(f"{name:30} {100 * np.mean(outlier_scores(images) > 1):5.1f} % of {len(images)}")


if __name__ == "__main__":
    main()
