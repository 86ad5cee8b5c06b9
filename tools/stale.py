"""List the notebooks that no longer agree with their run, in reading order, and why.

    python -m tools.stale

A stale notebook needs another run. In a wrong one, something was altered that only a run may write.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat

from fmnist import chapters
from fmnist.paths import ROOT
from tools.runs import Fault, faults


def known_notebooks(root: Path | None = None) -> dict[str, Path]:
    """Return {name: path} of every notebook that is run: the chapters in reading order, then the solutions."""
    folder = (root or ROOT) / "notebooks"
    names = chapters.notebooks()
    paths = {name: folder / f"{name}.ipynb" for name in [*names, *(f"solutions/{name}" for name in names)]}
    return {name: path for name, path in paths.items() if path.exists()}


def unsound(names: Iterable[str] | None = None, root: Path | None = None) -> dict[str, list[Fault]]:
    """Return {name: faults} of the notebooks, all or those named, that do not agree with the repository at `root`."""
    known = known_notebooks(root)
    found = {name: _faults(known[name], root or ROOT) for name in names or known}
    return {name: list_ for name, list_ in found.items() if list_}


def _faults(path: Path, root: Path) -> list[Fault]:
    try:
        return faults(nbformat.read(path, as_version=4), root)
    except ValueError:  # no JSON, such as after a merge with conflicts, or no text
        return [Fault("wrong", "it is no valid notebook")]


def report(found: dict[str, list[Fault]]) -> str:
    """Return what `unsound` found, in words, with what to do."""
    lines = []
    for name, list_ in found.items():
        kinds = " and ".join(sorted({fault.kind for fault in list_}))
        lines += [f"{name} is {kinds}:", *(f"  {fault.what}" for fault in list_)]
        lines.append(f"  To run it again: make run NOTEBOOKS={name}")
    return "\n".join(lines)


def main() -> int:
    """Print the list, and return 0."""
    found = unsound()
    print(report(found) or "Every notebook agrees with its run.")
    if found:
        print(f"\n{len(found)} of {len(known_notebooks())} notebooks: make run-stale runs them, in this order.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
