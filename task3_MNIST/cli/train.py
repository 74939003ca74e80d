"""What `train_mlp.py` and `train_cnn.py` share, and `evaluate.py` with them."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from task3_MNIST.cli.arguments import (
    SEEDS_HELP,
    Parser,
    add_common_flags,
    add_dataset_flag,
    dataset_given,
    seeds,
    set_up_device,
)
from task3_MNIST.datasets.splits import (
    Split,
    count_folder,
    dataset_checksum,
    describe,
    fetch,
    load_test,
)
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.evaluation.ensemble import without_ensemble, write_ensembles
from task3_MNIST.experiments.evaluation import evaluate_and_plot
from task3_MNIST.experiments.train import Job, load_splits, make_job, train_run, usable_name
from task3_MNIST.formatting import count
from task3_MNIST.models import registry
from task3_MNIST.models.size import parameter_count
from task3_MNIST.runs.commands import command_to_go_on
from task3_MNIST.runs.folder import Run, check_same, read_ensemble
from task3_MNIST.training.config import TYPES, TrainConfig
from task3_MNIST.training.loop import DivergedError, EpochMetrics
from task3_MNIST.training.recipes import DEFAULT_RECIPE, RECIPES, find_recipe, resolve_config

ENOUGH_STEPS = 100  # of training, where a folder of images has few


def train_parser(family: str) -> argparse.ArgumentParser:
    """Return the parser of `train_mlp.py` or `train_cnn.py`: a flag for each hyperparameter."""
    parser = Parser(description=f"Train one {family.upper()}, over one seed or many.")
    parser.add_argument(
        "--model", help=f"model to train (default: {family}, or the model in the recipe file)"
    )
    parser.add_argument(
        "--recipe",
        default=DEFAULT_RECIPE,
        help=f"how to train: a name, or a file made by tune.py (default: {DEFAULT_RECIPE})",
    )
    parser.add_argument("--list", action="store_true", help="print the models and recipes")
    add_dataset_flag(parser)
    parser.add_argument(
        "--seeds", type=seeds, metavar="N", help=f"train seeds {SEEDS_HELP} in turn"
    )
    parser.add_argument(
        "--keep-epochs", action="store_true", help="keep each epoch's weights, for test curves"
    )
    parser.add_argument("--no-evaluate", action="store_true", help="leave the test set sealed")
    parser.add_argument("--overwrite", action="store_true", help="train a run again from scratch")
    add_common_flags(parser)

    group = parser.add_argument_group("hyperparameters", "each overrides the recipe's value")
    for field in dataclasses.fields(TrainConfig):
        flag = "--" + field.name.replace("_", "-")
        text = f"{field.metadata['help']} ({_defaults(field.name, family)})"
        kind = TYPES[field.name]
        if kind is bool:
            switch = argparse.BooleanOptionalAction
            group.add_argument(flag, action=switch, default=argparse.SUPPRESS, help=text)
            continue
        group.add_argument(
            flag,
            type=kind,
            default=argparse.SUPPRESS,
            metavar=("|".join(field.metadata.get("choices", ())) or kind.__name__.upper()),
            help=text,
        )
    return parser


def _defaults(name: str, family: str) -> str:
    """Return a hyperparameter's default: one value, or one for each recipe."""
    configs = {recipe: RECIPES[recipe].config(family) for recipe in RECIPES}
    values = {recipe: getattr(config, name) for recipe, config in configs.items()}
    words = {False: "off", True: "on"}
    values = {
        recipe: words[value] if isinstance(value, bool) else value
        for recipe, value in values.items()
    }
    if len(set(values.values())) == 1:
        return f"default: {values[DEFAULT_RECIPE]}"
    return "default: " + ", ".join(f"{value} in {recipe}" for recipe, value in values.items())


