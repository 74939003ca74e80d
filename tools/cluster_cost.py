"""Measure what a cluster costs for each run, apart from the training.

    PYTHONPATH=. python tools/cluster_cost.py [--workers 64] [--runs 2000] [--kilobytes 300]

Scheduler, client and workers are threads of this process, and a run does nothing but write files.
So what is measured is the scheduler's and the client's work: to send a run, to receive its files,
and to write them.
"""

import argparse
import functools
import sys
import tempfile
import time
from pathlib import Path

import torch
from distributed import Client, LocalCluster

from task3_MNIST.experiments.cluster import Cluster
from task3_MNIST.experiments.parallel import Task
from task3_MNIST.runs.folder import Run


def write_files(run, data_dir, device, kilobytes):
    """Write what a run of so many kilobytes leaves."""
    run.folder.mkdir(parents=True)
    (run.folder / "model.pt").write_bytes(bytes(1000 * kilobytes))
    for name in ("config.json", "summary.json", "test.json"):
        (run.folder / name).write_text("{}", encoding="utf-8")


def main():
    """Print milliseconds and bytes of a run, and what follows for many."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--kilobytes", type=int, default=300)
    options = parser.parse_args()
    call = functools.partial(write_files, kilobytes=options.kilobytes)
    with tempfile.TemporaryDirectory() as folder:
        runs = [Run(Path(folder) / "model" / "recipe" / f"seed{i}") for i in range(options.runs)]
        tasks = [Task(run, "digits", call) for run in runs]
        # all workers are one process: a limit of memory for each would pause them
        started_with = dict(
            n_workers=options.workers,
            threads_per_worker=1,
            processes=False,
            memory_limit=0,
            dashboard_address=None,
        )
        with LocalCluster(**started_with) as local, Client(local) as client:
            cluster = Cluster(client, Path("data"), torch.device("cpu"))
            begun, processor = time.perf_counter(), time.process_time()
            failures = [failure for _, failure in cluster.each(tasks, print) if failure]
            seconds = time.perf_counter() - begun
            processor = time.process_time() - processor
    if failures:
        sys.exit(f"error: {len(failures)} runs failed: {failures[0]}")
    each = seconds / options.runs
    print(f"{options.runs} runs of {options.kilobytes} kB on {options.workers} workers")
    print(f"{each * 1e3:.1f} ms a run, {processor / options.runs * 1e3:.1f} ms of the processor")
    print(f"at most {1 / each:.0f} runs a second: {100_000 * each / 60:.0f} min for 100,000 runs")


if __name__ == "__main__":
    main()
