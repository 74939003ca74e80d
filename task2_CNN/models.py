"""The CNN family: one class, and a table of its variants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Conv(NamedTuple):
    """A convolution with its ReLU, in the table's notation.

    A negative `padding` leaves out so many pixels at each side of what the convolution sees.
    `pool` above 1 pools right behind the convolution. Pooling before the ReLU or after it is the
    same, and all that follows has a quarter of the values to work on. A `whitened` first
    convolution is not trained: `whiten` computes its kernels from images. It has no batch norm.
    With `weights` "local" each position has a kernel of its own, with "dense" each unit sees all
    of the image: what is left of a convolution without shared weights, and without its small view.
    """

    channels: int
    kernel: int
    padding: int = 0
    stride: int = 1
    pool: int = 1
    whitened: bool = False
    weights: str = "shared"


class Pool(NamedTuple):
    """Max pooling over windows of `size`; 0 means over the complete feature map."""

    size: int = 2


class CNN(nn.Module):
    """Convolutions and max pooling, then linear layers.

    Args:
        features: the convolutional part, in order.
        hidden: units of each hidden linear layer behind it.
        batch_norm: normalize each convolution and hidden layer before its ReLU
            (Ioffe and Szegedy 2015).
        dropout: fraction of units dropped in training after each pooling (complete channels)
            and each hidden layer.
        num_classes: units of the last layer.
    """

    def __init__(
        self,
        features: Sequence[Conv | Pool],
        hidden: Sequence[int] = (),
        batch_norm: bool = False,
        dropout: float = 0.0,
        num_classes: int = 10,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, side = 1, 28
        for part in features:
            if isinstance(part, Conv):
                if part.padding < 0:
                    layers.append(nn.ZeroPad2d(part.padding))
                # a bias before batch norm is subtracted again, so it is left out
                layers += CONNECTIONS[part.weights](part, channels, side, not batch_norm)
                channels = part.channels
                side = (side + 2 * part.padding - part.kernel) // part.stride + 1
                if part.pool > 1:
                    layers.append(nn.MaxPool2d(part.pool))
                    side //= part.pool
                if batch_norm and not part.whitened:
                    layers.append(nn.BatchNorm2d(channels))
                layers.append(nn.ReLU())
            else:
                size = part.size or side
                layers.append(nn.MaxPool2d(size))
                if dropout:
                    layers.append(nn.Dropout2d(dropout))
                side //= size
        self.features = nn.Sequential(*layers)  # (B, channels, side, side)

        layers = [nn.Flatten()]  # (B, channels * side * side)
        width = channels * side * side
        for units in hidden:
            layers.append(nn.Linear(width, units, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm1d(units))
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units  # (B, units)
        layers.append(nn.Linear(width, num_classes))  # (B, num_classes)
        self.classifier = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) of images (B, 1, 28, 28), normalized."""
        return self.classifier(self.features(images))


