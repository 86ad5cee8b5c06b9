"""The exercises: generated from the solutions, solvable, and checked by checks that know right from wrong."""

import importlib
import os
import re
import shutil
import subprocess
import sys

import exercises
import nbformat
import pytest
from answers import Args
from conftest import NOTEBOOKS, ROOT, code_cells, copy_repository

SOLUTIONS = sorted(path.stem for path in (NOTEBOOKS / "solutions").glob("*.ipynb"))
CHAPTERS = sorted({name.rsplit("_", 1)[0] for name in SOLUTIONS if name != "keras_vs_pytorch"})
MODULES = sorted(path.stem for path in (NOTEBOOKS / "fashion").glob("checks_*.py"))
# What the check functions are called in a check cell.
CHECK_CALL = re.compile(r"^checks\.(\w+)\(", flags=re.M)


def solution(name):
    return nbformat.read(NOTEBOOKS / "solutions" / f"{name}.ipynb", as_version=4)


def markdown(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [cell.source for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


def checks_called(notebook):
    return [name for cell in code_cells(notebook) for name in CHECK_CALL.findall(cell.source)]


def module_of(name):
    return "checks_comparison" if name == "keras_vs_pytorch" else f"checks_{name[:2]}"


def check_names(module):
    found = importlib.import_module(f"fashion.{module}")
    return sorted(name for name, value in vars(found).items() if getattr(value, "is_check", False))


def test_every_chapter_has_exercises():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == SOLUTIONS


def test_the_exercises_are_fresh():
    assert exercises.stale() == [], "make exercises"


def test_a_stale_exercise_is_noticed(tmp_path, monkeypatch):
    folder = tmp_path / "exercises"
    shutil.copytree(exercises.EXERCISES, folder)
    monkeypatch.setattr(exercises, "EXERCISES", folder)
    changed, missing = sorted(folder.glob("*.ipynb"))[:2]
    changed.write_text(changed.read_text(encoding="utf-8").replace("your code here", "my code here"), encoding="utf-8")
    missing.unlink()
    (folder / "left_over.ipynb").write_text("{}", encoding="utf-8")
    assert exercises.stale() == sorted([changed.name, missing.name, "left_over.ipynb"])
    exercises.main()
    assert exercises.stale() == []


def solution_parts(source):
    """What stands between the lines with the two markers."""
    part = None
    for line in source.split("\n"):
        if "BEGIN SOLUTION" in line:
            part = []
        elif "END SOLUTION" in line:
            yield "\n".join(part)
            part = None
        elif part is not None:
            part.append(line)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_an_exercise_gives_nothing_away(name):
    notebook = exercises.exercise(solution(name))
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "SOLUTION" not in text and "Rubric" not in text and "fashion" not in notebook.metadata
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(notebook))
    parts = [part for cell in solution(name).cells for part in solution_parts(cell.source)]
    assert len(parts) >= 6
    assert not [part for part in parts if not part.strip() or f"\n{part}\n" in f"\n{text}\n"]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_form(name):
    notebook = solution(name)
    sections = re.split(r"^## ", "\n\n".join(markdown(notebook)), flags=re.M)[1:]
    sections = [section for section in sections if not section.startswith("Setting up")]
    assert [section.split(".")[0] for section in sections] == [f"Exercise {i + 1}" for i in range(len(sections))]
    assert 6 <= len(sections) <= 8
    for section in sections:
        assert re.search(r"^\*Trains: .*Time: .*\*$", section, flags=re.M), section[:80]
        assert section.count("<details>") == section.count("</details>") >= 1
    hints = 0  # since the last check: an exercise may have parts, each with a check of its own
    for cell in notebook.cells:
        hints = 0 if CHECK_CALL.search(cell.source) else hints + cell.source.count("<details>")
        assert hints <= 2, cell.source
    assert "**Rubric**" in "\n".join(sections)
    # Every exercise has a check, and every check of the module is used.
    assert len(checks_called(notebook)) >= len(sections)
    assert sorted(set(checks_called(notebook))) == check_names(module_of(name))
    ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_twins(chapter):
    keras, pytorch = solution(f"{chapter}_keras"), solution(f"{chapter}_pytorch")
    headings = [re.findall(r"^##? .*$", "\n".join(markdown(notebook)), flags=re.M) for notebook in (keras, pytorch)]
    neutral = [[re.sub("keras|pytorch", "framework", text, flags=re.I) for text in part] for part in headings]
    assert neutral[0] == neutral[1]
    assert markdown(keras, "shared") == markdown(pytorch, "shared")
    assert set(markdown(keras)) & set(markdown(pytorch)) == set(markdown(keras, "shared"))
    assert checks_called(keras) == checks_called(pytorch)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some wrong answers divide by zero
@pytest.mark.parametrize("module", MODULES)
def test_checks_know_right_from_wrong(module, capsys, monkeypatch):
    """At least three right answers of each check pass, and at least three wrong ones get the message meant for them."""
    monkeypatch.delenv("FASHION_CHECKS", raising=False)
    checks = importlib.import_module(f"fashion.{module}")
    cases = importlib.import_module(f"cases_{module.removeprefix('checks_')}")
    assert sorted(cases.CASES) == check_names(module)
    for name, case in cases.CASES.items():
        check = getattr(checks, name)
        assert len(case["right"]) >= 3 and len(case["wrong"]) >= 3, name
        for answer in case["right"]:
            assert check(*answer) if isinstance(answer, Args) else check(answer), (name, capsys.readouterr().out)
            assert capsys.readouterr().out.startswith("Right. "), name
        for answer, fragment in case["wrong"]:
            assert not (check(*answer) if isinstance(answer, Args) else check(answer)), (name, fragment)
            said = " ".join(capsys.readouterr().out.split())
            assert said.startswith("Not yet. ") and fragment in said, (name, said, fragment)
            assert "Traceback" not in said and len(said) < 400, (name, said)
        for nothing in (..., None):
            assert not check(*[nothing] * arguments(case))
            assert capsys.readouterr().out == "Not answered yet.\n", name


def arguments(case):
    answer = case["right"][0]
    return len(answer) if isinstance(answer, Args) else 1


def test_strict_checks_raise_for_automatic_grading(monkeypatch):
    from fashion.checking import CheckFailed, check, require

    @check
    def is_two(answer):
        require(answer == 2, "That is not two.")
        return "Two is two."

    monkeypatch.setenv("FASHION_CHECKS", "strict")
    assert is_two(2)
    for answer, message in ((3, "That is not two."), (..., "Not answered yet.")):
        with pytest.raises(CheckFailed, match=message):
            is_two(answer)


def test_a_check_survives_what_an_answer_does(capsys):
    from fashion.checking import call, check, number

    @check
    def doubles(function):
        assert number(call(function, 2)) == 4
        return "Twice."

    def broken(value):
        raise KeyError("oops")

    def empty(value):
        """Nothing here yet."""

    assert doubles(lambda value: 2 * value)
    capsys.readouterr()
    for answer, said in ((broken, "KeyError"), (5, "Expected a function"), (lambda value: "four", "Expected numbers")):
        assert not doubles(answer)
        assert said in capsys.readouterr().out
    assert not doubles(empty)
    assert capsys.readouterr().out == "Not answered yet.\n"


FAST = {"MAX_IMAGES": 600, "EPOCHS": 1}


@pytest.fixture(scope="module")
def untouched_copy(tmp_path_factory):
    """A copy with the models as committed: other tests train those of the shared copy anew, on a handful of images."""
    return copy_repository(tmp_path_factory.mktemp("exercises") / "fashion mnist")


def verdicts(notebook):
    """What each check cell said."""
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in code_cells(notebook)
        if CHECK_CALL.search(cell.source)
    ]


