"""A grid of runs: every model by every recipe on every data set, from every seed."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from task3_MNIST.errors import UsageError, unknown_name
from task3_MNIST.experiments.train import Job, make_job
from task3_MNIST.models import registry
from task3_MNIST.models.size import count_flops
from task3_MNIST.models.sklearn_baselines import refuse_baseline

# names that stand for several models, in any list
GROUPS = {
    "all": registry.names(),
    **{f"{family}-grid": registry.grid_points(family) for family in registry.FAMILIES},
}

# Floating-point operations that take about as long as what every image of an epoch costs whatever
# the model is, and as the evaluation and the pictures of a run; of twenty models on one thread.
PER_IMAGE = 1e6
PER_RUN = 1.5e11


@dataclasses.dataclass(frozen=True)
class Grid:
    """What to run: the product of these, each named once.

    Attributes:
        models: names of the zoo.
        recipes: names or files of recipes.
        datasets: names or folders of data sets.
        seeds: how many, from 0.
        full_train: whether the held-out images train the models too.
    """

    models: Sequence[str]
    recipes: Sequence[str]
    datasets: Sequence[str]
    seeds: int
    full_train: bool = False

    def jobs(self, data_dir: Path, device: torch.device) -> list[Job]:
        """Return a job for each run, in the order of the names.

        Raises:
            UsageError: a name is unknown, or a list of names is empty.
            UserError: a recipe's file cannot be used.
        """
        for flag in ("models", "recipes", "datasets"):
            if not getattr(self, flag):
                raise UsageError(f"the grid is empty: --{flag} names none")
        product = itertools.product(self.datasets, self.recipes, self.models, range(self.seeds))
        return [
            make_job(
                model,
                recipe,
                {"seed": seed, **({"full_train": True} if self.full_train else {})},
                dataset,
                data_dir,
                device,
            )
            for dataset, recipe, model, seed in product
        ]


def split_names(words: Iterable[str]) -> list[str]:
    """Return the names in words that may hold several, with commas; each once."""
    parts = (
        # a folder of images or a recipe's file may have a comma in its name
        [word] if Path(word).exists() else word.split(",")
        for word in words
    )
    return [name for name in dict.fromkeys(itertools.chain(*parts)) if name]


def model_names(words: Sequence[str]) -> list[str]:
    """Return the models that the words name, each once.

    `mlp` and `cnn` are a family where they stand alone, and the model of that name in a list.
    The names of `GROUPS` stand for several models anywhere.

    Raises:
        UsageError: a word is no name of a model or group; the text lists close ones.
    """
    if len(words) == 1 and words[0] in registry.FAMILIES:
        return registry.names(words[0])
    return list(dict.fromkeys(name for word in words for name in _models_of(word)))


def _models_of(word: str) -> list[str]:
    if word in GROUPS:
        return GROUPS[word]
    refuse_baseline(word)
    try:
        registry.family_of(word)
    except UsageError:
        raise unknown_name("model", word, [*registry.names(), *GROUPS]) from None
    return [word]


def estimate(job: Job, images: int) -> float:
    """Return about how much work a run is, in floating-point operations.

    Backward takes about twice what forward takes. A model bound by memory takes longer than
    its operations say, up to twice: enough to order runs and to guess the time left, and no
    measurement.

    Args:
        job: the run.
        images: how many training images its data set has.
    """
    return PER_RUN + job.config.epochs * images * (3 * _flops(job.model) + PER_IMAGE)


@functools.cache
def _flops(model: str) -> int:
    return count_flops(registry.build(model))
