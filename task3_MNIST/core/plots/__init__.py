"""Matplotlib pictures from run folders, as PNG files."""

from task3_MNIST.core.plots.comparison import draw_comparison
from task3_MNIST.core.plots.predictions import draw_prediction_grid
from task3_MNIST.core.plots.run import draw_confusion, draw_curves

__all__ = ["draw_comparison", "draw_confusion", "draw_curves", "draw_prediction_grid"]
