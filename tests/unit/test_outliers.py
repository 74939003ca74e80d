"""What is no digit is doubted, and digits are not."""

import numpy as np
import pytest

from task3_MNIST.datasets.outliers import (
    AXES,
    edge_directions,
    fit_clouds,
    outlier_scores,
    read_clouds,
)
from task3_MNIST.datasets.preprocessing import prepare
from task3_MNIST.datasets.splits import load_train, split_validation
from task3_MNIST.files import REPOSITORY
from tests.helpers import not_digits


@pytest.fixture(scope="module")
def splits():
    return split_validation(load_train("mnist", REPOSITORY / "data"))


def test_one_in_a_hundred_validation_digits_is_doubted(splits):
    digits = splits[1].images.reshape(-1, 28, 28).numpy()
    assert np.mean(outlier_scores(digits) > 1) == pytest.approx(0.01, abs=0.0005)


@pytest.mark.parametrize(
    ("kind", "share"), [("letters", 0.5), ("scribbles", 0.5), ("dots", 0.8), ("faces", 0.5)]
)
def test_most_of_what_is_no_digit_is_doubted(kind, share):
    for number, draw in enumerate(not_digits.SETS, start=1):
        pictures = draw(np.random.default_rng(number))[kind]
        images = np.stack([prepare(picture) for picture in pictures])
        assert np.mean(outlier_scores(images) > 1) > share


def test_the_file_is_what_the_training_images_give(splits):
    train, digit = splits[0], 3
    own = train.labels.numpy() == digit
    features = edge_directions(train.images.reshape(-1, 28, 28).numpy()[own])
    # as if it were the only class
    fitted, read = fit_clouds(features, np.zeros(own.sum(), int)), read_clouds()
    assert read.mean[digit] == pytest.approx(fitted.mean[0], abs=1e-5)
    assert read.variance[digit] == pytest.approx(fitted.variance[0], rel=1e-3)
    assert read.rest[digit] == pytest.approx(fitted.rest[0], rel=1e-3)
    # an axis may point either way
    same = np.abs((read.axes[digit] * fitted.axes[0]).sum(1))
    assert same[: AXES // 2] == pytest.approx(1, abs=0.01)


def test_a_blank_image_is_doubted():
    assert outlier_scores(np.zeros((1, 28, 28), np.uint8)) > 1
