"""--cluster: the same runs on workers of a scheduler, which have the same bits, and who is refused.

On digits and on this machine; tests/system has hosts that are killed and cut off.
"""

import functools
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from distributed import Client

from task3_MNIST.cli.workers import slurm_cluster
from task3_MNIST.experiments.cluster import Cluster
from task3_MNIST.experiments.parallel import Task
from task3_MNIST.runs.folder import Run
from tests.helpers.cluster import Dask, stand_in
from tests.helpers.scripts import (
    REPOSITORY,
    call,
    call_ok,
    command,
    refusal,
    run,
    stop_after_an_epoch,
)

BENCHMARK = "task3_MNIST/benchmark.py"
GRID = ("--models", "linear", "cnn_fast", "--recipes", "fast", "--datasets", "digits")
GRID += ("--seeds", 2, "--no-pages")
# differ from run to run, and from host to host
MEASURED = ("seconds", "host", "latency", "throughput", "images_per_second", "command")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return the address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    with Dask("scheduler", "--host", "127.0.0.1", folder=folder) as scheduler:
        address = scheduler.address
        with Dask("worker", address, folder=folder), Dask("worker", address, folder=folder):
            yield address


def figures(results):
    """Return what the runs' files say, by path, without what is measured with a clock."""
    found = {}
    for path in sorted(results.rglob("seed*/*.json*")):
        lines = [json.loads(line) for line in texts(path)]
        for line in lines:
            for key in [key for key in line if any(part in key for part in MEASURED)]:
                del line[key]
        found[path.relative_to(results).as_posix()] = lines
    for path in sorted(results.rglob("seed*/*.npz")):
        with np.load(path) as arrays:
            found[path.relative_to(results).as_posix()] = {
                name: arrays[name].tolist() for name in arrays
            }
    return found


def texts(path):
    text = path.read_text(encoding="utf-8")
    return text.splitlines() if path.suffix == ".jsonl" else [text]


