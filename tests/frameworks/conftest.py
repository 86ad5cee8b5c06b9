"""What the slow tests share: processes that hold a framework, and fast runs of notebooks in a copy."""

import tempfile
from pathlib import Path

import pytest

from tests.frameworks.workers import Workers
from tests.helpers import fast_settings
from tools.execution import execute
from tools.try_out import copy_repository


@pytest.fixture(scope="session")
def workers():
    """Processes that each hold a framework; `workers.ask(kind, module, question)` returns an answer."""
    started = Workers()
    yield started
    ended = started.close()
    assert not any(ended.values()), f"the processes with these frameworks did not end cleanly: {ended}"


@pytest.fixture
def repository_copy():
    """A copy of what the notebooks use, in a folder with a space in its name; what a run writes, it writes there."""
    with tempfile.TemporaryDirectory(prefix="a copy ") as folder:
        yield copy_repository(Path(folder) / "fashion mnist")


@pytest.fixture
def run_fast(repository_copy, tmp_path, monkeypatch):
    """Return a function that runs a notebook of the copy with its fast settings, and returns the notebook."""
    # A kernel that finds this variable does not catch what compiled code writes to standard error.
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)

    def run(name, **options):
        source = repository_copy / "notebooks" / f"{name}.ipynb"
        return execute(source, tmp_path / "out.ipynb", parameters=fast_settings(name), **options)

    return run
