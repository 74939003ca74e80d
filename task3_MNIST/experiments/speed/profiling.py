"""Where a training step's time goes, and how near it comes to what the processor can do."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from task3_MNIST.datasets.splits import Split
from task3_MNIST.experiments.speed.files import Profile
from task3_MNIST.files import readable_path
from task3_MNIST.models import registry
from task3_MNIST.runs.provenance import provenance
from task3_MNIST.training.augmentation import augment
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.easy_images import images_of_epoch
from task3_MNIST.training.loop import fit, seed_generators
from task3_MNIST.training.recipes import Resolved

CPU = torch.device("cpu")
STEPS = 100
PEAK_SIDE, PEAK_REPEATS = 2048, 10
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

# What the profiler's operators are for, by a part of their name; the first that fits counts.
KINDS = {
    "optimizer": ("Optimizer.", "_fused_adam", "_fused_sgd", "_foreach_"),
    # a sum over the batch is the gradient of a linear layer's bias, but for that of the accuracy
    "convolutions and matrix products": (
        *("convolution", "addmm", "aten::mm", "aten::bmm", "linear", "aten::sum"),
    ),
    "batch norm": ("batch_norm",),
    "activation and pooling": (
        "relu",
        "threshold",
        "clamp_min",
        "max_pool",
        "dropout",
        "bernoulli",
    ),
    "loss and accuracy": ("softmax", "nll", "argmax", "aten::eq", "cross_entropy"),
    "gathering the batch": ("aten::index", "aten::randperm"),
    "augmentation": ("grid_sampler", "affine_grid", "upsample", "aten::rand"),
}
OTHER = "copies, bookkeeping and the rest"


def profile_steps(training: Resolved, train: Split) -> Profile:
    """Train a few steps on the CPU and return what they cost.

    The same loop as in training runs over as many images three times: once to warm up, once for
    the clock, and once under PyTorch's profiler, which slows it and so gives shares only. No image
    is left out.

    Args:
        training: the model and its hyperparameters; epochs are ignored.
        train: at least `STEPS` batches of training images, on the CPU.
    """
    config = dataclasses.replace(
        training.config, epochs=3, full_train=True, patience=0, drop_easy=0.0
    )
    few = train[torch.arange(STEPS * config.batch_size)]
    seed_generators(config, 0)
    model = registry.build(training.model)
    peak = matmul_peak(config.precision)

    epochs = fit(model, few, None, config)
    next(epochs)
    started = time.perf_counter()
    next(epochs)
    seconds = time.perf_counter() - started
    shares = _profiled_shares(lambda: next(epochs))

    flops = train_flops(model, config, few)
    rate = len(few) / seconds
    kept = images_of_epoch(len(train), training.config.drop_easy)
    return Profile(
        model=training.model,
        recipe=training.recipe,
        recipe_file=training.recipe_file and readable_path(training.recipe_file),
        batch_size=config.batch_size,
        precision=config.precision,
        images_per_second=rate,
        step_seconds=seconds / STEPS,
        flops_per_image=flops,
        flops_of_run=flops * kept * training.config.epochs,
        flops_per_second=flops * rate,
        matmul_peak=peak,
        fraction_of_peak=flops * rate / peak,
        shares=shares,
        provenance=provenance(CPU),
    )


def matmul_peak(precision: str) -> float:
    """Return the FLOP/s of products of square matrices, the best of several after a warm-up."""
    dtype = PRECISIONS[precision]
    left, right = (torch.randn(PEAK_SIDE, PEAK_SIDE).to(dtype) for _ in range(2))
    left @ right
    best = min(_seconds_of_product(left, right) for _ in range(PEAK_REPEATS))
    return 2 * PEAK_SIDE**3 / best


def train_flops(model: nn.Module, config: TrainConfig, images: Split) -> float:
    """Return the floating-point operations of one image's forward and backward pass.

    Counted by PyTorch over a batch, as `metrics.count_flops` counts the forward pass.
    """
    from torch.utils.flop_counter import FlopCounterMode

    batch = images[torch.arange(config.batch_size)]
    model.train()
    counter = FlopCounterMode(display=False)
    with counter:
        F.cross_entropy(model(augment(batch.images, config, batch.black)), batch.labels).backward()
    model.zero_grad()
    return counter.get_total_flops() / len(batch)


def _seconds_of_product(left: torch.Tensor, right: torch.Tensor) -> float:
    started = time.perf_counter()
    left @ right
    return time.perf_counter() - started


def _profiled_shares(run: Callable[[], Any]) -> dict[str, float]:
    """Return each kind's share of the time that operators took, largest first."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        run()
    totals: dict[str, float] = {}
    for operator in profiler.key_averages():
        kind = _kind(operator.key)
        totals[kind] = totals.get(kind, 0.0) + operator.self_cpu_time_total
    total = sum(totals.values())
    ranked = sorted(totals.items(), key=lambda pair: -pair[1])
    return {kind: time_of_kind / total for kind, time_of_kind in ranked}


def _kind(operator: str) -> str:
    name = operator.lower()
    fits = (kind for kind, parts in KINDS.items() if any(part.lower() in name for part in parts))
    return next(fits, OTHER)
