"""Intervals agree with SciPy, and hold what they promise where images come from people."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from task3_MNIST.evaluation.statistics import (
    accuracy_interval,
    clustered_variance,
    design_effect,
    mean_interval,
    prediction_interval,
    wilson,
)


def people_of(sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def images_by_people(generator, clusters, wrong=0.05, spread=1.5):
    """Return (N,) bool, whether images are correct: some people's are harder than others'."""
    people = clusters.max() + 1
    log_odds = math.log(wrong / (1 - wrong)) + generator.normal(0, spread, people)
    return generator.random(len(clusters)) >= 1 / (1 + np.exp(-log_odds[clusters]))


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


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
def test_one_seed_has_no_interval_over_seeds(interval):
    found = interval([0.98])
    assert (found.mean, found.low, found.high, found.n) == (0.98, None, None, 1)


def test_one_more_run_lies_in_the_prediction_interval_in_95_percent_and_not_in_the_means():
    runs = np.random.default_rng(0).normal(98, 0.1, size=(2_000, 6))

    def share(interval):
        ends = [interval(run[:5]) for run in runs]
        return np.mean([e.low <= run[5] <= e.high for e, run in zip(ends, runs, strict=True)])

    assert share(prediction_interval) == pytest.approx(0.95, abs=0.02)
    assert share(mean_interval) < 0.75


@given(st.integers(2, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_with_independent_images_wilsons_formula_is_left_but_for_the_t(counts):
    correct, n = counts
    t = scipy_stats.t.ppf(0.975, n - 1)
    share = correct / n
    middle = (share + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * math.sqrt(share * (1 - share) / n + t**2 / (4 * n**2))
    interval = wilson(share, n, effect=1, people=n)
    assert interval.low == pytest.approx(max(0, middle - half), abs=1e-9)
    assert interval.high == pytest.approx(min(1, middle + half), abs=1e-9)
    exact = scipy_stats.binomtest(correct, n).proportion_ci(method="wilson")
    if n > 5_000:
        assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high), abs=2e-5)


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_an_image_a_writer_is_the_ordinary_variance_of_a_mean(correct):
    values = np.array(correct, dtype=float)
    ordinary = values.var(ddof=1) / len(values)
    assert clustered_variance(values, np.arange(len(values))) == pytest.approx(ordinary)
    if ordinary:
        # n / (n - 1): the binomial variance divides by n
        expected = len(values) / (len(values) - 1)
        assert design_effect(values, np.arange(len(values))) == pytest.approx(expected)


def test_copies_of_an_image_are_worth_one():
    correct = np.random.default_rng(1).random(400) < 0.9
    tenfold, clusters = np.repeat(correct, 10), people_of([10] * 400)
    assert design_effect(tenfold, clusters) == pytest.approx(10, rel=0.01)
    once, ten = (
        accuracy_interval(correct, np.arange(400)),
        accuracy_interval(tenfold, clusters),
    )
    assert (ten.low, ten.high) == pytest.approx((once.low, once.high), abs=1e-9)


def test_the_interval_by_writer_covers_95_percent_and_the_naive_one_does_not():
    generator = np.random.default_rng(2)
    clusters = people_of(generator.integers(8, 60, size=120))
    # the truth: the mean over people who are drawn, each as often as here
    odds = np.exp(math.log(0.05 / 0.95) + generator.normal(0, 1.5, 400_000))
    truth = 1 - (odds / (1 + odds)).mean()
    covered = {"by writer": 0, "naive": 0}
    trials = 800
    for _ in range(trials):
        correct = images_by_people(generator, clusters)
        intervals = {
            "by writer": accuracy_interval(correct, clusters),
            "naive": accuracy_interval(correct, np.arange(len(correct))),
        }
        for name, interval in intervals.items():
            covered[name] += interval.low <= truth <= interval.high
    assert covered["by writer"] / trials == pytest.approx(0.95, abs=0.025)
    assert covered["naive"] / trials < 0.8


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_nothing_correct_has_an_interval_too(share):
    interval = accuracy_interval(np.full(500, bool(share)), people_of([10] * 50))
    assert 0 <= interval.low <= share <= interval.high <= 1
    assert interval.low < interval.high
