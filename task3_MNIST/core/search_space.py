"""What tuning may choose: the knobs and the architecture, as a table.

Everything else is the same in every trial. All use the one-cycle schedule: a trial is pruned by
comparing its epochs with those of others, which is fair among like schedules only, and a rate
that ends near zero makes the last epoch the one to judge. Nothing augments the images: what is
compared is hyper-parameters. The first trial is the untuned model with the rate, batch size and
optimizer of `classic`: what a study finds is, on validation, no worse.
"""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution as Choice
from optuna.distributions import FloatDistribution as Number
from optuna.distributions import IntDistribution as Whole
from optuna.trial import FrozenTrial, Trial

from task1_MLP import models as mlp_models
from task2_CNN import models as cnn_models
from task3_MNIST.core import zoo
from task3_MNIST.core.errors import unknown_name

KNOBS: dict[str, BaseDistribution] = {
    # the best rates of both kinds of optimizer lie in it: Adam's low, SGD's high
    "lr": Number(3e-4, 3e-2, log=True),
    "batch_size": Choice((64, 128, 256, 512)),
    "optimizer": Choice(("adam", "adamw", "sgd")),
    "weight_decay": Number(1e-6, 1e-2, log=True),
}
FIXED: dict[str, Any] = dict(schedule="one-cycle", select="last", precision="auto")

MOST_LAYERS = 3
MLP: dict[str, BaseDistribution] = {
    "dropout": Number(0.0, 0.5, step=0.05),
    "hidden_layers": Whole(1, MOST_LAYERS),
    # at most 932,362 parameters in all
    **{f"units_{layer}": Whole(64, 512, log=True) for layer in range(1, MOST_LAYERS + 1)},
}
DEFAULT_CNN = "lenet5"

UNTUNED: dict[str, Any] = dict(lr=1e-3, batch_size=64, optimizer="adam", weight_decay=1e-6)
UNTUNED_MLP: dict[str, Any] = dict(dropout=0.0, hidden_layers=2, units_1=512, units_2=256)


def cnn_space(model: str) -> dict[str, BaseDistribution]:
    """Return the channels of each convolution: from half to four times the model's own."""
    return {
        f"channels_{place}": Whole(max(own // 2, 1), 4 * own, log=True)
        for place, own in enumerate(cnn_models.channels_of(model), 1)
    }


def space(model: str) -> dict[str, BaseDistribution]:
    """Return everything that is searched, by name, in the order of tables and charts.

    Args:
        model: `mlp`, whose hidden layers are searched, or a CNN, whose channels are.
    """
    return {**KNOBS, **(MLP if model == "mlp" else cnn_space(model))}


def untuned(model: str) -> dict[str, Any]:
    """Return what the first trial draws: the model as it is, weight decay as good as none."""
    own = enumerate(cnn_models.channels_of(model), 1) if model != "mlp" else ()
    sizes = {f"channels_{place}": channels for place, channels in own} or UNTUNED_MLP
    return {**UNTUNED, **sizes}


def check_model(model: str) -> None:
    """Raise UsageError unless the model's architecture can be searched."""
    known = ["mlp", *zoo.names("cnn")]
    if model not in known:
        raise unknown_name("model to tune", model, known)


def draw(trial: Trial, model: str) -> tuple[str, dict[str, Any]]:
    """Let a trial choose; return its model by a name of the zoo, and its knobs, the fixed too."""
    knobs = {name: _suggest(trial, name, allowed) for name, allowed in KNOBS.items()}
    return _draw_model(trial, model), {**knobs, **FIXED}


def _draw_model(trial: Trial, model: str) -> str:
    if model != "mlp":
        channels = [_suggest(trial, *item) for item in cnn_space(model).items()]
        return cnn_models.name_by_sizes(model, channels)
    dropout = _suggest(trial, "dropout", MLP["dropout"])
    layers = range(1, _suggest(trial, "hidden_layers", MLP["hidden_layers"]) + 1)
    # a layer that is not there has no size to learn from
    hidden = [_suggest(trial, f"units_{layer}", MLP[f"units_{layer}"]) for layer in layers]
    return mlp_models.name_by_sizes(hidden, dropout)


def drawn(trial: FrozenTrial) -> dict[str, Any]:
    """Return what a trial drew, as it was trained with it."""
    return {name: _shown(value) for name, value in trial.params.items()}


def _suggest(trial: Trial, name: str, allowed: BaseDistribution) -> Any:
    if isinstance(allowed, Choice):
        return trial.suggest_categorical(name, allowed.choices)
    if isinstance(allowed, Whole):
        return trial.suggest_int(name, allowed.low, allowed.high, log=allowed.log)
    step, log = allowed.step, allowed.log
    return _shown(trial.suggest_float(name, allowed.low, allowed.high, step=step, log=log))


def _shown(value: Any) -> Any:
    """Return a rate in three digits, as a recipe states it; anything else as it is."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
