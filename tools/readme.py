"""Write the generated parts of README.md and of the pages in docs/, and draw the figure of all models.

    python -m tools.readme

Each part stands between two comments, such as `<!-- results -->` and `<!-- /results -->`. It comes from the registry,
from the records in models/, from the committed runs of the notebooks and, for docs/side_by_side.md, from the texts in
docs/side_by_side/.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence

from fmnist import chapters
from fmnist.paths import MODELS, NOTEBOOKS, ROOT
from fmnist.records import DISPLAY, results_table
from tools import address, model_comparison, side_by_side
from tools.answers import answers
from tools.lessons import lessons


def chapter_map(repository: str | None = None) -> str:
    """Return a row for each chapter of the registry, with links to its notebooks, as Markdown.

    `repository` is the address to which the badges for Colab lead, by default that of the first cell.
    """
    repository = address.current() if repository is None else repository
    rows = []
    for chapter in chapters.all_chapters():
        number = "both" if chapter.both_frameworks else chapter.name[:2]
        cells = [_notebook(chapter, framework, repository) for framework in chapter.notebooks]
        cells += ["(the same notebook)"] * (2 - len(cells))
        rows.append([number, f"**{chapter.title}**<br>{chapter.story}", *cells])
    return markdown_table(["chapter", "story", "Keras", "PyTorch"], rows, ["---"] * 4)


def _notebook(chapter: chapters.Chapter, framework: str, repository: str) -> str:
    """Return the link to a notebook, with a badge where it can be expected to run in Colab."""
    name = chapter.notebooks[framework]
    label = "Read the comparison" if chapter.both_frameworks else f"Read {chapter.name[:2]} in {DISPLAY[framework]}"
    # The label must not break, or the column and its badges become as narrow as a word.
    link = f"[{label.replace(' ', '&nbsp;')}](notebooks/{name}.ipynb)"
    badge = address.badge(repository, name) if runs_in_colab(chapter, framework) else ""
    return f"{link}<br>{badge}" if badge else link


def runs_in_colab(chapter: chapters.Chapter, framework: str) -> bool:
    """Return whether a notebook can be expected to run with the versions that Colab has, which are not ours to choose.

    A model that Keras has saved may need the Keras that saved it: 3.10, which Colab had for long, loads none of ours.
    And the comparison needs both frameworks in one process, in which the versions of both decide whether its numbers
    agree to the last digits.
    """
    return not chapter.both_frameworks and not any(path.endswith(".keras") for path in chapter.inputs(framework))


def results() -> str:
    """Return the results table as Markdown: what depends on the machine's speed is left out."""
    table = results_table().drop(columns=["seconds per epoch", "device"])
    # The markers of the columns' alignment: numbers to the right.
    return markdown_table(table.columns, table.values.tolist(), ["---"] * 3 + ["---:"] * (len(table.columns) - 3))


def speed() -> str:
    """Return the speed table as Markdown, from models/benchmark.json."""
    record = json.loads((MODELS / "benchmark.json").read_text(encoding="utf-8"))
    rows = []
    for row in record["rows"]:
        faster = f"{row['faster']['median']:.1f} s, {row['times_faster_applied']:.1f}×" if "faster" in row else ""
        ways = [f"{row['tutorial']['median']:.1f} s", f"{row['chapter']['median']:.1f} s, {row['times_faster']:.1f}×"]
        name = f"{DISPLAY[row['network']]}, {DISPLAY[row['framework']]}"
        rows.append([name, *ways, faster, f"{row['chapter_times_floor']:.1f}×"])
    head = ["one epoch", "most tutorials", "chapter 01 as taught", "made faster", "taught ÷ multiplications alone"]
    threads = max(record["machine"]["threads"].values())
    rate = max(record["matmul_gflops"].values())
    about = f"Measured on {record['machine']['cpu']}, {threads} threads, {rate:.0f} GFLOP/s in float32 matrix products."
    parts = [markdown_table(head, rows, ["---"] + ["---:"] * 4), about]
    if "time_to_accuracy" in record:
        parts += _time_to_accuracy(record["time_to_accuracy"])
    return "\n\n".join(parts)


