"""What hidden layers are worth on another data set: only the last layer is trained again.

The hidden layers stay as a run left them, or as they were before its training (random). The last
layer is a logistic regression on what they compute.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from torch import Tensor, nn

from task3_MNIST.datasets.splits import Split, fetch, load_test, load_train, split_validation
from task3_MNIST.evaluation.robustness.measure import Wanted
from task3_MNIST.experiments.train import Job
from task3_MNIST.models import registry
from task3_MNIST.models.inference import predict
from task3_MNIST.runs.folder import Run
from task3_MNIST.training.conditions import stratified_order
from task3_MNIST.training.loop import seed_generators

# kinds of changes: hidden layers as trained, and as drawn; values are images of each class
PROBES = ("probe", "random_probe")
PENALTY = 1.0  # scikit-learn's default


def probe_accuracy(run: Run, job: Job, dataset: str, change: Wanted, device: torch.device) -> float:
    """Return the accuracy on another data set's test images; see the module.

    Args:
        run: the trained run.
        job: what was trained; its seed draws the images.
        dataset: the other data set.
        change: a probe, with how many images of each class train the last layer.
        device: where to compute the features.
    """
    from sklearn.linear_model import LogisticRegression  # most of a second to import

    train, test = _images(dataset, job.data_dir)
    if change.kind == "probe":
        model = run.model()
    else:
        seed_generators(job.config, 0)
        model = registry.build(job.model)
    order = stratified_order(train.labels, job.config.seed)
    few = train[order[: change.value * len(train.classes)]]
    features = nn.Sequential(*_hidden(model)).to(device)
    inputs, tested = (_standardized(features, part, few, device) for part in (few, test))
    regression = LogisticRegression(C=PENALTY, max_iter=500)
    regression.fit(inputs.numpy(), few.labels.numpy())
    return float((regression.predict(tested.numpy()) == test.labels.numpy()).mean())


def _hidden(model: nn.Module) -> list[nn.Module]:
    """Return all layers of a model but the last linear one."""
    parts = [module for part in model.children() for module in part]
    return parts[:-1]


def _standardized(features: nn.Module, part: Split, few: Split, device: torch.device) -> Tensor:
    """Return features (N, F) with the mean and deviation that they have on the few images."""
    known = predict(features, few.normalized(device).images)
    found = predict(features, part.normalized(device).images)
    return ((found - known.mean(0)) / known.std(0).clamp(min=1e-3)).cpu()


@functools.lru_cache(maxsize=1)
def _images(dataset: str, data_dir: Path) -> tuple[Split, Split]:
    fetch(dataset, data_dir, test=True)
    train, _ = split_validation(load_train(dataset, data_dir))
    return train, load_test(dataset, data_dir, replace_altered=True)
