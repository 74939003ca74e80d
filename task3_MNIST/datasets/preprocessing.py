"""Preprocess a gray image of a digit as MNIST's were: white on black, in a box, centered by mass.

The page prepares its images by these same steps in JavaScript, so each step is spelled out with
plain sums and no library's own resampling. `prepare` runs `extract_ink`, then `frame`.
"""

from __future__ import annotations

import numpy as np

from task3_MNIST.errors import UserError

SIDE = 28  # of the image
BOX = 20  # the ink's longer side
CENTER = 14  # pixel index of the ink's center of mass, in rows and in columns
MAX_SIDE = 400  # a larger image is shrunk first: pen strokes are wide enough, and all is faster

FIT_SIDE = 64  # pixels a side that the background is fitted to, about: it is smooth
FIT_ROUNDS = 10  # of that fit; it settles in three or four
MIN_CONTRAST = 24  # gray levels between paper and ink, below which an image is blank
SPECK = 0.02  # a spot with less than this share of the largest one's ink is dirt
MIN_STROKE = 2.0  # px of the box; MNIST's own strokes are 2 to 4


def prepare(gray: np.ndarray) -> np.ndarray:
    """Return the image as MNIST would show it, (28, 28) uint8, white ink on black.

    Args:
        gray: (H, W) uint8, dark on light or light on dark, of any size.

    Raises:
        UserError: there is no ink in the image.
    """
    return frame(extract_ink(gray))


