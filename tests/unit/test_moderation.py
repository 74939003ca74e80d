"""Variances between seeds are shrunk toward their recipe's as far as the recipe's models agree."""

import numpy as np
import pytest
from scipy import stats

from task3_MNIST.evaluation.moderation import SeedVariance, fit_prior, moderated_variances


def recipe(generator, models=15, seeds=3, level=0.5, degrees=np.inf):
    """Return the numbers of incorrect images of a recipe's models, and their true variances."""
    errors = np.exp(generator.uniform(np.log(40), np.log(800), models))
    differ = degrees / generator.chisquare(degrees, models) if np.isfinite(degrees) else 1.0
    variances = level * errors * differ
    deviations = np.sqrt(variances)[:, None]
    return generator.normal(errors[:, None], deviations, (models, seeds)), variances


def test_models_that_vary_alike_share_one_level():
    wrong, variances = recipe(np.random.default_rng(0), models=4_000)
    found = moderated_variances(wrong)
    own = np.log(wrong.var(1, ddof=1) / variances)
    moderated = np.log([v.value for v in found] / variances)
    assert np.std(moderated) < 0.15 * np.std(own)
    assert found[0].degrees > 20


def test_models_that_vary_differently_keep_more_of_their_own():
    wrong, _ = recipe(np.random.default_rng(2), models=4_000, seeds=5, degrees=6)
    own = [SeedVariance(w.var(ddof=1), 4) for w in wrong]
    prior = fit_prior(own, wrong.mean(1))
    assert prior.degrees == pytest.approx(6, rel=0.15)
    assert prior.level == pytest.approx(0.5, rel=0.05)
    for before, after, mean in zip(own, moderated_variances(wrong), wrong.mean(1), strict=True):
        expected = (prior.degrees * prior.level * mean + 4 * before.value) / (prior.degrees + 4)
        assert after.value == pytest.approx(expected)
        assert after.degrees == pytest.approx(prior.degrees + 4)


def test_moderated_variances_are_nearer_to_the_true_ones():
    generator = np.random.default_rng(2)
    before, after = [], []
    for _ in range(200):
        wrong, variances = recipe(generator, degrees=8)
        moderated = [v.value for v in moderated_variances(wrong)]
        before.append(np.log(wrong.var(1, ddof=1) / variances))
        after.append(np.log(moderated / variances))
    assert np.std(after) < 0.6 * np.std(before)


def test_degrees_of_freedom_are_at_most_those_of_all_seeds_together():
    wrong, _ = recipe(np.random.default_rng(3), models=4)
    assert all(v.degrees <= 8 for v in moderated_variances(wrong))


@pytest.mark.parametrize("models", [1, 2])
def test_one_or_two_models_have_nothing_to_learn_from(models):
    wrong, _ = recipe(np.random.default_rng(4), models=models)
    expected = [SeedVariance(pytest.approx(w.var(ddof=1)), 2) for w in wrong]
    assert moderated_variances(wrong) == expected


def test_equal_seeds_and_no_errors_do_no_harm():
    found = moderated_variances([[30, 30, 30], [0, 0, 0], [40, 47, 51], [90, 80, 85]])
    assert all(np.isfinite(v.value) and v.value >= 0 and v.degrees > 0 for v in found)
    assert found[0].value > 0  # three equal counts are chance, not certainty


BANDS = ((40, 110), (110, 300), (300, 800))


@pytest.mark.parametrize("degrees", [4, np.inf], ids=["as-fast", "as-classic"])
@pytest.mark.parametrize("seeds", [3, 5])
def test_copies_are_called_different_in_about_5_percent_in_every_band_of_accuracy(seeds, degrees):
    generator = np.random.default_rng(5)
    alarms = {band: [] for band in BANDS}
    for _ in range(300):
        means = np.exp(generator.uniform(np.log(40), np.log(800), 8))
        differ = degrees / generator.chisquare(degrees, 8) if np.isfinite(degrees) else 1.0
        deviations = np.sqrt(0.5 * means * differ)
        # two copies of each of eight models
        twice = [np.repeat(values, 2)[:, None] for values in (means, deviations)]
        wrong = generator.normal(*twice, size=(16, seeds))
        found = moderated_variances(np.maximum(wrong, 0))
        for copy in range(0, 16, 2):
            parts = [v.value / seeds for v in found[copy : copy + 2]]
            freedom = sum(parts) ** 2 / sum(
                part**2 / v.degrees for part, v in zip(parts, found[copy : copy + 2], strict=True)
            )
            difference = wrong[copy].mean() - wrong[copy + 1].mean()
            p = 2 * stats.t.sf(abs(difference) / np.sqrt(sum(parts)), freedom)
            [band] = [band for band in BANDS if band[0] <= means[copy // 2] < band[1]]
            alarms[band].append(p < 0.05)
    for band, found in alarms.items():
        assert 0.02 < np.mean(found) < 0.075, band
