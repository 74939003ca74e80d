"""The MLP family: one class, and a table of its variants."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """A multi-layer perceptron on flattened images: linear, ReLU, ..., linear.

    Args:
        hidden: units of each hidden layer; none makes the model a linear classifier.
        batch_norm: normalize each hidden layer before its ReLU (Ioffe and Szegedy 2015).
        dropout: fraction of each hidden layer's units dropped in training.
        num_classes: units of the last layer.
    """

    def __init__(
        self,
        hidden: Sequence[int],
        batch_norm: bool = False,
        dropout: float = 0.0,
        num_classes: int = 10,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]  # (B, 784)
        width = 28 * 28
        for units in hidden:
            # a bias before batch norm is subtracted again, so it is left out
            layers.append(nn.Linear(width, units, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm1d(units))
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units  # (B, units)
        layers.append(nn.Linear(width, num_classes))  # (B, num_classes)
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) of images (B, 1, 28, 28), normalized."""
        return self.layers(images)


VARIANTS: dict[str, dict] = {
    "linear": dict(hidden=()),
    "mlp": dict(hidden=(512, 256)),
    "mlp_120_84": dict(hidden=(120, 84)),
    "mlp_50_50": dict(hidden=(50, 50)),
    "mlp_80_20": dict(hidden=(80, 20)),  # as many parameters as LeNet-5, within 5 %
    "advanced_mlp": dict(hidden=(512, 512, 256), batch_norm=True, dropout=0.2),
    # no dropout: with the `strong` recipe, validation accuracy is higher without
    "mlp_strong": dict(hidden=(1024, 1024, 1024), batch_norm=True),
    # found by `tune.py --trials 100`; results/reference/tuning/mlp has its trials and recipe
    "tuned_mlp": dict(hidden=(485, 446), dropout=0.05),
}

GRID = "mlp_d{1..4}_w{32..1024}"
# for a model-size study: at each depth, every width twice the one before
GRID_POINTS = [f"mlp_d{depth}_w{32 << doubled}" for depth in range(1, 5) for doubled in range(6)]

BY_SIZES = "mlp_300-100_drop0.2"  # units of each hidden layer, dropout
MOST_LAYERS, MOST_UNITS = 8, 4096  # larger is most likely a slip of the keyboard


def variant(name: str) -> dict | None:
    """Return the arguments of `MLP` for a name of the table, the grid or by sizes, or None."""
    if name in VARIANTS:
        return VARIANTS[name]
    match = re.fullmatch(r"mlp_d([1-4])_w([1-9]\d{1,3})", name, re.ASCII)
    if match and 32 <= int(match[2]) <= 1024:
        return dict(hidden=(int(match[2]),) * int(match[1]))
    return _by_sizes(name)


def name_by_sizes(hidden: Sequence[int], dropout: float = 0.0) -> str:
    """Return the name of an MLP by its sizes: `mlp_300-100_drop0.2`, without dropout `mlp_300-100`.

    Args:
        hidden: units of each hidden layer, at least one.
        dropout: a fraction, a multiple of 0.01.
    """
    return f"mlp_{'-'.join(map(str, hidden))}" + (f"_drop{dropout:g}" if dropout else "")


def _by_sizes(name: str) -> dict | None:
    # no zeros that say nothing: every model has one name by its sizes
    units = r"[1-9]\d{0,3}"
    match = re.fullmatch(rf"mlp_({units}(?:-{units})*)(?:_drop(0\.\d?[1-9]))?", name, re.ASCII)
    hidden = tuple(int(units) for units in match[1].split("-")) if match else ()
    if not match or len(hidden) > MOST_LAYERS or max(hidden) > MOST_UNITS:
        return None
    return dict(hidden=hidden, dropout=float(match[2] or 0))
