"""Three hosts, as network namespaces of this machine, of which some are killed or cut off.

The first host has the scheduler and the client, the others a worker each. Only root can make
namespaces, and only Linux has them.
"""

import json
import os
import shutil
import signal
import subprocess

import pytest

from task3_MNIST.experiments.evaluation import finished
from task3_MNIST.runs.folder import find
from tests.helpers.cluster import Dask
from tests.helpers.scripts import command, refusal, succeeded, wait_until
from tests.scripts.test_cluster import figures

BENCHMARK = "task3_MNIST/benchmark.py"
HOSTS = [f"mnist{os.getpid()}-{number}" for number in range(3)]
ADDRESSES = [f"10.77.0.{number + 1}" for number in range(3)]
PORT = 8786


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def inside(host):
    return ("ip", "netns", "exec", host)


def can_make_namespaces():
    if not shutil.which("ip") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    made = subprocess.run(["ip", "netns", "add", HOSTS[0]], capture_output=True).returncode == 0
    if made:
        ip("netns", "del", HOSTS[0])
    return made


pytestmark = pytest.mark.skipif(
    not can_make_namespaces(), reason="network namespaces cannot be made: that takes root on Linux"
)


@pytest.fixture(scope="module", autouse=True)
def hosts():
    """Connect three hosts by a switch, which is in the first of them."""
    for host in HOSTS:
        ip("netns", "add", host)
    try:
        first = ("-n", HOSTS[0])
        ip(*first, "link", "add", "switch", "type", "bridge")
        ip(*first, "addr", "add", f"{ADDRESSES[0]}/24", "dev", "switch")
        ip(*first, "link", "set", "switch", "up")
        for number in (1, 2):
            link = (f"to{number}", "type", "veth", "peer", "eth0", "netns", HOSTS[number])
            ip(*first, "link", "add", *link)
            ip(*first, "link", "set", f"to{number}", "master", "switch", "up")
            here = ("-n", HOSTS[number])
            ip(*here, "addr", "add", f"{ADDRESSES[number]}/24", "dev", "eth0")
            ip(*here, "link", "set", "eth0", "up")
        for host in HOSTS:
            ip("-n", host, "link", "set", "lo", "up")
        yield
    finally:
        for host in HOSTS:
            ip("netns", "del", host)


def scheduler(folder):
    return Dask(
        *("scheduler", "--host", ADDRESSES[0]), folder=folder, port=PORT, prefix=inside(HOSTS[0])
    )


def worker(number, folder):
    words = ("worker", f"tcp://{ADDRESSES[0]}:{PORT}", "--host", ADDRESSES[number])
    return Dask(*words, folder=folder, prefix=inside(HOSTS[number]))


def client(results, *grid):
    """Start the benchmark on the first host."""
    words = ("--no-pages", "--results", results, "--cluster", f"tcp://{ADDRESSES[0]}:{PORT}")
    return subprocess.Popen(
        [*inside(HOSTS[0]), *command(BENCHMARK, *grid, *words)],
        cwd="/",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process):
    """Wait for a client, and return what `succeeded` and `refusal` take."""
    output, errors = process.communicate(timeout=300)
    code = process.returncode
    # a warning that the scheduler is open is no error
    errors = "".join(
        line for line in errors.splitlines(keepends=True) if not line.startswith("warning: ")
    )
    return subprocess.CompletedProcess(process.args, code, output, errors)


def test_the_tables_of_mnist_are_those_of_this_machine(tmp_path, mnist_dir):
    grid = ("--models", "mlp_80_20", "cnn_fast", "--recipes", "fast", "--seeds", 4)
    here, there = tmp_path / "here", tmp_path / "there"
    local = ("--no-pages", "--jobs", 2, "--results", here)
    with scheduler(tmp_path), worker(1, tmp_path), worker(2, tmp_path):
        started = client(there, *grid)
        said = succeeded(ended(started))
    subprocess.run(command(BENCHMARK, *grid, *local), check=True, cwd="/", capture_output=True)
    assert "8 runs, 0 of them finished" in said
    assert figures(there) == figures(here)
    hosts = {
        json.loads(path.read_text(encoding="utf-8"))["host"] for path in there.rglob("config.json")
    }
    assert hosts and None not in hosts


@pytest.fixture
def grid(tmp_path):
    """Return a grid of six runs of some seconds each."""
    recipe = {
        "about": "for a test",
        "model": None,
        "hyperparameters": {"epochs": 80, "optimizer": "adamw", "lr": 0.002},
    }
    path = tmp_path / "slow.json"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return ("--models", "mlp_50_50", "--recipes", path, "--datasets", "digits", "--seeds", 6)


def finished_runs(results):
    return [run for run in find(results) if finished(run)] if results.exists() else []


def check_whole(results):
    """Check that all six runs are there, and every file of theirs is complete."""
    assert len(finished_runs(results)) == 6
    assert len(figures(results)) == 6 * 6
    assert not list(results.rglob("*.tmp"))
    for path in results.rglob("model.pt"):
        assert path.stat().st_size > 0


def test_what_a_killed_worker_ran_is_run_by_another(tmp_path, grid):
    results = tmp_path / "runs"
    with scheduler(tmp_path), worker(1, tmp_path) as first, worker(2, tmp_path):
        started = client(results, *grid)
        wait_until(lambda: finished_runs(results), started)
        first.kill()
        succeeded(ended(started))
    check_whole(results)


def test_a_host_that_is_cut_off_for_half_a_minute_costs_no_run(tmp_path, grid):
    results = tmp_path / "runs"
    with scheduler(tmp_path), worker(1, tmp_path), worker(2, tmp_path):
        started = client(results, *grid)
        wait_until(lambda: finished_runs(results), started)
        ip("-n", HOSTS[0], "link", "set", "to1", "down")
        try:
            subprocess.run(["sleep", "30"], check=True)
        finally:
            ip("-n", HOSTS[0], "link", "set", "to1", "up")
        succeeded(ended(started))
    check_whole(results)


def test_when_the_scheduler_is_killed_the_same_command_goes_on(tmp_path, grid):
    results = tmp_path / "runs"
    with scheduler(tmp_path) as killed, worker(1, tmp_path), worker(2, tmp_path):
        started = client(results, *grid)
        wait_until(lambda: finished_runs(results), started)
        killed.kill()
        assert "the scheduler is gone" in refusal(ended(started), 1)
    before = modified(results)
    with scheduler(tmp_path), worker(1, tmp_path), worker(2, tmp_path):
        said = succeeded(ended(client(results, *grid)))
    assert f"6 runs, {len(before)} of them finished" in said
    assert modified(results).items() >= before.items()
    check_whole(results)


def test_when_the_client_is_killed_the_same_command_goes_on(tmp_path, grid):
    results = tmp_path / "runs"
    with scheduler(tmp_path), worker(1, tmp_path), worker(2, tmp_path):
        started = client(results, *grid)
        wait_until(lambda: finished_runs(results), started)
        started.send_signal(signal.SIGKILL)
        started.communicate()
        before = modified(results)
        said = succeeded(ended(client(results, *grid)))
    assert f"6 runs, {len(before)} of them finished" in said
    assert modified(results).items() >= before.items()
    check_whole(results)


def modified(results):
    """Return when each finished run was evaluated."""
    return {
        run.folder: (run.folder / "test.json").stat().st_mtime_ns for run in finished_runs(results)
    }
