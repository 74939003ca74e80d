"""Matplotlib pictures from run folders, as PNG files."""

from task3_MNIST.core.plots.run import draw_confusion, draw_curves

__all__ = ["draw_confusion", "draw_curves"]
