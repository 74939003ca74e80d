"""The classical baselines: scikit-learn classifiers by name, each with what it is told and why.

They compare with the networks, which share neither recipes nor a training loop with them: there
are no epochs, and a fitted classifier is not kept, since scikit-learn stores it as a pickle only,
which could run code where it is loaded. So each is evaluated in the process that fitted it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from task3_MNIST.errors import UsageError, unknown_name

FAMILY = "baseline"
NAME = "scikit-learn"  # stands where a network's run has its recipe


@dataclass(frozen=True)
class Baseline:
    """A classifier and its settings; all others are scikit-learn's defaults.

    Attributes:
        estimator: its class, below `sklearn`.
        settings: what its constructor is told, besides threads and seed.
        why: where the settings are from. Nothing was chosen by the test set.
        seeded: whether the seed changes anything; if not, one run is enough.
        threaded: whether its constructor is told how many threads to use; those of the others
            follow the process.
        probabilities: whether it says how probable each class is.
    """

    estimator: str
    settings: dict[str, Any]
    why: str
    seeded: bool = False
    threaded: bool = False
    probabilities: bool = True


BASELINES: dict[str, Baseline] = {
    "logistic_regression": Baseline(
        "linear_model.LogisticRegression",
        dict(C=1.0, max_iter=1000),
        "C chosen by validation among 0.03, 0.1 and 1; iterations enough to converge",
    ),
    "knn": Baseline(
        "neighbors.KNeighborsClassifier",
        dict(n_neighbors=3, weights="distance", algorithm="brute"),
        "k and weights chosen by validation among 1 to 10; 3 as in LeCun et al. 1998",
        threaded=True,
    ),
    "svm_rbf": Baseline(
        "svm.SVC",
        dict(kernel="rbf", C=5.0, gamma=0.03, cache_size=500),
        "C and gamma chosen by validation, fitted to 10,000 images",
        # SVC(probability=True) is deprecated since scikit-learn 1.9; what takes its place fits
        # five more classifiers, whose calibration is not that of this one
        probabilities=False,
    ),
    "random_forest": Baseline(
        "ensemble.RandomForestClassifier",
        dict(n_estimators=300, max_features=56),
        "trees as many as take minutes; pixels a split chosen by validation",
        seeded=True,
        threaded=True,
    ),
    "sklearn_mlp": Baseline(
        "neural_network.MLPClassifier",
        dict(hidden_layer_sizes=(512, 256), early_stopping=True, n_iter_no_change=3),
        "the layers of `mlp`; stops when three epochs did not improve a tenth that it holds out",
        seeded=True,
    ),
    "gradient_boosting": Baseline(
        "ensemble.HistGradientBoostingClassifier",
        dict(learning_rate=0.2, max_iter=100, max_features=0.1, early_stopping=False),
        "rounds as many as take minutes; rate chosen by validation, fitted to 10,000 images",
        seeded=True,
    ),
}


def baseline(name: str) -> Baseline:
    """Return the row of a baseline.

    Raises:
        UsageError: no baseline has the name; the text lists close ones.
    """
    if name not in BASELINES:
        raise unknown_name("baseline", name, [*BASELINES, "all"])
    return BASELINES[name]


def refuse_baseline(name: str) -> None:
    """Raise UsageError if a name is a baseline's where a network is needed."""
    if name in BASELINES:
        raise UsageError(
            f"{name} is a baseline, whose fitted model is not kept: train_baselines.py fits and "
            "evaluates it; name a network here"
        )


def build(name: str, seed: int, threads: int) -> Any:
    """Return a new classifier, to be fitted.

    Args:
        name: a name of the table.
        seed: of what it draws; without effect where nothing is drawn.
        threads: of the processor.
    """
    row = baseline(name)
    # each takes a second to import, with SciPy behind it
    module, _, class_name = f"sklearn.{row.estimator}".rpartition(".")
    estimator = getattr(importlib.import_module(module), class_name)
    drawn = {"random_state": seed} if row.seeded else {}
    return estimator(**row.settings, **drawn, **({"n_jobs": threads} if row.threaded else {}))
