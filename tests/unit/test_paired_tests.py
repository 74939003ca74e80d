"""Paired tests call copies different in about 5 %, where images come from people as well."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from task3_MNIST.evaluation.moderation import DETERMINISTIC, SeedVariance
from task3_MNIST.evaluation.paired_tests import (
    Difference,
    bootstrap_accuracies,
    compare_models,
    compare_networks,
    difference_interval,
    holm,
    probability_of_superiority,
)
from task3_MNIST.evaluation.statistics import cluster_sums

IMAGES = 2_000
OWN = np.arange(IMAGES)  # every image its own writer
PEOPLE = np.repeat(np.arange(100), 20)


def hard_images(generator, clusters=OWN):
    """Return each image's log-odds of being incorrect: few are hard, or some people's are."""
    if clusters is PEOPLE:
        of_people = generator.normal(0, 1.3, clusters.max() + 1)[clusters]
        return -4.5 + generator.normal(0, 1, len(clusters)) + of_people  # 3 % in all
    wrong = np.clip(generator.beta(0.02, 0.6, size=len(clusters)), 1e-9, 1 - 1e-9)  # likewise
    return np.log(wrong / (1 - wrong))


def runs_of_a_model(generator, log_odds, seeds, varying=0.1):
    """Return (seeds, N) bool of one model's runs: each errs by chance, and some more often."""
    shifted = log_odds + generator.normal(0, varying, size=(seeds, 1))
    return generator.random(shifted.shape) >= 1 / (1 + np.exp(-shifted))


def compared(a, b, clusters=OWN, **options):
    """Compare the runs of two models by what their own seeds say of the variance."""
    wrong = [cluster_sums(~runs, clusters) for runs in (a, b)]
    variances = tuple(SeedVariance(w.sum(1).var(ddof=1), len(w) - 1) for w in wrong)
    return compare_models(*wrong, variances, np.bincount(clusters), **options)


@given(
    st.floats(-1, 1),
    st.lists(st.tuples(st.floats(1e-6, 1), st.floats(1, 1e6)), min_size=1, max_size=2),
    st.floats(0.5, 0.9999),
)
def test_an_interval_leaves_out_0_just_where_p_says_different(mean, tests, confidence):
    difference = Difference(mean, tuple(tests))
    low, high = difference.interval(confidence)
    if abs(difference.p - (1 - confidence)) > 1e-9:
        assert (difference.p < 1 - confidence) == (not low <= 0 <= high)


@given(st.lists(st.sampled_from([-1, 0, 0, 1]), min_size=3, max_size=80), st.integers(1, 5))
def test_the_verdict_on_two_networks_is_that_of_its_interval(differences, size):
    a = np.array(differences) >= 0
    b = np.array(differences) <= 0
    clusters = np.arange(len(a)) // size
    found = compare_networks(a, b, np.unique(clusters, return_inverse=True)[1]).difference
    low, high = found.interval()
    assert found.mean == pytest.approx(np.mean(differences))
    assert (found.p < 0.05) == (not low <= 0 <= high)


def test_networks_with_an_image_a_writer_are_compared_by_the_paired_t_test():
    generator = np.random.default_rng(0)
    a, b = (generator.random(IMAGES) < 0.97 for _ in range(2))
    found = compare_networks(a, b, OWN)
    assert (found.only_a, found.only_b) == ((a & ~b).sum(), (b & ~a).sum())
    [(error, degrees)] = found.difference.tests
    paired = scipy_stats.ttest_rel(a.astype(float), b.astype(float))
    assert found.difference.mean / error == pytest.approx(paired.statistic)
    assert degrees == (a != b).sum() - 1
    # and that is McNemar's chi-square, but for n / (n - 1) and its centering
    chi_square = (found.only_a - found.only_b) ** 2 / (found.only_a + found.only_b)
    assert paired.statistic**2 == pytest.approx(chi_square, rel=0.05)


@pytest.mark.parametrize("only_a", range(1, 12))
def test_with_few_images_to_tell_by_it_is_not_surer_than_the_exact_test(only_a):
    a, b = np.ones(IMAGES, dtype=bool), np.ones(IMAGES, dtype=bool)
    b[:only_a] = False
    exact = scipy_stats.binomtest(only_a, only_a).pvalue
    assert exact < 0.05 or compare_networks(a, b, OWN).difference.p >= 0.05


def test_networks_that_never_differ_have_no_difference():
    same = np.random.default_rng(1).random(IMAGES) < 0.97
    found = compare_networks(same, same, PEOPLE)
    assert (found.difference.mean, found.difference.p) == (0, 1)
    assert found.difference.interval() == (0, 0)


def false_alarms(test, trials=400):
    return sum(test() < 0.05 for _ in range(trials)) / trials


