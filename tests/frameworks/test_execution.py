"""Every notebook runs from top to bottom: few images, one epoch, the same cells, in a temporary copy."""

import os

import pytest

from fmnist import chapters, outputs
from fmnist.records import read_all
from tests.helpers import CHAPTERS, ROOT, code_cells, fast_settings, printed, read, run_python

pytestmark = pytest.mark.slow

# What differs between two runs with the same numbers: times, and the hash of a file with a time in it.
TIMES = {"train_seconds", "seconds_per_epoch", "model_sha256"}
TWICE = [each.notebooks[framework] for each in chapters.all_chapters() for framework in each.twice]


def artefacts(folder):
    """The files in figures/ and models/ with the time of their last change."""
    paths = [path for kind in ("figures", "models") for path in (folder / kind).glob("*")]
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in paths}


def written_by(run_fast, copy, name, cwd):
    """Run the notebook, and return the numbers of the records that it wrote in the copy, or else what it printed."""
    chapter, framework = chapters.of_notebook(name)
    notebook = run_fast(name, cwd=cwd)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))

    figures = {file for file in chapter.figure_files() if chapter.both_frameworks or file.endswith(framework)}
    models = {model.file_stem(framework) for model in chapters.trained_by_notebook(chapter)}
    expected = {f"figures/{name}.png" for name in figures} | {f"models/{name}.json" for name in models}
    expected |= {f"models/{name}{chapters.MODEL_SUFFIX[framework]}" for name in models}
    assert figures and set(artefacts(copy / outputs.TRYOUT)) == expected
    records = read_all(copy / outputs.TRYOUT / "models")
    assert all(record["test_images"] == chapter.fast["MAX_IMAGES"] for record in records)
    assert "so this is a tryout: figures and models are saved in the folder tryout/" in printed(notebook)
    # A chapter that trains no model of its own prints no times.
    return [{key: value for key, value in record.items() if key not in TIMES} for record in records] or printed(
        notebook
    )


@pytest.mark.parametrize("name", CHAPTERS)
def test_runs_in_fast_mode(name, run_fast, repository_copy, tmp_path):
    """From a folder elsewhere: files land in the copy's tryout/ and nowhere else, and a seed repeats its numbers.

    What somebody else unpacked in data/ is neither used nor made, so that the folder may be read-only.
    """
    before, committed = artefacts(ROOT), (ROOT / "notebooks" / f"{name}.ipynb").read_bytes()
    models, raw = artefacts(repository_copy), repository_copy / "data" / "FashionMNIST" / "raw"
    (raw / "train-images-idx3-ubyte").write_text("<html>not what it should be</html>")
    files = {path.name: path.stat().st_mtime_ns for path in raw.iterdir()}
    raw.chmod(0o555)
    numbers = written_by(run_fast, repository_copy, name, cwd=tmp_path)
    if name in TWICE:
        assert written_by(run_fast, repository_copy, name, cwd=repository_copy) == numbers, (
            "the same seed must give the same numbers"
        )
    assert (ROOT / "notebooks" / f"{name}.ipynb").read_bytes() == committed
    assert artefacts(ROOT) == before
    raw.chmod(0o755)
    assert {path.name: path.stat().st_mtime_ns for path in raw.iterdir()} == files
    assert artefacts(repository_copy) == models, "a tryout replaces nothing"


def test_the_notebook_with_both_frameworks_ends_without_a_crash(repository_copy):
    """As a script in a process of its own, whose exit code shows a crash after the last cell, too."""
    name = "keras_vs_pytorch"
    lines = []
    for cell in code_cells(read(name)):
        lines.append(cell.source)
        if "parameters" in cell.metadata.get("tags", []):
            lines += [f"{setting} = {value}" for setting, value in fast_settings(name).items()]
    # Python looks in the current directory first: this is the package of the copy.
    script = "\n".join([*lines, "print('the end')"])
    environment = os.environ | {"MPLBACKEND": "Agg"}
    done = run_python("-c", script, cwd=repository_copy / "notebooks", env=environment, timeout=300)
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout.splitlines()[-1] == "the end"
