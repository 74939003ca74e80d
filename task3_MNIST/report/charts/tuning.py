"""Charts of a study: its history, what mattered, and which values go with which loss."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.study import Study
from optuna.trial import TrialState
from plotly import graph_objects as go

from task3_MNIST.core.trial_table import Finished, best_trial
from task3_MNIST.report.charts.chart import chart, log_ticks
from task3_MNIST.report.wording import percent

BEST, OTHER, PRUNED = "#d0661b", "#2f7ad0", "#808790"
BEST_SHARE = 10  # the best tenth
LEAST_TRIALS = 10  # complete ones, or importance is mostly chance
ABSENT = -0.12  # where lines pass an axis of which a trial has no value


def history(trials: Sequence[Finished]) -> dict[str, Any]:
    """Return the chart of every trial's refined loss, and of the lowest so far."""
    ended = [trial for trial in trials if trial.refined_loss is not None]
    complete = [trial for trial in ended if trial.state == "complete"]
    pruned = [trial for trial in ended if trial.state != "complete"]
    best = best_trial(trials)
    lowest, steps = math.inf, []
    for trial in complete:
        lowest = min(lowest, trial.refined_loss)
        steps.append(lowest)
    figure = go.Figure(
        [
            _marks("pruned, at its last epoch", pruned, PRUNED, "x"),
            _marks("complete", complete, OTHER, "circle"),
            go.Scatter(
                x=[*(trial.trial for trial in complete), trials[-1].trial],
                y=[*steps, lowest],
                mode="lines",
                line={"shape": "hv", "color": BEST, "width": 2},
                name="lowest so far",
                hoverinfo="skip",
            ),
        ]
    )
    figure.update_xaxes(title_text="trial", tickformat=",d")
    ticks = log_ticks([trial.refined_loss for trial in ended], "{:g}".format)
    figure.update_yaxes(title_text="refined loss (log scale)", type="log", **ticks)
    return chart(
        "history",
        f"Trial {best.trial} of {trials[-1].trial} has the lowest refined loss: "
        f"{best.refined_loss:.4f}",
        "A mark is a trial, at the refined loss of its last epoch. Those that did worse than "
        "the median of the trials before them at the same epoch were stopped.",
        figure,
        ("trial", "state", "model", "refined loss", "validation accuracy", "epochs", "seconds"),
        [
            (
                *(trial.trial, trial.state, trial.model, trial.refined_loss, trial.val_accuracy),
                *(trial.epochs, round(trial.seconds, 2)),
            )
            for trial in trials
        ],
    )


def _marks(name: str, trials: Sequence[Finished], colour: str, symbol: str) -> go.Scatter:
    return go.Scatter(
        x=[trial.trial for trial in trials],
        y=[trial.refined_loss for trial in trials],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 7},
        name=name,
        hovertext=[_describe(trial) for trial in trials],
        hoverinfo="text",
    )


def _describe(trial: Finished) -> str:
    drawn = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in trial.searched.items())
    return (
        f"trial {trial.trial}: {trial.refined_loss:.4f}, {percent(trial.val_accuracy)}<br>"
        + drawn.replace(", dropout", "<br>dropout").replace(", channels 1", "<br>channels 1")
    )


