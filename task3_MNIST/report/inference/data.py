"""Turn run folders into the data of the inference page: models, images, and how to check them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from task3_MNIST.datasets.splits import MEAN, STD, Split, load_test
from task3_MNIST.errors import UserError, unknown_name
from task3_MNIST.models import sklearn_baselines
from task3_MNIST.models.inference import predict
from task3_MNIST.report.inference.weights import CannotExportError, export_model
from task3_MNIST.runs.folder import DEFAULT_DATASET, Run
from task3_MNIST.runs.groups import Group, Problem, Reading, collect, val_accuracy
from task3_MNIST.runs.size_study import set_apart

SAMPLE = 400  # test images taken evenly over the set, whatever the models say about them
MISTAKES = 1200  # errors kept at most, of all models together
CHECKED = 16  # images whose logits the page must reproduce
WEIGHT_BYTES = 12_000_000  # of embedded weights, as text, unless the models were named

# Labels that five people overruled, agreed to be no digit, or did not agree on
# (Northcutt et al. 2021, arXiv 2103.14749), by place in MNIST's test set.
DOUBTFUL = {
    **{947: "9", 1621: "6", 1901: "4", 2462: "0", 2597: "3", 3558: "0", 5937: "3", 6651: "6"},
    **{6783: "6", 9729: "6", 2654: "neither", 3520: "neither", 9679: "neither"},
    **{2130: "no majority", 8527: "no majority"},
}


@dataclass(frozen=True)
class Entry:
    """One model and recipe of the page, by the run that stands for it.

    Attributes:
        name: what the page calls it.
        group: its runs over seeds.
        reading: the evaluated run of median validation accuracy.
        logits: (N, 10) float32, of all test images.
    """

    name: str
    group: Group
    reading: Reading
    logits: np.ndarray


@dataclass(frozen=True)
class Page:
    """What is shown.

    Attributes:
        data: what `render` embeds.
        texts: what the template shows.
        runs: the run folders behind the models.
        test: the test set.
        embedded: the names of the models that the page runs.
    """

    data: dict[str, Any]
    texts: dict[str, str]
    runs: list[Run]
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
    found, problems = collect(results)
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
    groups = [group for group in groups if _to_show(group)]
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
    groups = [group for group in groups if group.model in names] if names else set_apart(groups)[0]
    test = load_test(dataset, data_dir)
    entries, unread = _entries(groups, test)
    if not entries:
        raise UserError(unread[0].what)
    order = _shown_first(entries, names)
    return _page(order, results, dataset, test, others, [*problems, *unread], limited=not names)


def _choose_dataset(groups: list[Group]) -> tuple[str, list[str]]:
    """Return MNIST if there are runs of it, else the first data set, and the others' names."""
    found = list(dict.fromkeys(group.dataset for group in groups))
    chosen = DEFAULT_DATASET if DEFAULT_DATASET in found else found[0]
    return chosen, [name for name in found if name != chosen]


def _to_show(group: Group) -> bool:
    """Return whether a group is for this page: published runs mostly come without weights."""
    run = group.by_validation.run
    return (run.folder / "model.pt").exists() or not run.published


def _entries(groups: list[Group], test: Split) -> tuple[list[Entry], list[Problem]]:
    models = [group.model for group in groups]
    entries, problems = [], []
    for group in groups:
        reading = group.by_validation
        alone = models.count(group.model) == 1
        name = group.model if alone else f"{group.model} · {group.name}"
        try:
            logits = _logits(reading.run, test)
        except UserError as error:
            problems.append(Problem(reading.name, str(error), reading.again))
            continue
        if len(logits) == len(test):
            entries.append(Entry(name, group, reading, logits))
        else:
            what = f"predictions.npz holds {len(logits)} images, the test set {len(test)}"
            problems.append(Problem(reading.name, what, reading.again))
    return entries, problems


def _logits(run: Run, test: Split) -> np.ndarray:
    """Return the test logits (N, 10) that a run stores, or of its weights if it was published."""
    return predict(run.model(), test.images).numpy() if run.published else run.predictions()


def _shown_first(entries: list[Entry], names: Sequence[str]) -> list[Entry]:
    """Return the entries with the two to be shown in front.

    Those are the first two named; else the best MLP and the best CNN, by validation.
    """
    if names:
        return sorted(entries, key=lambda entry: list(names).index(entry.group.model))
    best = sorted(entries, key=lambda entry: -val_accuracy(entry.reading))
    pair = [
        next((entry for entry in best if entry.group.family == family), None)
        for family in ("mlp", "cnn")
    ]
    front = [entry for entry in pair if entry]
    return [*front, *(entry for entry in entries if entry not in front)]


