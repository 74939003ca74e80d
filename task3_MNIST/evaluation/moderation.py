"""How much a model's accuracy varies between seeds, estimated with the help of its recipe.

Three seeds say little about a variance: theirs may be a tenth of the true one. But the models of a
recipe vary alike, in proportion to their errors, so each of them says something about the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

FEWEST_GROUPS = 3  # two variances say next to nothing about how much variances differ
LEAST = 1 / 12  # variance of rounding to integers: counts cannot show a smaller one


@dataclass(frozen=True)
class SeedVariance:
    """A variance between seeds, of the number of test images that are incorrect.

    Attributes:
        value: the variance of one seed.
        degrees: its degrees of freedom, infinite where it is known.
    """

    value: float
    degrees: float


# no seed changes a deterministic model
DETERMINISTIC = SeedVariance(0.0, np.inf)


@dataclass(frozen=True)
class Prior:
    """What a recipe's models say together about the variance of each.

    Attributes:
        level: variance between seeds for each incorrect image.
        degrees: how many degrees of freedom that is worth; infinite where the models' variances
            differ no more than chance makes them.
        most: degrees of freedom of all models together, which no variance here can exceed.
    """

    level: float
    degrees: float
    most: float


def moderated_variances(groups: Sequence[Sequence[float]]) -> list[SeedVariance]:
    """Return the variance between seeds of each of a recipe's models, shrunk toward their trend.

    Smyth 2004 (limma), with a trend: the prior variance is proportional to the number of errors,
    a line of slope 1 in log variance against log error. Each variance becomes the mean of its own
    and the prior's, weighted by their degrees of freedom, which add up. Recipes are not mixed: one
    that varies little would make another look sure.

    Args:
        groups: for each model the number of incorrect test images of each seed, two or more.
    """
    own = [
        SeedVariance(float(np.var(incorrect, ddof=1)), len(incorrect) - 1) for incorrect in groups
    ]
    errors = [float(np.mean(incorrect)) for incorrect in groups]
    prior = fit_prior(own, errors)
    if prior is None:
        return own
    moderated = []
    for variance, mean in zip(own, errors, strict=True):
        expected = prior.level * mean
        if np.isinf(prior.degrees):
            value = expected
        else:
            weights = (prior.degrees, variance.degrees)
            value = float(np.average((expected, variance.value), weights=weights))
        degrees = min(prior.degrees + variance.degrees, prior.most)
        moderated.append(SeedVariance(value, degrees))
    return moderated


def fit_prior(variances: Sequence[SeedVariance], errors: Sequence[float]) -> Prior | None:
    """Return the prior of a recipe's variances; None for fewer than three models with errors.

    The logarithm of a variance with d degrees of freedom has a known mean and variance, digamma and
    trigamma of d / 2. What the logarithms vary more than that is how much true variances differ.

    Args:
        variances: each model's own.
        errors: each model's mean number of incorrect images.
    """
    known = [(v, mean) for v, mean in zip(variances, errors, strict=True) if mean > 0]
    if len(known) < FEWEST_GROUPS:
        return None
    half = np.array([variance.degrees for variance, _ in known]) / 2
    ratios = np.array([max(variance.value, LEAST) / mean for variance, mean in known])
    logs = np.log(ratios) - digamma(half) + np.log(half)
    expected = polygamma(1, half)
    center = np.average(logs, weights=1 / expected)
    beyond = ((logs - center) ** 2).sum() / (len(logs) - 1) - expected.mean()
    most = 2 * half.sum()
    if beyond <= 0:
        return Prior(float(np.exp(center)), np.inf, most)
    prior_half = brentq(lambda d: polygamma(1, d) - beyond, 1e-4, 1e8)
    level = np.exp(center + digamma(prior_half) - np.log(prior_half))
    return Prior(float(level), 2 * prior_half, most)