def importances(study: Study, allowed: Mapping[str, BaseDistribution]) -> dict[str, Any] | None:
    """Return the chart of how much each thing searched mattered; None if too few trials tell."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < LEAST_TRIALS:
        return None
    with warnings.catch_warnings():
        # that few trials tell little is said below the chart
        warnings.filterwarnings("ignore", "Some regimes")
        found = optuna.importance.get_param_importances(study)
    shares = {name: float(found.get(name, 0.0)) for name in allowed if name in found}
    order = sorted(shares, key=shares.get)
    figure = go.Figure(
        go.Bar(
            x=[shares[name] for name in order],
            y=[name.replace("_", " ") for name in order],
            orientation="h",
            marker={"color": OTHER},
            text=[percent(shares[name], 0) for name in order],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    # room for the text beyond the longest bar
    longest = 1.15 * max(shares.values()) or 1
    figure.update_xaxes(title_text="importance", tickformat=".0%", range=[0, longest])
    figure.update_layout(height=80 + 32 * len(order))
    return chart(
        "importances",
        f"What mattered most was the {order[-1].replace('_', ' ')}",
        f"Shares by PED-ANOVA (Watanabe et al. 2023) over {len(complete):,} complete trials: how "
        "differently the better trials are spread over the values. It says nothing of values "
        "that were not tried, and little after few trials.",
        figure,
        ("searched", "importance"),
        [(name, round(shares[name], 4)) for name in reversed(order)],
    )


def parallel_coordinates(
    trials: Sequence[Finished], allowed: Mapping[str, BaseDistribution]
) -> dict[str, Any]:
    """Return the chart with an axis for each thing searched, and a line for each trial.

    Plain lines, since Plotly's own kind draws by WebGL, which does not print and is not
    everywhere.
    """
    complete = sorted(
        (trial for trial in trials if trial.state == "complete"), key=lambda one: one.refined_loss
    )
    some = max(len(complete) // BEST_SHARE, 1)
    groups = {
        "pruned": ([trial for trial in trials if trial.state == "pruned"], PRUNED, 0.8),
        "complete": (complete[some:], OTHER, 1.0),
        f"the best {some}" if some > 1 else "the best": (complete[:some], BEST, 2.5),
    }
    losses = [trial.refined_loss for trial in complete]
    figure = go.Figure(
        [
            _lines(name, members, colour, width, allowed, losses)
            for name, (members, colour, width) in groups.items()
        ]
    )
    names = [*allowed, "refined loss"]
    for place, name in enumerate(names):
        figure.add_shape(
            type="line", x0=place, x1=place, y0=0, y1=1, line={"color": PRUNED, "width": 1}
        )
        ends = _ends(allowed[name]) if name in allowed else _loss_ends(losses)
        for height, text in ends:
            figure.add_annotation(
                x=place, y=height, text=text, showarrow=False, xanchor="left", xshift=4
            )
    absent = [
        place
        for place, name in enumerate(allowed)
        if any(name not in trial.searched for trial in trials)
    ]
    for place in absent[:1]:
        figure.add_annotation(
            x=place, y=ABSENT, text="no such layer", showarrow=False, xanchor="right", xshift=-8
        )
    figure.update_xaxes(
        tickvals=list(range(len(names))),
        ticktext=[name.replace("_", " ") for name in names],
        side="top",
        range=[-0.15, len(names) - 0.4],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(visible=False, range=[-0.2, 1.06])
    figure.update_layout(height=460, legend={"y": -0.02, "yanchor": "top"})
    best = best_trial(trials)
    return chart(
        "parallel-coordinates",
        f"The best trial: {best.model}, {best.knobs['optimizer']} at {best.knobs['lr']:g}, batches "
        f"of {best.knobs['batch_size']}",
        "An axis for each thing searched, the refined loss last, low at the bottom; a line for "
        "each trial. Pruned trials have no final loss; layers that a model does not have are "
        "passed below the axis.",
        figure,
        ("trial", "state", "refined loss", *allowed),
        [
            (trial.trial, trial.state, trial.refined_loss, *map(trial.searched.get, allowed))
            for trial in trials
        ],
    )


def _lines(
    name: str,
    trials: Sequence[Finished],
    colour: str,
    width: float,
    allowed: Mapping[str, BaseDistribution],
    losses: Sequence[float],
) -> go.Scatter:
    """Return one trace of all trials of a group, with a gap after each."""
    heights, texts = [], []
    for trial in trials:
        heights += [_height(trial.searched.get(one), allowed[one]) for one in allowed]
        complete = trial.state == "complete"
        heights += [_loss_height(trial.refined_loss, losses) if complete else None, None]
        texts += [_describe(trial)] * (len(allowed) + 2)
    places = [*range(len(allowed) + 1), None] * len(trials)
    return go.Scatter(
        x=places,
        y=heights,
        mode="lines+markers",
        marker={"size": 3, "color": colour},
        line={"color": colour, "width": width},
        opacity=0.35 if colour == PRUNED else 0.75,
        name=name,
        hovertext=texts,
        hoverinfo="text",
    )


def _height(value: Any, allowed: BaseDistribution) -> float:
    """Return where a value lies on its axis, from 0 to 1."""
    if value is None:
        return ABSENT
    if isinstance(allowed, CategoricalDistribution):
        return allowed.choices.index(value) / max(len(allowed.choices) - 1, 1)
    low, high = allowed.low, allowed.high
    if allowed.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return round((value - low) / ((high - low) or 1), 4)


def _ends(allowed: BaseDistribution) -> list[tuple[float, str]]:
    """Return (height, text) of what an axis says: its ends, or every choice."""
    if isinstance(allowed, CategoricalDistribution):
        return [(_height(choice, allowed), str(choice)) for choice in allowed.choices]
    return [(0.0, f"{allowed.low:g}"), (1.0, f"{allowed.high:g}")]


def _loss_height(loss: float, losses: Sequence[float]) -> float:
    # sorted; a model without any doubt has a loss of 0
    low, high, loss = (math.log(max(value, 1e-9)) for value in (losses[0], losses[-1], loss))
    return round((loss - low) / ((high - low) or 1), 4)


def _loss_ends(losses: Sequence[float]) -> list[tuple[float, str]]:
    return [(0.0, f"{losses[0]:.4g}"), (1.0, f"{losses[-1]:.4g}")]
