"""Matplotlib pictures from run folders, as PNG files."""

from task3_MNIST.plots.comparison import draw_comparison
from task3_MNIST.plots.predictions import draw_prediction_grid
from task3_MNIST.plots.run import CONFUSION, draw_confusion, draw_curves, run_pictures

__all__ = [
    "CONFUSION",
    "draw_comparison",
    "draw_confusion",
    "draw_curves",
    "draw_prediction_grid",
    "run_pictures",
]
