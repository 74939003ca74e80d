"""What the speed scripts print of a measurement, as text."""

from __future__ import annotations

import numpy as np

from task3_MNIST.evaluation.statistics import mean_interval
from task3_MNIST.experiments.speed.files import Profile, Speedrun
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
    if measured.dataloader_epoch_seconds:
        epoch = np.mean(measured.dataloader_epoch_seconds)
        ratio = np.mean([run.seconds for run in measured.runs]) / epoch
        lines.append(
            f"  one epoch of the DataLoader baseline with {measured.dataloader_model}: "
            f"{epoch:.2f} s; ratio {ratio:.2f}"
        )
    found = measured.provenance
    lines.append(f"  {found.machine}; PyTorch {found.torch}, Python {found.python}")
    return "\n".join(lines)


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
