"""Every notebook begins with the cell that finds the package, with the same address as the pages."""

import pytest

from tests.helpers import CHAPTERS, EXERCISES, ROOT, SOLUTIONS, code_cells, read
from tools import address, bootstrap


@pytest.mark.parametrize("name", [*CHAPTERS, *SOLUTIONS, *EXERCISES])
def test_a_notebook_begins_with_the_cell(name):
    first = code_cells(read(name))[0]
    found = (first.get("id"), first.metadata.get("tags"), first.source)
    assert found == ("bootstrap", ["bootstrap"], bootstrap.source()), "python -m tools.bootstrap, then make exercises"


def test_it_stands_behind_the_introduction():
    assert [path.name for path in bootstrap.stale()] == [], "python -m tools.bootstrap"


@pytest.mark.parametrize("page", ["README.md", "docs/installation.md"])
def test_a_page_names_the_same_address(page):
    assert f"git clone {address.current()} " in (ROOT / page).read_text(encoding="utf-8")
