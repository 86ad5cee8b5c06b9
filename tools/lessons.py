"""How many minutes each lesson takes, for docs/teaching.md: reading, running, and the exercises."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from fmnist import chapters
from fmnist.paths import NOTEBOOKS

# What reading is reckoned with: slow, since the reader may be new to the field and to English.
WORDS_A_MINUTE = 100
CELLS_A_MINUTE = 2


def reading(notebook: NotebookNode) -> int:
    """Return in how many minutes `notebook` is read with its code, rounded up to five."""
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    return rounded_up(words / WORDS_A_MINUTE + cells / CELLS_A_MINUTE, 5)


def running(notebook: NotebookNode) -> int:
    """Return in how many minutes the committed run of `notebook` was over, rounded up."""
    return rounded_up(notebook.metadata["run"]["seconds"] / 60, 1)


def exercising(solution: NotebookNode) -> int:
    """Return how many minutes the exercises of a solved notebook give as their time, together."""
    times = re.findall(r"^\*Trains: .*? Time: (.*?)\*$", "\n".join(cell.source for cell in solution.cells), re.M)
    return sum(int(minutes) for text in times for minutes in re.findall(r"\d+", text))


def rounded_up(value: float, to: int) -> int:
    """Return the smallest multiple of `to` that is not below `value`."""
    return int(-(-value // to) * to)


def lessons() -> list[list[str]]:
    """Return a row for each chapter: its name, and the minutes for reading, for each run, and for the exercises."""
    rows = []
    for chapter in chapters.all_chapters():
        read = {framework: _read(NOTEBOOKS / f"{name}.ipynb") for framework, name in chapter.notebooks.items()}
        runs = [str(running(notebook)) for notebook in read.values()]
        minutes = "none yet"
        if chapter.exercises:
            # The twins ask the same.
            name = list(chapter.notebooks.values())[-1]
            minutes = str(exercising(_read(NOTEBOOKS / "solutions" / f"{name}.ipynb")))
        title = chapter.title if chapter.both_frameworks else f"{chapter.name[:2]} {chapter.title}"
        rows.append([title, str(max(map(reading, read.values()))), " / ".join(runs), minutes])
    return rows


def _read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)
