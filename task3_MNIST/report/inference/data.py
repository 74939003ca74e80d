"""Turn run folders into the data of the inference page: models, images, and how to check them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from task3_MNIST.datasets.doubtful_labels import DOUBTFUL
from task3_MNIST.datasets.image_folders.name import RESIZE, parse
from task3_MNIST.datasets.splits import Split, load_test, spread_evenly
from task3_MNIST.errors import UserError, unknown_name
from task3_MNIST.formatting import DIGITS, dataset_labels
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.models.inference import predict
from task3_MNIST.report.inference.doubt import describe_outliers
from task3_MNIST.report.inference.gradients import CHECKED_GRADIENTS, input_gradients
from task3_MNIST.report.inference.map import build_map, runnable
from task3_MNIST.report.inference.packing import base64_text
from task3_MNIST.report.inference.training_images import training_images
from task3_MNIST.report.inference.weights import CannotExportError, export_model
from task3_MNIST.runs.folder import DEFAULT_DATASET, load_model
from task3_MNIST.runs.groups import Problem, read_groups
from task3_MNIST.runs.records import RunGroup, RunRecord, labels, split_size_study, val_accuracy

SAMPLE = 400  # test images taken evenly over the set, whatever the models say about them
MISTAKES = 1200  # errors kept at most, of all models together
CHECKED = 16  # images whose logits the page must reproduce
DRAWN = {"fashion_mnist": "a piece of clothing", "kmnist": "a character"}
WEIGHT_BYTES = 12_000_000  # of embedded weights, as text, unless the models were named


@dataclass(frozen=True)
class Entry:
    """One model and recipe of the page, by the run that stands for it.

    Attributes:
        name: what the page calls it.
        group: its runs over seeds.
        run: the evaluated one of median validation accuracy.
        model: with its weights.
    """

    name: str
    group: RunGroup
    run: RunRecord
    model: nn.Module


@dataclass(frozen=True)
class Page:
    """What is shown.

    Attributes:
        data: what `render` embeds.
        texts: what the template shows.
        answers: the classes (N,) of each model by its name and seed.
        test: the test set, uint8.
        embedded: the names of the models that the page runs.
    """

    data: dict[str, Any]
    texts: dict[str, Any]
    answers: dict[str, np.ndarray]
    test: Split
    embedded: list[str]


def build_page(results: Path, data_dir: Path, names: Sequence[str] = ()) -> Page:
    """Read the run folders and the test set and return what the page shows.

    Args:
        results: folder of the run folders.
        data_dir: folder of the data sets.
        names: models to show, the first two of them at first; none means all that are found.

    Raises:
        UserError: there is no evaluated run, or the test set cannot be read.
        UsageError: no evaluated run is of a model named.
    """
    found, problems = read_groups(results)
    # baselines are fitted, measured and gone: they cannot answer to a drawing
    for name in names:
        sklearn_baselines.refuse_baseline(name)
    groups = [
        group for group in found if group.evaluated and group.family != sklearn_baselines.FAMILY
    ]
    if not groups:
        raise UserError(
            f"no evaluated run of a network in {results}: train one with python "
            "task3_MNIST/train_mlp.py, or evaluate finished ones with python "
            "task3_MNIST/evaluate.py"
        )
    groups = [group for group in groups if group.by_validation.weights]
    if not groups:
        raise UserError(
            f"{results} holds published runs without their weights, which this page runs: name a "
            "folder of your own runs with --results"
        )
    dataset, others = _choose_dataset(groups)
    groups = [group for group in groups if group.dataset == dataset]
    for name in names:
        if name not in {group.model for group in groups}:
            raise unknown_name("model", name, {group.model for group in groups})
    # dozens of sizes would leave no room for the models that somebody wants to see
    if names:
        groups = [group for group in groups if group.model in names]
    else:
        groups, _ = split_size_study(groups)
    test = load_test(dataset, data_dir)
    entries, unread = _entries(groups, test)
    if not entries:
        raise UserError(unread[0].what)
    order = _shown_first(entries, names)
    page = _page(order, dataset, test, others, [*problems, *unread], limited=not names)
    page.data["training"] = page.texts["training"] = training_images(dataset, data_dir)
    return page


def _choose_dataset(groups: list[RunGroup]) -> tuple[str, list[str]]:
    """Return MNIST if there are runs of it, else the first data set, and the others' names."""
    found = list(dict.fromkeys(group.dataset for group in groups))
    chosen = DEFAULT_DATASET if DEFAULT_DATASET in found else found[0]
    return chosen, [name for name in found if name != chosen]


