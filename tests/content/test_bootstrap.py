"""Every notebook begins with the cell that finds the package, with the same address as the README."""

import pytest

from tests.helpers import CHAPTERS, EXERCISES, ROOT, SOLUTIONS, code_cells, read
from tools import bootstrap


@pytest.mark.parametrize("name", [*CHAPTERS, *SOLUTIONS, *EXERCISES])
def test_a_notebook_begins_with_the_cell(name):
    first = code_cells(read(name))[0]
    found = (first.get("id"), first.metadata.get("tags"), first.source)
    assert found == ("bootstrap", ["bootstrap"], bootstrap.source()), "python -m tools.bootstrap, then make exercises"


def test_it_stands_behind_the_introduction():
    assert [path.name for path in bootstrap.stale()] == [], "python -m tools.bootstrap"


def test_the_readme_names_the_same_address():
    (address,) = bootstrap.ADDRESS.findall(bootstrap.source())
    assert address in (ROOT / "README.md").read_text(encoding="utf-8")
