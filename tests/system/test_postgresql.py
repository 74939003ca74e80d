"""tune.py on PostgreSQL: several processes share a study, and one of them is killed."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import optuna
import psycopg
import pytest
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from task3_MNIST.experiments.tuning import study as tuning
from tests.helpers.scripts import run_ok, start, wait_until

SCRIPT = "task3_MNIST/tune.py"
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
FOUND = shutil.which("initdb")
BINARIES = Path(FOUND).parent if FOUND else (DEBIAN or [None])[-1]

pytestmark = pytest.mark.skipif(BINARIES is None, reason="PostgreSQL is not installed")


@pytest.fixture
def database():
    """Yield the URL of an empty database, whose server listens on a socket of its own only."""
    # not pytest's folder: a socket's path has at most 107 characters
    with tempfile.TemporaryDirectory() as folder:
        # it refuses root; Debian's package brings a user for it
        user = {"user": "postgres"} if os.geteuid() == 0 else {}
        if user:
            shutil.chown(folder, "postgres")
        data = Path(folder) / "data"
        quiet = {"check": True, "capture_output": True, "cwd": folder, **user}
        options = ("-U", "tuner", "-A", "trust", "-N")
        subprocess.run([BINARIES / "initdb", "-D", data, *options], **quiet)
        listen = f"-k {folder} -c listen_addresses=''"
        server = [BINARIES / "pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", listen]
        subprocess.run([*server, "start"], **{**quiet, "capture_output": False})
        try:
            yield f"postgresql+psycopg://tuner@/postgres?host={folder}"
        finally:
            subprocess.run([*server, "-m", "fast", "stop"], **quiet)


def trials(database, *wanted):
    return optuna.load_study(study_name="mlp-digits", storage=database).get_trials(states=wanted)


def running(database):
    """Return how many trials have a heartbeat, read as no other process notices."""
    query = "SELECT count(*) FROM trials JOIN trial_heartbeats USING (trial_id)"
    query += " WHERE state = 'RUNNING'"
    try:
        with connected(database) as connection:
            return connection.execute(query).fetchone()[0]
    except psycopg.errors.UndefinedTable:
        return 0


def connected(database):
    host = database.partition("host=")[2]
    return contextlib.closing(
        psycopg.connect(host=host, user="tuner", dbname="postgres", autocommit=True)
    )


def test_of_three_processes_one_is_killed_and_no_trial_is_lost_or_counted_twice(database, tmp_path):
    given = ("--family", "mlp", "--dataset", "digits", "--epochs", 10, "--storage", database)
    given += ("--results", tmp_path)
    *others, killed = [start(SCRIPT, *given, "--trials", 8) for _ in range(3)]
    wait_until(lambda: running(database) == 3, killed)
    killed.kill()
    killed.communicate()
    for other in others:
        _, errors = other.communicate()
        assert other.returncode == 0, errors
    assert running(database) == 1  # the killed one's
    with connected(database) as connection:  # so much later
        older = "UPDATE trial_heartbeats SET heartbeat = heartbeat - interval '61 seconds'"
        connection.execute(older)
    most = len(trials(database, *tuning.FINISHED)) + 2
    run_ok(SCRIPT, *given, "--trials", most)
    finished = trials(database, *tuning.FINISHED)
    (failed,) = trials(database, TrialState.FAIL)
    retried = RetryHeartbeatStaleTrialCallback.retried_trial_number
    (again,) = [trial for trial in finished if retried(trial) == failed.number]
    assert failed.params.items() <= again.params.items()
    assert len(finished) == most
    rows = (
        (tmp_path / "tuning" / "mlp-digits" / "trials.csv").read_text(encoding="utf-8").splitlines()
    )
    assert len(rows) == 1 + most
    assert trials(database, TrialState.RUNNING, TrialState.WAITING) == []
