"""What a run of a notebook is bound to, kept in the notebook's metadata under "run", and what no longer agrees.

    "code"      a digest of the code cells, and one of what they reach in each module of the package
    "inputs"    a digest of every file of the repository that was read, and of cells taken from other notebooks
    "outputs"   a digest of the text and the images below the cells, with the images' alternative texts
    "files"     a digest of every figure, model and record that the run wrote
    "versions"  of Python and of the packages that matter, as far as they were imported
    "seconds"   how long the run took
    "seal"      a digest of all these entries

The runner writes it (tools/run_notebooks.py). `faults` computes everything again; tools/stale.py and a test use it.
Markdown, comments, docstrings, type hints, layout and a cell tagged "bootstrap" are bound to nothing. Such a cell gets
the notebook ready where the package is missing, so there may be one, and it shows nothing.
"""

import functools
import hashlib
import json
import platform
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from fmnist.versions import PACKAGES, PYTHONS, installed, locked_versions
from tools.stamp import code_digests, digest

REGISTRY = "notebooks/chapters.toml"
MODEL_FILE = re.compile(r"models/\d\d_(\w+)_(?:keras|pytorch)\.")
# What torchvision unpacks beside the dataset's own files is made from them.
DERIVED = re.compile(r"-ubyte$")


@dataclass(frozen=True)
class Fault:
    """A reason why a committed notebook cannot be trusted as it stands.

    A "stale" run was right, but its code, inputs or versions have changed since. In a "wrong" one something was altered
    that only a run may write.
    """

    kind: str
    what: str


