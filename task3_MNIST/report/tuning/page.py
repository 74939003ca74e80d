"""The page of a study: how the search went, what mattered, and the best trials."""

from __future__ import annotations

from pathlib import Path

from optuna.study import Study

from task3_MNIST.experiments.tuning.study import Search
from task3_MNIST.experiments.tuning.table import best_trial, trials_table
from task3_MNIST.formatting import count, percent
from task3_MNIST.report.html import render
from task3_MNIST.report.tuning.charts import charts

BEST = 10  # trials in the table


def write_page(search: Search, study: Study) -> Path:
    """Write the page of a study and return it.

    Raises:
        UserError: no trial ran to its end.
    """
    path = search.folder / "study.html"
    best, table = best_trial(study), trials_table(study)
    complete = table[table["state"] == "complete"].drop(columns="state")
    first = complete.sort_values("refined_loss").head(BEST)
    first = first.rename(columns=lambda name: name.replace("_", " "))
    render(
        "tuning/page.html.j2",
        path,
        title=f"Tuning: {search.name}",
        data={"charts": charts(study, table)},
        styles=("comparison/page.css", "tuning/page.css"),
        scripts=("static/copy.js", "static/pictures.js", "static/charts.js", "tuning/js/tuning.js"),
        plotly=True,
        best=first.to_html(index=False, na_rep="", float_format="{:.4g}".format, border=0),
        model=best.user_attrs["model"],
        loss=f"{best.value:.4f}",
        accuracy=percent(best.user_attrs["val_accuracy"]),
        trials=count(len(table), "trial"),
        complete=f"{len(complete):,}",
        epochs=count(search.epochs, "epoch"),
        dataset=Path(search.dataset).name,
    )
    return path
