"""Read a user's image file: as gray pixels, or as one digit in MNIST's format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from task3_MNIST.datasets import preprocessing
from task3_MNIST.errors import UserError


def read_gray(path: Path) -> np.ndarray:
    """Return the image upright and gray, (H, W) uint8; what is transparent counts as white paper.

    Raises:
        UserError: the file cannot be read as an image.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip
                return (np.asarray(upright).clip(0, 65535) // 257).astype(np.uint8)
            if upright.has_transparency_data:
                paper = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            return np.asarray(upright.convert("L"))
    except Image.UnidentifiedImageError:
        reason = "not an image"
    # SyntaxError is what Pillow raises for a broken PNG
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    raise UserError(f"cannot read {path}: {reason}: give a PNG or JPEG file that opens elsewhere")


def read_digit(path: Path) -> np.ndarray:
    """Return the one digit of an image file, preprocessed as MNIST's are, (28, 28) uint8.

    Raises:
        UserError: the file cannot be read, is blank, or shows several digits.
    """
    gray = read_gray(path)
    try:
        ink = preprocessing.extract_ink(gray)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    count = preprocessing.count_digits(ink)
    if count > 1:
        raise UserError(f"{path} shows {count} separate digits: cut it into files of one each")
    return preprocessing.frame(ink)
