"""The map of the inference page: test images placed by the features that a last layer reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from task3_MNIST.datasets.splits import Split, spread_evenly
from task3_MNIST.models.inference import predict
from task3_MNIST.report.inference.packing import base64_text

IMAGES = 2000  # test images taken evenly over the set, whatever the models say about them
FEWEST = 10  # images that make a map
COMPONENTS = 50  # of 8 neighbors by all features these keep about 7, and 30 about 6.3
PERPLEXITY = 30
ITERATIONS = 300  # of t-SNE: more take longer, and clusters are as pure with these
LEVELS = 127  # of a feature's absolute value: one byte each


def build_map(
    models: dict[int, nn.Module], predicted: dict[int, np.ndarray], test: Split, images: Tensor
) -> dict[str, Any] | None:
    """Return what the page needs to draw the maps, and to place a drawing in them.

    Args:
        models: those to map, by their places in the page's list.
        predicted: the classes (N,) that each of them gives to the test images.
        test: the test set, uint8.
        images: (N, 1, 28, 28), the same, normalized.

    Returns:
        `index`, the images' places in the test set; `labels`; their pixels, in base64; and for
        each model what `map_model` says, with its `predicted` classes. None if there are too few
        images or no model whose features differ.
    """
    chosen = spread_evenly(len(test), IMAGES)
    if len(chosen) < FEWEST:
        return None
    spaces = []
    for place, model in models.items():
        space = map_model(features(model, images[chosen]))
        if space is not None:
            spaces.append({"model": place, "predicted": predicted[place][chosen], **space})
    if not spaces:
        return None
    return {
        "index": chosen,
        "labels": test.labels.numpy()[chosen],
        "images": base64_text(test.images[chosen].numpy()),
        "spaces": spaces,
    }


def features(model: nn.Module, images: Tensor) -> np.ndarray:
    """Return what the last linear layer of a model reads: (N, its inputs), float64.

    Args:
        model: with a linear layer.
        images: (N, 1, 28, 28), normalized.
    """
    last = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]
    batches: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: batches.append(inputs[0]))
    try:
        predict(model, images)
    finally:
        hook.remove()
    return np.concatenate([batch.cpu().numpy() for batch in batches]).astype(np.float64)


def map_model(values: np.ndarray) -> dict[str, Any] | None:
    """Return two coordinates for each image, and a space in which to look for neighbors.

    The space is that of the first principal components. In it t-SNE (van der Maaten and Hinton
    2008) finds two coordinates that keep neighbors together. It is deterministic.

    Args:
        values: (N, D), the features.

    Returns:
        `x` and `y`, (N,) each, whole numbers from 0 to 1000; the `mean` (D,) and the `directions`
        (K, D), float32 in base64; and `components`, (N, K) int8 in base64, in units of `unit`.
        None if there is one feature only, or all are equal, or not finite.
    """
    if values.shape[1] < 2 or not np.isfinite(values).all() or np.ptp(values, axis=0).max() == 0:
        return None
    with threadpool_limits(limits=1):  # so the order of sums does not depend on the machine
        count = min(COMPONENTS, *values.shape)
        # randomized: a wide convolution has ten thousand features
        pca = PCA(count, svd_solver="randomized", random_state=0).fit(values)
        components = pca.transform(values)  # (N, K)
        perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
        place = TSNE(perplexity=perplexity, max_iter=ITERATIONS, init="pca", random_state=0)
        places = place.fit_transform(components.astype(np.float32))  # (N, 2)
    least = places.min(0)
    x, y = np.rint(1000 * (places - least) / np.ptp(places, axis=0).max()).astype(int).T
    unit = np.abs(components).max() / LEVELS
    return {
        "x": x,
        "y": y,
        "mean": base64_text(pca.mean_),
        "directions": base64_text(pca.components_),
        "components": base64_text(np.rint(components / unit).astype(np.int8)),
        "unit": unit,
    }


def runnable(models: Sequence[dict[str, Any]], shown: int = 2) -> list[int]:
    """Return the places of the models that the page shows at first: the first that it can run."""
    return [place for place, model in enumerate(models) if "weights" in model][:shown]
