"""Test labels of MNIST that people doubt (Northcutt et al. 2021, arXiv 2103.14749).

Five people looked at each: 15 of 10,000 images. Labels are corrected, or their images left out,
only where a figure says so.
"""

from __future__ import annotations

import numpy as np

TEST_IMAGES = 10_000
NEITHER, NO_MAJORITY = "neither", "no majority"
# by place in the test set: the digit that most people saw, that they saw none, or no agreement
DOUBTFUL: dict[int, str] = {
    **{947: "9", 1621: "6", 1901: "4", 2462: "0", 2597: "3", 3558: "0", 5937: "3", 6651: "6"},
    **{6783: "6", 9729: "6", 2654: NEITHER, 3520: NEITHER, 9679: NEITHER},
    **{2130: NO_MAJORITY, 8527: NO_MAJORITY},
}


def corrected_labels(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the test labels (N,) as most people read them, and bool (N,) which of them count.

    Args:
        labels: of MNIST's 10,000 test images, in their order.
    """
    corrected, counts = labels.copy(), np.ones(len(labels), dtype=bool)
    for place, verdict in DOUBTFUL.items():
        if verdict.isdecimal():
            corrected[place] = int(verdict)
        else:
            counts[place] = False
    return corrected, counts
