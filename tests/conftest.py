import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
sys.path.insert(0, str(ROOT / "tools"))
# A shell lets what it starts in the background ignore Ctrl-C, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def chapters():
    """The names of the committed notebooks, in reading order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    """Everything that the notebook's outputs say in plain text."""
    parts = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            parts.append(output.get("text", ""))
            parts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def prose(name):
    """The text of the notebook's Markdown cells."""
    return "\n\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")


def ask(script, framework, questions=None, timeout=600):
    """Run a script of this folder, since one process should hold one framework, and return the JSON it prints last."""
    command = [sys.executable, str(ROOT / "tests" / script), framework]
    done = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def copy_repository(target):
    """Copy what the notebooks use into the folder `target`, and return it."""
    for folder in ("notebooks", "data", "models"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__", "*-ubyte"))
    return target


@pytest.fixture(scope="session")
def repository_copy(tmp_path_factory):
    """A copy of what the notebooks use, in a folder with a space in its name. Runs leave their files there."""
    return copy_repository(tmp_path_factory.mktemp("a copy") / "fashion mnist")
