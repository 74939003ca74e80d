"""What tuning may choose: hyperparameters of training, and the sizes of a model's layers.

Everything else is the same in every trial. All use the one-cycle schedule: a trial is stopped
early by comparing its epochs with those of others, which is fair among like schedules only, and a
rate that ends near zero makes the last epoch the one to judge. Nothing augments the images.
"""

from __future__ import annotations

from typing import Any

from optuna.trial import BaseTrial

from task1_MLP import models as mlp_models
from task2_CNN import models as cnn_models
from task3_MNIST.errors import unknown_name
from task3_MNIST.models import registry

DEFAULT_CNN = "lenet5"
FIXED: dict[str, Any] = dict(schedule="one-cycle", select="last", precision="auto")
UNTUNED: dict[str, Any] = dict(lr=1e-3, batch_size=64, optimizer="adam", weight_decay=1e-6)
UNTUNED_MLP: dict[str, Any] = dict(dropout=0.0, hidden_layers=2, units_1=512, units_2=256)


def suggest(trial: BaseTrial, model: str) -> tuple[str, dict[str, Any]]:
    """Let a trial choose; return its model's name and its hyperparameters, the fixed ones too.

    Args:
        trial: a running one, or a `FixedTrial` of what a finished one chose.
        model: `mlp`, whose hidden layers are searched, or a CNN, whose channels are.
    """
    chosen = {
        # the best rates of both kinds of optimizer lie in it: Adam's low, SGD's high
        "lr": rounded(trial.suggest_float("lr", 3e-4, 3e-2, log=True)),
        "batch_size": trial.suggest_categorical("batch_size", (64, 128, 256, 512)),
        "optimizer": trial.suggest_categorical("optimizer", ("adam", "adamw", "sgd")),
        "weight_decay": rounded(trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True)),
    }
    name = _mlp(trial) if model == "mlp" else _cnn(trial, model)
    return name, {**chosen, **FIXED}


def _mlp(trial: BaseTrial) -> str:
    dropout = rounded(trial.suggest_float("dropout", 0.0, 0.5, step=0.05))
    layers = range(1, trial.suggest_int("hidden_layers", 1, 3) + 1)
    # at most 932,362 parameters in all
    hidden = [trial.suggest_int(f"units_{layer}", 64, 512, log=True) for layer in layers]
    return mlp_models.name_by_sizes(hidden, dropout)


def _cnn(trial: BaseTrial, model: str) -> str:
    """Choose the channels of each convolution: from half to four times the model's own."""
    channels = [
        trial.suggest_int(f"channels_{place}", max(own // 2, 1), 4 * own, log=True)
        for place, own in enumerate(cnn_models.channels_of(model), 1)
    ]
    return cnn_models.name_by_sizes(model, channels)


def rounded(value: float) -> float:
    """Return a rate with three digits, as it is trained with and as a recipe states it."""
    return float(f"{value:.3g}")


def untuned(model: str) -> dict[str, Any]:
    """Return what the first trial chooses: the model as it is, trained as `classic` does.

    So what a study finds is, on validation, no worse.
    """
    if model == "mlp":
        return {**UNTUNED, **UNTUNED_MLP}
    own = enumerate(cnn_models.channels_of(model), 1)
    return {**UNTUNED, **{f"channels_{place}": channels for place, channels in own}}


def check_model(model: str) -> None:
    """Raise UsageError unless the model's architecture can be searched."""
    known = ["mlp", *registry.names("cnn")]
    if model not in known:
        raise unknown_name("model to tune", model, known)