def run_fast(copy, folder, name, target):
    from run_notebooks import execute

    source = copy / "notebooks" / folder / f"{name}.ipynb"
    settings = next(c.source for c in code_cells(solution(name)) if "parameters" in c.metadata.get("tags", []))
    parameters = {key: value for key, value in FAST.items() if re.search(rf"^{key} = ", settings, flags=re.M)}
    return execute(source, target, parameters=parameters)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLUTIONS)
def test_every_solution_passes_its_checks(name, untouched_copy, tmp_path):
    notebook = run_fast(untouched_copy, "solutions", name, tmp_path / "out.ipynb")
    assert len(verdicts(notebook)) >= 6
    for verdict in verdicts(notebook):
        assert verdict.startswith("Right. "), verdict


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_untouched_exercise_runs_and_nothing_is_answered(name, untouched_copy, tmp_path):
    notebook = run_fast(untouched_copy, "exercises", name, tmp_path / "out.ipynb")
    assert set(verdicts(notebook)) == {"Not answered yet.\n"}


def test_the_committed_solutions_passed_their_checks():
    for name in SOLUTIONS:
        assert all(verdict.startswith("Right. ") for verdict in verdicts(solution(name))), name


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_nbgrader_makes_an_assignment_of_the_solutions(tmp_path):
    """The solutions folder as a source assignment: what a teacher does, with nbgrader's own command."""
    name = SOLUTIONS[0]
    source = tmp_path / "source" / "chapter"
    source.mkdir(parents=True)
    shutil.copy(NOTEBOOKS / "solutions" / f"{name}.ipynb", source)
    (tmp_path / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "fashion"\n')
    # nbgrader starts alembic by its bare name; the one in an environment whose path has a space would not start.
    programs = tmp_path / "bin"
    programs.mkdir()
    alembic = programs / "alembic"
    alembic.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m alembic "$@"\n')
    alembic.chmod(0o755)
    environment = os.environ | {"PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "chapter", "--create"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    released = nbformat.read(tmp_path / "release" / "chapter" / f"{name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in released.cells)
    assert "raise NotImplementedError()" in text and "SOLUTION" not in text
    assert checks_called(released) == checks_called(solution(name))
    locked = [cell for cell in released.cells if cell.metadata.get("nbgrader", {}).get("locked")]
    assert len(locked) == len(checks_called(released))
    assert (ROOT / "notebooks" / "solutions" / f"{name}.ipynb").exists()
