"""What the speed scripts print of a measurement, as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import quantile_test

from task3_MNIST.evaluation.statistics import Interval, mean_interval
from task3_MNIST.experiments.speed.files import Profile, RivalTimes, Speedrun
from task3_MNIST.formatting import with_ends


def speedrun_text(measured: Speedrun) -> str:
    """Return mean, interval, median and range of the runs, the ratio, and the machine."""
    lines = [
        f"{measured.model} with {measured.recipe}: {measured.parameters:,} parameters",
        measured.timer,
    ]
    for name, unit, factor in (
        ("test_accuracy", " %", 100),
        ("val_accuracy", " %", 100),
        ("seconds", " s", 1),
    ):
        values = np.array([getattr(run, name) for run in measured.runs]) * factor
        mean = mean_interval(values)
        lines.append(
            f"  {name:<14} {with_ends(mean, '{:.3f}', unit)} (n={mean.n}), "
            f"median {np.median(values):.2f}, from {values.min():.2f} to {values.max():.2f}"
        )
    if measured.target is not None:
        lines.append(reached_text("ours", [run.reached for run in measured.runs], measured.target))
    for rival in measured.rivals:
        lines.append(
            f"  {rival.name} ({rival.about}), {rival.model}: median "
            f"{np.median(rival.seconds):.2f} s; our seconds over it, pair by pair: "
            f"{ratio_text(measured, rival)}"
        )
        if measured.target is not None:
            lines.append(reached_text(rival.name, rival.reached, measured.target))
    found = measured.provenance
    lines.append(f"  {found.machine}; PyTorch {found.torch}, Python {found.python}")
    return "\n".join(lines)


def ratio_text(measured: Speedrun, rival: RivalTimes) -> str:
    """Return the median ratio of our seconds to those of a rival, pair by pair.

    Its 95 % interval is between two of the ratios, which needs six of them and no assumption
    about their distribution (SciPy's quantile_test).
    """
    seconds = [run.seconds for run in measured.runs]
    ratios = np.array(seconds) / np.array(rival.seconds)
    ends = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    known = bool(np.isfinite([ends.low, ends.high]).all())
    interval = Interval(
        float(np.median(ratios)), *((ends.low, ends.high) if known else (None, None)), len(ratios)
    )
    return f"{with_ends(interval, '{:.2f}')}, n={interval.n}"


def reached_text(name: str, reached: Sequence[float | None], target: float) -> str:
    """Return how long it took until a validation accuracy, a fraction, was reached."""
    times = [seconds for seconds in reached if seconds is not None]
    lead = f"  {name}: {target:.2%} on validation"
    if not times:
        return f"{lead} not reached"
    return f"{lead} reached in {len(times)} of {len(reached)} runs, median {np.median(times):.2f} s"


def profile_text(measured: Profile) -> str:
    """Return the rates, the share of the peak, and where a step's time goes."""
    lines = [
        f"{measured.model} with {measured.recipe}: {measured.images_per_second:,.0f} images/s, "
        f"{measured.step_seconds * 1e3:.2f} ms a step of {measured.batch_size}",
        f"{measured.flops_per_second / 1e9:.1f} GFLOP/s, {measured.fraction_of_peak:.0%} of the "
        f"{measured.matmul_peak / 1e9:.0f} GFLOP/s of a matrix product in {measured.precision}",
        *(f"  {share:6.1%}  {kind}" for kind, share in measured.shares.items()),
    ]
    return "\n".join(lines)