def _time_to_accuracy(found: dict) -> list[str]:
    """Return a sentence and a table, as Markdown: seconds of training until an accuracy is first reached."""
    ways = {"tutorial": "most tutorials", "chapter": "chapter 01", "residual": "chapter 06, half the width"}
    rows = []
    for framework in sorted({row["framework"] for row in found["rows"]}, reverse=True):
        cells = [DISPLAY[framework]]
        for way in ways:
            (row,) = [row for row in found["rows"] if (row["framework"], row["way"]) == (framework, way)]
            seconds = "never" if row["median"] is None else f"{row['median']:.0f} s"
            faster = "" if way == "tutorial" or row["times_faster"] is None else f", {row['times_faster']:.1f}×"
            cells.append(seconds + faster)
        rows.append(cells)
    about = (
        f"Seconds of training until the validation accuracy first reaches {found['target']:.1%}, medians of "
        f"{len(found['seeds'])} seeds:"
    )
    return [about, markdown_table(["", *ways.values()], rows, ["---"] + ["---:"] * len(ways))]


def verdict_list() -> str:
    """Return, as a list in Markdown, what the comparison's cell tagged "verdict" printed in its last run."""
    notebook = json.loads((NOTEBOOKS / "keras_vs_pytorch.ipynb").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if "verdict" in cell["metadata"].get("tags", [])]
    printed = "".join(text for output in cell["outputs"] for text in output["text"])
    return "\n".join(f"- {line}" for line in printed.splitlines())


def lesson_table() -> str:
    """Return how many minutes each lesson takes, as Markdown."""
    head = ["chapter", "reading", "running, Keras / PyTorch", "exercises"]
    return markdown_table(head, lessons(), ["---"] + ["---:"] * 3)


# The parts of each page, in the folder of the repository.
PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"answers": answers, "chapters": chapter_map},
    "docs/results.md": {"results": results, "verdict": verdict_list},
    "docs/side_by_side.md": {"index": side_by_side.index, "body": side_by_side.body},
    "docs/speed.md": {"speed": speed},
    "docs/teaching.md": {"lessons": lesson_table},
}


def generated(page: str, text: str) -> str:
    """Return the `text` of a page with every generated part made anew."""
    for name, make in PAGES[page].items():
        if name != "speed" or (MODELS / "benchmark.json").exists():  # where nothing was measured, nothing is behind
            text = replaced_between(text, name, make())
    return text


def stale() -> list[str]:
    """Return the pages that show other numbers than the records, and the figure of all models if it does."""
    found = [page for page in PAGES if generated(page, text := _read(page)) != text]
    return found + [model_comparison.FILE] * model_comparison.is_stale()


def is_stale() -> bool:
    """Return whether something that `make readme` makes is older than the records."""
    return bool(stale())


def write() -> None:
    """Bring every page and the figure up to date, and say which needed it."""
    for name in stale():
        if name in PAGES:
            (ROOT / name).write_text(generated(name, _read(name)), encoding="utf-8", newline="\n")
        else:
            model_comparison.save()
        print(name)


def _read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence], alignment: Sequence[str]) -> str:
    """Return a table in Markdown; `alignment` holds "---" or "---:" for each column."""
    lines = [head, alignment, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def replaced_between(text: str, name: str, new: str) -> str:
    """Return `text` with `new` between its `<!-- name -->` and `<!-- /name -->`.

    Raises ValueError where there is no such part, or more than one.
    """
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    text, found = re.subn(pattern, lambda part: f"{part[1]}{new}\n{part[2]}", text, flags=re.S)
    if found != 1:
        raise ValueError(
            f"There must be one part between <!-- {name} --> and <!-- /{name.split()[0]} -->, not {found}."
        )
    return text


if __name__ == "__main__":
    write()
