"""The statistics agree with SciPy and with what can be worked out by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from task3_MNIST.core.stats import (
    accuracy_interval,
    bootstrap_accuracies,
    difference_interval,
    mcnemar,
    mean_interval,
)


def test_mean_interval_is_scipys_t_interval():
    values = [0.981, 0.984, 0.979, 0.983, 0.985]
    interval = mean_interval(values)
    expected = scipy_stats.t.interval(0.95, 4, loc=np.mean(values), scale=scipy_stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx(expected)
    assert interval.mean == pytest.approx(np.mean(values))
    assert interval.n == 5


def test_two_values_give_the_interval_of_the_textbook():
    # t(0.975, 1) = 12.706: half the interval is 12.706 * |a - b| / 2
    interval = mean_interval([0.98, 0.99])
    assert interval.high - interval.mean == pytest.approx(12.7062 * 0.005, rel=1e-4)


def test_one_seed_has_no_interval_over_seeds():
    interval = mean_interval([0.98])
    assert (interval.mean, interval.low, interval.high, interval.n) == (0.98, None, None, 1)


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_accuracy_interval_is_wilsons_formula(counts):
    correct, n = counts
    z = scipy_stats.norm.ppf(0.975)
    share = correct / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    interval = accuracy_interval(correct, n)
    assert interval.low == pytest.approx(max(0, middle - half), abs=1e-9)
    assert interval.high == pytest.approx(min(1, middle + half), abs=1e-9)
    assert interval.low <= interval.mean <= interval.high or correct in (0, n)


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_sums_the_binomial(only_a, only_b):
    correct_a = np.array([True] * only_a + [False] * only_b + [True, False])
    correct_b = np.array([False] * only_a + [True] * only_b + [True, False])
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    result = mcnemar(correct_a, correct_b)
    assert (result.only_a, result.only_b) == (only_a, only_b)
    assert result.p == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_calls_identical_models_equal():
    correct = np.array([True, False, True])
    assert mcnemar(correct, correct).p == 1.0


def test_mcnemar_is_wrong_about_equal_models_in_at_most_five_percent():
    generator = np.random.default_rng(0)
    trials = 400
    rejected = sum(
        mcnemar(generator.random(1000) < 0.97, generator.random(1000) < 0.97).p < 0.05
        for _ in range(trials)
    )
    # the exact test is conservative; three standard errors above 5 % would be a fault
    assert rejected / trials < 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_bootstrap_of_one_seed_has_the_binomial_spread():
    correct = np.arange(10_000)[None] < 9_800
    accuracies = bootstrap_accuracies([correct], resamples=4000)[:, 0]
    assert accuracies.mean() == pytest.approx(0.98, abs=2e-4)
    assert accuracies.std() == pytest.approx(math.sqrt(0.98 * 0.02 / 10_000), rel=0.05)


def test_bootstrap_is_paired_over_the_images():
    # two models that err on the same images but for ten: only those ten can vary
    a = np.arange(10_000)[None] < 9_000
    b = np.arange(10_000)[None] < 9_010
    low, high = difference_interval(*bootstrap_accuracies([a, b]).T)
    half = 1.96 * math.sqrt(10) / 10_000
    assert (low, high) == pytest.approx((-0.001 - half, -0.001 + half), abs=1.5e-4)


def test_bootstrap_resamples_seeds_too():
    # the seeds differ by far more than the images could explain
    seeds = np.stack([np.arange(10_000) < right for right in (9_000, 9_500, 9_900)])
    accuracies = bootstrap_accuracies([seeds])[:, 0]
    means = [np.mean(draw) for draw in itertools.product((0.90, 0.95, 0.99), repeat=3)]
    assert accuracies.std() == pytest.approx(np.std(means), rel=0.08)


def test_identical_models_cannot_be_separated():
    correct = np.random.default_rng(1).random((1, 5_000)) < 0.98
    assert difference_interval(*bootstrap_accuracies([correct, correct]).T) == (0.0, 0.0)


def test_bootstrap_is_the_same_every_time():
    models = [np.random.default_rng(2).random((3, 500)) < 0.9 for _ in range(2)]
    assert np.array_equal(bootstrap_accuracies(models), bootstrap_accuracies(models))
