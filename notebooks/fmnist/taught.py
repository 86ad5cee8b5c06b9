"""What a chapter teaches, taken from its notebook, so that it stands in one place only."""

import json
import sys
from typing import Any

from fmnist.paths import NOTEBOOKS


def run_tagged_cells(notebook: str, *tags: str, **given: Any) -> dict[str, Any]:
    """Run the code cells of `notebook` that carry one of `tags`, in order, and return what they define.

    `given` holds what the cells expect to find:
    `run_tagged_cells("keras/01_dense_and_cnn", "model", keras=keras, DROPOUT=0)` returns a dict with the functions
    `build_dense` and `build_cnn`. Raises LookupError when no cell carries a tag.
    """
    found = dict(given)
    for source in tagged_sources(notebook, *tags):
        exec(compile(source, f"{notebook}.ipynb", "exec"), found)
    return {name: value for name, value in found.items() if name != "__builtins__" and name not in given}


def tagged_sources(notebook: str, *tags: str) -> list[str]:
    """Return the code of the cells of `notebook` that carry one of `tags`, in order.

    Raises LookupError when no cell carries a tag.
    """
    # tools/observe.py listens: a run that uses these cells is bound to them and not to the rest of the notebook.
    sys.audit("fmnist.tagged_sources", notebook, *tags)
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [(set(cell["metadata"].get("tags", ())), "".join(cell["source"])) for cell in cells]
    missing = set(tags) - set().union(*(tagged for tagged, _ in code))
    if missing:
        raise LookupError(f"{notebook}.ipynb has no cell tagged {', '.join(sorted(missing))}.")
    return [source for tagged, source in code if tagged & set(tags)]
