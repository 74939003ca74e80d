"""Groups of seeds: only runs of one configuration are taken for one model."""

import shutil

import pytest

from task3_MNIST.runs.groups import read_groups
from task3_MNIST.runs.records import labels
from tests.helpers.made_runs import change_json


@pytest.fixture
def results(digits_results, tmp_path):
    """Return a copy of two seeds of `mlp` and one of `cnn` that a test may change."""
    copied = shutil.copytree(digits_results, tmp_path / "runs")
    [group] = (copied / "digits" / "mlp").iterdir()
    shutil.copytree(group / "seed0", group / "seed2")
    change_json(group / "seed2" / "config.json", seed=2)
    return copied


def test_a_seed_trained_in_another_precision_is_named_and_left_out(results):
    [config] = results.glob("digits/mlp/*/seed1/config.json")
    mlp = next(group for group in read_groups(results)[0] if group.model == "mlp")
    other = mlp.runs[1].config.hyperparameters | {"precision": "another"}
    change_json(config, hyperparameters=other)
    groups, problems = read_groups(results)
    mlp = next(group for group in groups if group.model == "mlp")
    assert [run.config.seed for run in mlp.runs] == [0, 2]
    problem = next(problem for problem in problems if problem.run.endswith("seed1"))
    assert problem.what == (
        "left out: it was trained with precision another, unlike the other seeds"
    )
    assert "--overwrite" in problem.command


def test_the_same_run_in_two_folders_counts_once(results):
    [group] = (results / "digits" / "mlp").iterdir()
    shutil.copytree(group / "seed0", results / "copy")
    groups, problems = read_groups(results)
    assert len(next(group for group in groups if group.model == "mlp").runs) == 3
    assert any("the same run as" in problem.what for problem in problems)


def test_groups_are_named_by_their_recipe_only_where_there_are_several(results):
    groups, _ = read_groups(results)
    names = labels(groups)
    assert [names[group] for group in groups] == [f"{g.model} · {g.name}" for g in groups]
    assert list(labels(groups[:1]).values()) == [groups[0].model]