def train_main(family: str) -> None:
    """Run `train_mlp.py` or `train_cnn.py`."""
    options = train_parser(family).parse_args()
    if options.list:
        _print_lists(family)
        return
    options.dataset = dataset_given(options)
    options.model = options.model or find_recipe(options.recipe).model or family
    if registry.family_of(options.model) != family:
        other = registry.family_of(options.model)
        raise UsageError(f"{options.model} is of the other family: use train_{other}.py")
    device = set_up_device(options)
    jobs = _jobs(options, device)

    runs = [(job.run(options.results), job) for job in jobs]
    # the place is tried before the data is loaded: fail at the door
    runs[0][0].folder.mkdir(parents=True, exist_ok=True)
    # loaded at their first use: a repeated command needs no data
    splits = functools.cache(lambda: _load_splits(options, jobs[0].config, device))
    test = functools.cache(lambda: _load_test(options, device))
    checksum = functools.cache(dataset_checksum)
    diverged = {}
    for run, job in runs:
        try:
            with run.locked():
                _train_one(run, job, splits, options.overwrite, checksum)
                evaluate_and_plot(run, None if options.no_evaluate else test)
                _report(run)
        except DivergedError as error:
            diverged[job.config.seed] = error
            if len(runs) > 1:  # another seed may not diverge
                print(f"seed {job.config.seed} is left out: {error}")
        except KeyboardInterrupt:
            _say_how_to_go_on(run, job)
            raise
    ended = [run for run, job in runs if job.config.seed not in diverged]
    if not options.no_evaluate and (waiting := without_ensemble(ended)):
        report_ensembles(waiting, test())
    if diverged:
        raise _diverged(diverged, len(runs))


def _jobs(options: argparse.Namespace, device: torch.device) -> list[Job]:
    given = {name: getattr(options, name) for name in TYPES if hasattr(options, name)}
    if options.seeds and "seed" in given:
        raise UsageError("--seed and --seeds exclude each other: --seeds N trains 0 to N-1")
    given = {**_epochs_for_few_images(options, given, device), **given}
    each = [{"seed": seed} for seed in options.seeds] if options.seeds else [{}]
    return [
        make_job(
            options.model,
            options.recipe,
            {**given, **seed},
            options.dataset,
            options.data,
            device,
            options.keep_epochs,
        )
        for seed in each
    ]


def _epochs_for_few_images(
    options: argparse.Namespace, given: dict[str, Any], device: torch.device
) -> dict[str, int]:
    """Return more epochs than the recipe has where a folder has few images, and say so.

    Recipes are made for tens of thousands of images: of a hundred, three epochs are three steps.
    """
    images = count_folder(usable_name(options.dataset))
    if not images or "epochs" in given:
        return {}
    config = resolve_config(options.model, options.recipe, given, device).config
    steps = math.ceil(images / config.batch_size)  # of an epoch
    epochs = math.ceil(ENOUGH_STEPS / steps)
    if epochs <= config.epochs:
        return {}
    print(
        f"{images} training files make an epoch of {count(steps, 'step')}: {epochs} epochs, not "
        f"{config.epochs} (--epochs chooses)"
    )
    return {"epochs": epochs}


def _load_splits(
    options: argparse.Namespace, config: TrainConfig, device: torch.device
) -> tuple[Split, Split | None]:
    given = {"test": not options.no_evaluate}
    fetch(options.dataset, options.data, **given)
    for line in describe(options.dataset, options.data, **given):
        print(line)
    return load_splits(options.dataset, options.data, device, config.full_train, config.validation)


def _load_test(options: argparse.Namespace, device: torch.device) -> Split:
    # like all data that training fetches; evaluate.py refuses altered test files
    return load_test(options.dataset, options.data, replace_altered=True).normalized(device)


