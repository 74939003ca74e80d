"""Arrays as text, for the page's data; `Page.decodeBase64` and `Page.decodeFloats` read them."""

from __future__ import annotations

import base64

import numpy as np


def base64_text(array: np.ndarray) -> str:
    """Return an array's bytes, little-endian, in base64; what is float64 becomes float32."""
    kind = np.dtype("<f4") if array.dtype == np.float64 else array.dtype.newbyteorder("<")
    return base64.b64encode(array.astype(kind).tobytes()).decode()