def _page(
    entries: list[Entry],
    results: Path,
    dataset: str,
    test: Split,
    others: list[str],
    problems: list[Problem],
    limited: bool,
) -> Page:
    labels = test.labels.numpy()
    wrong = np.stack([entry.logits.argmax(1) for entry in entries]) != labels
    sample, chosen = choose_images(wrong)
    checked = sample[:CHECKED]
    models, room = [], WEIGHT_BYTES if limited else float("inf")
    for entry in entries:
        model = {
            **_describe(entry),
            "logits": _base64(entry.logits[chosen].astype("<f4")),
            **_runnable(Run(results / entry.reading.name), test.images[checked], room),
        }
        room -= len(model.get("weights", ""))
        models.append(model)
    # in the page's own order, place in the list of images that it holds
    place = {index: position for position, index in enumerate(chosen.tolist())}
    content = {
        "dataset": dataset,
        "mean": MEAN,
        "std": STD,
        "models": models,
        "images": _base64(_bytes(test.images[chosen])),
        "index": chosen,
        "labels": labels[chosen],
        "sample": [place[index] for index in sample.tolist()],
        "checked": [place[index] for index in checked.tolist()],
        "doubtful": {
            place[index]: verdict
            for index, verdict in DOUBTFUL.items()
            if dataset == DEFAULT_DATASET and index in place
        },
        "otherDatasets": others,
        "problems": [vars(problem) for problem in problems],
    }
    texts = _texts([entry.name for entry in entries], wrong, chosen, len(sample))
    runs = [Run(results / entry.reading.name) for entry in entries]
    embedded = [model["name"] for model in models if "weights" in model]
    return Page(content, texts, runs, test, embedded)


def choose_images(wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of a fair sample of the test images, and of all that the page holds.

    The page holds the sample, the doubtful labels, and up to `MISTAKES` errors: those of the
    first two models whole, as far as they go, then those of the others, in test order.

    Args:
        wrong: (models, N) bool, whether each model is wrong about each test image.
    """
    count = wrong.shape[1]
    sample = np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).round().astype(int))
    first = np.flatnonzero(wrong[:2].any(0))
    rest = np.flatnonzero(wrong.any(0) & ~wrong[:2].any(0))
    mistakes = np.concatenate([first, rest])[:MISTAKES]
    doubtful = [index for index in DOUBTFUL if index < count]
    return sample, np.unique(np.concatenate([sample, mistakes, np.array(doubtful, dtype=int)]))


def _texts(names: list[str], wrong: np.ndarray, chosen: np.ndarray, sample: int) -> dict[str, str]:
    """Return how many images the page holds, and why these."""
    parts = [
        _share(rows[:, chosen].any(0).sum(), rows.any(0).sum(), whose)
        for rows, whose in ((wrong[:2], " and ".join(names[:2])), (wrong[2:], "other models"))
        if len(rows)
    ]
    return {
        "stored": f"{len(chosen):,}",
        "total": f"{wrong.shape[1]:,}",
        "sample": str(sample),
        "mistakes": ", ".join(parts),
    }


def _share(held: int, total: int, whose: str) -> str:
    amount = f"all {total:,}" if held == total else f"{held:,} of {total:,}"
    return f"{amount} images that {whose} get wrong"


def _describe(entry: Entry) -> dict[str, Any]:
    reading = entry.reading
    return {
        "name": entry.name,
        "model": entry.group.model,
        "family": entry.group.family,
        "recipe": entry.group.name,
        "run": reading.name,
        "seed": reading.config["seed"],
        "seeds": len(entry.group.evaluated),
        "parameters": reading.summary["parameters"],
        "correct": reading.test["correct"],
        "count": reading.test["n"],
    }


def _runnable(run: Run, images: Tensor, room: float) -> dict[str, Any]:
    """Return the layers, the weights and the logits to check them by, or why there are none."""
    try:
        model = run.model()
        expected = predict(model, images)
        if not expected.isfinite().all():
            raise CannotExportError("its logits are not finite: train it again with --overwrite")
        layers, weights = export_model(model)
    except (UserError, CannotExportError) as error:
        return {"reason": str(error)}
    if len(weights) > room:
        size = f"{len(weights) / 1e6:.1f} MB"
        return {
            "reason": f"its weights ({size}) were left out to keep the page small: --models adds"
        }
    return {"layers": layers, "weights": weights, "expected": expected.tolist()}


def _bytes(images: Tensor) -> np.ndarray:
    """Return normalised images as grey levels, uint8."""
    return np.rint((images.numpy() * STD + MEAN) * 255).astype(np.uint8)


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()
