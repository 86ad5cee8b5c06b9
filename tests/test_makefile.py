"""The Makefile: what it says, and what it says when it cannot work. Nothing is installed here."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make")


@pytest.fixture
def folder(tmp_path):
    """A fresh clone, as far as make sees it, in a path with a space."""
    clone = tmp_path / "a clone"
    clone.mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    return clone


def make(folder, *arguments):
    """Run make without what an outer make, such as `make test`, hands down."""
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON"}}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def sentences(done):
    """What was said, without make's own last line."""
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if not re.match(r"g?make(\[\d+\])?: \*\*\*", line)]


def test_help_lists_every_target(folder):
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    for arguments in ([], ["help"]):
        listed = re.findall(r"^  make ([a-z-]+) ", make(folder, *arguments).stdout, re.MULTILINE)
        assert sorted(listed) == sorted(set(phony) - {"moved"})


@pytest.mark.parametrize(
    "fake, expected",
    [
        ("echo 3.14 Linux x86_64", "Python 3.11, 3.12 or 3.13 is needed, but this is 3.14: "),
        ("echo 3.9 Darwin arm64", "Python 3.11, 3.12 or 3.13 is needed, but this is 3.9: "),
        ("exit 1", "Python 3.11, 3.12 or 3.13 is needed, but there is none that runs at "),
        ("echo 3.12 Darwin x86_64", "TensorFlow and PyTorch have no packages for Intel Macs"),
        ('case "$2" in *ensurepip*) exit 1; esac; echo 3.12 Linux x86_64', "Python 3.12 has no venv module here"),
    ],
)
@pytest.mark.parametrize("target", ["run", "test"])
def test_a_python_that_does_not_fit_gets_one_sentence(folder, tmp_path, target, fake, expected):
    done = make(folder, target, f"PYTHON={script(tmp_path / 'fake python', fake)}")
    assert done.returncode != 0
    assert len(sentences(done)) == 1 and sentences(done)[0].startswith(expected)
    assert not (folder / ".venv").exists()


def test_a_venv_of_another_python_is_not_overwritten(folder):
    (folder / ".venv" / "bin").mkdir(parents=True)
    script(folder / ".venv" / "bin" / "python", "echo 3.14 Linux x86_64")
    (sentence,) = sentences(make(folder, "test"))
    assert sentence.startswith("Python 3.11, 3.12 or 3.13 is needed, but .venv was made with 3.14: ")


@pytest.fixture
def installed(folder):
    """A clone whose .venv, as make sees it, is finished; its pip notes that it was called and fails."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    script(
        folder / ".venv" / "bin" / "python",
        f'case "$*" in *"pip install"*) echo called >> pip; exit 1; esac; exec "{sys.executable}" "$@"',
    )
    (folder / ".venv" / "installed").touch()
    shutil.copytree(ROOT / "tools", folder / "tools")
    (folder / "tools" / "readme.py").write_text("print('ran')")
    shutil.copytree(ROOT / "notebooks" / "fashion", folder / "notebooks" / "fashion")
    (folder / "notebooks" / "01_a.ipynb").touch()
    return folder


def test_an_unknown_notebook_is_named_with_the_known_ones(installed):
    done = make(installed, "run", "NOTEBOOKS=01_b")
    assert done.returncode != 0
    assert sentences(done) == ["No notebook is called 01_b. There are: 01_a."]


def test_it_installs_again_when_the_requirements_changed_and_until_it_succeeds(installed):
    assert sentences(make(installed, "readme")) == ["ran"]
    os.utime(installed / "requirements.txt")
    for calls in (1, 2):
        done = make(installed, "readme")
        assert done.returncode != 0 and "did not finish" in done.stderr
        assert (installed / "pip").read_text() == "called\n" * calls


def test_clean_removes_nothing_of_the_user(installed):
    kept = sorted(p for p in installed.rglob("*") if not {".venv", "__pycache__"} & set(p.parts))
    (installed / "tools" / "__pycache__").mkdir(exist_ok=True)
    assert make(installed, "clean").returncode == 0
    assert sorted(installed.rglob("*")) == kept
