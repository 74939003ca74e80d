"""The writers of MNIST's images are those that QMNIST's label files name."""

import numpy as np
import pytest

from task3_MNIST.datasets import writers
from task3_MNIST.datasets.splits import load_test


def test_every_image_has_a_writer_and_a_series():
    for found, images in (
        (writers.test_writers("mnist"), 10_000),
        (writers.train_writers("mnist"), 60_000),
    ):
        assert (found.writer.shape, found.writer.dtype) == ((images,), np.int16)
        assert (found.series.shape, found.series.dtype) == ((images,), np.int8)


def test_297_people_wrote_the_test_images_539_others_the_training_images():
    test, train = (part("mnist").writer for part in (writers.test_writers, writers.train_writers))
    for numbers, people, fewest, most, median in (
        (test, 297, 8, 130, 21),
        (train, 539, 19, 131, 116),
    ):
        counts = np.unique(numbers, return_counts=True)[1]
        assert len(counts) == people
        assert (counts.min(), counts.max(), np.median(counts)) == (fewest, most, median)
    assert not set(test) & set(train)


def test_the_first_half_of_the_test_set_is_of_another_series():
    series = writers.test_writers("mnist").series
    assert (series[:5_000] == 4).all()
    assert np.unique(series[5_000:], return_counts=True)[1].tolist() == [4_999, 1]


def test_a_writer_wrote_each_digit_about_as_often(mnist_dir):
    # NIST's forms asked for each digit alike: people's counts vary less than by chance, which
    # rows in another order than the labels could not do
    labels = load_test("mnist", mnist_dir).labels.numpy()
    counts = np.zeros((297, 10))
    np.add.at(counts, (writers.clusters("mnist", 10_000), labels), 1)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    chi_square = ((counts - expected) ** 2 / expected).sum() / (296 * 9)
    assert chi_square < 0.9  # 1.00 +- 0.03 at random


def test_writers_are_numbered_from_zero_and_halved_person_by_person():
    people = writers.clusters("mnist", 10_000)
    assert np.array_equal(np.unique(people), np.arange(297))
    half = writers.first_half("mnist", 10_000)
    assert not set(people[half]) & set(people[~half])
    assert 0.4 < half.mean() < 0.6


@pytest.mark.parametrize("dataset", ["digits", "fashion_mnist", "some/folder"])
def test_where_nobody_knows_the_writers_each_image_is_its_own(dataset):
    assert writers.test_writers(dataset) is None
    assert writers.train_writers(dataset) is None
    assert np.array_equal(writers.clusters(dataset, 360), np.arange(360))