def extract_ink(gray: np.ndarray) -> np.ndarray:
    """Return how much ink each pixel holds, (h, w) float64 in 0..1, 0 wherever there is paper.

    1. Shrink: a longer side over 400 becomes 400, the other `max(1, floor(side * 400 / longer +
       0.5))`, by `resize`; round each pixel to `floor(v + 0.5)`.
    2. Polarity: sort the pixels of the border (first row, last row, and between them first and last
       column) and take entry `floor(n / 2)`. Where that lies above the middle of the image's least
       and greatest pixel, replace every pixel v by 255 - v.
    3. Background: subtract `fit_background`, which follows uneven light; call the rest r. Its noise
       is what `fit_background` returns next to it.
    4. Full scale: sort the pixels over half of r's maximum; the peak is entry `floor(9 * (n - 1) /
       10)`. The image is blank if the peak is under 24 or under 5 times the noise.
    5. Ink: pixels over `max(3 * noise, peak / 16)` hold `min(1, r / peak)`, all others 0.
    6. Dirt: among the ink's 8-connected parts, clear those whose sum is under 0.02 of the largest.

    Raises:
        UserError: there is no ink in the image.
    """
    height, width = gray.shape
    values = gray.astype(np.float64)
    if max(height, width) > MAX_SIDE:
        values = np.floor(resize(values, *fitted_size(height, width, MAX_SIDE)) + 0.5)
    if not is_light_on_dark(values):
        values = 255 - values
    background, noise = fit_background(values)
    rest = values - background
    strong = np.sort(rest[rest > max(rest.max() / 2, 0)])
    peak = strong[9 * (len(strong) - 1) // 10] if len(strong) else 0
    if peak < max(MIN_CONTRAST, 5 * noise):
        raise UserError("no ink found: write darker, or cut the image closer to the digit")
    ink = np.minimum(rest / peak, 1)
    ink[rest <= max(3 * noise, peak / 16)] = 0
    labels, masses = parts(ink > 0, ink)
    ink[(masses < SPECK * masses.max())[labels]] = 0
    return ink


def fit_background(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the paper's brightness under the ink, (H, W) float64, and its noise, in gray levels.

    The fit sees every step-th row and column from the first, step = `max(1, floor(longer / 64))`.
    Its surface starts as the border's median (as for the polarity) everywhere. Ten times over:

    1. Residual = image - surface. Noise = 1.4826 x the median (entry `floor(n / 2)` when sorted) of
       -residual where it is not positive: ink is brighter, lies above, and so is left out.
    2. Paper = the pixels with |residual| <= max(1, 3 x noise).
    3. The surface is the least squares fit of 1, x, y, x^2, xy, y^2 to (image - border median) over
       the paper, plus that median; x and y run from -1 to 1 across the image. To the diagonal of
       the normal equations 1e-6 is added: few pixels may not determine the terms.

    The last surface is then worked out for every pixel.

    Args:
        values: (H, W) float64, ink brighter than paper.
    """
    start = border_median(values)
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in values.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)  # (H, W, 6)
    step = max(1, max(values.shape) // FIT_SIDE)
    seen = terms[::step, ::step].reshape(-1, 6)
    target = values[::step, ::step].ravel() - start
    factors = np.zeros(6)
    for _ in range(FIT_ROUNDS):
        residual = target - seen @ factors
        below = np.sort(-residual[residual <= 0])
        noise = 1.4826 * below[len(below) // 2] if len(below) else 0.0
        paper = np.abs(residual) <= max(1, 3 * noise)
        known = seen[paper]
        normal = known.T @ known + 1e-6 * np.eye(6)
        factors = np.linalg.solve(normal, known.T @ target[paper])
    return start + terms @ factors, float(noise)


def frame(ink: np.ndarray) -> np.ndarray:
    """Return the ink as MNIST has it, (28, 28) uint8.

    1. Crop to the rows and columns that hold ink.
    2. If the longer side is over 40: thicken strokes that the box would make too fine (`thicken`).
    3. Scale by `resize` so that the longer side is 20 and the other `max(1, floor(side * 20 /
       longer + 0.5))`. A longer side of 19 or 20 is left alone: MNIST's own images pass unchanged.
    4. Divide by the maximum; each pixel is `floor(255 * v + 0.5)`.
    5. Place it on black by full pixels: the first row is `floor(14 - c + 0.5)` with c the center of
       mass in rows of the crop, kept within 0 and 28 - height; columns likewise.

    Args:
        ink: (h, w) in 0..1, 0 wherever there is paper, with at least one pixel of ink.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if max(crop.shape) > 2 * BOX:
        crop = thicken(crop)
    if not BOX - 1 <= max(crop.shape) <= BOX:
        crop = resize(crop, *fitted_size(*crop.shape, BOX))
    digit = np.floor(255 * crop / crop.max() + 0.5)
    height, width = digit.shape
    top, left = _first_index(digit.sum(axis=1)), _first_index(digit.sum(axis=0))
    image = np.zeros((SIDE, SIDE), dtype=np.uint8)
    image[top : top + height, left : left + width] = digit
    return image


def thicken(crop: np.ndarray) -> np.ndarray:
    """Widen strokes finer than 2 px of the box, so that shrinking does not fade them.

    A stroke's width is estimated as 2 x area / edges: the area is the sum of the ink, the edges are
    the sides between a pixel of at least 0.5 and one below (outside counts as below). With unit =
    longer side / 20, each pixel becomes the maximum over the square of radius `floor((2 * unit -
    width) / 2 + 0.5)` around it, on a crop that grows by the radius on each side.

    Args:
        crop: (h, w) in 0..1.
    """
    solid = np.pad(crop >= 0.5, 1)
    edges = np.sum(solid[1:] != solid[:-1]) + np.sum(solid[:, 1:] != solid[:, :-1])
    width = 2 * crop.sum() / max(edges, 1)
    radius = int(np.floor((MIN_STROKE * max(crop.shape) / BOX - width) / 2 + 0.5))
    return grow(np.pad(crop, radius), radius) if radius > 0 else crop


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the image at another size: rows of weights @ image @ columns of weights.

    Along each axis, of n pixels made m. Shrinking (m < n): output j is the mean of the input over
    the span from j * n / m to (j + 1) * n / m, pixels cut by its ends counting in part. Enlarging:
    output j is read at (j + 0.5) * n / m - 0.5 between the two nearest pixels, in proportion;
    outside the image is 0.

    Args:
        image: (h, w) float.
        height: of the result.
        width: of the result.
    """
    return _weights(image.shape[0], height) @ image @ _weights(image.shape[1], width).T


def _weights(n: int, m: int) -> np.ndarray:
    """Return what each of n input pixels adds to each of m output pixels, (m, n)."""
    outputs, inputs = np.arange(m)[:, None], np.arange(n)[None, :]
    if m < n:
        start, end = outputs * n / m, (outputs + 1) * n / m
        return np.clip(np.minimum(end, inputs + 1) - np.maximum(start, inputs), 0, None) * m / n
    position = (outputs + 0.5) * n / m - 0.5
    return np.clip(1 - np.abs(position - inputs), 0, None)


def fitted_size(height: int, width: int, longer: int) -> tuple[int, int]:
    """Return the size with the given longer side and the same aspect."""
    rows, columns = (int(side * longer / max(height, width) + 0.5) for side in (height, width))
    return max(1, rows), max(1, columns)


def is_light_on_dark(values: np.ndarray) -> bool:
    """Return whether the border is no lighter than the middle of the image's extremes."""
    return bool(border_median(values) <= (values.min() + values.max()) / 2)


def border_median(values: np.ndarray) -> float:
    """Return the upper median of the first and last rows and columns."""
    border = np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
    return float(np.sort(border)[len(border) // 2])


def parts(mask: np.ndarray, ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the 8-connected parts from 1, (h, w), and return the ink in each; part 0 is paper."""
    from scipy import (
        ndimage,
    )  # a quarter of a second to import, and most runs need no preprocessing

    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    masses = np.bincount(labels.ravel(), weights=ink.ravel())
    masses[0] = 0
    return labels, masses


def grow(image: np.ndarray, radius: int) -> np.ndarray:
    """Return the maximum over the square of that radius around each pixel."""
    from scipy import ndimage

    return ndimage.maximum_filter(image, size=2 * radius + 1, mode="constant")


def _first_index(profile: np.ndarray) -> int:
    """Return where a profile of ink starts when its center of mass is put at pixel 14."""
    center = (profile * np.arange(len(profile))).sum() / profile.sum()
    return int(np.clip(np.floor(CENTER - center + 0.5), 0, SIDE - len(profile)))
