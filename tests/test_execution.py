"""Every notebook runs from top to bottom: few images, one epoch, the same cells, in a temporary copy."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, chapters, code_cells, printed, read

from fashion.records import read_all

pytestmark = pytest.mark.slow

TRAINED = [name for name in chapters() if name != "keras_vs_pytorch"]
FAST = {
    "01": {"MAX_IMAGES": 600, "EPOCHS": 1},
    "02": {"MAX_IMAGES": 600, "EPOCHS": 1, "SEEDS": 2, "FEW_EPOCHS": 1, "MANY_EPOCHS": 1},
    "03": {"MAX_IMAGES": 600},
}
FAST_COMPARISON = {"MAX_IMAGES": 600, "SGD_STEPS": 12, "ADAM_STEPS": 12, "FLOAT32_STEPS": 12}
# Some two dozen models, each compiled anew, take Keras minutes: one run has to do.
ONCE = {"02_regularization_and_callbacks_keras"}
TIMES = {"train_seconds", "seconds_per_epoch", "model_sha256"}


def run(copy, name, target, **options):
    from run_notebooks import execute

    return execute(copy / "notebooks" / f"{name}.ipynb", target, **options)


def artefacts(folder, kind):
    return {path.relative_to(folder).as_posix() for path in (folder / kind).glob("*") if path.is_file()}


@pytest.mark.parametrize("name", TRAINED)
def test_runs_in_fast_mode_and_twice_alike(name, repository_copy, tmp_path):
    """First from the repository's root, then from elsewhere: files land in the copy, and the numbers agree."""
    figures_before, models_before = artefacts(ROOT, "figures"), artefacts(ROOT, "models")
    committed = (ROOT / "notebooks" / f"{name}.ipynb").read_bytes()
    found = []
    for number, cwd in enumerate([tmp_path] if name in ONCE else [repository_copy, tmp_path]):
        notebook = run(repository_copy, name, tmp_path / f"{number}.ipynb", parameters=FAST[name[:2]], cwd=cwd)
        cells = code_cells(notebook)
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
        records = read_all(repository_copy / "models")
        mine = [r for r in records if name.startswith(r["chapter"]) and name.endswith(r["framework"])]
        # Chapter 03 trains nothing.
        assert bool(mine) == (not name.startswith("03"))
        assert all(r["epochs"] == 1 and r["test_images"] == 600 for r in mine)
        # What chapter 03 found out is only printed, and no times are among it.
        numbers = [{key: value for key, value in r.items() if key not in TIMES} for r in mine]
        found.append(numbers or printed(notebook))
    assert found[0] == found[-1], "the same seed must give the same numbers"

    assert (ROOT / "notebooks" / f"{name}.ipynb").read_bytes() == committed
    assert (artefacts(ROOT, "figures"), artefacts(ROOT, "models")) == (figures_before, models_before)
    framework = name.rsplit("_", 1)[1]
    mine = {f for f in figures_before if f.startswith(f"figures/{name[:2]}") and f.endswith(f"_{framework}.png")}
    assert mine and mine <= artefacts(repository_copy, "figures")


@pytest.mark.parametrize("cwd", ["root", "elsewhere"])
def test_the_notebook_with_both_frameworks_runs(cwd, repository_copy, tmp_path, monkeypatch):
    folder = repository_copy if cwd == "root" else tmp_path
    # A kernel that finds this variable does not catch what compiled code writes to standard error.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    notebook = run(repository_copy, "keras_vs_pytorch", tmp_path / "out.ipynb", parameters=FAST_COMPARISON, cwd=folder)
    assert all(cell.execution_count for cell in code_cells(notebook))


def test_the_notebook_with_both_frameworks_ends_without_a_crash(repository_copy):
    """As a script in a process of its own, whose exit code shows a crash after the last cell, too."""
    sources = [cell.source for cell in code_cells(read("keras_vs_pytorch"))]
    sources.insert(1, "\n".join(f"{name} = {value}" for name, value in FAST_COMPARISON.items()))
    script = "\n".join([*sources, "print('the end')"])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository_copy / "notebooks", env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout.splitlines()[-1] == "the end"