def _entries(groups: list[RunGroup], test: Split) -> tuple[list[Entry], list[Problem]]:
    entries, problems = [], []
    for group, name in labels(groups).items():
        run = group.by_validation
        try:
            if len(run.classes) != len(test):
                raise UserError(f"it has {len(run.classes)} predictions for {len(test)} images")
            if run.config.class_names != list(test.classes):
                trained = ", ".join(run.config.class_names)
                raise UserError(f"it was trained on other classes: {trained}")
            entries.append(Entry(name, group, run, load_model(run.weights, run.config)))
        except UserError as error:
            problems.append(Problem(run.name, str(error), run.again))
    return entries, problems


def _shown_first(entries: list[Entry], names: Sequence[str]) -> list[Entry]:
    """Return the entries with the two to be shown in front.

    Those are the first two named; else the best MLP and the best CNN, by validation.
    """
    if names:
        return sorted(entries, key=lambda entry: list(names).index(entry.group.model))
    best = sorted(entries, key=lambda entry: -val_accuracy(entry.run))
    pair = [
        next((entry for entry in best if entry.group.family == family), None)
        for family in ("mlp", "cnn")
    ]
    front = [entry for entry in pair if entry]
    return [*front, *(entry for entry in entries if entry not in front)]


def _page(
    entries: list[Entry],
    dataset: str,
    test: Split,
    others: list[str],
    problems: list[Problem],
    limited: bool,
) -> Page:
    true_labels = test.labels.numpy()
    normalized = test.normalized().images
    incorrect = np.stack([entry.run.classes for entry in entries]) != true_labels
    sample, chosen = choose_images(incorrect)
    checked = sample[:CHECKED]
    models, room = [], WEIGHT_BYTES if limited else float("inf")
    for entry in entries:
        model = {
            **_describe(entry),
            "logits": base64_text(predict(entry.model, normalized[chosen]).numpy()),
            **_runnable(entry.model, normalized[checked], room),
        }
        room -= len(model.get("weights", ""))
        models.append(model)
    mapped = {place: entries[place] for place in runnable(models)}
    image_map = build_map(
        {place: entry.model for place, entry in mapped.items()},
        {place: entry.run.classes for place, entry in mapped.items()},
        test,
        normalized,
    )
    # in the page's own order, place in the list of images that it holds
    place = {index: position for position, index in enumerate(chosen.tolist())}
    called, resized = dataset_labels([dataset, *others]), parse(dataset).preprocess == RESIZE
    content = {
        "dataset": called.pop(dataset),
        "classes": list(test.classes),
        "resized": resized,
        "background": 255 if resized and test.mean > 0.5 else 0,  # photos and paper are light
        "single": set(test.classes) <= set(DIGITS),  # several digits in an image are too many
        "mean": test.mean,
        "std": test.std,
        "models": models,
        "outliers": describe_outliers(dataset),
        "map": image_map,
        "images": base64_text(test.images[chosen].numpy()),
        "index": chosen,
        "labels": true_labels[chosen],
        "sample": [place[index] for index in sample.tolist()],
        "checked": [place[index] for index in checked.tolist()],
        "doubtful": {
            place[index]: verdict
            for index, verdict in DOUBTFUL.items()
            if dataset == DEFAULT_DATASET and index in place
        },
        "otherDatasets": list(called.values()),
        "problems": [vars(problem) for problem in problems],
    }
    texts = {
        **_texts([entry.name for entry in entries], incorrect, chosen, len(sample)),
        "drawn": drawn(dataset, test.classes),
        "resized": resized,
        "mapped": f"{len(image_map['index']):,}" if image_map else "",
    }
    answers = {
        f"{entry.name}, seed {entry.run.config.seed}": entry.run.classes for entry in entries
    }
    embedded = [model["name"] for model in models if "weights" in model]
    return Page(content, texts, answers, test, embedded)