def _shared(part: Conv, channels: int, side: int, bias: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(
        channels,
        part.channels,
        part.kernel,
        stride=part.stride,
        padding=max(part.padding, 0),
        bias=bias,
    )
    convolution.weight.requires_grad_(not part.whitened)
    return [convolution]


def _local(part: Conv, channels: int, side: int, bias: bool) -> list[nn.Module]:
    return [LocallyConnected(channels, part.channels, part.kernel, part.padding, side)]


def _dense(part: Conv, channels: int, side: int, bias: bool) -> list[nn.Module]:
    out = side + 2 * part.padding - part.kernel + 1
    linear = nn.Linear(channels * side**2, part.channels * out**2)
    return [nn.Flatten(), linear, nn.Unflatten(1, (part.channels, out, out))]


CONNECTIONS = {"shared": _shared, "local": _local, "dense": _dense}


class LocallyConnected(nn.Module):
    """A convolution of stride 1 whose weights differ from position to position (LeCun 1989)."""

    def __init__(self, channels: int, out: int, kernel: int, padding: int, side: int) -> None:
        super().__init__()
        self.kernel, self.padding = kernel, padding
        self.side = side + 2 * padding - kernel + 1
        fan_in = channels * kernel**2
        limit = fan_in**-0.5  # as PyTorch initializes a convolution
        weight = torch.empty(self.side**2, fan_in, out).uniform_(-limit, limit)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.empty(out, self.side**2).uniform_(-limit, limit))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, out, side, side) of maps (B, channels, ...)."""
        maps = F.pad(maps, [self.padding] * 4)
        patches = maps.unfold(2, self.kernel, 1).unfold(3, self.kernel, 1)  # (B, C, H, W, k, k)
        # Sorted by position, which takes half the time of F.unfold's order.
        patches = patches.permute(2, 3, 0, 1, 4, 5).reshape(self.side**2, len(maps), -1)
        values = torch.bmm(patches, self.weight)  # (positions, B, out)
        values = values.permute(1, 2, 0) + self.bias  # (B, out, positions)
        return values.unflatten(2, (self.side, self.side))


WHITENING_IMAGES = 500  # enough: 50,000 patches in `cnn_whitened`
WHITENING_FLOOR = 1e-2  # added to the variances: weak directions are mostly noise


@torch.no_grad()
def whiten(model: nn.Module, images: Tensor) -> None:
    """Compute the kernels of a whitened first convolution; other models stay as they are.

    The kernels are the leading eigenvectors of the covariance of image patches, each divided by
    the standard deviation along it, and their negatives, since a ReLU cuts off one half. So the
    outputs are uncorrelated and of one size, which speeds up training, and nothing has to be
    computed backwards through them. After the first layer of tysam-code/hlb-CIFAR10 (2022).

    Args:
        model: changed in place.
        images: (N, 1, 28, 28), normalized, from the training images.
    """
    features = getattr(model, "features", ())
    convolution = next((layer for layer in features if isinstance(layer, nn.Conv2d)), None)
    if convolution is None or convolution.weight.requires_grad:
        return
    size = convolution.kernel_size
    images = images[:WHITENING_IMAGES]
    if isinstance(features[0], nn.ZeroPad2d):
        images = features[0](images)
    patches = F.unfold(images, size, stride=convolution.stride)  # (N, size * size, positions)
    patches = patches.transpose(1, 2).flatten(0, 1)  # (N * positions, size * size)
    covariance = patches.T @ patches / len(patches)
    variances, directions = torch.linalg.eigh(covariance.cpu())  # MPS has no eigh
    scaled = directions / (variances + WHITENING_FLOOR).sqrt()
    half = len(convolution.weight) // 2
    kernels = scaled.T.flip(0)[:half].view(half, 1, *size)  # the largest variances first
    convolution.weight.copy_(torch.cat([kernels, -kernels]))


VARIANTS: dict[str, dict] = {
    "cnn": dict(features=(Conv(6, 5), Pool(), Conv(16, 5), Pool()), hidden=(120, 84)),
    "cnn_10_20": dict(features=(Conv(10, 5), Pool(), Conv(20, 5), Pool()), hidden=(50,)),
    # LeCun et al. 1998: padding 2 makes 28x28 the paper's 32x32; C5 sees a 5x5 map
    "lenet5": dict(
        features=(Conv(6, 5, padding=2), Pool(), Conv(16, 5), Pool(), Conv(120, 5)),
        hidden=(84,),
    ),
    "simple_cnn": dict(features=(Conv(8, 3, padding=1), Pool(), Conv(16, 3, padding=1), Pool())),
    "advanced_cnn": dict(
        features=(
            *(Conv(16, 3, padding=1), Conv(16, 3, padding=1), Pool()),
            *(Conv(32, 3, padding=1), Conv(32, 3, padding=1), Pool()),
        ),
        hidden=(128,),
        batch_norm=True,
        dropout=0.2,
    ),
    # for speed: digits seldom reach the outer two pixels; few positions are left after the first
    # convolution, fewer after the second
    "cnn_fast": dict(
        features=(Conv(16, 5, padding=-2, stride=2), Conv(32, 3, pool=2), Conv(64, 3), Pool(0)),
        batch_norm=True,
    ),
    # faster still: the first layer is computed, so no gradient has to reach it
    "cnn_whitened": dict(
        features=(
            Conv(12, 5, padding=-2, stride=2, whitened=True),
            *(Conv(32, 3, pool=2), Conv(96, 3), Pool(0)),
        ),
        batch_norm=True,
    ),
    # for accuracy: strides that learn where pooling would not, wide where the maps are small; no
    # dropout: with the `strong` recipe, validation accuracy is higher without
    "cnn_strong": dict(
        features=(
            *(Conv(16, 3), Conv(16, 3), Conv(32, 5, padding=2, stride=2)),
            *(Conv(64, 3), Conv(64, 3), Conv(64, 5, padding=2, stride=2)),
            Conv(128, 4),
        ),
        batch_norm=True,
    ),
    "cnn_micro": dict(  # under 10,000 parameters
        features=(
            *(Conv(8, 5, padding=2, stride=2), Conv(16, 3, padding=1), Conv(16, 3, padding=1)),
            *(Pool(), Conv(16, 3, padding=1), Conv(9, 3)),
        ),
        batch_norm=True,
    ),
    "cnn_nano": dict(  # under 1,000
        features=(Conv(4, 3), Conv(4, 3), Pool(), Conv(4, 3), Conv(6, 3), Pool(), Conv(4, 3)),
        batch_norm=True,
    ),
}

# LeNet-5's units, connected in other ways: for the study `weight_sharing`, and in no list of models
STUDIED: dict[str, dict] = {
    f"lenet5_{weights}": dict(
        features=(
            *(Conv(6, 5, padding=2, weights=weights), Pool()),
            *(Conv(16, 5, weights=weights), Pool(), Conv(120, 5)),
        ),
        hidden=(84,),
    )
    for weights in ("local", "dense")
} | {
    "lenet5_strided": dict(
        features=(Conv(6, 5, padding=2, stride=2), Conv(16, 5, stride=2), Conv(120, 5)),
        hidden=(84,),
    )
}

GRID = "cnn_d{1..3}_w{8..64}"
# for a model-size study: at each depth, every width twice the one before
GRID_POINTS = [f"cnn_d{depth}_w{8 << doubled}" for depth in range(1, 4) for doubled in range(4)]

BY_SIZES = "lenet5_12-32-120"  # a model of the table, channels of each convolution
MOST_CHANNELS = 1024  # larger is most likely a slip of the keyboard


def variant(name: str) -> dict | None:
    """Return the arguments of `CNN` for a name of the table, the grid or by sizes, or None.

    A grid model has `d` times a 3x3 convolution with padding and pooling; the first has `w`
    channels and each further one twice as many, since the sides of the map halve.
    """
    if name in VARIANTS or name in STUDIED:
        return VARIANTS.get(name) or STUDIED[name]
    match = re.fullmatch(r"cnn_d([1-3])_w([1-9]\d?)", name, re.ASCII)
    if match and 8 <= int(match[2]) <= 64:
        depth, width = int(match[1]), int(match[2])
        blocks = ((Conv(width << i, 3, padding=1), Pool()) for i in range(depth))
        return dict(features=tuple(part for block in blocks for part in block))
    return _by_sizes(name)


def name_by_sizes(model: str, channels: Sequence[int]) -> str:
    """Return the name of a model of the table with other channels: `lenet5_12-32-120`."""
    return f"{model}_{'-'.join(map(str, channels))}"


def channels_of(model: str) -> tuple[int, ...]:
    """Return the channels of each trained convolution of a model of the table, in order."""
    return tuple(part.channels for part in VARIANTS[model]["features"] if _is_trained(part))


def _is_trained(part: Conv | Pool) -> bool:
    return isinstance(part, Conv) and not part.whitened


def _by_sizes(name: str) -> dict | None:
    match = re.fullmatch(r"(\w+)_([1-9]\d{0,3}(?:-[1-9]\d{0,3})*)", name, re.ASCII)
    if not match or match[1] not in VARIANTS:
        return None
    channels = [int(number) for number in match[2].split("-")]
    if len(channels) != len(channels_of(match[1])) or max(channels) > MOST_CHANNELS:
        return None
    row, left = VARIANTS[match[1]], iter(channels)
    features = tuple(
        part._replace(channels=next(left)) if _is_trained(part) else part
        for part in row["features"]
    )
    return {**row, "features": features}
