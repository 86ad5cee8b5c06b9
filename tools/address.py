"""The address of the repository, as the first cell of the notebooks has it, and the badges that follow from it.

As long as nobody has filled it in, a placeholder stands there, and addresses that only GitHub has are made with
OWNER/REPOSITORY.
"""

import re
from pathlib import Path

from fmnist.paths import ROOT

CELL = "tools/bootstrap_cell.py"
PLACEHOLDER = "<the address of this repository>"
ADDRESS = re.compile(r'repository="([^"]*)"')
# What takes the place of an owner and a name in links that must be valid before they are known.
NOBODY = "OWNER/REPOSITORY"
COLAB = "https://colab.research.google.com"


def current(root: Path = ROOT) -> str:
    """Return the address, or the placeholder, that the cell of the repository at `root` names."""
    (address,) = ADDRESS.findall((root / CELL).read_text(encoding="utf-8"))
    return address


def on_github(address: str) -> str | None:
    """Return OWNER/REPOSITORY of an `address` on github.com, or literally that for the placeholder, and else None."""
    if address == PLACEHOLDER:
        return NOBODY
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?", address)
    return match[1] if match else None


def badge(address: str, notebook: str) -> str:
    """Return a badge in Markdown that opens `notebook` (a path below notebooks/) in Colab, which reads GitHub only."""
    repository = on_github(address)
    if repository is None:
        return ""
    image = f"![Open in Colab]({COLAB}/assets/colab-badge.svg)"
    return f"[{image}]({COLAB}/github/{repository}/blob/main/notebooks/{notebook}.ipynb)"
