"""The exercises: generated from the solutions, complete, the same in both frameworks, and solved."""

import ast
import importlib
import inspect
import re
import shutil

import nbformat
import pytest

from fmnist import chapters
from tests.helpers import (
    CHECK_CALL,
    EXERCISES,
    NOTEBOOKS,
    SOLUTIONS,
    TWINS,
    checks_called,
    code_cells,
    committed,
    markdown,
    read,
    verdicts,
)  # fmt: skip
from tools import exercises

WITH_TWINS = [chapter for chapter in TWINS if chapter.exercises]


def checks_of(notebook):
    """The module that the notebook imports as `checks`."""
    source = "\n".join(cell.source for cell in code_cells(notebook))
    (module,) = re.findall(r"^from fmnist\.checks import (\w+) as checks$", source, flags=re.M)
    return importlib.import_module(f"fmnist.checks.{module}")


def test_the_notebooks_are_those_of_the_registry():
    for folder, names in (("solutions", SOLUTIONS), ("exercises", EXERCISES)):
        assert committed(NOTEBOOKS / folder) == set(names)


def test_the_exercises_are_fresh():
    assert exercises.stale() == [], "make exercises"


def test_a_stale_exercise_is_noticed(tmp_path, monkeypatch):
    folder = tmp_path / "exercises"
    shutil.copytree(exercises.EXERCISES, folder)
    monkeypatch.setattr(exercises, "EXERCISES", folder)
    changed, missing = sorted(folder.rglob("*.ipynb"))[:2]
    changed.write_text(changed.read_text(encoding="utf-8").replace("your code here", "my code here"), encoding="utf-8")
    missing.unlink()
    (folder / "left_over.ipynb").write_text("{}", encoding="utf-8")
    names = [path.relative_to(folder).as_posix() for path in (changed, missing)]
    assert exercises.stale() == sorted([*names, "left_over.ipynb"])
    nbformat.write(exercises.exercise(read(SOLUTIONS[0])), folder / "left_over.ipynb")
    assert exercises.main([]) == 1, "what was changed is kept"
    assert "my code here" in changed.read_text(encoding="utf-8")
    assert exercises.stale() == [names[0]] and missing.exists()
    assert exercises.main(["--force"]) == 0
    assert exercises.stale() == []


def test_copies_that_jupyter_keeps_are_neither_read_nor_removed(tmp_path, monkeypatch):
    for name in ("EXERCISES", "SOLUTIONS"):
        shutil.copytree(getattr(exercises, name), tmp_path / name)
        monkeypatch.setattr(exercises, name, tmp_path / name)
        checkpoint = tmp_path / name / "keras" / ".ipynb_checkpoints" / "01_dense_and_cnn-checkpoint.ipynb"
        checkpoint.parent.mkdir()
        checkpoint.write_text("{}")
    assert exercises.stale() == []
    exercises.main([])
    assert checkpoint.exists()


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_links_to_its_solution_and_back(name):
    """The same first cell stands in both, so each link leads from both folders to where it says."""
    for notebook in (name, name.replace("exercises/", "solutions/")):
        first = read(notebook).cells[0].source
        for word, folder in (("to fill in", "exercises"), ("solved", "solutions")):
            target = re.search(rf"^\*\*\[{word}\]\((.*?)\)\*\*|· \*\*\[{word}\]\((.*?)\)\*\*", first, flags=re.M)
            there = (NOTEBOOKS / f"{notebook}.ipynb").parent / (target[1] or target[2])
            assert there.resolve() == NOTEBOOKS / f"{name.replace('exercises/', f'{folder}/')}.ipynb"


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
    solution = read(name)
    notebook = exercises.exercise(solution)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "SOLUTION" not in text and "Rubric" not in text
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "jupytext", "generated"}
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(notebook))
    parts = [part for cell in solution.cells for part in solution_parts(cell.source)]
    assert len(parts) >= 6
    assert not [part for part in parts if not part.strip() or f"\n{part}\n" in f"\n{text}\n"]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_form(name):
    notebook = read(name)
    sections = re.split(r"^## ", "\n\n".join(markdown(notebook)), flags=re.M)[1:]
    sections = [section for section in sections if not section.startswith("Setting up")]
    # "Exercise 2.3" can't be taken for a question of the chapter's own list, and says from where it is.
    number = name.split("/")[-1][:2]
    chapter = str(int(number)) if number.isdigit() else "C"
    numbers = [f"Exercise {chapter}.{i + 1}" for i in range(len(sections))]
    assert [section.split(". ")[0] for section in sections] == numbers
    assert 6 <= len(sections) <= 10
    for section in sections:
        assert re.search(r"^\*Trains: .*Time: .*\*$", section, flags=re.M), section[:80]
        assert section.count("<details>") == section.count("</details>") >= 1
    hints = 0  # since the last check: an exercise may have parts, each with a check of its own
    for cell in notebook.cells:
        hints = 0 if CHECK_CALL.search(cell.source) else hints + cell.source.count("<details>")
        assert hints <= 2, cell.source
    assert "**Rubric**" in "\n".join(sections)
    ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", SOLUTIONS)
