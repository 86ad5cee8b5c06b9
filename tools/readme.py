"""Write the generated parts of README.md: the chapters, results from the records, the benchmark, and the verdict.

    python -m tools.readme

Each part stands between two comments in README.md, such as `<!-- results -->` and `<!-- /results -->`.
"""

import json
import re
from collections.abc import Iterable, Sequence

from fmnist import chapters
from fmnist.paths import MODELS, NOTEBOOKS, ROOT
from fmnist.records import DISPLAY, results_table

README = ROOT / "README.md"


def chapter_map() -> str:
    """Return a row for each chapter of the registry, with links to its notebooks, as Markdown."""
    rows = []
    for chapter in chapters.all_chapters():
        names = list(chapter.notebooks.values())
        links = [f"[{chapter.title}](notebooks/{name}.ipynb)" for name in names]
        links += ["(the same notebook)"] * (2 - len(links))
        number = "comparison" if chapter.both_frameworks else chapter.name[:2]
        rows.append([number, *links, chapter.story])
    return markdown_table(["chapter", "Keras", "PyTorch", "what it teaches"], rows, ["---"] * 4)


def results() -> str:
    """Return the results table as Markdown: what depends on the machine's speed is left out."""
    table = results_table().drop(columns=["seconds per epoch", "device"])
    # The markers of the columns' alignment: numbers to the right.
    return markdown_table(table.columns, table.values.tolist(), ["---"] * 3 + ["---:"] * (len(table.columns) - 3))


def speed() -> str:
    """Return the speed table as Markdown, from models/benchmark.json."""
    record = json.loads((MODELS / "benchmark.json").read_text(encoding="utf-8"))
    rows = [
        [
            f"{DISPLAY[row['network']]}, {DISPLAY[row['framework']]}",
            f"{row['tutorial']['median']:.1f} s",
            f"{row['chapter']['median']:.1f} s",
            f"{row['times_faster']:.1f}×",
            f"{row['chapter_times_floor']:.1f}×",
        ]
        for row in record["rows"]
    ]
    head = ["one epoch", "as in most tutorials", "as in chapter 01", "faster", "time over the floor"]
    threads = max(record["machine"]["threads"].values())
    rate = max(record["matmul_gflops"].values())
    about = f"Measured on {record['machine']['cpu']}, {threads} threads, {rate:.0f} GFLOP/s in float32 matrix products."
    return markdown_table(head, rows, ["---"] + ["---:"] * 4) + "\n\n" + about


def verdict_list() -> str:
    """Return, as a list in Markdown, what the comparison's cell tagged "verdict" printed in its last run."""
    notebook = json.loads((NOTEBOOKS / "keras_vs_pytorch.ipynb").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if "verdict" in cell["metadata"].get("tags", [])]
    printed = "".join(text for output in cell["outputs"] for text in output["text"])
    return "\n".join(f"- {line}" for line in printed.splitlines())


def generated(text: str) -> str:
    """Return `text` with every generated part made anew."""
    parts = {"chapters": chapter_map, "results": results, "verdict": verdict_list, "speed": speed}
    if not (MODELS / "benchmark.json").exists():
        del parts["speed"]  # nothing was measured, so that there is nothing to be behind
    for name, make in parts.items():
        text = replaced_between(text, name, make())
    return text


def is_stale() -> bool:
    """Return whether README.md shows other numbers than the records."""
    text = README.read_text(encoding="utf-8")
    return generated(text) != text


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
    README.write_text(generated(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
