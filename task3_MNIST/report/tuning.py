"""The page of a study: how the search went, what mattered, and the best trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna.study import Study

from task3_MNIST.core.search_space import space
from task3_MNIST.core.trial_table import Finished, best_trial
from task3_MNIST.core.tuning import Search
from task3_MNIST.report.charts.tuning import history, importances, parallel_coordinates
from task3_MNIST.report.page import render
from task3_MNIST.report.wording import count, percent

NAME = "study.html"
BEST = 10  # trials in the table


def write_page(search: Search, study: Study, trials: Sequence[Finished]) -> Path:
    """Write the page of a study of which a trial is complete, and return it."""
    path = search.folder / NAME
    best = best_trial(trials)
    allowed = space(search.model)
    charts = [
        history(trials),
        importances(study, allowed),
        parallel_coordinates(trials, allowed),
    ]
    complete = sum(trial.state == "complete" for trial in trials)
    render(
        "tuning.html.j2",
        path,
        title=f"Tuning: {search.name}",
        data={
            "charts": [chart for chart in charts if chart],
            "best": {"columns": ["trial", *_heads(allowed)], "rows": _best_rows(trials, allowed)},
        },
        styles=("comparison.css", "tuning.css"),
        scripts=("charts.js", "tuning.js"),
        plotly=True,
        model=best.model,
        loss=f"{best.refined_loss:.4f}",
        accuracy=percent(best.val_accuracy),
        trials=count(len(trials), "trial"),
        complete=f"{complete:,}",
        epochs=count(search.epochs, "epoch"),
        dataset=Path(search.dataset).name,
    )
    return path


def _heads(allowed: dict[str, Any]) -> list[str]:
    judged = ["refined loss", "validation loss", "validation accuracy"]
    return [*judged, *(name.replace("_", " ") for name in allowed)]


def _best_rows(trials: Sequence[Finished], allowed: dict[str, Any]) -> list[list[Any]]:
    complete = sorted(
        (trial for trial in trials if trial.state == "complete"), key=lambda one: one.refined_loss
    )
    return [
        [
            trial.trial,
            f"{trial.refined_loss:.4f}",
            f"{trial.val_loss:.4f}",
            percent(trial.val_accuracy),
            *(trial.searched.get(name) for name in allowed),
        ]
        for trial in complete[:BEST]
    ]
