"""The training loop, on scikit-learn's real digits: what it learns, and that it can be trusted."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from task2_CNN.models import whiten
from task3_MNIST.datasets.splits import load_train, split_validation
from task3_MNIST.models import registry
from task3_MNIST.models.inference import predict
from task3_MNIST.training.config import TrainConfig
from task3_MNIST.training.easy_images import epoch_places, hardest_first
from task3_MNIST.training.loop import (
    DivergedError,
    build_optimizer,
    fit,
    learning_rate,
    seed_generators,
    update_average,
)


@pytest.fixture(scope="module")
def splits():
    return tuple(part.normalized() for part in split_validation(load_train("digits", Path())))


def train(splits, config, model_name="mlp_50_50", checkpoint=None, epochs=None):
    """Return the model and the yielded epochs, at most `epochs` of them."""
    seed_generators(config, 0)
    model = registry.build(model_name)
    yielded = []
    train_images, val = splits
    for epoch in fit(model, train_images, None if config.full_train else val, config, checkpoint):
        yielded.append(epoch)
        if len(yielded) == epochs:
            break
    return model, yielded


def numbers(epochs):
    """Return the metrics without the seconds, which no two runs share."""
    return [{k: v for k, v in vars(e.metrics).items() if k != "seconds"} for e in epochs]


@pytest.mark.parametrize("name", registry.names())
def test_every_model_learns(name, splits):
    config = TrainConfig(epochs=4, batch_size=32, schedule="one-cycle", optimizer="adamw", lr=4e-3)
    _, epochs = train(splits, config, name)
    assert epochs[-1].metrics.val_accuracy > 0.8
    assert epochs[-1].metrics.train_loss < epochs[0].metrics.train_loss


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_optimizer_learns(optimizer, splits):
    lr = 0.05 if optimizer == "sgd" else 2e-3
    _, epochs = train(splits, TrainConfig(epochs=5, optimizer=optimizer, lr=lr, batch_size=32))
    assert epochs[-1].metrics.val_accuracy > 0.85


AUGMENTED = dict(rotation=10.0, translate=0.1, scale=0.1, shear=0.1, elastic=0.03)
QUICK = dict(precision="bfloat16", memory_format="channels-last")


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [
        ("advanced_mlp", dict(optimizer="adamw", schedule="one-cycle", **AUGMENTED)),
        ("advanced_cnn", dict(optimizer="adam", label_smoothing=0.1)),
        ("advanced_cnn", dict(optimizer="adamw", ema=0.99, **QUICK, **AUGMENTED)),
        ("mlp_50_50", dict(optimizer="adam", ema=0.99, full_train=True)),
        ("linear", dict(optimizer="sgd", lr=0.05, patience=2)),
        ("cnn_whitened", dict(optimizer="adamw", beta1=0.7, beta2=0.9, drop_easy=0.5)),
    ],
)
def test_resumed_training_equals_uninterrupted_training(name, hyperparameters, splits):
    config = TrainConfig(epochs=4, batch_size=64, **hyperparameters)
    whole_model, whole = train(splits, config, name)
    _, first = train(splits, config, name, epochs=2)
    model, rest = train(splits, config, name, checkpoint=first[-1].checkpoint)
    assert numbers(first) + numbers(rest) == numbers(whole)
    for key, value in whole_model.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_what_an_epoch_left_does_not_change_when_training_goes_on(ema, splits):
    model = registry.build("cnn_micro")
    epochs = fit(model, *splits, TrainConfig(epochs=3, lr=0.01, batch_size=64, ema=ema))
    first = next(epochs)
    before = copy.deepcopy(first)
    second = next(epochs)
    assert_same(first, before)
    # nor when it goes on from there, as after an interruption
    before = copy.deepcopy(second)
    config = TrainConfig(epochs=3, lr=0.01, batch_size=64, ema=ema)
    list(fit(registry.build("cnn_micro"), *splits, config, second.checkpoint))
    assert_same(second, before)


def assert_same(epoch, before):
    """Check that two epochs hold the same bits."""
    torch.testing.assert_close(vars(epoch), vars(before), rtol=0, atol=0)


def test_same_seed_same_bits_and_another_seed_others(splits):
    config = TrainConfig(epochs=2, batch_size=64, **AUGMENTED)
    assert numbers(train(splits, config)[1]) == numbers(train(splits, config)[1])
    other = TrainConfig(epochs=2, batch_size=64, seed=1, **AUGMENTED)
    assert numbers(train(splits, other)[1]) != numbers(train(splits, config)[1])


def test_best_keeps_the_epoch_with_the_best_validation_and_last_the_last(splits):
    train_split, val_split = splits
    # every validation label is off by one: the more is learnt, the fewer are met
    splits = train_split, replace(val_split, labels=(val_split.labels + 1) % 10)
    hyperparameters = dict(epochs=8, lr=1e-4, batch_size=32)
    _, epochs = train(splits, TrainConfig(select="best", **hyperparameters))
    val = [epoch.metrics.val_accuracy for epoch in epochs]
    best = epochs[-1].checkpoint["selected"]["epoch"]
    assert val[best - 1] == max(val)
    assert best < 8, "the case must tell best from last"
    assert (
        epochs[-1].checkpoint["selected"]["state_dict"].keys()
        == registry.build("mlp_50_50").state_dict().keys()
    )

    model, epochs = train(splits, TrainConfig(select="last", **hyperparameters))
    selected = epochs[-1].checkpoint["selected"]
    assert selected["epoch"] == 8
    assert torch.equal(selected["state_dict"]["layers.1.weight"], model.layers[1].weight)


def test_selected_weights_reproduce_the_selected_epochs_validation_accuracy(splits):
    _, epochs = train(splits, TrainConfig(epochs=8, lr=0.03, batch_size=32))
    selected = epochs[-1].checkpoint["selected"]
    model = registry.build("mlp_50_50")
    model.load_state_dict(selected["state_dict"])
    right = (predict(model, splits[1].images).argmax(1) == splits[1].labels).double().mean()
    assert right.item() == pytest.approx(epochs[selected["epoch"] - 1].metrics.val_accuracy)


def test_the_average_of_the_weights_is_what_is_validated_and_kept(splits):
    config = TrainConfig(epochs=3, lr=0.03, batch_size=32, ema=0.9, select="last")
    model, epochs = train(splits, config)
    kept = registry.build("mlp_50_50")
    kept.load_state_dict(epochs[-1].checkpoint["selected"]["state_dict"])
    right = (predict(kept, splits[1].images).argmax(1) == splits[1].labels).double().mean()
    assert right.item() == pytest.approx(epochs[-1].metrics.val_accuracy)
    assert not torch.equal(kept.layers[1].weight, model.layers[1].weight)


def test_the_average_follows_its_formula(splits):
    model = registry.build("mlp_50_50")
    averaged = copy.deepcopy(model)
    before = model.layers[1].weight.detach().clone()
    with torch.no_grad():
        model.layers[1].weight.add_(1)
    # long after the start the average keeps what it is told to; at first it follows quickly
    update_average(averaged, model, 0.9, done=10_000)
    torch.testing.assert_close(averaged.layers[1].weight, before + 0.1)
    averaged.load_state_dict({**averaged.state_dict(), "layers.1.weight": before})
    update_average(averaged, model, 0.9, done=0)
    torch.testing.assert_close(averaged.layers[1].weight, before + 0.9)


def test_averaging_steadies_a_rate_that_is_too_high(splits):
    hyperparameters = dict(epochs=6, lr=0.02, batch_size=32, select="last")
    plain = train(splits, TrainConfig(**hyperparameters))[1][-1].metrics
    averaged = train(splits, TrainConfig(**hyperparameters, ema=0.98))[1][-1].metrics
    assert averaged.val_loss < plain.val_loss


def test_without_validation_the_last_epoch_is_kept(splits):
    config = TrainConfig(epochs=3, lr=0.03, batch_size=32, full_train=True)
    model, epochs = train(splits, config)
    assert {epoch.metrics.val_accuracy for epoch in epochs} == {None}
    selected = epochs[-1].checkpoint["selected"]
    assert selected["epoch"] == 3
    assert torch.equal(selected["state_dict"]["layers.1.weight"], model.layers[1].weight)


@pytest.mark.parametrize(
    "hyperparameters", [dict(precision="bfloat16"), dict(memory_format="channels-last")]
)
def test_faster_arithmetic_learns_the_same(hyperparameters, splits):
    config = TrainConfig(epochs=4, batch_size=32, lr=3e-3)
    slow = train(splits, config, "advanced_cnn")[1][-1].metrics
    quick = train(splits, replace(config, **hyperparameters), "advanced_cnn")[1][-1].metrics
    assert quick.val_accuracy == pytest.approx(slow.val_accuracy, abs=0.05)
    assert quick.val_accuracy > 0.9


def test_patience_stops_once_validation_no_longer_improves(splits):
    config = TrainConfig(epochs=60, lr=0.02, batch_size=32, patience=3)
    _, epochs = train(splits, config)
    best = epochs[-1].checkpoint["selected"]["epoch"]
    assert len(epochs) == best + 3 < 60
    # a run killed after its early stop must not go on when it is started again
    _, more = train(splits, config, checkpoint=epochs[-1].checkpoint)
    assert more == []


def test_divergence_names_the_step_and_the_cure(splits):
    with pytest.raises(DivergedError, match=r"at step \d+ of epoch 1.*lower --lr"):
        train(splits, TrainConfig(optimizer="sgd", lr=1e30, batch_size=32))


def test_one_cycle_rises_to_the_peak_and_falls_towards_zero():
    config = TrainConfig(schedule="one-cycle", lr=1.0, warmup=0.25)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert max(rates) == rates[24] or max(rates) == rates[25]
    assert rates[:25] == sorted(rates[:25])
    assert rates[25:] == sorted(rates[25:], reverse=True)
    assert max(rates) == pytest.approx(1.0)
    assert 0 < rates[-1] < 0.02


def test_constant_schedule_is_constant():
    config = TrainConfig(lr=0.5)
    assert {learning_rate(step, 100, config) for step in range(100)} == {0.5}


def test_a_batch_larger_than_the_data_is_one_step_of_all_of_it(splits):
    _, epochs = train(splits, TrainConfig(epochs=1, batch_size=10**6))
    # Adam's first step moves every weight by about the learning rate: it took one step
    steps = {int(s["step"]) for s in epochs[0].checkpoint["optimizer"]["state"].values()}
    assert steps == {1}


def test_label_smoothing_raises_the_floor_of_the_loss(splits):
    plain = train(splits, TrainConfig(epochs=6, lr=3e-3, batch_size=32))[1][-1].metrics
    smooth = train(splits, TrainConfig(epochs=6, lr=3e-3, batch_size=32, label_smoothing=0.2))
    # with 0.2 spread over ten classes no prediction has less than the target's own entropy
    entropy = -(0.82 * torch.tensor(0.82).log() + 9 * 0.02 * torch.tensor(0.02).log()).item()
    smooth = smooth[1][-1].metrics
    assert smooth.train_loss > entropy > plain.train_loss
    # what is comparable with validation is measured without it
    assert smooth.train_loss_unsmoothed < entropy
    assert plain.train_loss_unsmoothed == plain.train_loss


def test_training_leaves_the_images_as_they_were(splits):
    before = splits[0].images.clone()
    train(splits, TrainConfig(epochs=1, batch_size=64, **AUGMENTED))
    assert torch.equal(splits[0].images, before)


@pytest.mark.parametrize(("nesterov", "momentum"), [(True, 0.9), (False, 0.9), (True, 0.0)])
def test_momentum_is_nesterovs_unless_the_config_says_plain(nesterov, momentum):
    config = TrainConfig(optimizer="sgd", nesterov=nesterov, momentum=momentum)
    [group] = build_optimizer(registry.build("linear"), config).param_groups
    assert (group["momentum"], group["nesterov"]) == (momentum, nesterov and momentum > 0)


def test_adam_has_the_betas_of_the_config():
    config = TrainConfig(optimizer="adamw", beta1=0.8, beta2=0.95)
    [group] = build_optimizer(registry.build("linear"), config).param_groups
    assert group["betas"] == (0.8, 0.95)


def test_a_computed_layer_stays_as_it_was_computed(splits):
    train_images, _ = splits
    expected = registry.build("cnn_whitened")
    whiten(expected, train_images.images)
    config = TrainConfig(epochs=2, batch_size=64, ema=0.9)
    model, _ = train(splits, config, "cnn_whitened")
    first = first_convolution(model).weight
    assert torch.equal(first, first_convolution(expected).weight)
    assert not torch.equal(first, first_convolution(registry.build("cnn_whitened")).weight)


def test_the_outputs_of_a_whitened_layer_are_uncorrelated_and_of_one_size():
    # 40 random images with correlated neighbors, as in photographs
    noise = torch.randn(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    images = torch.nn.functional.avg_pool2d(noise, 3, 1, 1)
    model = registry.build("cnn_whitened")
    whiten(model, images)
    outputs = first_convolution(model)(images[:, :, 2:-2, 2:-2]).detach()
    outputs = outputs.transpose(0, 1).flatten(1)  # (12, positions of all images)
    assert torch.equal(outputs[6:], -outputs[:6])
    covariance = outputs[:6] @ outputs[:6].T / outputs.shape[1]
    shrunk = covariance.diagonal()  # by the floor under the variances
    assert ((shrunk > 0.5) & (shrunk < 1)).all()
    torch.testing.assert_close(covariance, shrunk.diag(), rtol=0, atol=1e-4)


def first_convolution(model):
    return next(part for part in model.features if isinstance(part, torch.nn.Conv2d))


def test_an_epoch_leaves_out_easy_images_and_keeps_the_hardest(splits):
    train_images, _ = splits
    hardest = hardest_first(train_images)
    count = len(train_images)
    assert hardest.sort().values.tolist() == list(range(count))
    first, second = (epoch_places(train_images, hardest, 0.75).tolist() for _ in range(2))
    kept = count - round(0.75 * count)
    always = set(hardest[: kept // 2].tolist())
    for places in (first, second):
        assert len(set(places)) == len(places) == kept
        assert always <= set(places)
    assert set(first) != set(second)  # each epoch draws the others again
    every = epoch_places(train_images, None, 0.0).tolist()
    assert every != sorted(every) == list(range(count))


def test_the_hardest_images_are_those_that_a_linear_classifier_gets_wrong(splits):
    train_images, _ = splits
    mislabeled = torch.arange(0, 100, 5)
    labels = train_images.labels.clone()
    labels[mislabeled] = (labels[mislabeled] + 1) % 10
    hardest = hardest_first(replace(train_images, labels=labels))
    found = set(hardest[:40].tolist())
    assert len(found & set(mislabeled.tolist())) >= 18


def test_leaving_out_images_takes_so_much_fewer_steps(splits):
    config = TrainConfig(epochs=1, batch_size=32, optimizer="adamw", lr=4e-3)
    steps = []
    for drop_easy in (0.0, 0.5):
        _, [epoch] = train(splits, replace(config, drop_easy=drop_easy), "mlp_50_50")
        optimizer = epoch.checkpoint["optimizer"]["state"]
        steps.append(int(optimizer[0]["step"]))
    assert steps[1] == steps[0] // 2


def test_a_plain_end_trains_on_the_images_as_they_are(splits):
    config = TrainConfig(epochs=4, batch_size=32, optimizer="adamw", lr=2e-3, rotation=60.0)
    _, deformed = train(splits, config)
    _, ending = train(splits, replace(config, plain_end=0.5))
    assert numbers(ending[:2]) == numbers(deformed[:2])
    gained = [
        b.metrics.train_accuracy - a.metrics.train_accuracy
        for a, b in zip(deformed[2:], ending[2:], strict=True)
    ]
    assert min(gained) > 0.02  # digits that are not turned are easier
