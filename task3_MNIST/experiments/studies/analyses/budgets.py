"""The best MLP and the best CNN within a budget: of parameters, of FLOPs, of seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from task3_MNIST.evaluation.statistics import Interval
from task3_MNIST.experiments.studies.answer import Analysis, ExtraTable, show
from task3_MNIST.experiments.studies.definition import Study
from task3_MNIST.experiments.studies.plan import Planned
from task3_MNIST.experiments.studies.table import Table, values
from task3_MNIST.formatting import short
from task3_MNIST.models import registry
from task3_MNIST.models.size import count_flops, parameter_count

RESAMPLES = 2000
BUDGETS = 5  # levels of each cost, at equal factors
CANDIDATES = 4  # of each family: the most expensive that the budget allows


def budgets(study: Study, cells: Sequence[Planned], table: Table, results: Path) -> Analysis:
    """Compare the families within each budget.

    Validation chooses among as many candidates of both, and the test set is read for the chosen
    one. The interval is by drawing the seeds again (bootstrap, Efron 1979), and each draw repeats
    the choice.
    """
    models = [planned.cell["model"] for planned in cells]
    built = {model: registry.build(model) for model in models}
    costs: dict[str, Callable[[str], float]] = {
        "parameters": lambda model: parameter_count(built[model]),
        "FLOPs of an image": lambda model: count_flops(built[model]),
        "seconds of training": lambda model: float(np.mean(_figures("train_seconds", model))),
    }

    def _figures(name: str, model: str) -> np.ndarray:
        return np.array(values(table, {"model": model}, None, name))

    figures = {
        model: (_figures("val_accuracy", model), _figures("test_accuracy", model))
        for model in models
    }
    families = {
        family: [model for model in models if registry.family_of(model) == family]
        for family in registry.FAMILIES
    }
    rows, sentences = [], []
    for cost, of in costs.items():
        price = {model: of(model) for model in models}
        # from where both families have candidates, to where all of both are allowed
        least = max(sorted(price[m] for m in few)[:CANDIDATES][-1] for few in families.values())
        most = max(price.values())
        won = []
        # rounding must not push a budget below the least one, where a family has no candidate
        for budget in np.geomspace(least, most, BUDGETS).clip(least):
            allowed = {
                family: sorted((m for m in few if price[m] <= budget), key=price.get)[-CANDIDATES:]
                for family, few in families.items()
            }
            difference, chosen = _compare(allowed, figures)
            won.append(difference)
            rows.append(
                [f"{short(budget)} {cost}", *chosen.values(), show(difference, True, signed=True)]
            )
        ahead = sum(one.low > 0 for one in won)
        sentences.append(f"{ahead} of {len(won)} budgets of {cost}")
    sentence = (
        "Within a budget the best CNN by validation is ahead of the best MLP, with an interval "
        f"above 0, at {', '.join(sentences)}."
    )
    columns = ["budget", *(family.upper() for family in families), "CNN minus MLP"]
    return [sentence], [ExtraTable("The best of each family within a budget", columns, rows)]


def _compare(
    allowed: dict[str, list[str]], figures: dict[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[Interval, dict[str, str]]:
    """Return the test accuracy of the chosen CNN minus that of the chosen MLP, and both names."""
    seeds = min(len(test) for few in allowed.values() for _, test in (figures[m] for m in few))
    generator = np.random.default_rng(0)
    draws = [np.arange(seeds), *generator.integers(seeds, size=(RESAMPLES, seeds))]
    differences, chosen = [], {}
    for drawn in draws:
        test = {}
        for family, few in allowed.items():
            best = max(few, key=lambda model: figures[model][0][drawn].mean())
            chosen.setdefault(family, best)
            test[family] = figures[best][1][drawn].mean()
        differences.append(test["cnn"] - test["mlp"])
    low, high = np.quantile(differences[1:], (0.025, 0.975))
    return Interval(float(differences[0]), float(low), float(high), seeds), chosen
