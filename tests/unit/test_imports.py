"""What the package may import, how large its modules may be, and who uses them."""

import ast
from collections import defaultdict

import pytest

from tests.helpers import CHAPTERS, NOTEBOOKS, ROOT, SOLUTIONS, code_cells, import_cell, read, run_python

PACKAGE = NOTEBOOKS / "fmnist"
MODULES = {path.stem: path for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
CHECKS = [f"checks.{path.stem}" for path in (PACKAGE / "checks").glob("*.py") if path.stem != "__init__"]
NEUTRAL = sorted([name for name in MODULES if not name.startswith(("keras_", "torch_"))] + CHECKS)
# Functions with one user: the other half of a pair, a figure over all chapters, a part of data.py that stands in a
# module of its own, and what the tests read the records with.
ONE_USER = {
    ("convert", "pytorch_to_keras"),
    ("convert", "gradients_in_keras_order"),
    ("plots", "model_comparison"),
    ("download", "alone"),
    # The command that converts saved models: its two halves are processes of their own.
    ("convert_model", "main"),
    ("convert_model", "convert_file"),
    ("convert_model", "largest_difference"),
    ("regularization", "runs"),
    ("regularization", "table"),
    ("keras_files", "read"),
    ("keras_files", "write"),
    ("torch_files", "read"),
    ("torch_files", "write"),
}
# The comparison is a pair in one notebook, so what serves it has one user.
COMPARISON = {"keras_on_torch", "plots_comparison", "proofs", "study", "torch_aligned", "torch_proofs"}


def test_neutral_modules_import_no_framework():
    code = f"""
import importlib, sys
for name in {NEUTRAL}:
    importlib.import_module("fmnist." + name)
print(sorted({{"tensorflow", "keras", "torch", "torchvision"}} & set(sys.modules)))
"""
    done = run_python("-c", code, cwd=NOTEBOOKS)
    assert done.stdout.strip() == "[]", done.stderr
    assert len(NEUTRAL) >= 12


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_stays_small(name):
    """The modules below checks/ are longer, until they are written anew."""
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 300


def uses(tree):
    """The (module, name) pairs of the package that a syntax tree takes from other modules of the package."""
    found, modules = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("fmnist", None):  # None: from . import
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fmnist."):
            found |= {(node.module.removeprefix("fmnist."), alias.name) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add((modules[node.value.id], node.attr))
    return found


def uses_of_its_own(name, tree):
    """The (module, name) pairs that a module of the package takes from itself."""
    read = {
        (node.id, statement)
        for statement in tree.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return {(name, used) for used, statement in read if used != getattr(statement, "name", None)}


def test_a_public_function_has_two_users():
    """Notebooks, tools and modules of the package, its own among them. The registry's readers are the tests as well."""
    users = defaultdict(set)
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tools").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = uses_of_its_own(path.stem, tree) if path.parent == PACKAGE else set()
        for used in uses(tree) | own:
            users[used].add(path)
    for name in [*CHAPTERS, *SOLUTIONS]:
        for used in uses(ast.parse("\n".join(cell.source for cell in code_cells(read(name))))):
            users[used].add(name)
    functions = {
        (name, node.name)
        for name, path in MODULES.items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and name not in {"chapters", *COMPARISON}
    }
    assert {function for function in functions if len(users[function]) < 2} == ONE_USER


def test_triton_comes_first():
    nodes = [node for node in ast.walk(ast.parse(import_cell())) if isinstance(node, ast.Import)]
    order = [alias.name for node in sorted(nodes, key=lambda node: node.lineno) for alias in node.names]
    assert order.index("triton") < order.index("tensorflow") < order.index("torch")


def test_a_quiet_start_shows_a_real_error():
    broken = run_python(
        "-c",
        "import os\nfrom fmnist.quiet import quiet_start\n"
        "with quiet_start():\n    os.write(2, b'the library says why')\n    raise ImportError('no such thing')\n",
    )
    assert broken.returncode != 0
    assert "the library says why" in broken.stderr and "no such thing" in broken.stderr
