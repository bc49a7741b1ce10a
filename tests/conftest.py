"""Of several test processes, each gets cores of its own."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Give this worker of pytest-xdist its share of the cores.

    llama.cpp takes as many threads as there are cores, and they wait for one another by spinning:
    two such processes on the same cores would take several times as long as one after the other.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker.startswith("gw") or not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    share = cores[int(worker[2:]) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
    if share:
        os.sched_setaffinity(0, share)
