"""The DataLoader baseline, to compare our training with: items, transforms and a DataLoader.

This is what tutorials show and most repositories do: a torchvision data set whose items are
decoded and normalized one at a time, a shuffling DataLoader at batch 64, Adam at 1e-3. It is
here to be timed, and nothing else uses it.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from task3_MNIST.datasets.registry import import_torchvision
from task3_MNIST.datasets.splits import normalization
from task3_MNIST.models import registry


def time_dataloader_epoch(model: str, data_dir: Path, device: torch.device) -> float:
    """Return the seconds of the second of two epochs: the first is the warm-up.

    Args:
        model: a name of the registry.
        data_dir: as for `train_dataloader_epochs`.
        device: where to train.

    Raises:
        UserError: as `train_dataloader_epochs`.
    """
    _, seconds = train_dataloader_epochs(registry.build(model).to(device), data_dir, epochs=2)
    return seconds


def train_dataloader_epochs(model: nn.Module, data_dir: Path, epochs: int = 1) -> list[float]:
    """Train the model in place on the 60,000 training images; return each epoch's seconds.

    The validation pass that such scripts make after each epoch is left out, in the baseline's
    favor.

    Args:
        model: on the CPU, or on the device that each batch is to be moved to.
        data_dir: the folder in which MNIST lies, fetched before.
        epochs: passes over the training images.

    Raises:
        UserError: torchvision cannot be imported.
    """
    torchvision = import_torchvision()
    transforms = torchvision.transforms
    mean, std = normalization("mnist", data_dir)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    train = torchvision.datasets.MNIST(str(data_dir), train=True, transform=transform)
    loader = DataLoader(train, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    device = next(model.parameters()).device
    model.train()
    seconds = []
    for _ in range(epochs):
        started = time.perf_counter()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
        loss.item()  # waits for a GPU to be done
        seconds.append(time.perf_counter() - started)
    return seconds
