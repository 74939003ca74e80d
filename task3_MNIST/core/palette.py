"""The colors and marks of the model families, in pictures and on pages alike.

MLPs are orange squares, CNNs blue circles, baselines gray triangles.
"""

from __future__ import annotations

# A family has hues of its own, so that it is seen before a name is read; the first one stands for
# the family. All are of middling lightness: at least 3:1 on both a white and a nearly black ground.
HUES = {
    "mlp": ("#d0661b", "#c9474f", "#b5498f", "#9a7412", "#b06a4a"),
    "cnn": ("#2f7ad0", "#178f8c", "#3f8f3f", "#7d62d8", "#4b82a8"),
    "baseline": ("#7a7f87", "#8a7a60", "#6f8a72", "#8f7f8a", "#63808a"),
}
# by the names that Plotly and Matplotlib have for them
SYMBOLS = {"mlp": "square", "cnn": "circle", "baseline": "triangle-up"}
MARKERS = {"square": "s", "circle": "o", "triangle-up": "^"}
