"""Recipes, run names, and what is refused at the door."""

import dataclasses
import json

import pytest

from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.recipes import RECIPES, find_recipe, resolve_config, run_name
from tests.helpers.scripts import REPOSITORY

REFERENCE = REPOSITORY / "results" / "reference"


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("family", "model"), [("mlp", "mlp_50_50"), ("cnn", "lenet5")])
def test_every_recipe_makes_a_config_for_both_families(recipe, family, model):
    assert isinstance(RECIPES[recipe].config(model), TrainConfig)


def test_classic_is_what_people_publish():
    config = RECIPES["classic"].config("mlp")
    assert (config.optimizer, config.lr, config.batch_size, config.epochs) == ("adam", 1e-3, 64, 10)
    assert (config.schedule, config.select) == ("constant", "best")
    assert config.rotation == config.translate == config.scale == config.label_smoothing == 0
    assert RECIPES["classic"].config("mlp_50_50").lr == 1e-2
    # docs/run_folder.md says so of the hyperparameters that a recipe's file leaves out
    assert config == TrainConfig()


def test_a_run_is_named_by_its_recipe_and_what_differs_from_it():
    base = RECIPES["classic"].config("cnn")
    assert run_name("classic", base, base) == "classic"
    changed = dataclasses.replace(base, lr=0.02, batch_size=32, seed=7)
    assert run_name("classic", base, changed) == "classic+batch-size=32+lr=0.02"
    assert run_name("classic", base, dataclasses.replace(base, full_train=True)) == (
        "classic+full-train"
    )
    assert run_name("classic", base, dataclasses.replace(base, nesterov=False)) == (
        "classic+no-nesterov"
    )


def test_a_name_that_no_folder_can_have_is_refused_with_what_to_do():
    changed = dict.fromkeys(
        ("lr", "momentum", "weight_decay", "warmup", "label_smoothing", "rotation"),
        0.1234567890123456,
    )
    base = RECIPES["classic"].config("mlp")
    assert len(run_name("classic", base, dataclasses.replace(base, **changed))) < 255
    more = dict.fromkeys(("translate", "scale", "shear", "elastic", "ema"), 0.1234567890123456)
    with pytest.raises(UsageError, match=r"a name of \d+ bytes.*recipe file"):
        run_name("classic", base, dataclasses.replace(base, **changed, **more))


@pytest.mark.parametrize(
    ("hyperparameters", "says"),
    [
        (dict(epochs=2.5), "--epochs 2.5 is not an integer"),  # it would never end
        (dict(epochs=True), "--epochs True is not an integer"),
        (dict(lr="0.1"), "--lr '0.1' is not a number"),
        (dict(lr=True), "--lr True is not a number"),
        (dict(lr=10**400), "is not a number"),
        (dict(full_train=1), "--full-train 1 is not true or false"),
        (dict(optimizer=["adam"]), "--optimizer ['adam'] is not text"),
        (dict(epochs=0), "--epochs 0 must be at least 1"),
        (dict(batch_size=-1), "--batch-size -1 must be at least 1"),
        (dict(lr=0.0), "--lr 0.0 must be above 0"),
        (dict(lr=float("nan")), "--lr nan is not a finite number"),
        (dict(lr=float("inf")), "--lr inf is not a finite number"),
        (dict(translate=1.0), "--translate 1.0 must be below 1"),
        (dict(optimizer="adan"), "unknown optimizer 'adan': did you mean adam"),
        (dict(schedule="cosine"), "unknown schedule 'cosine'"),
        (dict(seed=-1), "--seed -1 must be at least 0"),
        (dict(ema=1.0), "--ema 1.0 must be below 1"),
        (dict(elastic=-0.1), "--elastic -0.1 must be at least 0"),
        (dict(precision="bfloat"), "unknown precision 'bfloat': did you mean bfloat16"),
        (dict(memory_format="channels_last"), "unknown memory format 'channels_last'"),
        (dict(full_train=True, patience=2), "--patience 2 needs validation"),
    ],
)
def test_values_no_training_could_use_are_refused_by_name(hyperparameters, says):
    with pytest.raises(UsageError) as refused:
        TrainConfig(**hyperparameters)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_integer_is_a_number_too_and_names_the_same_run():
    assert TrainConfig(lr=1) == TrainConfig(lr=1.0)
    assert run_name("classic", TrainConfig(), TrainConfig(lr=1)) == "classic+lr=1.0"


def test_an_unknown_recipe_lists_close_ones():
    with pytest.raises(UsageError, match="did you mean classic"):
        find_recipe("clasic")


def test_every_hyperparameter_has_help():
    assert all(
        hyperparameter.metadata["help"] for hyperparameter in dataclasses.fields(TrainConfig)
    )


def test_an_earlier_version_of_a_recipe_is_a_file():
    earlier = find_recipe(str(REFERENCE / "recipes" / "fast-v1.json"))
    before = TrainConfig(
        **dict(optimizer="adamw", schedule="one-cycle", weight_decay=0.01, batch_size=128),
        **dict(label_smoothing=0.05, epochs=3, lr=3e-3, precision="auto"),
    )
    assert earlier.config("mlp") == before
    as_cnn = dataclasses.replace(before, lr=7e-3, memory_format="channels-last")
    assert earlier.config("lenet5") == as_cnn
    alone = dict(lr=1e-2, epochs=1, batch_size=112, label_smoothing=0.0)
    assert earlier.config("cnn_fast") == dataclasses.replace(as_cnn, **alone)
    assert resolve_config("mlp", str(earlier.file)).name == "fast-v1"


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ({"families": {"svm": {"lr": 0.1}}}, "svm"),
        ({"families": {"mlp": {"rate": 0.1}}}, "unknown hyperparameter 'rate'"),
        ({"models": {"lenet6": {"lr": 0.1}}}, "unknown model 'lenet6'"),
        ({"models": {"lenet5": {"lr": -1.0}}}, "--lr -1.0 must be above 0"),
        ({"model": "lenet6"}, "unknown model 'lenet6'"),
    ],
)
def test_a_recipe_file_is_checked_where_it_is_read(layers, says, tmp_path):
    path = tmp_path / "mine.json"
    content = {"about": "mine", "model": None, "hyperparameters": {}, **layers}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=f"mine.json is not a recipe file .*{says}"):
        find_recipe(str(path))
