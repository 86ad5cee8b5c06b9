"""A stamp that says which code and which data a committed notebook is the output of.

`tools/run_notebooks.py` writes the stamp into a notebook when its run has finished; a test computes it again. Change
what a notebook does and the two differ until it has been run again; change a comment, a docstring or the layout and
they stay the same.
"""

import ast
import hashlib
import json

from fashion.paths import DATA, NOTEBOOKS

PACKAGE = NOTEBOOKS / "fashion"


def stamp(notebook):
    """Return the stamp of `notebook` (an nbformat node): 64 hexadecimal digits.

    It covers the code cells, the modules of this package that they import (and those that these import), and the
    bytes of the dataset's files.
    """
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    trees = [ast.parse(source) for source in cells]
    modules = _package_modules(trees)
    covered = {
        "cells": [canonical(tree) for tree in trees],
        "modules": {name: canonical(tree) for name, tree in sorted(modules.items())},
        "data": {path.name: _sha256(path) for path in sorted((DATA / "FashionMNIST" / "raw").glob("*.gz"))},
    }
    return hashlib.sha256(json.dumps(covered).encode()).hexdigest()


def _package_modules(trees):
    """Return {module name: syntax tree} for every module of the package that `trees` reach."""
    found, waiting = {}, ["__init__", *(name for tree in trees for name in _imported(tree))]
    while waiting:
        name = waiting.pop()
        path = PACKAGE / f"{name}.py"
        if name not in found and path.exists():
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
            waiting.extend(_imported(found[name]))
    return found


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = f"fashion.{node.module or ''}" if node.level else node.module
            if module.split(".")[0] == "fashion":
                yield from module.split(".")[1:]
                yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("fashion.") for alias in node.names)


def canonical(node):
    """Return `node` as nested lists, the same in every supported version of Python.

    `ast.dump` and `ast.unparse` change between versions: fields that are empty are therefore left out, and positions
    were never in. Docstrings say nothing about what the code does.
    """
    if isinstance(node, ast.AST):
        fields = dict(ast.iter_fields(node))
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            fields["body"] = _without_docstring(node.body)
        return [type(node).__name__, {k: canonical(v) for k, v in fields.items() if v is not None and v != []}]
    if isinstance(node, list):
        return [canonical(item) for item in node]
    return repr(node)


def _without_docstring(body):
    first = body[0] if body else None
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if is_text else body


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
