"""What others report stands beside figures of the same kind, and says where ours is lower."""

import math
from types import SimpleNamespace

import pytest
from scipy import stats as scipy_stats

from task3_MNIST.models import registry
from task3_MNIST.report.comparison.published import CLAIMS, NOT_FOUND, NOT_MEASURED, published_rows
from task3_MNIST.runs.records import RunGroup, RunRecord
from task3_MNIST.training.recipes import RECIPES
from tests.helpers.scripts import REPOSITORY

# of published runs
EARLIER = [path.stem for path in (REPOSITORY / "results/reference/recipes").glob("*.json")]


def measured(model, recipe, accuracies, **figures):
    """Return the row of a claim with these figures of validation and test, a value a seed."""
    values = {"val_accuracy": [0.5] * len(accuracies), "test_accuracy": accuracies, **figures}
    runs = []
    for place in range(len(accuracies)):
        found = SimpleNamespace(**{key: seeds[place] for key, seeds in values.items()})
        runs.append(RunRecord("", None, found, [], found, None, None))
    group = RunGroup("mnist", model, registry.family_of(model), recipe, tuple(runs))
    return [row for row in published_rows([group]) if row.measured]


def test_every_claim_is_of_a_model_of_the_registry_by_a_recipe_with_where_it_was_seen():
    for claim in CLAIMS:
        assert not claim.model or registry.family_of(claim.model)
        assert claim.differs  # nobody trains just as these recipes do
        assert {recipe.split("+")[0] for recipe in claim.recipes} <= {*RECIPES, *EARLIER}
        assert float(claim.accuracy) < 100
        assert claim.link.startswith("https://") if claim.link else claim.source == NOT_FOUND
    assert {claim.model for claim in CLAIMS} >= {"mlp", "cnn", "mlp_120_84", "mlp_50_50"}


def test_a_figure_that_is_lower_says_so():
    below, above = ([0.979, 0.9791, 0.9792], [0.984, 0.9841, 0.9842])
    rest = {"train_seconds": [70.74, 70.74, 500], "model_bytes": [4, 4, 4]}
    [row] = measured("mlp", "classic", below, **rest)
    assert row.here == "97.91 % [97.89, 97.93], median 70.74 s, 4 bytes, n=3"
    assert row.difference == (
        "0.19 points lower; outside the 95\u00a0% prediction interval of a new run "
        "[97.86, 97.96]; 2 times slower, on another machine"
    )
    [row] = measured("mlp", "fast", above, **rest)
    assert row.difference.startswith("0.31 points higher;")


def test_a_claim_of_one_run_is_held_against_the_interval_of_one_more_run():
    accuracies = [0.9885, 0.9890, 0.9895, 0.9900]
    # inside the interval of a new run, and outside that of the mean
    first, second = measured("lenet5", "classic", [a + 0.0011 for a in accuracies])
    assert first.claimed == "98.9 %"
    ends = scipy_stats.t.ppf(0.975, 3) * 0.0645497 * math.sqrt(1 + 1 / 4)
    expected = f"[{99.035 - ends:.2f}, {99.035 + ends:.2f}]"
    interval = f"95\u00a0% prediction interval of a new run {expected}"
    assert first.difference == f"0.13 points higher; inside the {interval}"
    assert second.difference.startswith("0.08 points higher; inside")
    [row] = measured("mlp_80_20", "classic", [0.9752])
    assert (row.here, row.difference) == ("97.52 %, n=1", "equal as rounded there")


def test_a_claim_of_several_runs_is_compared_by_welchs_test():
    higher, alike = ([0.9955, 0.9956, 0.9957], [0.9943, 0.9948, 0.9951])
    rest = {"train_seconds": [1] * 3}
    [row] = measured("mlp_strong", "strong+full-train", higher, **rest)
    assert row.claimed == "99.447 %, ± 0.020, 10 runs"
    assert ", significantly different (p" in row.difference
    [row] = measured("mlp_strong", "strong+full-train", alike, **rest)
    assert ", not significantly different (p" in row.difference


def test_validation_is_held_against_validation_with_its_loss():
    figures = {"val_accuracy": [0.985], "val_loss": [0.0441], "test_accuracy": [0.1]}
    [row] = measured("cnn_10_20", "classic", [0.1], **figures | {"train_seconds": [1]})
    assert row.claimed == "99 % on validation, loss 0.0341"
    assert row.here == "98.50 % on validation, loss 0.0441, n=1"
    assert row.difference == "0.50 points lower; loss 0.0100 higher"
    figures["val_accuracy"] = [None]  # trained on the held-out images too
    assert measured("cnn_10_20", "classic", [0.1], **figures) == []


def test_what_is_not_measured_says_so():
    rows = published_rows([])
    assert len(rows) == sum(len(claim.recipes) for claim in CLAIMS)
    assert {(row.here, row.difference) for row in rows} == {(NOT_MEASURED, "–")}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.of}-{claim.accuracy}")
def test_the_documents_have_every_claim_with_its_source(claim):
    table = (
        (REPOSITORY / "docs" / "published_results.md")
        .read_text(encoding="utf-8")
        .split("<!-- published")[1]
        .split("<!-- end")[0]
    )
    rows = [line for line in table.splitlines() if f"`{claim.model}`" in line or not claim.model]
    assert any(f"{claim.accuracy} %" in row and claim.source in row for row in rows)
