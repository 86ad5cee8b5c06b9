"""What a fingerprint of code follows, and what it leaves out."""

import shutil

import pytest

from fmnist.paths import NOTEBOOKS
from tools.stamp import code_digests

MODULE = '''"""A module."""
import math
from . import other
from .other import used_there as renamed

LIMIT = 3
TABLE = {"a": LIMIT}


def plain(x):
    """Doc."""
    return x


def deep(x):
    return _helper(x) + LIMIT


def _helper(x):
    return math.sqrt(x)


def through_alias(x):
    return other.used_there(x)


def through_name(x):
    return renamed(x)


def unused(x):
    return TABLE, other.never(x)


@plain
def decorated(x=LIMIT):
    return x


class Thing:
    def method(self):
        return _helper(1)
'''
OTHER = "def used_there(x):\n    return x + 1\n\n\ndef never(x):\n    return x\n"


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A package."""\n')
    (folder / "module.py").write_text(MODULE)
    (folder / "other.py").write_text(OTHER)
    return folder


def reached(package, *cells):
    return code_digests(cells, {"pack": package})


# What a cell does, and for each change in the package whether it reaches it.
CHANGES = {
    "the function itself": ("module.py", "    return x\n\n\ndef deep", "    return -x\n\n\ndef deep"),
    "a helper": ("module.py", "math.sqrt(x)", "math.cbrt(x)"),
    "a constant": ("module.py", "LIMIT = 3", "LIMIT = 4"),
    "an import": ("module.py", "import math\n", "import cmath as math\n"),
    "another module": ("other.py", "x + 1", "x + 2"),
    "what is unused": ("module.py", "return TABLE", "return 2 * TABLE"),
    "what is unused elsewhere": ("other.py", "never(x):\n    return x", "never(x):\n    return -x"),
    "a default": ("module.py", "x=LIMIT", "x=LIMIT + 1"),
}
CELLS = {
    "from pack.module import plain\nplain(1)": {"the function itself"},
    "from pack import module\nmodule.deep(1)": {"a helper", "a constant", "an import"},
    "import pack.module\npack.module.deep(1)": {"a helper", "a constant", "an import"},
    "import pack.module as m\nm.Thing().method()": {"a helper", "an import"},
    "from pack import module as m\ndef f():\n    return m.through_alias(2)": {"another module"},
    "from pack.module import through_name": set(),
    "from pack.module import through_name as t\nt(1)": {"another module"},
    "from pack import module\nmodule.decorated()": {"the function itself", "a constant", "a default"},
    "from pack import module\nprint(module)": set(CHANGES),
    "from pack import module\ngetattr(module, name)": set(CHANGES),
    "import pack": set(),
    "import other\nother.module.plain(1)": set(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("cell", CELLS)
def test_a_change_counts_where_it_is_reached(package, cell, change):
    before = reached(package, cell)
    file, old, new = CHANGES[change]
    text = (package / file).read_text()
    assert text.count(old) == 1
    (package / file).write_text(text.replace(old, new))
    assert (reached(package, cell) != before) == (change in CELLS[cell])


@pytest.mark.parametrize(
    "function",
    [
        "def local(x):\n    from . import other\n    return other.used_there(x)\n",
        "def local(x):\n    from .other import used_there\n    return used_there(x)\n",
        "def local(x):\n    import pack.other\n    return pack.other.used_there(x)\n",
    ],
)
def test_what_a_function_imports_is_followed(package, function):
    (package / "module.py").write_text(function)
    cell = "from pack.module import local\nlocal(1)"
    before = reached(package, cell)
    (package / "other.py").write_text(OTHER.replace("x + 1", "x + 2"))
    assert reached(package, cell) != before


@pytest.mark.parametrize(
    "statement",
    [
        "for key in 'ab':\n    TABLE[key] = 1\n",
        "TABLE['b'], rest = 1, 2\n",
        "try:\n    TABLE['c'] = one = 1\nfinally:\n    pass\n",
    ],
)
def test_a_statement_that_binds_a_name_and_does_more_counts(package, statement):
    cell = "from pack.module import plain\nplain(1)"
    (package / "module.py").write_text(MODULE + statement)
    before = reached(package, cell)
    (package / "module.py").write_text(MODULE + statement.replace("1", "3"))
    assert reached(package, cell) != before


def test_a_semicolon_at_the_end_of_a_cell_counts():
    assert code_digests(["1 + 1"], {}) != code_digests(["1 + 1;"], {})


def test_the_changed_module_is_named(package):
    cell = "from pack import module\nmodule.through_alias(1)"
    before = reached(package, cell)
    (package / "other.py").write_text(OTHER.replace("x + 1", "x + 2"))
    after = reached(package, cell)
    assert {name for name in after if after[name] != before[name]} == {"pack/other.py"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    """Doc."""\n', ""),
        ("def plain(x):", "def plain(x: float) -> float:  # why"),
        ("LIMIT = 3\n", "# three\nLIMIT = (\n    3\n)\n"),
        ("import math\n", "import math\nimport statistics\n"),
        ("import math\n", "import math, statistics\n"),
        ("def unused(x):", "def added(y):\n    return y\n\n\ndef unused(x):"),
    ],
    ids=["docstring", "type hints", "layout", "another import", "another import in the line", "another function"],
)
def test_what_changes_nothing_does_not_count(package, old, new):
    cells = ["from pack import module\nmodule.plain(module.deep(1)), module.decorated()"]
    before = reached(package, *cells)
    (package / "module.py").write_text(MODULE.replace(old, new, 1))
    assert reached(package, *cells) == before


def test_what_a_module_does_when_it_is_imported_counts(package):
    cell = "from pack import module\nmodule.plain(1)"
    before = reached(package, cell)
    # other.py is imported by module.py, although plain() uses nothing of it.
    (package / "other.py").write_text(OTHER + "print('hello')\n")
    assert reached(package, cell) != before


def test_a_local_name_is_not_taken_for_the_module_of_that_name(package):
    cell = "from pack import other\ndef f(other, values):\n    return other, [other for other in values]"
    before = reached(package, cell)
    (package / "other.py").write_text(OTHER.replace("return x", "return -x"))
    assert reached(package, cell) == before


def test_the_cells_count_in_their_order_and_without_their_layout():
    one = code_digests(["a = 1", "print(a)"], {})
    assert one == code_digests(["a = (\n    1\n)  # why", "print(a)"], {})
    for cells in (["a = 2", "print(a)"], ["print(a)", "a = 1"], ["a = 1", "print(a)", "print(a)"]):
        assert code_digests(cells, {}) != one


def test_an_added_function_in_the_real_package_is_not_reached(tmp_path):
    """The review found 13 of 14 notebooks stale after this."""
    copy = tmp_path / "fmnist"
    shutil.copytree(NOTEBOOKS / "fmnist", copy)
    cell = "from fmnist import data, plots, records\nplots.save(figure, 'x')\nrecords.write('x')\ndata.load()"
    before = code_digests([cell], {"fmnist": copy})
    for module in ("plots.py", "records.py", "data.py"):
        path = copy / module
        path.write_text(path.read_text(encoding="utf-8") + "\n\ndef added():\n    return 1\n", encoding="utf-8")
    assert code_digests([cell], {"fmnist": copy}) == before
