"""Generate notebooks/exercises/ from notebooks/solutions/: the same notebooks without solutions and outputs.

    python -m tools.exercises [--force]

A solution stands between `### BEGIN SOLUTION` and `### END SOLUTION`, the markers of nbgrader, whose own preprocessor
takes it out; written model answers and rubrics stand between the same two lines in Markdown cells. The overview in
notebooks/README.md is made from the solutions, too: what each exercise is called, and what its checks say was learned.
An exercise that somebody has worked in is kept, unless --force is given.
"""

import argparse
import copy
import re
import sys

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


def exercise(solution: NotebookNode) -> NotebookNode:
    """Return the exercise (an nbformat node) that belongs to the notebook `solution`."""
    notebook = copy.deepcopy(solution)
    clear = ClearSolutions(code_stub={"python": CODE_STUB}, text_stub=TEXT_STUB)
    notebook, _ = clear.preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    notebook.metadata.pop("run", None)
    notebook.metadata["generated"] = _digest(notebook)
    return notebook


def worked_in(notebook: NotebookNode) -> bool:
    """Return whether an exercise holds other cells than those that were generated: somebody's answers."""
    return notebook.metadata.get("generated") != _digest(notebook)


def _digest(notebook: NotebookNode) -> str:
    return digest([[cell.cell_type, cell.source] for cell in notebook.cells])


def generated() -> dict[str, str]:
    """Return {path below notebooks/exercises: its text} for every exercise notebook."""
    return {
        path.relative_to(SOLUTIONS).as_posix(): nbformat.writes(exercise(nbformat.read(path, as_version=4))).rstrip(
            "\n"
        )
        + "\n"
        for path in notebooks_in(SOLUTIONS)
    }


def stale() -> list[str]:
    """Return the names of the files that are missing, left over, or not what would be generated now."""
    fresh = generated()
    there = {
        path.relative_to(EXERCISES).as_posix(): path.read_text(encoding="utf-8") for path in notebooks_in(EXERCISES)
    }
    names = sorted(name for name in fresh.keys() | there.keys() if fresh.get(name) != there.get(name))
    return names + [PAGE.name] * (page() != PAGE.read_text(encoding="utf-8"))


def overview(solution: NotebookNode) -> str:
    """Return the exercises of a solved notebook as the rows of a table in Markdown."""
    rows = []
    for cell in solution.cells:
        if heading := re.search(r"^## Exercise (\d+)\. (.*)$", cell.source, flags=re.M):
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
        elif path.exists() and not force and worked_in(nbformat.read(path, as_version=4)):
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
