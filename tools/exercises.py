"""Generate notebooks/exercises/ from notebooks/solutions/: the same notebooks without solutions and outputs.

    python -m tools.exercises [--force]

A solution stands between `### BEGIN SOLUTION` and `### END SOLUTION`, the markers of nbgrader, whose own preprocessor
takes it out; written model answers and rubrics stand between the same two lines in Markdown cells. Scripts in the same
folders (.py), for those who hand in a file, are treated alike. The overview in notebooks/README.md is made from the
solutions, too: what each exercise is called, and what its checks say was learned. An exercise that somebody has worked
in is kept, unless --force is given.
"""

import argparse
import copy
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from fmnist import chapters
from fmnist.paths import NOTEBOOKS
from tools.bootstrap import notebooks_in
from tools.readme import markdown_table, replaced_between
from tools.stamp import digest

SOLUTIONS = NOTEBOOKS / "solutions"
EXERCISES = NOTEBOOKS / "exercises"
PAGE = NOTEBOOKS / "README.md"
CODE_STUB = "# your code here"
TEXT_STUB = "*Your answer here.*"
STAMP = "# generated: "  # the last line of a script says what was generated


def exercise(solution: NotebookNode) -> NotebookNode:
    """Return the exercise (an nbformat node) that belongs to the notebook `solution`."""
    notebook = copy.deepcopy(solution)
    clear = ClearSolutions(code_stub={"python": CODE_STUB}, text_stub=TEXT_STUB)
    notebook, _ = clear.preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None, source=_one_stub(cell.source))
    notebook.metadata.pop("run", None)
    notebook.metadata["generated"] = _digest(notebook)
    return notebook


def exercise_source(cell: NotebookNode) -> str:
    """Return the code of one cell of a solution as it stands in the exercise."""
    return script(cell.source).rpartition(STAMP)[0]


def _one_stub(source: str) -> str:
    """Return the code of a cell without a stub that comes after the one in a function: that one only tries it out."""
    if f"\n    {CODE_STUB}" not in source:
        return source
    return re.sub(rf"\n+{CODE_STUB}(?=\n|$)", "", source).rstrip("\n")


def script(solution: str) -> str:
    """Return the script to fill in that belongs to the text of the script `solution`."""
    text = re.sub(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", rf"\1{CODE_STUB}", solution, flags=re.M | re.S)
    return f"{text}{STAMP}{digest(text)}\n"


def worked_in(notebook: NotebookNode) -> bool:
    """Return whether an exercise holds other cells than those that were generated: somebody's answers."""
    return notebook.metadata.get("generated") != _digest(notebook)


def _digest(notebook: NotebookNode) -> str:
    return digest([[cell.cell_type, cell.source] for cell in notebook.cells])


def generated() -> dict[str, str]:
    """Return {path below notebooks/exercises: its text} for every exercise, notebooks and scripts."""
    notebooks = {
        path.relative_to(SOLUTIONS).as_posix(): nbformat.writes(exercise(nbformat.read(path, as_version=4))).rstrip(
            "\n"
        )
        + "\n"
        for path in notebooks_in(SOLUTIONS)
    }
    scripts = {
        path.relative_to(SOLUTIONS).as_posix(): script(path.read_text(encoding="utf-8"))
        for path in scripts_in(SOLUTIONS)
    }
    return notebooks | scripts


def scripts_in(folder: Path) -> list[Path]:
    """Return the scripts in `folder`, one level down, without what Jupyter keeps."""
    return sorted(path for path in folder.glob("*/*.py") if path.parent.name in chapters.FRAMEWORKS)


def stale() -> list[str]:
    """Return the names of the files that are missing, left over, or not what would be generated now."""
    fresh = generated()
    there = {
        path.relative_to(EXERCISES).as_posix(): path.read_text(encoding="utf-8")
        for path in [*notebooks_in(EXERCISES), *scripts_in(EXERCISES)]
    }
    names = sorted(name for name in fresh.keys() | there.keys() if fresh.get(name) != there.get(name))
    return names + [PAGE.name] * (page() != PAGE.read_text(encoding="utf-8"))


def overview(solution: NotebookNode) -> str:
    """Return the exercises of a solved notebook as the rows of a table in Markdown."""
    rows = []
    for cell in solution.cells:
        if heading := re.search(r"^## Exercise ([\dC]+\.\d+)\. (.*)$", cell.source, flags=re.M):
            rows.append([heading[1], heading[2], "", "", ""])
        if about := re.search(r"^\*Trains: (.*?)\.? Time: (.*?)\.?\*$", cell.source, flags=re.M):
            rows[-1][2:4] = about.groups()
        if cell.cell_type == "code" and re.search(r"^checks\.", cell.source, flags=re.M):
            said = " ".join("".join(output.get("text", "") for output in cell.outputs).split())
            rows[-1][4] = f"{rows[-1][4]} {said.removeprefix('Right. ')}".strip()
    head = ["", "exercise", "trains", "time", "what its checks say was learned"]
    return markdown_table(head, rows, ["---"] * len(head))


def overviews() -> str:
    """Return a heading and an overview for each chapter of the registry that has exercises."""
    parts = []
    for chapter in chapters.all_chapters():
        # The twins ask the same, so one table serves both.
        name = list(chapter.notebooks.values())[-1]
        path = SOLUTIONS / f"{name}.ipynb"
        if chapter.exercises:
            title = "The comparison" if chapter.both_frameworks else f"Chapter {chapter.name[:2]}"
            table = overview(nbformat.read(path, as_version=4))
            parts.append(f"### {title}: {chapter.title}\n\n{table}")
    return "\n\n".join(parts)


def page() -> str:
    """Return the text of the page for teachers with the overviews made anew."""
    return replaced_between(PAGE.read_text(encoding="utf-8"), "exercises", overviews())


def _is_worked_in(path: Path) -> bool:
    if path.suffix == ".ipynb":
        return worked_in(nbformat.read(path, as_version=4))
    text, _, stamp = path.read_text(encoding="utf-8").rpartition(STAMP)
    return stamp.strip() != digest(text)


def main(arguments: list[str] | None = None) -> int:
    """Write what is stale and remove what is left over; return 1 where something was kept instead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="also overwrite what somebody has worked in")
    force = parser.parse_args(arguments).force
    fresh, kept = generated(), []
    for name in stale():
        path = EXERCISES / name
        if name == PAGE.name:
            PAGE.write_text(page(), encoding="utf-8", newline="\n")
            print(f"{PAGE.name}: the overview")
        elif path.exists() and not force and _is_worked_in(path):
            kept.append(name)
        elif name in fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fresh[name], encoding="utf-8", newline="\n")
            print(f"exercises/{name}")
        else:
            path.unlink()
            print(f"exercises/{name}: removed, there is no such solution")
    for name in kept:
        print(
            f"exercises/{name}: kept, because somebody has worked in it (python -m tools.exercises --force overwrites)"
        )
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
