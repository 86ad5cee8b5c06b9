"""What the tests of recorded training runs share: altered code, and commands that make a few short runs."""

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from fmnist.chapters import FRAMEWORKS
from tests.helpers import ROOT, run_python
from tools.measure.resumable import Run, Series, run_id


def alter(folder: Path, file: str, old: str, new: str) -> None:
    """Copy tools/ into `folder`, with `old` replaced by `new` in a file of tools/measure, which must contain it."""
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "tools" / "measure" / file
    source = path.read_text(encoding="utf-8")
    assert old in source
    path.write_text(source.replace(old, new), encoding="utf-8")


def work(series: Series, folder: Path, *options: str) -> tuple[list[Run], str]:
    """Let the command of a series make runs of one epoch on 200 images; return its record and what it prints."""
    command = ["-m", f"tools.measure.{series.name}", "--images", "200", "--epochs", "1", "--processes", "1"]
    done = run_python(*command, "--folder", str(folder), *options, cwd=ROOT, env=os.environ, timeout=300)
    assert done.returncode == 0, done.stderr
    return series.read(folder), done.stdout


def assert_complete(
    series: Series, runs: Iterable[Run], printed: str, parts: Collection[str], seeds: Collection[int]
) -> None:
    """Assert that the runs are those of the plan with these parts and seeds, and that the command says how many."""
    for framework in FRAMEWORKS:
        own = {run_id(run) for run in runs if run["framework"] == framework}
        planned = [run for run in series.wanted(framework, ()) if run["part"] in parts and run["seed"] in seeds]
        assert own == {run_id(run) for run in planned}
        assert f"{len(own)} runs in" in printed