def _train_one(
    run: Run,
    job: Job,
    splits: Callable[[], tuple],
    overwrite: bool,
    checksum: Callable[[str, Path], str],
) -> None:
    """Train a run unless it is complete, showing each epoch."""
    if overwrite:
        run.clear()
    if run.complete:
        check_same(run, job.identity(checksum))
        if job.keep_epochs and not run.kept_epochs():
            raise UserError(
                f"{run.folder} is complete and kept no epochs: --overwrite trains it again and "
                "keeps them"
            )
        print(f"{run.folder}: complete, nothing to train (--overwrite trains it again)")
        return
    train, val = splits()
    validation = f"{len(val):,} validation" if val else "no validation"
    print(
        f"{job.model}, {job.name}, seed {job.config.seed}: {len(train):,} training and "
        f"{validation} images, {train.images.device}, {torch.get_num_threads()} threads"
    )
    with tqdm(
        total=job.config.epochs, unit="epoch", disable=not sys.stderr.isatty(), leave=False
    ) as bar:

        def show(metrics: EpochMetrics) -> None:
            bar.update(metrics.epoch - bar.n)
            bar.write(_epoch_line(metrics, job.config.epochs))
            sys.stdout.flush()

        train_run(run, job, (train, val), show, checksum)


def _diverged(errors: dict[int, DivergedError], seeds: int) -> DivergedError:
    """Return the error of one or more of the seeds, by seed, as one line."""
    first = next(iter(errors.values()))
    if seeds == 1:
        return first
    which = ", ".join(map(str, errors))
    return DivergedError(f"of {seeds} seeds {len(errors)} diverged ({which}); the first: {first}")


def _say_how_to_go_on(run: Run, job: Job) -> None:
    """Print what Ctrl-C left and the command that goes on from there."""
    print(
        f"\ninterrupted: seed {job.config.seed} has {len(run.metrics())} of {job.config.epochs} "
        f"epochs saved; to go on: {command_to_go_on()}"
    )


def _epoch_line(metrics: EpochMetrics, epochs: int) -> str:
    parts = [
        f"epoch {metrics.epoch:>{len(str(epochs))}}/{epochs}",
        f"train {metrics.train_loss_unsmoothed:.4f} {metrics.train_accuracy:7.2%}",
        f"{metrics.seconds:.2f} s",
    ]
    if metrics.val_accuracy is not None:
        parts.insert(2, f"validation {metrics.val_loss:.4f} {metrics.val_accuracy:7.2%}")
    return "  ".join(parts)


def report_ensembles(runs: list[Run], test: Split) -> None:
    """Write the ensemble of the seeds of each run, and print its accuracy."""
    for path in write_ensembles(runs, test):
        ensemble = read_ensemble(path.parent)
        print(
            f"ensemble of {len(ensemble.seeds)} seeds: test accuracy "
            f"{ensemble.test_accuracy:.2%}, written to {path}"
        )


def _report(run: Run) -> None:
    summary = run.summary()
    accuracy = summary.val_accuracy
    validated = "no validation" if accuracy is None else f"validation accuracy {accuracy:.2%}"
    print(
        f"trained {summary.epochs_trained} epochs in {summary.train_seconds:.2f} s "
        f"({summary.images_per_second:,.0f} images/s); epoch {summary.selected_epoch} "
        f"kept: {validated}"
    )
    if run.evaluated:
        print(describe_test(run))
    print(f"written to {run.folder}")


def describe_test(run: Run) -> str:
    """Return the test figures of a run in a line."""
    test = run.test()
    loss, error, tta = test.test_loss, test.ece, test.tta_accuracy
    figures = [
        f"test accuracy {test.test_accuracy:.2%} (n=1 seed, {test.n:,} images)",
        *([] if loss is None else [f"loss {loss:.4f}"]),
        *([] if error is None else [f"calibration error {error:.2%}"]),
        f"{test.latency_seconds * 1e3:.2f} ms an image alone",
        f"{test.throughput:,.0f} images/s in batches",
    ]
    augmented = "" if tta is None else f"; with test-time augmentation {tta:.2%}"
    return ", ".join(figures) + augmented


def _print_lists(family: str) -> None:
    print("models:")
    for name in registry.names(family):
        print(f"  {name:<14} {parameter_count(registry.build(name)):>9,} parameters")
    print(f"  {registry.grids(family)}: any depth and width of the grid")
    print(f"  {registry.by_sizes(family)} and the like: any size of each layer")
    print("recipes:")
    for name, recipe in RECIPES.items():
        print(f"  {name:<14} {recipe.about}")
