"""The exercises run: solved, they pass their checks; untouched, they reach their end; nbgrader can hand them out."""

import os
import shutil
import sys

import nbformat
import pytest

from fmnist import chapters
from tests.helpers import (
    EXERCISES,
    NOTEBOOKS,
    SOLUTIONS,
    checks_called,
    code_cells,
    fast_settings,
    read,
    run_python,
    settings,
    verdicts,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SOLUTIONS)
def test_every_solution_passes_its_checks(name, run_fast):
    found = verdicts(run_fast(name))
    assert len(found) >= 6
    for verdict in found:
        assert verdict.startswith("Right. "), verdict


@pytest.mark.parametrize("name", EXERCISES)
def test_the_untouched_exercise_runs_and_nothing_is_answered(name, workers):
    """In a process that has its framework already: that a kernel runs it quietly is seen from the solution."""
    _, framework = chapters.of_notebook(name.removeprefix("exercises/"))
    found = workers.ask(framework, "exercise", name)
    assert len(found) >= 6
    assert set(found) == {"Not answered yet.\n"}


@pytest.mark.parametrize("framework", chapters.FRAMEWORKS)
def test_the_homework_as_a_script(framework, repository_copy, tmp_path):
    """Solved it passes all its checks; untouched it says what is missing."""
    environment = os.environ | {"PYTHONPATH": str(repository_copy / "notebooks"), "MPLBACKEND": "agg"}
    options = ["--images", "600", "--epochs", "2"]
    for folder, right in (("solutions", 3), ("exercises", 0)):
        script = repository_copy / "notebooks" / folder / framework / "01_homework.py"
        done = run_python(str(script), *options, cwd=tmp_path, env=environment, timeout=300)
        assert done.stdout.count("Right. ") == right, done.stdout + done.stderr
        assert (done.returncode == 0) == bool(right) and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.strip() == "`build_cnn` returns nothing yet."
    assert (tmp_path / "01_homework_mistakes.png").stat().st_size > 1000


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_nbgrader_makes_an_assignment_of_the_solutions(tmp_path):
    """The solutions folder as a source assignment: what a teacher does, with nbgrader's own command."""
    name = SOLUTIONS[0]
    source = tmp_path / "source" / "chapter"
    source.mkdir(parents=True)
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", source)
    (tmp_path / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "fmnist"\n')
    # nbgrader starts alembic by its bare name; the one in an environment whose path has a space would not start.
    programs = tmp_path / "bin"
    programs.mkdir()
    alembic = programs / "alembic"
    alembic.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m alembic "$@"\n')
    alembic.chmod(0o755)
    environment = os.environ | {"PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
    command = ["-m", "nbgrader", "generate_assignment", "chapter", "--create"]
    done = run_python(*command, cwd=tmp_path, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "release" / "chapter").glob("*.ipynb")
    released = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in released.cells)
    assert "raise NotImplementedError()" in text and "SOLUTION" not in text
    assert checks_called(released) == checks_called(read(name))
    locked = [cell for cell in released.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    assert len(locked) == len(checks_called(released))


@pytest.mark.parametrize("name", ["exercises/pytorch/01_dense_and_cnn", "solutions/pytorch/01_dense_and_cnn"])
def test_nbgrader_validates_what_is_answered_and_nothing_else(repository_copy, tmp_path, name):
    """What the button Validate says, with nbgrader's own command."""
    notebook = read(name)
    (cell,) = code_cells(notebook, "parameters")
    values = settings(notebook) | fast_settings(name)
    cell.source = "\n".join(f"{setting} = {value!r}" for setting, value in values.items())
    nbformat.write(notebook, tmp_path / "handed_in.ipynb")
    environment = os.environ | {"PYTHONPATH": str(repository_copy / "notebooks")}
    done = run_python("-m", "nbgrader", "validate", "handed_in.ipynb", cwd=tmp_path, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    missing = 0 if name in SOLUTIONS else len(checks_called(notebook))
    assert done.stdout.count("CheckFailed: Not answered yet.\n") == missing, done.stdout
    assert ("Success! Your notebook passes all the tests." in done.stdout) == (not missing), done.stdout
