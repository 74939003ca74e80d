"""Search the knobs and the sizes of a model's layers on validation, by Optuna.

    python task3_MNIST/tune.py [--family mlp] [--trials 100] [--epochs 10] [--jobs 2]
    python task3_MNIST/tune.py --family cnn [--model lenet5]

For MLPs the number of hidden layers, their units and dropout are searched, for a CNN the channels
of its convolutions; for both learning rate, batch size, optimizer and weight decay. A trial trains
once, is judged by its refined loss on validation (core/tuning.py says why), and is stopped early
when it does worse than the median of those before it; the first is the untuned model. Nothing
reads the test set.

Stopped in any way and given again, the command goes on; --trials counts the finished ones, so a
larger number goes on further. Given a second time meanwhile, both work on one study and end when
it has enough trials. Into tuning/<study>/ in the results folder it writes trials.csv, a page of
charts, and the best trial as a recipe file, which train_mlp.py and train_cnn.py take by --recipe.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.core.script import before_imports, command_to_go_on, run_script

before_imports(__name__)

import argparse

import torch
from filelock import FileLock
from optuna.study import Study
from tqdm import tqdm

from task3_MNIST.core import data, search_space, zoo
from task3_MNIST.core.commands import as_typed
from task3_MNIST.core.environment import REPOSITORY, readable_path
from task3_MNIST.core.errors import UsageError, UserError
from task3_MNIST.core.files import portable_name
from task3_MNIST.core.flags import Parser, add_common_flags, count, set_up_device
from task3_MNIST.core.training import usable_name
from task3_MNIST.core.trial_table import (
    Finished,
    best_trial,
    finished_trials,
    recipe_path,
    write_best,
    write_table,
)
from task3_MNIST.core.tuning import Search, give_up_dead, open_study, run_trials
from task3_MNIST.report.tuning import write_page
from task3_MNIST.report.wording import count as counted


def main() -> None:
    """Run the trials that are missing, then write the table, the page and the recipe."""
    options = parser().parse_args()
    device = set_up_device(options)
    search = search_of(options)
    data.fetch(search.dataset, search.data_dir, test=False)
    study = open_study(search)
    try:
        run_missing(search, study, options, device)
    except KeyboardInterrupt:
        # read anew: interrupted while it read, Optuna's journal has left out a line for good
        study = open_study(search)
        give_up_dead(search, study)
        print(
            f"\ninterrupted: {len(finished_trials(study))} of {options.trials} trials are "
            f"finished; to go on: {command_to_go_on()}"
        )
        raise
    conclude(search, study, options.results)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(description="Search the knobs and layer sizes of a model on validation.")
    made.add_argument(
        "--family",
        choices=tuple(zoo.FAMILIES),
        help="mlp: the hidden layers are searched; cnn: the channels of --model (default: mlp)",
    )
    made.add_argument(
        "--model", help=f"the CNN to search (default: {search_space.DEFAULT_CNN})", metavar="CNN"
    )
    made.add_argument(
        "--trials",
        type=count,
        default=100,
        metavar="N",
        help="finished trials that the study shall have, pruned ones counted (default: 100)",
    )
    made.add_argument(
        "--epochs", type=count, default=10, help="of a trial that is not pruned (default: 10)"
    )
    made.add_argument(
        "--jobs", type=count, default=1, metavar="N", help="trials at a time (default: 1)"
    )
    made.add_argument(
        "--seed", type=seed, default=0, help="of the search and of each training (default: 0)"
    )
    made.add_argument(
        "--study", help="its name (default: the model's, with that of a data set but mnist)"
    )
    made.add_argument(
        "--storage",
        metavar="URL|FILE",
        help="where trials are kept: a database URL that Optuna takes, or a journal file "
        "(default: tuning/<study>/study.journal in the results folder)",
    )
    made.add_argument(
        "--dataset",
        default="mnist",
        help=f"{', '.join(data.DATASETS)}, or a folder PATH/<digit>/*.png (default: mnist)",
    )
    add_common_flags(made)
    return made


def seed(text: str) -> int:
    """Return the seed that an option gives; argparse reports any other text."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to 2^32 - 1")
    return int(text)


