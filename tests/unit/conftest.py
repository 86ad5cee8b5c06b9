"""What several unit tests need."""

import pytest

from fmnist import outputs, paths


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty repository, for which this process has written nothing yet."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(outputs, "_tryout", False)
    monkeypatch.setattr(outputs, "_written", set())
    monkeypatch.delenv(outputs.VARIABLE, raising=False)
    return tmp_path
