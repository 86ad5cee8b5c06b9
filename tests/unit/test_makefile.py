"""The Makefile: what it says, what it says when it cannot work, and its plain commands. Nothing is installed here."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from tests.helpers import ROOT, make_venv

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
NO_PLAIN_FORM = {"help", "clean"}
needs_make = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make")


@pytest.fixture
def folder(tmp_path):
    """A fresh clone, as far as make sees it, in a path with a space."""
    clone = tmp_path / "a clone"
    shutil.copytree(ROOT / "tools", clone / "tools")
    (clone / "tools" / "about.py").write_text("print('ran')")
    shutil.copytree(ROOT / "notebooks" / "fmnist", clone / "notebooks" / "fmnist")
    shutil.copy(ROOT / "notebooks" / "chapters.toml", clone / "notebooks")
    for path in [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / "constraints.txt", *ROOT.glob("requirements*.txt")]:
        shutil.copy(path, clone)
    return clone


@pytest.fixture
def installed(folder):
    """A clone whose .venv, as make sees it, is finished; its pip notes what it was called with and fails."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    environment = f'PYTHONPATH="{folder / "notebooks"}" exec "{sys.executable}" "$@"'
    called = f'case "$*" in *"pip install"*) echo "$*" >> "{folder / "pip"}"; exit 1; esac'
    script(folder / ".venv" / "bin" / "python", f"{called}; {environment}")
    for age, paths in (
        (20, folder.glob("*.t*")),
        (10, [folder / ".venv" / name for name in ("installed", "installed-all")]),
    ):
        for path in paths:
            path.touch()
            os.utime(path, (time.time() - age,) * 2)
    return folder


def make(folder, *arguments, **variables):
    """Run make without what an outer make, such as `make test`, hands down, and without a source of packages."""
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON"}}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment | variables, capture_output=True, text=True)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_python(path, code):
    """A Python that executes `code` before it starts a module."""
    start = "sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[1], run_name='__main__', alter_sys=True)"
    return script(path, f'exec "{sys.executable}" -c "import platform, runpy, sys; {code}; {start}" "$@"')


def sentences(done):
    """What was said, without make's own last line."""
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if not re.match(r"g?make(\[\d+\])?: \*\*\*", line)]


def targets():
    return set(" ".join(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)).split()) - {"broken"}


@needs_make
def test_help_lists_every_target(folder):
    for arguments in ([], ["help"]):
        listed = re.findall(r"^  make ([a-z-]+) +\S", make(folder, *arguments).stdout, re.MULTILINE)
        assert sorted(listed) == sorted(targets())


def test_every_target_has_its_plain_form_in_the_page_on_installation():
    page = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")
    section = page.partition("## Without make, and on Windows")[2].partition("\n##")[0]
    rows = dict(re.findall(r"^\| `make ([a-z-]+)` \| (.+) \|$", section, re.MULTILINE))
    assert rows.keys() == targets() - NO_PLAIN_FORM
    for target, plain in rows.items():
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
        commands = re.findall(r"^\t@\.venv/bin/(python .+?)(?: \$\(NOTEBOOKS\))?$", recipe, re.MULTILINE)
        assert re.findall(r"`([^`]+)`", plain) == commands, target
    needs_all = [target for target in rows if re.search(rf"^{target}: \$\(ALL\) ", MAKEFILE, re.MULTILINE)]
    assert list(rows)[list(rows).index("test") :] == needs_all, "the page says which commands need more packages"


@needs_make
@pytest.mark.parametrize(
    ("fake", "expected"),
    [
        ("sys.version_info = (3, 14, 0)", "Python 3.11, 3.12 or 3.13 is needed, but this is 3.14: "),
        ("sys.version_info = (3, 9, 18)", "Python 3.11, 3.12 or 3.13 is needed, but this is 3.9: "),
        ("platform.system, platform.machine = lambda: 'Darwin', lambda: 'x86_64'", "TensorFlow and PyTorch have no "),
        ("sys.modules['ensurepip'] = None", "Python {} has no venv module here"),
    ],
)
@pytest.mark.parametrize("target", ["run", "test"])
def test_a_python_that_does_not_fit_gets_one_sentence(folder, tmp_path, target, fake, expected):
    python = fake_python(tmp_path / "fake python", fake)
    done = make(folder, target, f"PYTHON={python}")
    assert done.returncode != 0
    (sentence,) = sentences(done)
    assert sentence.startswith(expected.format("{}.{}".format(*sys.version_info)))
    assert not (folder / ".venv").exists()


