"""Let every notebook begin with the cell that finds the package, and fill in the address of the repository.

    python -m tools.bootstrap [ADDRESS]

The cell stands in tools/bootstrap_cell.py. It goes into the chapters and the solutions, where it is missing or another
one; `python -m tools.exercises` then takes it over into the exercises. An ADDRESS, such as
https://github.com/OWNER/REPOSITORY, is first written wherever one stands: into the cell, the README, the pages in docs/
and CITATION.cff. The README's badges for Colab are made anew, or left out where ADDRESS is not on GitHub. Without an
ADDRESS, everything keeps its own.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from fmnist.paths import ROOT
from tools.address import CELL, current
from tools.readme import chapter_map, replaced_between

FRONT_PAGE = "README.md"
CITATION = "CITATION.cff"


def source(root: Path = ROOT) -> str:
    """Return the code of the cell, as it stands in the repository at `root`."""
    text = (root / CELL).read_text(encoding="utf-8")
    return text.split('"""', maxsplit=2)[2].strip()


def put(notebook: NotebookNode, code: str) -> None:
    """Make `code` the first code cell of `notebook`, behind the title and the introduction."""
    old = [cell for cell in notebook.cells if "bootstrap" in cell.metadata.get("tags", ())]
    # A cell that has been run keeps its number, so that another address asks for no new run.
    cell = old[0] if old else nbformat.v4.new_code_cell()
    # JupyterLab folds it, since it teaches nothing.
    cell.update(id="bootstrap", source=code, metadata={"tags": ["bootstrap"], "jupyter": {"source_hidden": True}})
    others = [each for each in notebook.cells if each not in old]
    text = next((i for i, each in enumerate(others) if each.cell_type != "markdown"), len(others))
    # What stands between the introduction and the settings belongs to the settings.
    place = min(text, 2)
    notebook.cells = [*others[:place], cell, *others[place:]]


def notebooks_in(folder: Path) -> list[Path]:
    """Return the notebooks in `folder`, without the copies that Jupyter keeps."""
    paths = sorted(folder.rglob("*.ipynb"))
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def stale(root: Path = ROOT) -> dict[Path, str]:
    """Return {path: what its text should be} of the chapters and solutions that do not begin with the cell."""
    folder, code, found = root / "notebooks", source(root), {}
    for path in notebooks_in(folder):
        if path.relative_to(folder).parts[0] != "exercises":
            text = path.read_text(encoding="utf-8")
            notebook = nbformat.reads(text, as_version=4)
            before = nbformat.writes(notebook)
            put(notebook, code)
            if (after := nbformat.writes(notebook)) != before:
                found[path] = after.rstrip("\n") + "\n"
    return found


def fill_in(address: str, root: Path = ROOT) -> None:
    """Write `address` into the cell, the pages and CITATION.cff, where the placeholder or another address stands."""
    old = current(root)
    pages = [path.relative_to(root).as_posix() for path in sorted((root / "docs").glob("*.md"))]
    for name in (CELL, FRONT_PAGE, *pages):
        _change(root / name, lambda text: text.replace(old, address))
    # Badges name the address in another form, and there may be none.
    _change(root / FRONT_PAGE, lambda text: replaced_between(text, "chapters", chapter_map(address)))
    line = f"repository-code: {address}"
    _change(root / CITATION, lambda text: re.sub(r"^repository-code: .*$", line, text, flags=re.M))


def _change(path: Path, change: Callable[[str], str]) -> None:
    """Write what `change` makes of the text in the file `path`."""
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> None:
    """Fill in the address, if there is one, and write the notebooks of the repository at `root` that need it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", help="where the repository can be cloned from")
    address = parser.parse_args(arguments).address
    if address:
        # It becomes a part of a command line.
        if not re.fullmatch(r"https://[\w.-]+/[\w./~-]*\w", address):
            parser.error(f"{address} is not the address of a repository, such as https://github.com/OWNER/REPOSITORY")
        fill_in(address, root)
    found = stale(root)
    for path, text in found.items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(root).as_posix())
    print("Now: python -m tools.exercises" if found else "Every chapter and solution begins with the cell.")


if __name__ == "__main__":
    sys.exit(main())
