"""The training loop: a model and tensors in, an epoch's numbers out.

It knows nothing of flags, files or terminals. Whoever calls `fit` writes down what it yields.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from task2_CNN.models import whiten
from task3_MNIST.datasets.splits import Split
from task3_MNIST.errors import UserError
from task3_MNIST.models.inference import loss_and_accuracy, predict
from task3_MNIST.training.augmentation import augment
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.easy_images import epoch_places, hardest_first

MEMORY_FORMATS = {
    "contiguous": torch.contiguous_format,
    "channels-last": torch.channels_last,
}


class DivergedError(UserError):
    """The loss stopped being a number."""


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """Figures of one epoch: a line of `metrics.jsonl`.

    Accuracies are fractions, losses mean cross-entropies in nats. The training figures are
    running means over the epoch, of augmented images if there is augmentation: `train_loss` is
    what was minimized, with label smoothing, `train_loss_unsmoothed` is comparable with
    `val_loss` (None in runs from before it was measured). Without validation there are no
    validation figures.
    """

    epoch: int
    lr: float
    train_loss: float
    train_loss_unsmoothed: float | None = None
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Epoch:
    """What one epoch leaves: copies, which further training does not change.

    Attributes:
        metrics: its figures.
        weights: the state dict that was validated: the average, if weights are averaged.
        checkpoint: tensors and plain types from which `fit` goes on; see `fit`.
    """

    metrics: dict[str, Any]
    weights: dict[str, Tensor]
    checkpoint: dict[str, Any]


def seed_generators(config: TrainConfig, epoch: int) -> None:
    """Seed PyTorch's generators for one epoch; epoch 0 is the initialization.

    Each epoch starts from its own seed, so a resumed run draws what an uninterrupted one would
    have drawn, and no generator's state has to be kept.
    """
    part = "order" if epoch else "initialization"
    seed = config.seed if config.seed_decides in ("all", part) else 0
    torch.manual_seed(seed * 1_000_003 + epoch)


def fit(
    model: nn.Module,
    train: Split,
    val: Split | None,
    config: TrainConfig,
    checkpoint: dict[str, Any] | None = None,
) -> Iterator[Epoch]:
    """Train the model in place and yield after every epoch.

    Args:
        model: on the same device as the splits.
        train: the images to learn from.
        val: the images that choose the epoch; never the test set. None if the config trains on
            them too.
        config: the hyperparameters.
        checkpoint: the last yielded `Epoch.checkpoint` of a run with the same config, to go on
            from it: `model`, `optimizer`, `selected` (`epoch`, `state_dict`), `history`, the
            metrics of every epoch so far as dicts, and with weight averaging `averaged`.

    Raises:
        DivergedError: the loss became NaN or infinite; nothing of that epoch is yielded.
    """
    model.to(memory_format=MEMORY_FORMATS[config.memory_format])
    # all work on the images counts as training
    started = time.perf_counter()
    if not checkpoint:
        whiten(model, train.images)
    hardest = hardest_first(train) if config.drop_easy else None
    preparation = time.perf_counter() - started
    averaged = copy.deepcopy(model) if config.ema else None
    optimizer = build_optimizer(model, config)
    history: list[EpochMetrics] = []
    selected: dict[str, Any] = {}
    if checkpoint:
        model.load_state_dict(checkpoint["model"])
        # PyTorch would go on in the tensors that it is given
        optimizer.load_state_dict(copy.deepcopy(checkpoint["optimizer"]))
        history = [EpochMetrics(**metrics) for metrics in checkpoint["history"]]
        selected = checkpoint["selected"]
        if averaged is not None:
            averaged.load_state_dict(checkpoint["averaged"])
    validated = model if averaged is None else averaged

    while not finished(history, config):
        epoch = len(history) + 1
        started = time.perf_counter()
        seed_generators(config, epoch)
        figures = train_epoch(model, averaged, train, hardest, optimizer, config, epoch)
        figures |= validate(validated, val, epoch, config)
        seconds = time.perf_counter() - started + preparation
        preparation = 0.0
        metrics = EpochMetrics(epoch=epoch, **figures, seconds=seconds)
        history = [*history, metrics]
        weights = copy.deepcopy(validated.state_dict())
        if val is None or config.select == "last" or selected_epoch(history) == epoch:
            selected = {"epoch": epoch, "state_dict": weights}
        state = {
            "model": weights if averaged is None else copy.deepcopy(model.state_dict()),
            "optimizer": copy.deepcopy(optimizer.state_dict()),
            "selected": selected,
            "history": [vars(metrics) for metrics in history],
        }
        if averaged is not None:
            state["averaged"] = weights
        yield Epoch(metrics, weights, state)


def finished(history: list[EpochMetrics], config: TrainConfig) -> bool:
    """Return whether the last epoch is done, or patience with the validation figures is over."""
    if len(history) >= config.epochs:
        return True
    if not history or not config.patience:
        return False
    return len(history) - selected_epoch(history) >= config.patience


def selected_epoch(history: list[EpochMetrics]) -> int:
    """Return the epoch with the best validation accuracy; the lower loss settles a tie."""
    return max(history, key=lambda m: (m.val_accuracy, -m.val_loss)).epoch


def validate(
    model: nn.Module, val: Split | None, epoch: int, config: TrainConfig
) -> dict[str, float | None]:
    """Return `val_loss` and `val_accuracy`, None without validation images.

    Raises:
        DivergedError: the loss is no number.
    """
    if val is None:
        return {"val_loss": None, "val_accuracy": None}
    val_loss, val_accuracy = loss_and_accuracy(predict(model, val.images), val.labels)
    if not math.isfinite(val_loss):
        # the last step of all can diverge without a training loss that shows it
        raise diverged(f"the validation loss became {val_loss} after epoch {epoch}", config)
    return {"val_loss": val_loss, "val_accuracy": val_accuracy}


def train_epoch(
    model: nn.Module,
    averaged: nn.Module | None,
    train: Split,
    hardest: Tensor | None,
    optimizer: torch.optim.Optimizer,
    config: TrainConfig,
    epoch: int,
) -> dict[str, float]:
    """Run one epoch of steps and return `lr` of the last one and the means of the training figures.

    `hardest` are the places of the images, the hardest first; None if none is left out.

    Raises:
        DivergedError: the loss of a step is not finite.
    """
    device = train.images.device
    places = epoch_places(train, hardest, config.drop_easy)  # (kept,)
    batch_size = min(config.batch_size, len(places))
    # the rest of a division is left to the next epoch's order: no step with a stray image,
    # which batch norm could not take
    steps = len(places) // batch_size
    order = places[: steps * batch_size].view(steps, batch_size)
    losses = torch.empty(steps, device=device)
    unsmoothed = torch.empty_like(losses) if config.label_smoothing else losses
    correct = torch.zeros((), dtype=torch.int64, device=device)
    lr = config.lr
    deformed = epoch <= config.epochs * (1 - config.plain_end)

    model.train()
    for step, batch in enumerate(order):
        done = (epoch - 1) * steps + step
        lr = learning_rate(done, config.epochs * steps, config)
        for group in optimizer.param_groups:
            group["lr"] = lr
        images = train.images[batch]  # (B, 1, 28, 28)
        if deformed:
            images = augment(images, config, train.black)
        labels = train.labels[batch]
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            logits = model(images).float()  # (B, classes)
        loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if averaged is not None:
            update_average(averaged, model, config.ema, done)
        # kept as tensors: reading a number back at each step would make a GPU wait
        losses[step] = loss.detach()
        if config.label_smoothing:
            unsmoothed[step] = F.cross_entropy(logits.detach(), labels)
        correct += (logits.argmax(1) == labels).sum()

    finite = losses.isfinite()
    if not finite.all():
        step = int(finite.int().argmin()) + 1
        raise diverged(
            f"the loss became {losses[step - 1].item()} at step {step} of epoch {epoch}", config
        )
    return {
        "lr": lr,
        "train_loss": losses.mean().item(),
        "train_loss_unsmoothed": unsmoothed.mean().item(),
        "train_accuracy": correct.item() / order.numel(),
    }


def update_average(averaged: nn.Module, model: nn.Module, decay: float, done: int) -> None:
    """Move the averaged weights towards the model's after a step, the step counted from 0.

    An exponential moving average (Polyak and Juditsky 1992 average all steps alike), of batch
    norm's running figures too. It keeps less of itself at first, or the initialization would
    stay in it for long: (1 + n) / (10 + n), as TensorFlow's ExponentialMovingAverage does.
    """
    decay = min(decay, (1 + done) / (10 + done))
    pairs = zip(averaged.state_dict().values(), model.state_dict().values(), strict=True)
    floats = [(mean, new) for mean, new in pairs if mean.is_floating_point()]
    means, news = zip(*floats, strict=True)
    get_ema_multi_avg_fn(decay)(means, news, None)


def diverged(what: str, config: TrainConfig) -> DivergedError:
    """Return the error for a loss that is no number, with what to try."""
    return DivergedError(f"{what}: try a lower --lr (it was {config.lr:g}) or --schedule one-cycle")


def learning_rate(step: int, total: int, config: TrainConfig) -> float:
    """Return the rate of a step, counted from 0, of `total` steps.

    One-cycle rises linearly to the peak over the first `warmup` of the steps and falls
    linearly towards zero over the rest (after Smith 2018, arXiv 1803.09820).
    """
    if config.schedule == "constant":
        return config.lr
    rising = max(config.warmup * total, 1)
    return config.lr * min((step + 1) / rising, (total - step) / max(total - rising, 1), 1)


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Return the optimizer, fused: one call updates all parameters that are trained."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    common = dict(lr=config.lr, weight_decay=config.weight_decay, fused=True)
    if config.optimizer == "sgd":
        nesterov = config.nesterov and config.momentum > 0
        return torch.optim.SGD(parameters, momentum=config.momentum, nesterov=nesterov, **common)
    optimizers = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    betas = (config.beta1, config.beta2)
    return optimizers[config.optimizer](parameters, betas=betas, **common)
