"""How far an image is from all digits of MNIST's training set: letters and faces are no digits.

A classifier answers with one of its classes whatever it is shown. So a picture is first compared
with the digits themselves: by the directions of its edges, as character recognition has long done,
and by the distance to each digit's own cloud of training images (modified quadratic discriminant
function, Kimura et al. 1987, doi:10.1109/TPAMI.1987.4767881). tools/fit_outliers.py makes the file
that is read here from training images, and its threshold from validation images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

FILE = Path(__file__).with_name("mnist_outliers.npz")

DIRECTIONS = 8  # of an edge, from 0 to 360 degrees
STEP = 4  # pixels between two places at which the directions are taken: 7 x 7 places
FINE, COARSE = 0.8, 2.0  # standard deviations of the two Gaussian blurs, in pixels
RADIUS = 4  # of both, in pixels
AXES = 40  # directions in which a digit's images differ most, that are kept


@dataclass(frozen=True)
class Clouds:
    """Each digit's training images as a cloud around their mean.

    Attributes:
        mean: (classes, D) float32.
        axes: (classes, AXES, D) float32, orthonormal up to rounding.
        variance: (classes, AXES) float32, along the axes.
        rest: (classes,) float32, mean variance along all other directions.
        threshold: distance that one in a hundred validation images exceeds.
    """

    mean: np.ndarray
    axes: np.ndarray
    variance: np.ndarray
    rest: np.ndarray
    threshold: float

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return the distance (N,) of features (N, D) to the nearest cloud.

        The squared distance along each axis counts by the cloud's variance there, and all that
        is left by the mean variance of the rest.
        """
        found = []
        for mean, axes, variance, rest in zip(
            self.mean, self.axes, self.variance, self.rest, strict=True
        ):
            difference = features - mean  # (N, D)
            along = difference @ axes.T  # (N, AXES)
            left = (difference**2).sum(1) - (along**2).sum(1)
            found.append((along**2 / (variance + rest)).sum(1) + left / rest)
        return np.min(found, axis=0)


def outlier_scores(images: np.ndarray) -> np.ndarray:
    """Return the score of images (N, 28, 28) uint8, white ink on black: over 1 is hardly a digit.

    One of a hundred validation digits is over 1.
    """
    clouds = read_clouds()
    return clouds.distance(edge_directions(images)) / clouds.threshold


def edge_directions(images: np.ndarray) -> np.ndarray:
    """Return how much edge of each direction is around each place, (N, 8 * 7 * 7), length 1.

    Args:
        images: (N, 28, 28) uint8.
    """
    smooth = gaussian_filter(
        images.astype(np.float32) / 255, FINE, mode="constant", axes=(1, 2), radius=RADIUS
    )
    down, right = np.zeros_like(smooth), np.zeros_like(smooth)
    down[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    right[:, :, 1:-1] = smooth[:, :, 2:] - smooth[:, :, :-2]
    strength = np.hypot(down, right)
    angle = np.arctan2(down, right) / (2 * np.pi) * DIRECTIONS
    maps = []
    for direction in range(DIRECTIONS):
        # an edge between two directions counts for both, the nearer one more
        off = np.abs((angle - direction + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2)
        share = np.maximum(1 - off, 0) * strength
        blurred = gaussian_filter(share, COARSE, mode="constant", axes=(1, 2), radius=RADIUS)
        maps.append(blurred[:, STEP // 2 :: STEP, STEP // 2 :: STEP])
    features = np.sqrt(np.stack(maps, axis=1)).reshape(len(images), -1)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)


def fit_clouds(features: np.ndarray, labels: np.ndarray) -> Clouds:
    """Return the clouds of features (N, D) by label (N,); their threshold is still 1."""
    means, axes, variances, rests = [], [], [], []
    for label in range(int(labels.max()) + 1):
        own = features[labels == label].astype(np.float64)
        values, vectors = np.linalg.eigh(np.cov(own.T))  # ascending
        means.append(own.mean(0))
        axes.append(vectors[:, : -AXES - 1 : -1].T)
        variances.append(values[: -AXES - 1 : -1])
        rests.append(values[:-AXES].mean())
    return Clouds(
        *(np.array(part, dtype=np.float32) for part in (means, axes, variances, rests)), 1.0
    )


def packed_clouds() -> dict[str, np.ndarray]:
    """Return what the file holds: `axes` are int8, 127 standing for the axis' `scale`."""
    with np.load(FILE) as file:
        return dict(file)


@cache
def read_clouds() -> Clouds:
    """Return the clouds of MNIST's digits."""
    packed = packed_clouds()
    axes = packed["axes"].astype(np.float32) / 127 * packed["scale"][..., None]
    return Clouds(
        packed["mean"], axes, packed["variance"], packed["rest"], float(packed["threshold"])
    )
