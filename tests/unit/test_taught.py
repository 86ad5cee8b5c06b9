"""What is taken out of the chapters: cells found by their tags."""

import json

import pytest

from fmnist import taught


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A notebook of three code cells; the last has two tags."""
    cells = [
        {"metadata": {"tags": ["parameters"]}, "source": ["SIZE = 3\n", "STEP = 2"]},
        {"metadata": {}, "source": ["raise RuntimeError('not asked for')"]},
        {"metadata": {"tags": ["model", "x"]}, "source": ["def build():\n", "    return FACTOR * SIZE"]},
    ]
    (tmp_path / "part.ipynb").write_text(json.dumps({"cells": cells}))
    monkeypatch.setattr(taught, "NOTEBOOKS", tmp_path)


def test_names_of_the_tagged_cells(notebook):
    found = taught.run_tagged_cells("part", "parameters", "model", FACTOR=5)
    assert set(found) == {"SIZE", "STEP", "build"}
    assert found["build"]() == 15


def test_only_the_tags_that_are_asked_for(notebook):
    assert taught.run_tagged_cells("part", "parameters") == {"SIZE": 3, "STEP": 2}
    assert taught.run_tagged_cells("part", "model", FACTOR=2, SIZE=7)["build"]() == 14


def test_a_tag_that_no_cell_has(notebook):
    with pytest.raises(LookupError, match=r"part\.ipynb has no cell tagged nothing"):
        taught.run_tagged_cells("part", "model", "nothing")
