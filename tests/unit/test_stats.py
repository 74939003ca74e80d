"""The statistics agree with SciPy and with what can be worked out by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from task3_MNIST.evaluation.statistics import (
    accuracy_interval,
    bootstrap_accuracies,
    compare_seeds,
    difference_interval,
    holm,
    inseparable_groups,
    mcnemar,
    mean_interval,
    probability_of_beating,
)


def hard_images(generator, images=2_000):
    """Return each image's log-odds of being wrong: few are hard, and those for every run."""
    wrong = np.clip(generator.beta(0.02, 0.6, size=images), 1e-9, 1 - 1e-9)  # 3 % in all
    return np.log(wrong / (1 - wrong))


def runs_of_a_model(generator, log_odds, seeds, luck=0.1):
    """Return (seeds, N) bool of one model's runs: each errs by chance, and some are luckier."""
    shifted = log_odds + generator.normal(0, luck, size=(seeds, 1))
    return generator.random(shifted.shape) >= 1 / (1 + np.exp(-shifted))


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


@pytest.mark.parametrize("seeds", [1, 3, 5, 10])
def test_two_copies_of_a_model_are_called_different_in_about_five_percent(seeds):
    generator = np.random.default_rng(seeds)
    trials = 800
    different = 0
    for _ in range(trials):
        log_odds = hard_images(generator)
        a, b = (runs_of_a_model(generator, log_odds, seeds) for _ in range(2))
        p = mcnemar(a[0], b[0]).p if seeds == 1 else compare_seeds(a, b).p
        different += p < 0.05
    assert 0.02 < different / trials < 0.07


def test_models_of_equal_worth_that_err_on_other_images_are_not_called_different_more_often():
    # on these images one of them is better; on all that there could be, neither is
    generator = np.random.default_rng(1)
    trials = 400
    pairs = [
        [runs_of_a_model(generator, hard_images(generator), 5) for _ in range(2)]
        for _ in range(trials)
    ]
    assert sum(compare_seeds(a, b).p < 0.05 for a, b in pairs) / trials < 0.08
    # the seeds alone cannot know: that is why the images' share is added
    welch = [
        scipy_stats.ttest_ind(a.mean(1), b.mean(1), equal_var=False).pvalue < 0.05 for a, b in pairs
    ]
    assert sum(welch) / trials > 0.3


def test_copies_with_shared_images_are_compared_by_welchs_test():
    # the same images wrong but for each run's own: other images would add nothing
    generator = np.random.default_rng(3)
    for _ in range(20):
        log_odds = hard_images(generator)
        a, b = (runs_of_a_model(generator, log_odds, seeds) for seeds in (4, 6))
        expected = scipy_stats.ttest_ind(a.mean(1), b.mean(1), equal_var=False)
        result = compare_seeds(a, b)
        assert result.mean == pytest.approx(a.mean() - b.mean())
        assert result.p >= expected.pvalue - 1e-12
        ends = expected.confidence_interval(0.95)
        assert result.low <= ends.low + 1e-12
        assert result.high >= ends.high - 1e-12
        assert (result.p < 0.05) == (not result.low <= 0 <= result.high)


def test_difference_with_no_luck_of_training_is_a_paired_test_of_the_images():
    # every seed the same: only the images vary, as in the paired t-test of SciPy with infinite
    # degrees of freedom
    generator = np.random.default_rng(4)
    a, b = (np.repeat(generator.random((1, 5_000)) < 0.95, 3, axis=0) for _ in range(2))
    z = scipy_stats.ttest_rel(a[0].astype(float), b[0].astype(float)).statistic
    assert compare_seeds(a, b).p == pytest.approx(2 * scipy_stats.norm.sf(abs(z)))


def test_variance_of_the_images_is_that_of_the_two_way_table():
    # Var(difference) = sum of s2 / n over models + share of the images, by its definition
    generator = np.random.default_rng(5)
    a, b = (runs_of_a_model(generator, hard_images(generator), n).astype(float) for n in (4, 7))
    images = a.shape[1]

    def residual_mean_square(x):
        rest = x - x.mean(0) - x.mean(1, keepdims=True) + x.mean()
        return (rest**2).sum() / ((len(x) - 1) * (images - 1))

    of_images = np.var(a.mean(0) - b.mean(0), ddof=1)
    of_images -= residual_mean_square(a) / 4 + residual_mean_square(b) / 7
    parts = [x.mean(1).var(ddof=1) / len(x) for x in (a, b)]
    variance = sum(parts) + of_images / images
    degrees = variance**2 / (parts[0] ** 2 / 3 + parts[1] ** 2 / 6)
    t = (a.mean() - b.mean()) / math.sqrt(variance)
    expected = 2 * scipy_stats.t.sf(abs(t), degrees)
    welch = scipy_stats.ttest_ind(a.mean(1), b.mean(1), equal_var=False).pvalue
    assert of_images > 0
    assert compare_seeds(a.astype(bool), b.astype(bool)).p == pytest.approx(max(expected, welch))