def test_networks_that_err_equally_often_are_called_different_in_5_percent_by_writer_only():
    generator = np.random.default_rng(2)

    def networks():
        # each finds other people hard; over all people they are alike
        sides = [hard_images(generator, PEOPLE) for _ in range(2)]
        return [runs_of_a_model(generator, side, 1, varying=0)[0] for side in sides]

    by_writer = false_alarms(lambda: compare_networks(*networks(), PEOPLE).difference.p)
    naive = false_alarms(lambda: compare_networks(*networks(), OWN).difference.p)
    assert 0.02 < by_writer < 0.08
    assert naive > 0.1


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("clusters", [OWN, PEOPLE], ids=["images", "people"])
def test_two_copies_of_a_model_are_called_different_in_about_five_percent(seeds, clusters):
    generator = np.random.default_rng(seeds)

    def copies():
        log_odds = hard_images(generator, clusters)
        return [runs_of_a_model(generator, log_odds, seeds) for _ in range(2)]

    assert 0.01 < false_alarms(lambda: compared(*copies(), clusters).p) < 0.07


def test_models_of_equal_worth_that_err_on_other_people_are_not_called_different_more_often():
    # on these people one of them is better; on all that there could be, neither is
    generator = np.random.default_rng(3)

    def models():
        return [runs_of_a_model(generator, hard_images(generator, PEOPLE), 5) for _ in range(2)]

    assert false_alarms(lambda: compared(*models(), PEOPLE).p, 300) < 0.08
    # by image it is too sure, and by seeds alone it cannot know
    assert false_alarms(lambda: compared(*models(), OWN).p, 300) > 0.1

    def welch():
        a, b = models()
        return scipy_stats.ttest_ind(a.mean(1), b.mean(1), equal_var=False).pvalue

    assert false_alarms(welch, 300) > 0.3


def test_copies_are_compared_at_least_as_strictly_as_by_welchs_test():
    generator = np.random.default_rng(4)
    for _ in range(20):
        log_odds = hard_images(generator)
        a, b = (runs_of_a_model(generator, log_odds, seeds) for seeds in (4, 6))
        expected = scipy_stats.ttest_ind(a.mean(1), b.mean(1), equal_var=False)
        result = compared(a, b)
        assert result.mean == pytest.approx(a.mean() - b.mean())
        assert result.p >= expected.pvalue - 1e-12
        ends, (low, high) = expected.confidence_interval(0.95), result.interval()
        assert low <= ends.low + 1e-12
        assert high >= ends.high - 1e-12


def test_deterministic_models_are_compared_over_the_writers_alone():
    generator = np.random.default_rng(5)
    a, b = (generator.random((1, IMAGES)) < 0.95 for _ in range(2))
    wrong = [cluster_sums(~runs, PEOPLE) for runs in (a, b)]
    found = compare_models(*wrong, (DETERMINISTIC, DETERMINISTIC), np.bincount(PEOPLE))
    # with 20 images each, a paired t-test of the people's accuracies
    expected = scipy_stats.ttest_rel(wrong[1][0], wrong[0][0])
    assert found.p == pytest.approx(expected.pvalue)


def test_variance_of_the_images_is_that_of_the_two_way_table():
    # with an image a writer: Var(difference) = sum of s2 / n over models + share of the images
    generator = np.random.default_rng(6)
    a, b = (runs_of_a_model(generator, hard_images(generator), n) for n in (4, 7))

    def residual_mean_square(x):
        rest = x - x.mean(0) - x.mean(1, keepdims=True) + x.mean()
        return (rest**2).sum() / ((len(x) - 1) * (IMAGES - 1))

    of_images = np.var(a.mean(0) - b.mean(0), ddof=1)
    of_images -= residual_mean_square(a.astype(float)) / 4 + residual_mean_square(b * 1.0) / 7
    parts = [x.mean(1).var(ddof=1) / len(x) for x in (a, b)]
    assert of_images > 0
    [_, (error, degrees)] = compared(a, b).tests
    assert error**2 == pytest.approx(sum(parts) + of_images / IMAGES)
    spread = parts[0] ** 2 / 3 + parts[1] ** 2 / 6 + (of_images / IMAGES) ** 2 / (IMAGES - 1)
    assert degrees == pytest.approx(error**4 / spread)


def test_a_margin_asks_for_so_many_errors_more():
    generator = np.random.default_rng(7)
    a, b = (runs_of_a_model(generator, hard_images(generator, PEOPLE), 5) for _ in range(2))
    found = compared(a, b, PEOPLE, margin=0.2)
    assert found.mean == pytest.approx(1.2 * (1 - b.mean()) - (1 - a.mean()))
    plain, wider = (dict(compared(a, b, PEOPLE, margin=m).tests) for m in (0, 0.2))
    assert min(wider) > min(plain)


def test_seeds_that_are_all_equal_differ_not_at_all():
    same = np.repeat(np.random.default_rng(8).random((1, 900)) < 0.9, 2, axis=0)
    result = compared(same, same, np.arange(900))
    assert (result.mean, result.interval(), result.p) == (0, (0, 0), 1)


