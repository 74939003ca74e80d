"""Read a user's image file as gray pixels, whatever its type and colors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from task3_MNIST.datasets.preprocessing import MIN_CONTRAST
from task3_MNIST.errors import UserError

if TYPE_CHECKING:
    from PIL import Image


COLORFUL = 3  # times the spread of the grays: where the colors spread more, they are the ink
BITS = (8, 10, 12, 14, 16)  # that cameras and scanners count with


def read_gray(path: Path) -> np.ndarray:
    """Return the image upright and gray, (H, W) uint8; what is transparent counts as white paper.

    Where gray would show nothing, it is made of what does: ink that only its transparency shows,
    and inks and papers that differ in color alone.

    Raises:
        UserError: the file cannot be read as an image.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode[0] in "IF":  # 16 bits or a float a pixel, which Pillow would clip
                return _deep_to_gray(np.asarray(upright))
            if upright.has_transparency_data:
                upright = _on_paper(upright.convert("RGBA"))
            gray = np.asarray(upright.convert("L"))
            return gray if upright.mode in ("L", "1") else _of_color(upright, gray)
    except Image.UnidentifiedImageError:
        reason = "not an image"
    # SyntaxError is what Pillow raises for a broken PNG
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    raise UserError(f"cannot read {path}: {reason}: give a PNG or JPEG file that opens elsewhere")


def _deep_to_gray(values: np.ndarray) -> np.ndarray:
    """Return whole numbers or floats as 0 to 255, by the range that they were written for.

    Whole numbers have the fewest bits of `BITS` that hold the greatest one. Floats
    run from 0 to 1, or as 8 bits do, or else from their least to their greatest.
    """
    values = np.nan_to_num(values.astype(np.float64))
    least, most = values.min(), values.max()
    if values.max() <= 1 and least >= 0 and most > 0:
        return np.floor(255 * values + 0.5).astype(np.uint8)
    if least >= 0 and most <= 255:
        return values.astype(np.uint8)
    if least >= 0 and most < 65536:
        bits = next(bits for bits in BITS if most < 2**bits)
        return (values * 255 // (2**bits - 1)).astype(np.uint8)
    return (255 * (values - least) / (most - least)).astype(np.uint8)


def _on_paper(image: Image.Image) -> Image.Image:
    """Return an RGBA image on white paper, or on black where white shows nothing."""
    from PIL import Image

    for color in ("white", "black"):
        shown = Image.alpha_composite(Image.new("RGBA", image.size, color), image)
        least, most = shown.convert("L").getextrema()
        if most - least >= MIN_CONTRAST:
            break
    return shown.convert("RGB")


def _of_color(image: Image.Image, gray: np.ndarray) -> np.ndarray:
    """Return the gray of a color image, or the colors' principal axis if that shows far more."""
    small = image.convert("RGB")
    small.thumbnail((200, 200))
    pixels = np.asarray(small).reshape(-1, 3).astype(np.float64)
    center = pixels.mean(axis=0)
    spreads, axes = np.linalg.eigh(np.cov((pixels - center).T))
    axis = axes[:, -1]
    grays = pixels @ [0.299, 0.587, 0.114]
    if np.sqrt(spreads[-1]) <= COLORFUL * max(grays.std(), 1):
        return gray
    along = np.asarray(image.convert("RGB")) @ axis.astype(np.float32)
    least, most = np.percentile(along, [0.1, 99.9])
    return (255 * (along - least) / max(most - least, 1)).clip(0, 255).astype(np.uint8)