def test_seeds_that_are_all_equal_differ_not_at_all():
    right = np.repeat(np.random.default_rng(6).random((1, 900)) < 0.9, 2, axis=0)
    result = compare_seeds(right, right)
    assert (result.mean, result.low, result.high, result.p) == (0, 0, 0, 1)


def test_probability_of_beating_is_students_predictive_distribution():
    a, b = [9810, 9840, 9790], [9780, 9830, 9800]
    pooled = (np.var(a, ddof=1) + np.var(b, ddof=1)) * (1 + 1 / 3)
    share = np.array([np.var(a, ddof=1), np.var(b, ddof=1)]) * (1 + 1 / 3)
    degrees = pooled**2 / (share**2 / 2).sum()
    expected = scipy_stats.t.cdf((np.mean(a) - np.mean(b)) / math.sqrt(pooled), degrees)
    assert probability_of_beating(a, b) == pytest.approx(expected)
    assert probability_of_beating(b, a) == pytest.approx(1 - expected)
    assert probability_of_beating(a, a) == pytest.approx(0.5)


def test_probability_of_beating_nears_the_normals_with_many_seeds():
    generator = np.random.default_rng(7)
    a, b = generator.normal(9820, 10, 4_000), generator.normal(9810, 20, 4_000)
    expected = scipy_stats.norm.cdf(10 / math.hypot(10, 20))
    assert probability_of_beating(a, b) == pytest.approx(expected, abs=0.02)
    assert probability_of_beating(a, b) == pytest.approx((a > b).mean(), abs=0.03)


def test_probability_of_beating_is_a_calibrated_prediction():
    # where the two new runs then differ, the prediction has as much of its weight on either side
    # as it says: over many trials its value there is spread evenly from 0 to 1
    generator = np.random.default_rng(8)
    found = []
    for _ in range(4_000):
        a, b, new = generator.normal(0, 1, 3), generator.normal(5, 2, 3), generator.normal(0, 1, 2)
        happened = new[0] - (5 + 2 * new[1])
        found.append(probability_of_beating(a - happened, b))
    for fraction in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.mean(np.array(found) < fraction) == pytest.approx(fraction, abs=0.02)


@pytest.mark.parametrize(("right", "expected"), [(9900, 1.0), (9800, 0.5), (9700, 0.0)])
def test_probability_of_beating_of_seeds_that_never_vary(right, expected):
    assert probability_of_beating([right] * 2, [9800] * 3) == expected


def test_holm_corrects_the_textbooks_example():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, and 1 x 0.04 is not below the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_bonferroni_over_every_subset(p):
    # closed testing (Marcus, Peritz & Gabriel 1976): the worst subset that holds the hypothesis
    subsets = [
        subset
        for size in range(1, len(p) + 1)
        for subset in itertools.combinations(range(len(p)), size)
    ]
    expected = [
        max(min(1, len(s) * min(p[k] for k in s)) for s in subsets if place in s)
        for place in range(len(p))
    ]
    assert holm(p) == pytest.approx(expected)


def test_holm_keeps_false_alarms_among_copies_at_five_percent():
    generator = np.random.default_rng(9)
    trials = 200
    alarms = 0
    for _ in range(trials):
        log_odds = hard_images(generator, 1_000)
        models = [runs_of_a_model(generator, log_odds, 4) for _ in range(5)]
        p = [compare_seeds(a, b).p for a, b in itertools.combinations(models, 2)]
        alarms += (holm(p) < 0.05).any()
    assert alarms / trials < 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


@st.composite
def told_apart(draw):
    models = draw(st.integers(1, 9))
    apart = np.zeros((models, models), dtype=bool)
    for a, b in itertools.combinations(range(models), 2):
        apart[a, b] = apart[b, a] = draw(st.booleans())
    return apart


@given(told_apart())
def test_models_share_a_group_if_and_only_if_they_were_not_told_apart(apart):
    groups = inseparable_groups(apart)
    for a, b in itertools.product(range(len(apart)), repeat=2):
        assert any(a in group and b in group for group in groups) == (not apart[a, b])
    assert not any(set(one) < set(other) for one in groups for other in groups)


def test_groups_overlap_where_being_tied_is_not_passed_on():
    # a ~ b ~ c, but a and c were told apart; d from all
    apart = np.ones((4, 4), dtype=bool)
    for a, b in [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (1, 2)]:
        apart[a, b] = apart[b, a] = False
    assert inseparable_groups(apart) == [(0, 1), (1, 2), (3,)]


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
