"""What several tests need: where things are, how notebooks are read, and copies of the repository to work in."""

import ast
import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from fmnist import chapters
from tools import install

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
CHAPTERS = chapters.notebooks()
WITH_EXERCISES = [name for each in chapters.all_chapters() if each.exercises for name in each.notebooks.values()]
SOLUTIONS = [f"solutions/{name}" for name in WITH_EXERCISES]
EXERCISES = [f"exercises/{name}" for name in WITH_EXERCISES]
TWINS = [chapter for chapter in chapters.all_chapters() if not chapter.both_frameworks]
# The tags of the cells that build a model, where the name "model" alone does not find them.
BUILDER_TAGS = {"regularized": ("model", "regularized")}
# A check of an exercise, called in a cell of its own.
CHECK_CALL = re.compile(r"^checks\.(\w+)\(", flags=re.M)


def read(name: str) -> NotebookNode:
    """Return a committed notebook by its name below notebooks/, without the suffix."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(notebook: NotebookNode, tag: str | None = None) -> list[NotebookNode]:
    """Return the code cells, or those that carry `tag`."""
    return _cells(notebook, "code", tag)


def markdown(notebook: NotebookNode, tag: str | None = None) -> list[str]:
    """Return the text of each Markdown cell, or of those that carry `tag`."""
    return [cell.source for cell in _cells(notebook, "markdown", tag)]


def _cells(notebook: NotebookNode, kind: str, tag: str | None) -> list[NotebookNode]:
    cells = [cell for cell in notebook.cells if cell.cell_type == kind]
    return [cell for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


def printed(notebook: NotebookNode) -> str:
    """Return everything that the notebook's outputs say in plain text."""
    parts = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            parts.append(output.get("text", ""))
            parts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def prose(name: str) -> str:
    """Return the text of a committed notebook's Markdown cells."""
    return "\n\n".join(markdown(read(name)))


def settings(notebook: NotebookNode) -> dict[str, Any]:
    """Return the values of a notebook's settings cell by their names."""
    (cell,) = code_cells(notebook, "parameters")
    return {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}


def committed(folder: Path) -> set[str]:
    """Return the notebooks in `folder`, notebooks/ or a folder in it that is laid out likewise, by their names."""
    paths = [path for part in (".", *chapters.FRAMEWORKS) for path in (folder / part).glob("*.ipynb")]
    return {path.relative_to(NOTEBOOKS).with_suffix("").as_posix() for path in paths}


def fast_settings(name: str) -> dict[str, Any]:
    """Return the settings with which the tests run a chapter, a solution or an exercise: those that it has."""
    chapter, _ = chapters.of_notebook(name.removeprefix("solutions/").removeprefix("exercises/"))
    own = settings(read(name))
    return {setting: value for setting, value in chapter.fast.items() if setting in own}


def checks_called(notebook: NotebookNode) -> list[str]:
    """Return the names of the checks that the cells of an exercise or a solution call, in order."""
    return [name for cell in code_cells(notebook) for name in CHECK_CALL.findall(cell.source)]


def verdicts(notebook: NotebookNode) -> list[str]:
    """Return what each cell with a check printed."""
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in code_cells(notebook)
        if CHECK_CALL.search(cell.source)
    ]


def import_cell() -> str:
    """Return the code of the comparison's cell that imports both frameworks."""
    (cell,) = [cell for cell in code_cells(read("keras_vs_pytorch")) if "import triton" in cell.source]
    return cell.source


def run_python(*arguments: str, **options: Any) -> subprocess.CompletedProcess:
    """Run this Python with `arguments`; what it says is in the result's `stdout` and `stderr`."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, **options)


def make_venv(folder: Path) -> Path:
    """Make in `folder` a .venv with no packages, link the package as the installer does, and return its Python."""
    run_python("-m", "venv", "--without-pip", ".venv", cwd=folder, check=True)
    with contextlib.chdir(folder):
        install.link_package()
    return folder / install.VENV_PYTHON
