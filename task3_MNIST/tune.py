"""Search the hyperparameters and the layer sizes of a model on validation, by Optuna.

    python task3_MNIST/tune.py [--family mlp] [--trials 100] [--epochs 10] [--jobs 2]
    python task3_MNIST/tune.py --family cnn [--model lenet5]

For MLPs the number of hidden layers, their units and dropout are searched, for a CNN the channels
of its convolutions; for both learning rate, batch size, optimizer and weight decay. A trial trains
once, is judged by its refined loss on validation (experiments/tuning says why), and is stopped
early when it does worse than the median of those before it; the first is the untuned model.
Nothing reads the test set.

Stopped in any way and given again, the command goes on; --trials counts the finished ones, so a
larger number goes on further. Given a second time meanwhile, both work on one study. Into
tuning/<study>/ in the results folder it writes trials.csv, a page of charts, and the best trial as
a recipe file, which train_mlp.py and train_cnn.py take by --recipe.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from task3_MNIST.cli.app import before_imports, run_script

before_imports(__name__)


from tqdm import tqdm

from task3_MNIST.cli.arguments import dataset_given, set_up_device
from task3_MNIST.cli.tuning import tuning_parser
from task3_MNIST.datasets import splits
from task3_MNIST.experiments.tuning.study import (
    finished_trials,
    make_search,
    open_study,
    run_trials,
)
from task3_MNIST.experiments.tuning.table import (
    describe,
    train_command,
    write_recipe_file,
    write_table,
)
from task3_MNIST.report.tuning.page import write_page
from task3_MNIST.runs.commands import command_to_go_on


def main() -> None:
    """Run the trials that are missing, then write the table, the page and the recipe."""
    options = tuning_parser().parse_args()
    options.dataset = dataset_given(options)
    device = set_up_device(options)
    search = make_search(options)
    splits.fetch(search.dataset, search.data_dir, test=False)
    for line in splits.describe(search.dataset, search.data_dir, test=False):
        print(line)
    study = open_study(search)
    done, of = len(finished_trials(study)), options.trials
    print(f"study {search.name}: {done} of {of} trials finished, {options.jobs} at a time")
    threads = options.threads or (1 if options.jobs > 1 else None)
    trials = run_trials(search, study, of, device, options.jobs, threads)
    try:
        for trial in tqdm(trials, total=of, initial=min(done, of), disable=None, leave=False):
            tqdm.write(describe(trial))
            sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"\ninterrupted; to go on: {command_to_go_on()}")
        raise
    with search.locked():
        written = [step(search, study) for step in (write_table, write_page, write_recipe_file)]
    print(f"the best: {describe(study.best_trial)}")
    print(f"written to {', '.join(str(path) for path in written)}")
    print(f"to train it: {train_command(search, study)}")


if __name__ == "__main__":
    run_script(main)
