"""Charts of a study: Optuna's own figures, with a finding and the table behind each."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
from optuna import visualization
from optuna.importance import get_param_importances
from optuna.study import Study
from optuna.trial import TrialState
from plotly import graph_objects as go
from plotly.io import from_json

from task3_MNIST.report.chart import chart, log_ticks

LOSS = "refined loss"
BEST, OTHER = "#d0661b", "#2f7ad0"  # seen on a light and on a dark page
BEST_SHARE = 10  # the best tenth
LEAST_TRIALS = 10  # complete ones, or importance is mostly chance


def charts(study: Study, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the charts of a study of which a trial is complete.

    Args:
        study: all its trials.
        table: the finished ones, from `trials_table`.
    """
    best = study.best_trial
    result = table[["trial", "state", "refined_loss", "val_accuracy", "epochs", "model"]]
    loss_axis = {"type": "log", "title": f"{LOSS} (log scale)"}
    loss_axis |= log_ticks(table["refined_loss"].dropna(), "{:g}".format)
    made = [
        _chart(
            "history",
            f"Trial {best.number} has the lowest refined loss: {best.value:.4f}",
            "A mark is a trial that ran to its end; the line is the best so far.",
            visualization.plot_optimization_history(study, target_name=LOSS).update_yaxes(
                loss_axis
            ),
            result,
        ),
        _chart(
            "epochs",
            f"{(table['state'] == 'pruned').sum()} of {len(table)} trials were stopped early",
            "A line is a trial: its refined loss after each epoch. A trial is stopped when it does "
            "worse than the median of the trials before it at the same epoch.",
            visualization.plot_intermediate_values(study)
            .update_xaxes(title="epoch")
            .update_yaxes(loss_axis),
            result,
        ),
        _chart(
            "parallel-coordinates",
            f"The best trial: {best.user_attrs['model']}, {best.params['optimizer']} at "
            f"{best.params['lr']:.3g}, batches of {best.params['batch_size']}",
            "A line is a trial that ran to its end, the best tenth in orange, over an axis for "
            "each thing searched. A layer that a model does not have is None.",
            _parallel_coordinates(study),
            table,
        ),
    ]
    if len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) >= LEAST_TRIALS:
        made.append(_importances(study))
    return made


def _chart(name: str, finding: str, about: str, figure: go.Figure, table: pd.DataFrame) -> Any:
    figure = from_json(figure.to_json())  # which leaves out infinite values, as JSON must
    figure.update_layout(title=None)
    figure.update_annotations(font_color=None)  # the page's, by its theme
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return chart(name, finding, about, figure, [one.replace("_", " ") for one in table], rows)


def _parallel_coordinates(study: Study) -> go.Figure:
    """Return Optuna's figure with the best lines on top, in colors for both themes."""
    figure = visualization.plot_parallel_coordinate(study, target_name=LOSS)
    lines = sorted((one for one in figure.data if one.mode == "lines"), key=lambda one: one.y[0])
    for place, line in enumerate(lines):
        best = place < max(len(lines) / BEST_SHARE, 1)
        line.update(line_color=BEST if best else OTHER, opacity=1 if best else 0.5)
    shown = go.Figure(lines[::-1], figure.layout).update_layout(height=460)
    # room for the name of the last axis
    return shown.update_xaxes(range=(-0.5, len(lines[0].x) - 0.5))


def _importances(study: Study) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some regimes")  # that few trials tell little is said
        found = get_param_importances(study)
        figure = visualization.plot_param_importances(study)
    return _chart(
        "importances",
        f"Most important: {next(iter(found)).replace('_', ' ')}",
        "Shares of what explains the refined loss, by PED-ANOVA (Watanabe et al. 2023): how "
        "differently the better trials are spread over the values. It says nothing of values that "
        "were not tried, and little after few trials.",
        figure.update_layout(yaxis_title=None),
        pd.DataFrame({"searched": found.keys(), "importance": found.values()}),
    )