def test_every_exercise_has_a_check_and_every_check_is_used(name):
    called = checks_called(read(name))
    headings = re.findall(r"^## Exercise [\dC]+\.\d+", "\n".join(markdown(read(name))), flags=re.M)
    assert len(called) >= len(headings)
    assert set(called) == {check for check, value in vars(checks_of(read(name))).items() if hasattr(value, "is_check")}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_message_can_name_the_answer_that_is_missing(name):
    """The parameters of a check are called as the variables that a notebook hands it, where there is more than one."""
    notebook = read(name)
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(cell.source)) if CHECK_CALL.search(cell.source) else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("checks."):
                check = getattr(checks_of(notebook), node.func.attr)
                names = list(inspect.signature(check).parameters)[: len(node.args)]
                handed = [ast.unparse(value) for value in node.args]
                several = len(check.answers) > 1
                assert not several or [n for n in names if n in check.answers] == [
                    n for n in handed if n in check.answers
                ]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_code_that_uses_an_answer_waits_until_it_is_right(name):
    """Outside answers and checks, no cell uses what a student defines, except below `if checks.NAME.passed`."""
    notebook, answers = read(name), set()
    for cell in code_cells(notebook):
        kind = cell.metadata.get("nbgrader", {})
        tree = ast.parse(cell.source)
        if kind.get("solution"):
            answers |= _defined(ast.parse(exercises.exercise_source(cell)))
        elif not kind.get("grade"):
            given = [
                node for node in tree.body if not (isinstance(node, ast.If) and ".passed" in ast.unparse(node.test))
            ]
            parts = [each for node in given for each in ast.walk(node)]
            used = {each.id for each in parts if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
            local = {each.id for each in parts if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
            local |= {each.arg for each in parts if isinstance(each, ast.arg)}
            answers -= _defined(ast.Module(given, []))
            assert not (used - local) & answers, ((used - local) & answers, cell.source)


def _defined(tree):
    """The names that the top level of some code defines."""
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("framework", chapters.FRAMEWORKS)
def test_the_homework_script_gives_nothing_away(framework, tmp_path, monkeypatch):
    solution = (NOTEBOOKS / "solutions" / framework / "01_homework.py").read_text(encoding="utf-8")
    text = exercises.script(solution)
    assert "SOLUTION" not in text and text.count("# your code here") == 5
    assert text == (NOTEBOOKS / "exercises" / framework / "01_homework.py").read_text(encoding="utf-8")
    shutil.copytree(exercises.EXERCISES, tmp_path / "exercises")
    monkeypatch.setattr(exercises, "EXERCISES", tmp_path / "exercises")
    mine = tmp_path / "exercises" / framework / "01_homework.py"
    mine.write_text(text.replace("# your code here", "return 1", 1), encoding="utf-8")
    assert exercises.main([]) == 1 and "return 1" in mine.read_text(encoding="utf-8"), "somebody has worked in it"
    mine.unlink()
    assert exercises.main([]) == 0 and mine.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("chapter", WITH_TWINS, ids=lambda chapter: chapter.name)
def test_twins(chapter):
    keras, pytorch = (read(f"solutions/{name}") for name in chapter.notebooks.values())
    headings = [re.findall(r"^##? .*$", "\n".join(markdown(notebook)), flags=re.M) for notebook in (keras, pytorch)]
    neutral = [[re.sub("keras|pytorch", "framework", text, flags=re.I) for text in part] for part in headings]
    assert neutral[0] == neutral[1]
    assert markdown(keras, "shared") == markdown(pytorch, "shared")
    assert set(markdown(keras)) & set(markdown(pytorch)) == set(markdown(keras, "shared"))
    assert checks_called(keras) == checks_called(pytorch)
    assert checks_of(keras) is checks_of(pytorch)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_committed_solution_passed_its_checks(name):
    assert all(verdict.startswith("Right. ") for verdict in verdicts(read(name)))
