"""What holds for every test: one thread a framework, and the order of the tests on several processes."""

import os
import signal

import pytest

# Two test processes share two cores: with more threads in a framework they would wait for each other.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))
# A shell lets what it starts in the background ignore Ctrl-C, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Keep the tests that ask a worker in one process, and let the long tests start first, so that all end together."""
    for item in items:
        if "workers" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("workers"))
    if hasattr(config, "workerinput"):  # this is one of several processes
        items.sort(key=_place)


def _place(item):
    """Runs of notebooks first, then what else is slow; quick tests fill up the time that is left."""
    if "repository_copy" in item.fixturenames:
        return 0
    return 1 if item.get_closest_marker("slow") else 2