def search_of(options: argparse.Namespace) -> Search:
    """Return what the options ask for.

    Raises:
        UsageError: a name is unknown, or names no file.
    """
    model = options.model or ("mlp" if options.family != "cnn" else search_space.DEFAULT_CNN)
    search_space.check_model(model)
    if options.family and zoo.family_of(model) != options.family:
        raise UsageError(f"{model} is no {options.family.upper()}: leave out --family or --model")
    dataset = usable_name(options.dataset)
    own_name = model if dataset == "mnist" else f"{model}-{Path(dataset).name}"
    name = options.study or own_name
    folder = options.results / "tuning" / name
    search = Search(
        name=name,
        model=model,
        dataset=dataset,
        data_dir=options.data,
        epochs=options.epochs,
        seed=options.seed,
        storage=options.storage or str(folder / "study.journal"),
        folder=folder,
    )
    if not (portable_name(name) and portable_name(recipe_path(search).stem)):
        raise UsageError(
            f"a study cannot be called {name}: give --study up to 90 letters, digits, '-', '_' and "
            "'.', and nothing that Windows reserves"
        )
    return search


def run_missing(
    search: Search, study: Study, options: argparse.Namespace, device: torch.device
) -> None:
    """Run trials until the study has enough of them, with a line for each."""
    trials = finished_trials(study)
    print(
        f"study {search.name}: {len(trials)} of {counted(options.trials, 'trial')} finished, "
        f"{options.jobs} at a time, {device}"
    )
    threads = options.threads or (1 if options.jobs > 1 else None)
    with tqdm(
        total=options.trials,
        initial=min(len(trials), options.trials),
        unit="trial",
        disable=not sys.stderr.isatty(),
        leave=False,
    ) as bar:

        def on_killed() -> None:
            bar.write("a worker was killed: the trials in flight are begun again")

        for _ in run_trials(search, options.trials, device, options.jobs, threads, on_killed):
            # those of other processes too
            known, trials = {trial.trial for trial in trials}, finished_trials(study)
            bar.update(len(trials) - bar.n)
            for trial in trials:
                if trial.trial not in known:
                    bar.write(line(trial, best_trial(trials)))
            sys.stdout.flush()


def line(trial: Finished, best: Finished | None) -> str:
    """Return a finished trial in a line."""
    parts = [f"trial {trial.trial}"]
    if trial.val_loss is None:
        parts.append("no epoch")
    else:
        parts.append(f"refined loss {trial.refined_loss:.4f}, validation {trial.val_accuracy:.2%}")
    if trial.state != "complete":
        parts[-1] += f", {trial.state} after {counted(trial.epochs, 'epoch')}"
    knobs = trial.knobs
    parts.append(f"{trial.seconds:.1f} s")
    parts.append(
        f"{trial.model}, {knobs['optimizer']}, lr {knobs['lr']:g}, batch {knobs['batch_size']}, "
        f"weight decay {knobs['weight_decay']:g}"
    )
    return "  ".join(parts) + ("  best so far" if trial == best else "")


def conclude(search: Search, study: Study, results: Path) -> None:
    """Write table, page and recipe, and print what is where.

    Raises:
        UserError: no trial ran to its end.
    """
    # of several processes that end together, the last one reads all that it writes
    with FileLock(search.folder / ".lock"):
        trials = finished_trials(study)
        best = best_trial(trials)
        written = [write_table(search, trials)]
        if best is None:
            raise UserError(
                f"none of {counted(len(trials), 'trial')} ran to its end: more --trials go on"
            )
        written += [write_page(search, study, trials), write_best(search, trials, best)]
    complete = sum(trial.state == "complete" for trial in trials)
    print(
        f"{counted(len(trials), 'trial')}, {complete} of them to the end; the best: "
        f"{line(trial=best, best=None)}"
    )
    print(f"written to {', '.join(str(path) for path in written)}")
    print(f"to train it: {train_command(search, best, results)}")


def train_command(search: Search, best: Finished, results: Path) -> str:
    """Return the command that trains the recipe from several seeds and evaluates it."""
    family = zoo.family_of(best.model)
    words = ["python", f"task3_MNIST/train_{family}.py", "--recipe"]
    words.append(readable_path(recipe_path(search)))
    if search.dataset != "mnist":
        words += ["--dataset", search.dataset]
    if results.resolve() != REPOSITORY / "results" / "runs":
        words += ["--results", readable_path(results)]
    return as_typed([*words, "--seeds", "5"])


if __name__ == "__main__":
    run_script(main)
