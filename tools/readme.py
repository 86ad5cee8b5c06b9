"""Write the generated parts of README.md: results from the records, speed from the benchmark, and the verdict.

    python tools/readme.py

Each part stands between two comments in README.md, such as `<!-- results -->` and `<!-- /results -->`.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion.paths import MODELS, NOTEBOOKS  # noqa: E402
from fashion.records import DISPLAY, results_table  # noqa: E402


def results():
    """Return the results table as Markdown: what depends on the machine's speed is left out."""
    table = results_table().drop(columns=["seconds per epoch", "device"])
    # The markers of the columns' alignment: numbers to the right.
    return _markdown(table.columns, table.values.tolist(), ["---"] * 3 + ["---:"] * (len(table.columns) - 3))


def speed():
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
    return _markdown(head, rows, ["---"] + ["---:"] * 4) + "\n\n" + about


def verdict():
    """Return, as a list in Markdown, what the comparison's cell tagged "verdict" printed in its last run."""
    notebook = json.loads((NOTEBOOKS / "keras_vs_pytorch.ipynb").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if "verdict" in cell["metadata"].get("tags", [])]
    printed = "".join(text for output in cell["outputs"] for text in output["text"])
    return "\n".join(f"- {line}" for line in printed.splitlines())


def generated(text):
    """Return `text` with every generated part made anew."""
    parts = {"results": results, "verdict": verdict, "speed": speed}
    if not (MODELS / "benchmark.json").exists():
        del parts["speed"]  # nothing was measured, so that there is nothing to be behind
    for name, make in parts.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text, found = re.subn(pattern, lambda part, make=make: f"{part[1]}{make()}\n{part[2]}", text, flags=re.S)
        if found != 1:
            raise ValueError(f"README.md must have one part between <!-- {name} --> and <!-- /{name} -->, not {found}.")
    return text


def is_stale():
    """Return whether README.md shows other numbers than the records."""
    text = README.read_text(encoding="utf-8")
    return generated(text) != text


def _markdown(head, rows, alignment):
    lines = [head, alignment, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    README.write_text(generated(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