def superiority(a, b):
    variances = tuple(SeedVariance(np.var(x, ddof=1), len(x) - 1) for x in (a, b))
    return probability_of_superiority(a, b, variances)


def test_probability_of_superiority_is_students_predictive_distribution():
    a, b = [9810, 9840, 9790], [9780, 9830, 9800]
    pooled = (np.var(a, ddof=1) + np.var(b, ddof=1)) * (1 + 1 / 3)
    share = np.array([np.var(a, ddof=1), np.var(b, ddof=1)]) * (1 + 1 / 3)
    degrees = pooled**2 / (share**2 / 2).sum()
    expected = scipy_stats.t.cdf((np.mean(a) - np.mean(b)) / math.sqrt(pooled), degrees)
    assert superiority(a, b) == pytest.approx(expected)
    assert superiority(b, a) == pytest.approx(1 - expected)
    assert superiority(a, a) == pytest.approx(0.5)


def test_probability_of_superiority_is_a_calibrated_prediction():
    # where the two new runs then differ, the prediction has as much of its weight on either side
    # as it says: over many trials its value there is spread evenly from 0 to 1
    generator = np.random.default_rng(9)
    found = []
    for _ in range(4_000):
        a, b, new = generator.normal(0, 1, 3), generator.normal(5, 2, 3), generator.normal(0, 1, 2)
        happened = new[0] - (5 + 2 * new[1])
        found.append(superiority(a - happened, b))
    for fraction in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.mean(np.array(found) < fraction) == pytest.approx(fraction, abs=0.02)


@pytest.mark.parametrize(("correct", "expected"), [(9900, 1.0), (9800, 0.5), (9700, 0.0)])
def test_probability_of_superiority_of_deterministic_models(correct, expected):
    both = (DETERMINISTIC, DETERMINISTIC)
    assert probability_of_superiority([correct], [9800], both) == expected


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
    generator = np.random.default_rng(10)

    def smallest():
        log_odds = hard_images(generator)
        models = [runs_of_a_model(generator, log_odds, 4) for _ in range(5)]
        return holm([compared(a, b).p for a, b in itertools.combinations(models, 2)]).min()

    assert false_alarms(smallest, 200) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def bootstrapped(*models, clusters=OWN, **options):
    wrong = [cluster_sums(~runs, clusters) for runs in models]
    return bootstrap_accuracies(wrong, np.bincount(clusters), **options)


def test_bootstrap_of_one_seed_has_the_binomial_spread():
    correct = np.arange(10_000)[None] < 9_800
    accuracies = bootstrapped(correct, clusters=np.arange(10_000), resamples=4000)[:, 0]
    assert accuracies.mean() == pytest.approx(0.98, abs=2e-4)
    assert accuracies.std() == pytest.approx(math.sqrt(0.98 * 0.02 / 10_000), rel=0.05)


def test_bootstrap_draws_people_and_not_images():
    # ten copies of each image: their number says nothing
    correct = np.repeat(np.random.default_rng(11).random((1, 1_000)) < 0.9, 10, axis=1)
    clusters = np.repeat(np.arange(1_000), 10)
    accuracies = bootstrapped(correct, clusters=clusters, resamples=4000)[:, 0]
    assert accuracies.std() == pytest.approx(math.sqrt(0.9 * 0.1 / 1_000), rel=0.06)


def test_bootstrap_divides_by_the_images_of_the_people_drawn():
    # people wrote 10 to 1,000 images each: whoever is drawn, a tenth of them are incorrect
    clusters = np.repeat(np.arange(100), 10 * np.arange(1, 101))
    correct = (np.arange(len(clusters)) % 10 != 0)[None]
    assert bootstrapped(correct, clusters=clusters) == pytest.approx(0.9)


def test_bootstrap_is_paired_over_the_images():
    # two models that err on the same images but for ten: only those ten can vary
    a = np.arange(10_000)[None] < 9_000
    b = np.arange(10_000)[None] < 9_010
    low, high = difference_interval(*bootstrapped(a, b, clusters=np.arange(10_000)).T)
    half = 1.96 * math.sqrt(10) / 10_000
    assert (low, high) == pytest.approx((-0.001 - half, -0.001 + half), abs=1.5e-4)


def test_bootstrap_resamples_seeds_too():
    # the seeds differ by far more than the images could explain
    seeds = np.stack([np.arange(10_000) < correct for correct in (9_000, 9_500, 9_900)])
    accuracies = bootstrapped(seeds, clusters=np.arange(10_000))[:, 0]
    means = [np.mean(draw) for draw in itertools.product((0.90, 0.95, 0.99), repeat=3)]
    assert accuracies.std() == pytest.approx(np.std(means), rel=0.08)


def test_bootstrap_of_identical_models_never_differs_and_is_the_same_every_time():
    correct = np.random.default_rng(12).random((1, IMAGES)) < 0.98
    first = bootstrapped(correct, correct)
    assert difference_interval(*first.T) == (0.0, 0.0)
    assert np.array_equal(first, bootstrapped(correct, correct))