def read_log(log: Path) -> list[list[str]]:
    """Return what tools/observe.py noted, in order."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def code_of(notebook: NotebookNode, root: Path) -> dict[str, str]:
    """Return the "code" of a run record: the digests of what `notebook` does now, with the package below `root`."""
    return code_digests(_sources(notebook), {"fmnist": root / "notebooks" / "fmnist"})


def bind(
    notebook: NotebookNode, root: Path, code: dict[str, str], log: Iterable[Sequence[str]], seconds: float, aside: Path
) -> dict:
    """Return the record of the run that has just filled the outputs of `notebook`, in `seconds`.

    What it saved is still in the folder `aside`, laid out as `root` is.
    `code` is what `code_of` returned when it started, `log` what the kernel noted. Files are looked up below `root`.
    """
    log = list(log)
    files = sorted({path for kind, path, *_ in log if kind == "write" and path.startswith(("figures/", "models/"))})
    read = {path for kind, path, *_ in log if kind == "read"}
    names = {path for path in read if not DERIVED.search(path)} - set(files)
    names |= {f"notebooks/{name}.ipynb[{','.join(tags)}]" for kind, name, *tags in log if kind == "cells"}
    # A figure draws a model with the line and the label that the registry gives it.
    looks = {match[1] for path in [*names, *files] if (match := MODEL_FILE.match(path))}
    names |= {f"{REGISTRY}[{name}]" for name in looks if input_digest(f"{REGISTRY}[{name}]", root)}
    record = {
        "code": code,
        "inputs": {name: input_digest(name, root) for name in sorted(names)},
        "outputs": outputs_digest(notebook),
        "files": {path: digest_ for path in files if (digest_ := _first_digest(aside / path, root / path))},
        "versions": _versions({name for kind, name, *_ in log if kind == "import"}),
        "seconds": round(seconds),
    }
    return record | {"seal": seal(record)}


def seal(record: dict) -> str:
    """Return the digest of all other entries of a run record."""
    return digest({name: value for name, value in record.items() if name != "seal"})


def input_digest(name: str, root: Path) -> str | None:
    """Return the digest of an input as "inputs" names it, None where it is no longer there.

    That is a file's path, a notebook's path (all its code), a notebook's path with tags in brackets (the code of these
    cells), or the registry's path with the kind of model whose look is meant.
    """
    path, _, selection = name.partition("[")
    selected = selection.removesuffix("]").split(",") if selection else []
    if not (root / path).is_file():
        return None
    if path == REGISTRY:
        look = tomllib.loads((root / path).read_text(encoding="utf-8"))["looks"].get(selected[0])
        return digest(look) if look else None
    if path.endswith(".ipynb"):
        notebook = nbformat.read(root / path, as_version=4)
        sources = _sources(notebook, selected)
        return digest(code_digests(sources, {"fmnist": root / "notebooks" / "fmnist"})) if sources else None
    return _file_digest(root / path)


def outputs_digest(notebook: NotebookNode) -> str:
    """Return the digest of what stands below the code cells of `notebook` that count.

    Cells that show nothing do not matter, so that a new one makes a run stale and not wrong.
    """
    shown = [[_shown(output) for output in cell.outputs] for cell in _counted(notebook) if cell.outputs]
    return digest(shown)


def alternative_text(output: NotebookNode) -> str | None:
    """Return what the image of an output says to somebody who cannot see it, None where it says nothing."""
    return output.get("metadata", {}).get("image/png", {}).get("alt")


def faults(notebook: NotebookNode, root: Path) -> list[Fault]:
    """Return everything in which a committed notebook and the repository at `root` no longer agree."""
    record = notebook.metadata.get("run")
    if record is None:
        return [Fault("wrong", "it has no record of a run")]
    wrong = [Fault("wrong", what) for what in _altered(notebook, record, root)]
    try:
        return wrong + [Fault("stale", what) for what in _outdated(notebook, record, root)]
    except SyntaxError as error:
        return [*wrong, Fault("stale", f"its code cannot be read: {error.msg}: {(error.text or '').strip()}")]


def _altered(notebook: NotebookNode, record: dict, root: Path) -> Iterable[str]:
    if seal(record) != record.get("seal"):
        yield "the record of its run was altered"
    bootstrap = [cell for cell in notebook.cells if "bootstrap" in cell.metadata.get("tags", ())]
    if len(bootstrap) > 1 or any(cell.get("outputs") for cell in bootstrap):
        yield "it has more than one bootstrap cell, or one that shows something"
    if outputs_digest(notebook) != record["outputs"]:
        yield "its outputs are not those of its run"
    for path, expected in record["files"].items():
        if not (root / path).is_file():
            yield f"{path}, which its run wrote, is missing"
        elif _file_digest(root / path) != expected:
            yield f"{path} is not the file that its run wrote"


def _outdated(notebook: NotebookNode, record: dict, root: Path) -> Iterable[str]:
    code = code_of(notebook, root)
    for part in sorted(code.keys() | record["code"].keys()):
        if code.get(part) != record["code"].get(part):
            yield "its code cells have changed" if part == "cells" else f"what it uses of {part} has changed"
    for name, expected in record["inputs"].items():
        now = input_digest(name, root)
        if now != expected:
            yield f"{name}, which it read, {'is missing' if now is None else 'has changed'}"
    python = ".".join(record["versions"]["python"].split(".")[:2])
    if python not in PYTHONS:
        yield f"it ran with Python {python}, which constraints.txt does not cover"
        return
    locked = locked_versions(python=python)
    for package, ran_with in record["versions"].items():
        if package != "python" and locked.get(package) != ran_with:
            yield f"it ran with {package} {ran_with}, and constraints.txt has {locked.get(package, 'no such package')}"


def _counted(notebook: NotebookNode, tags: Sequence[str] = ()) -> list[NotebookNode]:
    """Return the code cells that count, or those that carry one of `tags`."""
    cells = [(set(cell.metadata.get("tags", ())), cell) for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for has, cell in cells if (has & set(tags) if tags else "bootstrap" not in has)]


def _shown(output: NotebookNode) -> list:
    """Return what counts of an output."""
    text = alternative_text(output)
    shown = [output.output_type, output.get("name"), output.get("text"), output.get("data")]
    return [*shown, text] if text else shown


def _sources(notebook: NotebookNode, tags: Sequence[str] = ()) -> list[str]:
    return [cell.source for cell in _counted(notebook, tags)]


def _file_digest(path: Path) -> str:
    about = path.stat()
    return _digest_of_state(path, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=1000)
def _digest_of_state(path: Path, modified: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _first_digest(*paths: Path) -> str | None:
    """Return the digest of the first of `paths` that is a file."""
    return next((_file_digest(path) for path in paths if path.is_file()), None)


def _versions(imported: set[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for module, package in PACKAGES.items():
        # A library may have looked for it in vain.
        if module in imported and (has := installed(package)):
            found[package] = has
    return found