@needs_make
def test_a_missing_python_is_named(folder):
    done = make(folder, "run", "PYTHON=/no/python")
    (sentence,) = sentences(done)
    assert done.returncode != 0 and "/no/python" in sentence


@needs_make
def test_the_first_python_that_fits_is_taken(folder, tmp_path):
    """Where `python3` is too new, as on many systems, and PYTHON names none."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, fits, says in (("python3", 1, "too new"), ("python3.12", 0, "taken"), ("python3.11", 0, "second")):
        script(programs / name, f'case "$1" in -c) exit {fits}; esac; echo {says}; exit 1')
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    script(programs / "python3.13", "exit 1")
    assert sentences(make(folder, "run", PATH=path)) == ["taken"]
    script(programs / "python3.12", "exit 1")
    script(programs / "python3.11", "exit 1")
    script(programs / "python", "exit 1")
    assert sentences(make(folder, "run", PATH=path)) == ["too new"], "which then says what is wrong"


@needs_make
def test_a_venv_of_another_python_is_not_overwritten(folder):
    (folder / ".venv" / "bin").mkdir(parents=True)
    script(folder / ".venv" / "bin" / "python", "echo 3.14")
    (sentence,) = sentences(make(folder, "test", f"PYTHON={sys.executable}"))
    assert sentence.startswith("Python 3.11, 3.12 or 3.13 is needed, but .venv was made with 3.14: ")


@needs_make
def test_a_venv_whose_python_was_removed_is_made_anew(installed, tmp_path):
    (installed / ".venv" / "bin" / "python").unlink()
    (installed / ".venv" / "bin" / "python").symlink_to(tmp_path / "removed")
    real = script(tmp_path / "real", 'echo "called: $*"; exit 1')
    done = make(installed, "about", f"PYTHON={fake_python(tmp_path / 'fake', f'sys.executable = {str(real)!r}')}")
    assert done.returncode != 0 and "called: -m venv --clear .venv" in done.stdout


@needs_make
def test_an_installation_that_does_not_find_the_package_is_repaired(installed):
    assert sentences(make(installed, "about")) == ["ran"]
    python = installed / ".venv" / "bin" / "python"
    script(python, python.read_text().replace("case", 'case "$2" in "import fmnist") exit 1; esac; case', 1))
    assert "did not finish" in make(installed, "about").stderr
    assert (installed / "pip").read_text().count("-r requirements.txt -c constraints.txt") == 1


@needs_make
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_an_installation_in_a_path_with_any_letters_is_whole(folder, locale):
    """An absolute path in site-packages would keep Python 3.11 from starting with LC_ALL=C."""
    folder = folder.rename(folder.with_name("Übungen 機械学習"))
    make_venv(folder)
    (folder / ".venv" / "installed").touch()
    assert sentences(make(folder, "about", LC_ALL=locale, PYTHONPATH="")) == ["ran"]


@needs_make
def test_an_unknown_notebook_is_named_with_the_known_ones(installed):
    (installed / "notebooks" / "keras").mkdir()
    (installed / "notebooks" / "keras" / "01_dense_and_cnn.ipynb").touch()
    done = make(installed, "run", "NOTEBOOKS=01_b")
    assert done.returncode != 0
    assert sentences(done) == ["No notebook is called 01_b. There are: keras/01_dense_and_cnn."]


@needs_make
@pytest.mark.parametrize("changed", ["requirements.txt", "requirements-dev.txt", "constraints.txt", "pyproject.toml"])
def test_it_installs_again_when_a_list_changed_and_until_it_succeeds(installed, changed):
    os.utime(installed / changed)
    learner, teach, dev = (f"-r requirements{list_}.txt" for list_ in ("", "-teach", "-dev"))
    every = f"{learner} {teach} {dev}"
    for target, installs in (("about", learner), ("lint", every), ("lint", every)):
        done = make(installed, target)
        assert done.returncode != 0 and "did not finish" in done.stderr
        assert (installed / "pip").read_text().splitlines()[-1].endswith(f" {installs} -c constraints.txt")
        (installed / "pip").unlink()


@needs_make
def test_clean_removes_nothing_of_the_user(installed):
    kept = sorted(p for p in installed.rglob("*") if not {".venv", "__pycache__"} & set(p.parts))
    (installed / "tools" / "__pycache__").mkdir(exist_ok=True)
    assert make(installed, "clean").returncode == 0
    assert sorted(installed.rglob("*")) == kept
