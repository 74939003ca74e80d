"""The MLP family: one class, and a table of its variants."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """A multi-layer perceptron on flattened images: linear, ReLU, ..., linear.

    Args:
        hidden: units of each hidden layer; none makes the model a linear classifier.
        batch_norm: normalise each hidden layer before its ReLU (Ioffe and Szegedy 2015).
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
        layers.append(nn.Linear(width, num_classes))  # (B, 10)
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 10) of images (B, 1, 28, 28), normalised."""
        return self.layers(images)


VARIANTS: dict[str, dict] = {
    "linear": dict(hidden=()),
    "mlp": dict(hidden=(512, 256)),
    "mlp_120_84": dict(hidden=(120, 84)),
    "mlp_50_50": dict(hidden=(50, 50)),
    "mlp_80_20": dict(hidden=(80, 20)),  # as many parameters as LeNet-5, within 5 %
    "advanced_mlp": dict(hidden=(512, 512, 256), batch_norm=True, dropout=0.2),
    "mlp_strong": dict(hidden=(1024, 1024, 1024), batch_norm=True, dropout=0.2),
}

GRID = "mlp_d{1..4}_w{32..1024}"
# for a study of size: at each depth, every width twice the one before
GRID_POINTS = [f"mlp_d{depth}_w{32 << doubled}" for depth in range(1, 5) for doubled in range(6)]


def variant(name: str) -> dict | None:
    """Return the arguments of `MLP` for a name of the table or the grid, or None."""
    if name in VARIANTS:
        return VARIANTS[name]
    match = re.fullmatch(r"mlp_d([1-4])_w([1-9]\d{1,3})", name)
    if match and 32 <= int(match[2]) <= 1024:
        return dict(hidden=(int(match[2]),) * int(match[1]))
    return None
