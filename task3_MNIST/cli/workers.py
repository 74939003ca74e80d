"""The flags that say who does many runs: processes of this machine, or a cluster."""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import torch

from task3_MNIST.cli.arguments import add_jobs_flag, folder
from task3_MNIST.errors import UsageError, UserError
from task3_MNIST.experiments.parallel import Processes, Workers
from task3_MNIST.files import REPOSITORY
from task3_MNIST.training.device import choose_device

if TYPE_CHECKING:
    from distributed import Client

SECONDS = 15  # to wait for a scheduler
SLURM = "slurm"
CERTIFICATES = ("ca.pem", "certificate.pem", "key.pem")  # by tools/make_certificates.sh


def add_workers_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--jobs` and the flags of a cluster."""
    add_jobs_flag(parser)
    add_cluster_flags(parser)


def add_cluster_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a cluster."""
    group = parser.add_argument_group("cluster", "docs/cluster.md says how to start one")
    group.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="do the runs on the workers of a Dask scheduler: tls://HOST:8786, tcp://HOST:8786, a "
        "scheduler file, or slurm (default: on this machine)",
    )
    group.add_argument(
        "--certificates",
        type=folder,
        metavar="FOLDER",
        help="for tls://: what tools/make_certificates.sh wrote",
    )
    group.add_argument(
        "--shared-results",
        action="store_true",
        help="the workers see the results folder under the same path: they write there, and go on "
        "from checkpoints",
    )
    group.add_argument(
        "--allow-versions",
        action="store_true",
        help="also take workers with other versions of PyTorch, NumPy or this project",
    )


def device_of(options: argparse.Namespace) -> torch.device:
    """Return the device of the runs; of a cluster's, the CPU unless `--device` names another."""
    if not options.cluster:
        return choose_device(options.device)
    return torch.device("cpu" if options.device == "auto" else options.device)


@contextlib.contextmanager
def workers_of(options: argparse.Namespace) -> Iterator[Workers]:
    """Yield who does the runs; a cluster stays connected meanwhile.

    Raises:
        UsageError: the flags do not fit each other.
        UserError: there is no such cluster, or Dask is not installed.
    """
    device = device_of(options)
    if not options.cluster:
        yield Processes(options.jobs, options.data, device)
        return
    try:
        from task3_MNIST.experiments.cluster import Cluster
    except ImportError as error:
        raise UserError(
            f"--cluster needs Dask ({error}): pip install -r requirements-cluster.txt"
        ) from error
    with contextlib.ExitStack() as ending:
        client = ending.enter_context(_connected(options, ending))
        yield Cluster(
            client,
            options.data,
            device,
            options.shared_results,
            options.allow_versions,
            patient=options.cluster == SLURM,
        )


def _connected(options: argparse.Namespace, ending: contextlib.ExitStack) -> Client:
    from distributed import Client

    # what Dask would log with tracebacks, an error of ours says in one line
    logging.disable(logging.CRITICAL)
    address = options.cluster
    arguments: dict[str, Any] = {"timeout": SECONDS, "set_as_default": False}
    if address == SLURM:
        return Client(ending.enter_context(slurm_cluster(options.jobs)), **arguments)
    if Path(address).is_file():
        arguments["scheduler_file"] = address
        address = None
    elif urlsplit(address).scheme not in ("tcp", "tls"):
        raise UsageError(
            f"--cluster {address}: neither an address (tls://HOST:8786) nor a scheduler file"
        )
    elif address.startswith("tcp://"):
        warn_of_open(address)
    try:
        return Client(address, security=_security(options), **arguments)
    except (OSError, ValueError) as error:  # a refused certificate, nobody there, no such file
        raise UserError(
            f"no scheduler answers at {options.cluster} "
            f"({' '.join(str(error).split()) or type(error).__name__}): start one as "
            "docs/cluster.md says, with the same certificates"
        ) from error


def _security(options: argparse.Namespace) -> Any:
    if options.certificates is None:
        if options.cluster.startswith("tls://"):
            raise UsageError(
                "tls:// needs --certificates FOLDER, which tools/make_certificates.sh writes"
            )
        return None
    from distributed.security import Security

    paths = [options.certificates / name for name in CERTIFICATES]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path} is missing: tools/make_certificates.sh writes it")
    authority, certificate, key = map(str, paths)
    return Security(
        require_encryption=True,
        tls_ca_file=authority,
        tls_client_cert=certificate,
        tls_client_key=key,
    )


def warn_of_open(address: str) -> None:
    """Warn where a scheduler on another machine is reached without encryption."""
    host = urlsplit(address).hostname or ""
    with contextlib.suppress(OSError):
        if socket.gethostbyname(host).startswith("127."):
            return
    print(
        f"warning: {address} is open: whoever reaches it can run code on its machines; "
        "docs/cluster.md shows tls://",
        file=sys.stderr,
    )


def slurm_cluster(jobs: int) -> Any:
    """Return SLURM jobs, a worker each, as Dask's configuration file describes them.

    Raises:
        UserError: dask-jobqueue is not installed, or its configuration lacks something.
    """
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise UserError(
            f"--cluster slurm needs dask-jobqueue ({error}): pip install -r "
            "requirements-cluster.txt"
        ) from error
    try:
        cluster = SLURMCluster(
            cores=1,
            processes=1,
            job_script_prologue=[f"cd '{REPOSITORY}'", "export PYTHONPATH=."],
        )
    except (ValueError, TypeError) as error:
        raise UserError(
            f"dask-jobqueue's configuration is not complete ({error}): docs/cluster.md shows one"
        ) from error
    cluster.scale(jobs=jobs)
    return cluster
