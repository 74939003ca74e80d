"""What our training is timed next to: the ordinary ways to train the same model on MNIST.

Nothing else uses them. All train with Adam at 1e-3, in float32, on the training images that our
runs train on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from task3_MNIST.datasets.registry import import_torchvision
from task3_MNIST.datasets.splits import Split, load_train, normalization, validation_places

Batches = Iterable[tuple[Tensor, Tensor]]


def dataloader(train: Split, data_dir: Path, workers: int = 0) -> Batches:
    """Return a DataLoader of batch 64 over a torchvision data set, as tutorials have it.

    Each image is decoded and normalized by itself, in every epoch.

    Args:
        train: the training images; only their device matters here.
        data_dir: the folder in which MNIST lies, fetched before.
        workers: processes that prepare batches.

    Raises:
        UserError: torchvision cannot be imported.
    """
    torchvision = import_torchvision()
    transforms = torchvision.transforms
    mean, std = normalization("mnist", data_dir)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    images = torchvision.datasets.MNIST(str(data_dir), train=True, transform=transform)
    labels = load_train("mnist", data_dir).labels
    used = torch.ones(len(labels), dtype=torch.bool)
    used[torch.from_numpy(validation_places(labels.numpy(), len(labels) - len(train)))] = False
    places = used.nonzero().flatten().tolist()
    return DataLoader(Subset(images, places), batch_size=64, shuffle=True, num_workers=workers)


class InMemory:
    """Batches of 128 by indexing one tensor: what anybody can write in ten lines."""

    def __init__(self, train: Split, data_dir: Path) -> None:
        self.train = train

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch's batches."""
        for places in torch.randperm(len(self.train), device=self.train.labels.device).split(128):
            yield self.train.images[places], self.train.labels[places]


# by name: what makes the batches, and what the name stands for
RIVALS: dict[str, tuple[Callable[[Split, Path], Batches], str]] = {
    "dataloader": (dataloader, "torchvision data set in a DataLoader, batch 64"),
    "dataloader-workers": (
        lambda train, data_dir: dataloader(train, data_dir, workers=2),
        "the same with two workers",
    ),
    "in-memory": (InMemory, "one tensor in memory, indexed, batch 128"),
}


def train_epochs(model: nn.Module, batches: Batches) -> Iterator[float]:
    """Train the model in place, and yield the seconds of each epoch, without end."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    device = next(model.parameters()).device
    while True:
        model.train()
        started = time.perf_counter()
        for images, labels in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
        loss.item()  # waits for a GPU to be done
        yield time.perf_counter() - started
