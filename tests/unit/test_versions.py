"""What is said about versions where the packages are not those with which the notebooks were tested."""

import ast
import importlib.metadata
from types import SimpleNamespace

import pytest

from fmnist import versions
from tests.helpers import CHAPTERS, NOTEBOOKS, SOLUTIONS, code_cells, read

NEEDED = {each.name: each for each in versions.requirements(versions.REQUIREMENTS.read_text(encoding="utf-8"))}
TESTED = versions.locked_versions()


@pytest.fixture
def said(monkeypatch):
    """Call it with {package: version here, or None}; all others are installed as tested."""

    def report(here, locked=TESTED):
        monkeypatch.setattr(versions, "installed", lambda name: here.get(name, TESTED[name]))
        monkeypatch.setattr(versions, "locked_here", lambda: locked)
        return versions.report().splitlines()

    return report


def test_where_all_is_as_tested(said):
    assert said({}) == ["All packages that matter have the versions with which the notebooks were tested."]


def test_other_versions_that_fit_share_a_line(said):
    (line,) = said({"torch": "2.9.0", "numpy": "2.2.0"})
    other = f"torch 2.9.0 (tested: {TESTED['torch']}), numpy 2.2.0 (tested: {TESTED['numpy']})"
    assert line == f"Results may differ a little, because versions are not those tested: {other}."


def test_a_version_that_changes_no_result_is_not_worth_a_line(said):
    assert said({"tqdm": "4.67.0", "jupyterlab": None}) == said({})


def test_what_is_missing_or_out_of_range_is_named_with_the_command(said):
    first, second = said({"keras": "3.10.0", "pooch": None, "pillow": "11.0.0"})
    assert first.endswith(f"tested: pillow 11.0.0 (tested: {TESTED['pillow']}).")
    bad = f"keras 3.10.0 (tested: {TESTED['keras']}), pooch missing (tested: {TESTED['pooch']})"
    assert second.startswith(f"Missing, too old or too new: {bad}. ")
    assert f'%pip install "{NEEDED["keras"]}" "{NEEDED["pooch"]}" in a new cell' in second


def test_a_python_without_an_entry(said):
    first, second = said({"pooch": None, "torch": "2.9.0"}, locked={})
    assert first.startswith("The notebooks were never tested with Python 3.")
    assert second.startswith("Missing, too old or too new: pooch missing. ")


@pytest.mark.parametrize(("python", "known"), [("3.11", True), ("3.13", True), ("3.14", False), ("3.10", False)])
@pytest.mark.parametrize("platform", versions.PLATFORMS)
def test_the_versions_for_this_machine(monkeypatch, python, known, platform):
    pretend(monkeypatch, python, platform)
    assert versions.locked_here() == (versions.locked_versions(python, platform) if known else {})


def test_a_machine_without_an_entry(monkeypatch):
    pretend(monkeypatch, "3.12", "macos", machine="x86_64")
    assert versions.locked_here() == {}


def pretend(monkeypatch, python, platform, machine=None):
    """Let the module believe that it runs there."""
    system, _, usual, _ = versions.PLATFORMS[platform]
    major, minor = map(int, python.split("."))
    here = SimpleNamespace(platform=system, version_info=SimpleNamespace(major=major, minor=minor))
    monkeypatch.setattr(versions, "sys", here)
    monkeypatch.setattr(versions, "machine", lambda: machine or usual)


def test_the_part_for_cuda_is_no_part_of_a_version(monkeypatch):
    monkeypatch.setattr(versions, "version", lambda name: "2.14.1+cu130")
    assert versions.installed("torch") == "2.14.1"


def test_a_notebook_needs_what_is_looked_for():
    """All that the notebooks and the package import is compared, and what only opens and runs notebooks is not."""
    assert set(versions.PACKAGES.values()) | versions.RUNNERS <= NEEDED.keys()
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (NOTEBOOKS / "fmnist").rglob("*.py")]
    trees += [ast.parse(cell.source) for name in [*CHAPTERS, *SOLUTIONS] for cell in code_cells(read(name))]
    modules = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules.add(node.module.partition(".")[0])
            # A part of PyTorch that needs a package of its own.
            modules |= {"tensorboard"} & {node.module.rpartition(".")[2]}
    known = importlib.metadata.packages_distributions()
    imported = {name.lower() for module in modules for name in known.get(module, [])}
    assert imported & NEEDED.keys() == NEEDED.keys() - versions.RUNNERS