def test_runs_on_workers_have_the_bits_of_runs_here(cluster, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    call_ok(BENCHMARK, *GRID, "--jobs", 1, "--results", here)
    said = call_ok(BENCHMARK, *GRID, "--cluster", cluster, "--results", there)
    assert "4 runs, 0 of them finished" in said and cluster in said
    assert figures(there) == figures(here)
    assert len(figures(there)) == 4 * 6
    config = json.loads(
        (there / "digits/linear/fast/seed0/config.json").read_text(encoding="utf-8")
    )
    assert config["host"] and "benchmark.py" in config["command"]
    pictures = {path.relative_to(there) for path in there.rglob("*.png")}
    assert pictures == {path.relative_to(here) for path in here.rglob("*.png")} != set()
    again = call_ok(BENCHMARK, *GRID, "--cluster", cluster, "--results", there)
    assert "4 runs, 4 of them finished" in again


def test_with_a_shared_folder_workers_go_on_from_checkpoints(cluster, tmp_path):
    linear = ("--model", "linear", "--recipe", "fast", "--dataset", "digits", "--threads", 1)
    stop_after_an_epoch("task3_MNIST/train_mlp.py", *linear, "--results", tmp_path)
    [checkpoint] = tmp_path.rglob("checkpoint.pt")
    before = texts(checkpoint.with_name("metrics.jsonl"))
    grid = ("--models", "linear", "--recipes", "fast", "--datasets", "digits", "--seeds", 2)
    to = ("--no-pages", "--results", tmp_path, "--cluster", cluster, "--shared-results")
    assert "2 runs, 0 of them finished" in call_ok(BENCHMARK, *grid, *to)
    assert len(list(tmp_path.rglob("test.json"))) == 2
    after = texts(checkpoint.with_name("metrics.jsonl"))
    assert len(after) > len(before) == 1
    assert after[0] == before[0]  # the seconds, too: the epoch was not run again


def test_what_is_there_is_measured_on_workers_too(cluster, tmp_path, digits_results):
    [folder] = digits_results.glob("digits/mlp/*/seed0")
    given = shutil.copytree(folder, tmp_path / "digits" / "mlp" / "fast" / "seed0")
    kinds = ("--kinds", "inversion")
    said = call_ok("task3_MNIST/robustness.py", given, *kinds, "--cluster", cluster)
    assert "inversion" in said
    assert json.loads((given / "robustness.json").read_text(encoding="utf-8"))["conditions"]
    baselines = ("--models", "logistic_regression", "knn", "--dataset", "digits")
    results = ("--results", tmp_path)
    said = call_ok("task3_MNIST/train_baselines.py", *baselines, *results, "--cluster", cluster)
    assert said.count("test accuracy") == 2
    assert (tmp_path / "digits/knn/scikit-learn/seed0/test.json").is_file()


def test_no_run_waits_behind_another_at_a_worker_while_others_may_be_free(cluster, tmp_path):
    runs = [Run(tmp_path / "mlp" / "fast" / f"seed{seed}") for seed in range(4)]
    names = [tmp_path / run.folder.name for run in runs]
    # the first is in flight until the last has begun
    waits = [names[3:], [], [], []]
    tasks = [
        Task(run, "digits", functools.partial(stand_in, name=name, before=before))
        for run, name, before in zip(runs, names, waits, strict=True)
    ]
    with Client(cluster) as client:
        workers = Cluster(client, REPOSITORY / "data", torch.device("cpu"))
        for _, failure in workers.each(tasks, print):
            assert failure is None
            assert max(len(keys) for keys in client.processing().values()) <= 1
    assert all(name.exists() for name in names)


def test_a_study_runs_on_workers(cluster, tmp_path):
    out = ("--results", tmp_path, "--out", tmp_path / "studies.html")
    digits = ("--quick", "--datasets", "digits")
    said = call_ok("task3_MNIST/study.py", "label_noise", *digits, *out, "--cluster", cluster)
    assert "label_noise: " in said and (tmp_path / "quick" / "label_noise.csv").is_file()


def test_a_data_set_that_workers_lack_is_sent_to_them(cluster, tmp_path, image_folder):
    grid = ("--models", "linear", "--recipes", "fast", "--seeds", 1, "--no-pages")
    where = ("--datasets", image_folder, "--results", tmp_path / "runs")
    call_ok(BENCHMARK, *grid, *where, "--cluster", cluster)
    assert list((tmp_path / "runs").rglob("test.json"))


@pytest.fixture
def image_folder(tmp_path):
    """Return a folder PATH/<digit>/*.png with a few of scikit-learn's digits."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for place in range(200):
        folder = tmp_path / "images" / str(digits.target[place])
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray((digits.images[place] * 15).astype(np.uint8))
        image.resize((28, 28)).save(folder / f"{place}.png")
    return tmp_path / "images"


def test_workers_that_do_not_fit_are_left_out_in_one_line(tmp_path):
    ignored = shutil.ignore_patterns(".*", "results", "data", "tests", "docs")
    copy = shutil.copytree(REPOSITORY, tmp_path / "copy", ignore=ignored)
    (copy / "task3_MNIST" / "errors.py").open("a", encoding="utf-8").write("# changed\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    grid = ("--models", "linear", "--recipes", "fast", "--datasets", "digits", "--seeds", 1)
    to = ("--no-pages", "--results", tmp_path / "runs")
    with Dask("scheduler", "--host", "127.0.0.1", folder=tmp_path) as scheduler:
        address = scheduler.address
        with (
            Dask("worker", address, folder=tmp_path, project=copy),
            Dask("worker", address, folder=tmp_path, project=empty),
            Dask("worker", address, folder=tmp_path),
        ):
            said = call_ok(BENCHMARK, *grid, *to, "--cluster", address).splitlines()
            left_out = [line for line in said if "is left out" in line]
            assert len(left_out) == 2
            assert any("it has code " in line for line in left_out)
            assert any("no copy of this project" in line for line in left_out)
        with Dask("worker", address, folder=tmp_path, project=copy):
            any_versions = ("--cluster", address, "--allow-versions")
            said = call_ok(BENCHMARK, *grid, "--seeds", "1-1", *to, *any_versions)
            assert "is left out" not in said


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_tls_lets_in_who_has_the_certificates_only(tmp_path):
    make = REPOSITORY / "tools" / "make_certificates.sh"
    for name in ("own", "foreign"):
        subprocess.run([make, tmp_path / name], check=True, capture_output=True)
    own = tmp_path / "own"
    words = ("--tls-ca-file", own / "ca.pem", "--tls-cert", own / "certificate.pem")
    words += ("--tls-key", own / "key.pem")
    grid = ("--models", "linear", "--recipes", "fast", "--datasets", "digits", "--seeds", 1)
    grid += ("--no-pages", "--results", tmp_path / "runs")
    host = ("--protocol", "tls", "--host", "tls://127.0.0.1")
    with Dask("scheduler", *host, *words, folder=tmp_path) as scheduler:
        address = scheduler.address
        assert address.startswith("tls://")
        with Dask("worker", address, *words, folder=tmp_path):
            with_own = ("--cluster", address, "--certificates", own)
            assert "1/1 " in call_ok(BENCHMARK, *grid, *with_own)
            assert "--certificates" in refusal(call(BENCHMARK, *grid, "--cluster", address), 2)
            foreign = ("--cluster", address, "--certificates", tmp_path / "foreign")
            assert "no scheduler answers" in refusal(run(BENCHMARK, *grid, *foreign), 1)
            plain = address.replace("tls://", "tcp://")
            assert "no scheduler answers" in refusal(run(BENCHMARK, *grid, "--cluster", plain), 1)


def test_a_cluster_that_is_not_there_is_one_line(tmp_path):
    to = ("--results", tmp_path)
    assert "neither an address" in refusal(call(BENCHMARK, *GRID, *to, "--cluster", "host"), 2)
    done = call(BENCHMARK, *GRID, *to, "--cluster", "tls://host:1", "--certificates", tmp_path)
    assert "make_certificates.sh" in refusal(done, 1)
    done = run(BENCHMARK, *GRID, *to, "--cluster", "tcp://127.0.0.1:9")
    assert "no scheduler answers" in refusal(done, 1)


def test_slurm_jobs_are_workers_in_this_project():
    import dask.config

    given = {"jobqueue.slurm.memory": "2GB", "jobqueue.slurm.walltime": "01:00:00"}
    with dask.config.set(given), slurm_cluster(jobs=0) as cluster:
        script = cluster.job_script()
    assert "#SBATCH --mem=2G" in script
    assert f"cd '{REPOSITORY}'" in script and "export PYTHONPATH=." in script
    assert "--nthreads 1" in script


def test_without_the_flag_dask_is_not_imported():
    lists = "import runpy, sys; sys.argv = ['', '--help']\n"
    lists += f"try: runpy.run_path({command(BENCHMARK)[1]!r}, run_name='__main__')\n"
    lists += "except SystemExit: pass\nassert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", lists], check=True, cwd="/", env=dict(os.environ))