def drawn(dataset: str, classes: Sequence[str]) -> str:
    """Return what a user is to draw for models of a data set."""
    if dataset in DRAWN:
        return DRAWN[dataset]
    if set(classes) <= set(DIGITS):
        return "a digit"
    return "a character" if all(len(name) == 1 for name in classes) else "a picture"


def choose_images(incorrect: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of a fair sample of the test images, and of all that the page holds.

    The page holds the sample, the doubtful labels, and up to `MISTAKES` errors: those of the
    first two models first, as many as fit, then those of the others, in test order.

    Args:
        incorrect: (models, N) bool, whether each model misclassifies each test image.
    """
    count = incorrect.shape[1]
    sample = spread_evenly(count, SAMPLE)
    first = np.flatnonzero(incorrect[:2].any(0))
    rest = np.flatnonzero(incorrect.any(0) & ~incorrect[:2].any(0))
    mistakes = np.concatenate([first, rest])[:MISTAKES]
    doubtful = [index for index in DOUBTFUL if index < count]
    return sample, np.unique(np.concatenate([sample, mistakes, np.array(doubtful, dtype=int)]))


def _texts(
    names: list[str], incorrect: np.ndarray, chosen: np.ndarray, sample: int
) -> dict[str, str]:
    """Return how many images the page holds, and why these."""
    parts = [
        _share(rows[:, chosen].any(0).sum(), rows.any(0).sum(), whose)
        for rows, whose in (
            (incorrect[:2], " or ".join(names[:2])),
            (incorrect[2:], "other models"),
        )
        if len(rows)
    ]
    return {
        "stored": f"{len(chosen):,}",
        "total": f"{incorrect.shape[1]:,}",
        "sample": str(sample),
        "mistakes": ", ".join(parts),
    }


def _share(held: int, total: int, whose: str) -> str:
    amount = f"all {total:,}" if held == total else f"{held:,} of {total:,}"
    return f"{amount} that {whose} misclassify"


def _describe(entry: Entry) -> dict[str, Any]:
    run = entry.run
    return {
        "name": entry.name,
        "model": entry.group.model,
        "family": entry.group.family,
        "recipe": entry.group.name,
        "run": run.name,
        "seed": run.config.seed,
        "seeds": len(entry.group.evaluated),
        "parameters": run.summary.parameters,
        "correct": run.test.correct,
        "count": run.test.n,
    }


def _runnable(model: nn.Module, images: Tensor, room: float) -> dict[str, Any]:
    """Return the layers, the weights, and the logits and gradients to check them by.

    Or why there are none.
    """
    try:
        expected = predict(model, images)
        if not expected.isfinite().all():
            raise CannotExportError("its logits are not finite: train it again with --overwrite")
        layers, weights = export_model(model)
    except CannotExportError as error:
        return {"reason": str(error)}
    if len(weights) > room:
        size = f"{len(weights) / 1e6:.1f} MB"
        return {
            "reason": f"its weights ({size}) were left out to keep the page small: --models adds"
        }
    gradients = input_gradients(model, images[:CHECKED_GRADIENTS])
    return {
        "layers": layers,
        "weights": weights,
        "expected": expected.tolist(),
        "gradients": base64_text(gradients.numpy()),
    }
