"""What follows a run's training: its evaluation and its pictures, unless they are there."""

from __future__ import annotations

from collections.abc import Callable

from task3_MNIST import plots
from task3_MNIST.datasets.splits import Split
from task3_MNIST.evaluation.evaluate import evaluate_run
from task3_MNIST.runs.folder import Run

ERROR_NAME = "error.txt"  # the traceback of a run that failed in a grid


def finished(run: Run) -> bool:
    """Return whether a run is trained, evaluated and drawn."""
    # the last picture that is drawn
    return run.complete and run.evaluated and (run.folder / plots.CONFUSION).is_file()


def evaluate_and_plot(run: Run, test: Callable[[], Split] | None) -> None:
    """Evaluate and draw a complete run, as far as that was not done.

    Args:
        run: its folder; the caller holds its lock.
        test: called for the test images if they are needed; None leaves the test set sealed.
    """
    if test and not run.evaluated:
        evaluate_run(run, test())
        plot(run)
    elif not all(picture.is_file() for picture in plots.run_pictures(run)):
        plot(run)
    (run.folder / ERROR_NAME).unlink(missing_ok=True)


def plot(run: Run) -> None:
    """Draw the curves of a run, and its confusion matrix if it was evaluated."""
    plots.draw_curves(run)
    if run.evaluated:
        plots.draw_confusion(run)
