"""How much space each framework takes on disk, with the packages that are installed for its sake alone."""

import contextlib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fmnist.paths import ROOT

DISTRIBUTIONS = {"keras": ("tensorflow", "keras"), "pytorch": ("torch", "torchvision")}


def with_requirements(names: Iterable[str]) -> set[str]:
    """Return the distributions `names` and everything that they require, as far as it is installed.

    An extra counts where a requirement names it: most of CUDA is an extra of a package that PyTorch requires.
    """
    found, todo = set(), {(name, "") for name in names}
    while todo:
        name, extra = todo.pop()
        with contextlib.suppress(metadata.PackageNotFoundError):
            required = map(Requirement, metadata.requires(name) or [])
            found.add((name, extra))
            for each in required:
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    todo |= {(canonicalize_name(each.name), wanted) for wanted in ("", *each.extras)} - found
    return {name for name, _ in found}


def own_packages() -> dict[str, set[str]]:
    """Return {framework: the distributions that are installed for its sake alone}.

    What both need, such as NumPy, and what other lines of requirements.txt bring anyhow, is left out.
    """
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    direct = {Requirement(line).name for line in lines if line and line[0] not in "#-"}
    needed = {framework: with_requirements(names) for framework, names in DISTRIBUTIONS.items()}
    left_out = set.intersection(*needed.values()) | with_requirements(direct.difference(*DISTRIBUTIONS.values()))
    return {framework: names - left_out for framework, names in needed.items()}


def size_mb(name: str) -> float:
    """Return the size of a distribution's files, in MB (10^6 bytes)."""
    size = 0
    for file in metadata.files(name) or []:
        with contextlib.suppress(FileNotFoundError):  # such as a compiled file that has been cleared away
            size += Path(file.locate()).stat().st_size
    return size / 1e6


def sizes() -> dict[str, dict[str, Any]]:
    """Return {framework: {"total_mb", "cuda_mb", "largest": {name: MB} of five packages}}."""
    found = {}
    for framework, names in own_packages().items():
        sizes = {name: size_mb(name) for name in names}
        # Triton compiles programs for graphics cards.
        cuda = [size for name, size in sizes.items() if name.startswith(("nvidia", "cuda")) or name == "triton"]
        largest = {name: round(sizes[name], 1) for name in sorted(sizes, key=sizes.get, reverse=True)[:5]}
        totals = {"total_mb": round(sum(sizes.values()), 1), "cuda_mb": round(sum(cuda), 1)}
        found[framework] = totals | {"largest": largest}
    return found
