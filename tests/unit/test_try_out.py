"""Trying the notebooks out: what is said at the end, and that nothing is changed or left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from fmnist import chapters
from tests.helpers import CHAPTERS, ROOT, read, settings
from tools import try_out

PARAMETERS = {"MAX_IMAGES": None, "EPOCHS": 20, "SEEDS": 4}
TRAINING = """
import json, pathlib
record = pathlib.Path("../../tryout/models/01_cnn_{framework}.json")
record.parent.mkdir(parents=True, exist_ok=True)
record.write_text(json.dumps({{"test_accuracy": [MAX_IMAGES, EPOCHS, SEEDS] == [2000, 3, 1] and 0.712}}))
"""

LATER = """
import pathlib
assert "injected" not in pathlib.Path("keras/01_a.ipynb").read_text()
assert [path.name for path in pathlib.Path("../data").iterdir()] == ["labels.gz"]
"""


def write(path, *sources):
    cells = [new_code_cell("\n".join(f"{name} = {value}" for name, value in PARAMETERS.items()))]
    cells[0].metadata["tags"] = ["parameters"]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells + [new_code_cell(source) for source in sources]), path)


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for everything temporary."""
    folder = tmp_path / "temporary files"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def repository(tmp_path, temporary, monkeypatch):
    """A repository with three chapters: the first with a model in Keras, the last for both frameworks."""
    root = tmp_path / "repository"
    (root / "notebooks" / "fmnist").mkdir(parents=True)
    (root / "notebooks" / "fmnist" / "__init__.py").touch()
    (root / "data").mkdir()
    (root / "data" / "labels.gz").write_text("labels")
    (root / "data" / "labels-ubyte").write_text("labels, unpacked")
    (root / "models").mkdir()
    (root / "models" / "01_cnn_keras.json").write_text('{"test_accuracy": 0.9999}')
    for name in ("keras/01_a", "pytorch/01_a", "keras/02_b", "pytorch/02_b", "both"):
        write(root / "notebooks" / f"{name}.ipynb", "1")
    for framework in chapters.FRAMEWORKS:
        write(root / "notebooks" / framework / "01_a.ipynb", TRAINING.format(framework=framework))
    model = chapters.Model("01_a", "cnn", {}, 1, 20, 0.9)
    entry = {"title": "t", "story": "s", "figures": (), "fast": {"MAX_IMAGES": 600, "EPOCHS": 1, "SEEDS": 1}}
    known = (
        chapters.Chapter("01_a", **entry, models=(model,)),
        chapters.Chapter("02_b", **entry),
        chapters.Chapter("both", **entry, both_frameworks=True),
    )
    monkeypatch.setattr(chapters, "all_chapters", lambda: known)
    monkeypatch.setattr(try_out, "ROOT", root)
    return root


def test_it_ends_with_what_was_found_and_changes_nothing(repository, temporary, capsys):
    before = content(repository)
    assert try_out.main([]) == 0
    _, table, sentence = capsys.readouterr().out.split("\n\n")
    rows = [re.split(" {2,}", line) for line in table.splitlines()]
    assert [name for name, *_ in rows] == ["notebook", "keras/01_a", "pytorch/01_a", "both"]
    assert all(seconds.isdigit() for _, seconds, *_ in rows[1:])
    assert [found for _, _, *found in rows] == [["test accuracy"], ["CNN 71.2%"], ["CNN 71.2%"], []]
    assert " ".join(sentence.split()) == (
        "All 3 notebooks ran. The accuracies are low, because the networks saw 2,000 images for 3 epochs. "
        "Nothing in the repository was changed. "
        "Next: `make lab` opens the notebooks, `make run` does the full training."
    )
    assert content(repository) == before
    assert list(temporary.iterdir()) == []


def test_all_tries_every_chapter(repository, capsys):
    """A later one reads the code of the first as it stands, and finds the data without what was made from them."""
    write(repository / "notebooks" / "both.ipynb", LATER)
    assert try_out.main(["--all"]) == 0
    out = capsys.readouterr().out
    names = ["keras/01_a", "pytorch/01_a", "keras/02_b", "pytorch/02_b", "both"]
    assert re.findall(r"^\[(\d/5)\] (\S+): done, \d+ s$", out, re.MULTILINE) == [
        (f"{number}/5", name) for number, name in enumerate(names, start=1)
    ]
    assert out.startswith("Trying 5 notebooks on 2,000 images in a temporary copy") and "All 5 notebooks ran." in out


def test_a_failure_says_where_and_what_to_do(repository, temporary, capsys):
    write(repository / "notebooks" / "pytorch" / "01_a.ipynb", "import no_such_package")
    before = content(repository)
    assert try_out.main([]) == 1
    out, err = capsys.readouterr()
    assert "[2/3] pytorch/01_a: failed" in out and "both" not in out
    where, *_, what_to_do = err.strip().split("\n\n")
    assert where == (
        "pytorch/01_a.ipynb failed: cell [3] of 3: import no_such_package\n"
        "  ModuleNotFoundError: No module named 'no_such_package'"
    )
    assert "Nothing in the repository was changed." in what_to_do and "`make about`" in what_to_do
    assert content(repository) == before
    assert list(temporary.iterdir()) == []


def test_a_copy_that_cannot_be_made_is_a_sentence(repository, temporary, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "a file")

    monkeypatch.setattr(try_out.shutil, "copytree", full)
    assert try_out.main([]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "copy could not be made or used: [Errno 28] No space left on device: 'a file'. Free some disk space" in said
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_the_settings_that_it_is_tried_out_with(name):
    tried = try_out.settings(name)
    assert tried.keys() <= settings(read(name)).keys()
    assert tried["MAX_IMAGES"] == 2000 and tried.get("EPOCHS", 3) == 3


@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_behind(tmp_path, temporary, number):
    root = tmp_path / "repository"
    for folder in ("tools", "notebooks/fmnist"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "notebooks" / "chapters.toml", root / "notebooks")
    for folder in ("data", "models"):
        (root / folder).mkdir()
    told = tmp_path / "kernel"
    telling = f"import os, pathlib, time\npathlib.Path({str(told)!r}).write_text(f'{{os.getpid()}}.')"
    write(root / "notebooks" / f"{CHAPTERS[0]}.ipynb", telling, "time.sleep(300)")
    before = content(root)
    environment = os.environ | {"PYTHONPATH": str(root / "notebooks"), "TMPDIR": str(temporary)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-m", "tools.try_out"]
    tool = subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 120
    while not (told.exists() and told.read_text().endswith(".")):
        assert tool.poll() is None, tool.communicate()[1]
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert list(temporary.iterdir())
    tool.send_signal(number)
    _, err = tool.communicate(timeout=60)
    assert (tool.returncode, err) == (130, "\nInterrupted. Nothing in the repository was changed.\n")
    assert not psutil.pid_exists(int(told.read_text().rstrip(".")))
    assert list(temporary.iterdir()) == []
    assert content(root) == before
