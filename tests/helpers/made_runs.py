"""Runs made from a real one, for what needs many or needs them to err in a known way."""

import dataclasses
import json
import shutil

import torch

from task3_MNIST.datasets.splits import load_test
from task3_MNIST.evaluation.evaluate import with_test_prefix
from task3_MNIST.evaluation.metrics import evaluate
from task3_MNIST.models import registry
from task3_MNIST.runs.folder import Run
from tests.helpers.scripts import REPOSITORY


def change_json(path, **changes):
    """Change keys of a JSON file."""
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8"
    )


def add_model(results, source, name, wrong, seeds, generator, config=None, summary=None):
    """Add copies of a real run on digits that answer a share of the images wrong.

    Args:
        results: where to.
        source: folder of the real run.
        name: of the model.
        wrong: the share; each seed errs on images of its own.
        seeds: how many.
        generator: what draws them.
        config: what else `config.json` is to say.
        summary: likewise.
    """
    labels = load_test("digits", REPOSITORY / "data").labels
    recipe = (config or {}).get("name", "fast")
    for seed in range(seeds):
        folder = results / "digits" / name / recipe / f"seed{seed}"
        shutil.copytree(source, folder)
        identity = {"model": name, "name": recipe, "seed": seed, **(config or {})}
        change_json(folder / "config.json", **identity)
        change_json(folder / "summary.json", **(summary or {}))
        predicted = labels.clone()
        missed = torch.from_numpy(generator.random(len(labels)) < wrong)
        predicted[missed] = (labels[missed] + 1) % 10
        logits = 10 * torch.nn.functional.one_hot(predicted, 10).float() - 10
        run = Run(folder)
        figures = with_test_prefix(evaluate(logits, labels))
        run.write("test.json", dataclasses.replace(run.test(), **figures))
        run.write_predictions(logits.numpy())
        if name in registry.names() or registry.size_of(name):
            weights = registry.build(name).state_dict()
            run.write_tensors("model.pt", {"model": name, "state_dict": weights})
