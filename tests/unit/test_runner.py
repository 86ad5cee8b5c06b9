"""Running notebooks, on small ones that need no framework: what is written back, what is bound, what failures say."""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pandas as pd
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fmnist import chapters, paths
from tests.helpers import ROOT
from tools import aside, execution, run_notebooks, runs, stale
from tools.execution import RunError, execute

posix = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


def write(path, *sources, parameters=None):
    """Write a notebook of these code cells, the first tagged if it is to hold parameters."""
    cells = [new_markdown_cell("# A title"), *map(new_code_cell, sources)]
    if parameters:
        cells.insert(1, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"widgets": {"state": {}}}), path)
    return path


def test_a_whole_run_is_written_back(tmp_path):
    printing = "for i in range(3):\n    print(i, end='\\r', flush=True)\nprint('end', flush=True)\nprint('2')"
    path = write(
        tmp_path / "a b" / "one.ipynb",
        printing,
        "",
        "# shown\nimport time\nx = b'x' * 300_000_000\ntime.sleep(0.5)\n6 * 7",
    )
    before = nbformat.read(path, as_version=4)
    progress = []
    execute(path, path, on_progress=lambda *args: progress.append(args))
    after = nbformat.read(path, as_version=4)

    assert [cell.get("execution_count") for cell in after.cells] == [None, 1, None, 2]
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    (stream,) = after.cells[1].outputs
    assert stream.text == "end\n2\n"
    assert after.cells[3].outputs[0].data["text/plain"] == "42"
    assert all(not cell.metadata for cell in after.cells)
    assert set(after.metadata) == {"run", "kernelspec", "language_info"}
    assert runs.faults(after, tmp_path) == []
    assert after.metadata.kernelspec.name == "python3"
    cell, cells, megabytes = progress[-1]
    # The 300 MB that the cell takes are there; what Python and its libraries take beside them differs.
    assert (cell, cells) == (2, 2) and megabytes > 300
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_a_second_run_writes_the_same_bytes(tmp_path, monkeypatch):
    # How long a run took differs where the machine is busy; both are told the same.
    bind = runs.bind
    monkeypatch.setattr(runs, "bind", lambda *given: bind(*given[:4], 1.0, *given[5:]))
    path = write(tmp_path / "one.ipynb", "for i in range(200):\n    print(i, flush=True)", "[1, 2]")
    execute(path, path)
    first = path.read_bytes()
    execute(path, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "source, expected",
    [
        ("\n# why\nraise ValueError('so')", ["cell [2] of 3: # why", "ValueError: so"]),
        ("x = (", ["cell [2] of 3: x = (", "SyntaxError"]),
        ("import sys\nprint('careful', file=sys.stderr)", ["cell [2] of 3: import sys", "standard error", "careful"]),
        ("import os\nos._exit(7)", ["cell [2] of 3: import os", "the kernel died with exit code 7"]),
        pytest.param(
            "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", ["died of SIGSEGV"], marks=posix, id="crash"
        ),
    ],
)
def test_what_fails_leaves_the_file_alone(tmp_path, source, expected):
    path = write(tmp_path / "one.ipynb", "1", source, "3")
    before = path.read_bytes()
    with pytest.raises(RunError) as error:
        execute(path, path)
    assert all(text in str(error.value) for text in expected), error.value
    assert "\x1b" not in str(error.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_edit_during_the_run_is_kept(tmp_path):
    path = write(tmp_path / "one.ipynb", "from pathlib import Path", "Path('one.ipynb').write_text('{}')")
    with pytest.raises(RunError, match="edited"):
        execute(path, path)
    assert path.read_text() == "{}"


def test_parameters_go_into_the_target_only(tmp_path):
    path = write(tmp_path / "one.ipynb", "print(EPOCHS, NAME)", parameters="EPOCHS = 20\nNAME = 'all'")
    before = path.read_bytes()
    notebook = execute(path, tmp_path / "fast.ipynb", parameters={"EPOCHS": 1})
    assert notebook.cells[-1].outputs[0].text == "1 all\n"
    assert path.read_bytes() == before
    injected = nbformat.read(tmp_path / "fast.ipynb", as_version=4).cells[2]
    assert injected.source == "EPOCHS = 1" and injected.metadata.tags == ["injected-parameters"]


def test_parameters_need_a_cell_that_knows_them(tmp_path):
    with pytest.raises(RunError, match="0 have it"):
        execute(write(tmp_path / "one.ipynb", "1"), tmp_path / "fast.ipynb", parameters={"EPOCHS": 1})
    path = write(tmp_path / "two.ipynb", parameters="EPOCHS = 20")
    with pytest.raises(RunError, match="does not set EPOCH; it sets EPOCHS"):
        execute(path, tmp_path / "fast.ipynb", parameters={"EPOCH": 1})


def test_a_copy_uses_its_own_package(tmp_path, monkeypatch):
    """In a path with a space, in another working directory, and whatever the user's environment says."""
    folder = tmp_path / "a copy" / "notebooks"
    asking = "print(fmnist.MARK, os.getcwd(), os.environ['MPLBACKEND'], sep='\\n')"
    path = write(folder / "one.ipynb", "import fmnist, os", asking)
    (folder / "fmnist").mkdir()
    (folder / "fmnist" / "__init__.py").write_text("MARK = 'the copy'")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("MPLBACKEND", "agg")
    here, there = execute(path, tmp_path / "1.ipynb"), execute(path, tmp_path / "2.ipynb", cwd=elsewhere)
    for notebook, cwd in [(here, folder), (there, elsewhere)]:
        mark, directory, backend = notebook.cells[-1].outputs[0].text.splitlines()
        assert mark == "the copy" and cwd.samefile(directory) and "inline" in backend


@pytest.fixture
def three_notebooks(tmp_path, monkeypatch):
    """A repository with two chapters, the second for both frameworks, and one model of the first."""
    folder = tmp_path / "notebooks"
    (folder / "fmnist").mkdir(parents=True)
    (folder / "fmnist" / "__init__.py").touch()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "01_m_keras.keras").write_text("weights")
    reading = "from pathlib import Path\nPath('../../models/01_m_keras.keras').read_text()"
    for name, cell in {"02_b": "1", "pytorch/01_a": reading, "keras/01_a": "2"}.items():
        write(folder / f"{name}.ipynb", cell)
    entry = {"title": "t", "story": "s", "figures": (), "fast": {}}
    known = (chapters.Chapter("01_a", **entry), chapters.Chapter("02_b", both_frameworks=True, **entry))
    monkeypatch.setattr(chapters, "all_chapters", lambda: known)
    monkeypatch.setattr(stale, "ROOT", tmp_path)
    monkeypatch.setattr(run_notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "ROOT", tmp_path)  # where the figure of all models would go
    monkeypatch.setattr(run_notebooks.readme, "is_stale", lambda: True)
    table = pd.DataFrame({"model": ["CNN"], "test accuracy": ["91.23%"]})
    monkeypatch.setattr(run_notebooks, "results_table", lambda: table)
    return folder


def test_all_runs_in_reading_order_and_ends_with_the_results(three_notebooks, capsys):
    assert run_notebooks.main(["--all"]) == 0
    out = capsys.readouterr().out
    assert "\r" not in out
    assert [f"[{i}/3] {n}: done" in out for i, n in enumerate(["keras/01_a", "pytorch/01_a", "02_b"], 1)] == [True] * 3
    summary = out[out.index("peak MB") :]
    assert all(text in summary for text in ("keras/01_a", "test accuracy", "91.23%", "make readme"))


def test_stale_runs_what_no_longer_agrees_and_nothing_else(three_notebooks, capsys):
    assert run_notebooks.main(["--stale"]) == 0
    assert capsys.readouterr().out.count(": done") == 3
    assert run_notebooks.main(["--stale"]) == 0
    assert capsys.readouterr().out.count(": done") == 0
    (three_notebooks.parent / "models" / "01_m_keras.keras").write_text("other weights")
    assert run_notebooks.main(["--stale"]) == 0
    out = capsys.readouterr().out
    assert "pytorch/01_a: done" in out and out.count(": done") == 1


def test_a_run_that_makes_a_later_notebook_stale_lets_it_run_too(three_notebooks, capsys):
    assert run_notebooks.main(["--all"]) == 0
    path = three_notebooks / "keras/01_a.ipynb"
    training = "from pathlib import Path\nPath('../../models/01_m_keras.keras').write_text('new weights')"
    write(path, training)
    capsys.readouterr()
    assert run_notebooks.main(["--stale"]) == 0
    out = capsys.readouterr().out
    assert "keras/01_a: done" in out and "pytorch/01_a: done" in out and "02_b: done" not in out


def test_a_failure_ends_the_run_with_a_report(three_notebooks, capsys):
    write(three_notebooks / "keras/01_a.ipynb", "1", "1 / 0")
    before = (three_notebooks / "02_b.ipynb").read_bytes()
    assert run_notebooks.main(["keras/01_a.ipynb", "02_b"]) == 1
    report = capsys.readouterr().err
    assert "keras/01_a.ipynb failed: cell [2] of 2: 1 / 0\n  ZeroDivisionError: division by zero\n" in report
    assert "are unchanged.\nTo look into it, open notebooks/keras/01_a.ipynb with `make lab`" in report
    assert (three_notebooks / "02_b.ipynb").read_bytes() == before


def test_a_failure_says_what_earlier_runs_have_rewritten(three_notebooks, capsys, monkeypatch):
    write(three_notebooks / "pytorch/01_a.ipynb", "1 / 0")
    monkeypatch.setattr(run_notebooks, "rewritten", lambda names, known, drawn: f"rewritten: {names}, {drawn}")
    assert run_notebooks.main(["--all"]) == 1
    assert capsys.readouterr().out.endswith("rewritten: ['keras/01_a'], []")


def test_a_failure_before_the_first_cell_gives_no_advice_about_cells(three_notebooks, capsys, monkeypatch):
    def refuse(*_, **__):
        raise RunError("its kernel did not start")

    monkeypatch.setattr(run_notebooks, "execute", refuse)
    assert run_notebooks.main(["02_b"]) == 1
    report = capsys.readouterr().err
    assert "02_b.ipynb failed: its kernel did not start" in report and "run the cells" not in report


def test_a_report_shows_the_last_lines_that_the_cell_printed(tmp_path):
    path = write(tmp_path / "one.ipynb", "for i in range(40):\n    print(f'step {i}.')\nraise ValueError('no more')")
    with pytest.raises(RunError) as error:
        execute(path, path)
    report = str(error.value)
    assert "ValueError: no more" in report and "step 39." in report and "step 27." not in report


def test_a_run_says_at_its_start_how_long_it_takes(three_notebooks, capsys):
    assert run_notebooks.main(["--all"]) == 0
    assert capsys.readouterr().out.startswith("Running 3 notebooks.\n"), "nothing is known yet"
    known = stale.known_notebooks()
    for path, seconds in zip(known.values(), (200, 100, 1), strict=True):
        node = nbformat.read(path, as_version=4)
        node.metadata.run["seconds"] = seconds
        nbformat.write(node, path)
    assert run_notebooks.announcement(list(known), known).startswith(
        "Running 3 notebooks. The last runs took about 6 minutes where"
    )
    assert run_notebooks.announcement(["02_b"], known).startswith(
        "Running 1 notebook. The last runs took about 1 minute where"
    )


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_it_says_which_tracked_files_it_rewrote_and_how_to_get_them_back(three_notebooks, capsys):
    root = three_notebooks.parent
    saving = "from fmnist import outputs\nwith outputs.saving('models', '01_m_keras.keras') as path:\n"
    saving += "    path.write_text('new')"
    write(three_notebooks / "keras" / "01_a.ipynb", saving)
    shutil.rmtree(three_notebooks / "fmnist")
    shutil.copytree(ROOT / "notebooks" / "fmnist", three_notebooks / "fmnist")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    mine = root / "notebooks" / "02_b.ipynb"
    mine.write_text(mine.read_text() + "\n")  # somebody's own change, which the run did not make
    assert run_notebooks.main(["keras/01_a"]) == 0
    out = capsys.readouterr().out
    assert "This run rewrote 2 files of the repository." in out
    command = out.rpartition("type:\n")[2].strip()
    assert command == "git checkout HEAD -- models/01_m_keras.keras notebooks/keras/01_a.ipynb"
    subprocess.run(command.split(), cwd=root, check=True, capture_output=True)
    assert (root / "models" / "01_m_keras.keras").read_text() == "weights"
    changed = subprocess.run(["git", "diff", "--name-only"], cwd=root, check=True, capture_output=True, text=True)
    assert changed.stdout == "notebooks/02_b.ipynb\n"


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_the_figure_of_all_models_is_drawn_at_the_end_and_can_be_got_back(three_notebooks, capsys):
    root = three_notebooks.parent
    for path in (ROOT / "models").glob("01_*.json"):
        shutil.copy(path, root / "models")
    (root / "figures").mkdir()
    figure = root / "figures" / "model_comparison.png"
    figure.write_text("an older one")
    assert run_notebooks.model_comparison.is_stale()
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    write(three_notebooks / "02_b.ipynb", "1 / 0")
    assert run_notebooks.main(["02_b"]) == 1
    assert figure.read_text() == "an older one", "a run that failed draws nothing"
    capsys.readouterr()
    assert run_notebooks.main([]) == 0
    out = capsys.readouterr().out
    assert "figures/model_comparison.png shows the results" in out
    assert not run_notebooks.model_comparison.is_stale()
    command = out.rpartition("type:\n")[2].split()
    assert "figures/model_comparison.png" in command and "notebooks/02_b.ipynb" not in command
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    assert figure.read_text() == "an older one"


def test_what_hinders_the_figure_does_not_make_a_run_fail(three_notebooks, capsys):
    (three_notebooks.parent / "models" / "01_m_keras.json").write_text("{")
    assert run_notebooks.main(["02_b"]) == 0
    assert (
        "figures/model_comparison.png could not be drawn: models/01_m_keras.json is damaged" in capsys.readouterr().out
    )


def test_an_unknown_name_lists_the_known_ones(three_notebooks, capsys):
    assert run_notebooks.main(["03_c"]) == 2
    said = "No notebook is called 03_c. There are: keras/01_a, pytorch/01_a, 02_b.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("name", ["solutions/keras/01_a", "notebooks/solutions/keras/01_a.ipynb", "solutions/01_a"])
def test_a_solution_is_told_from_its_chapter(three_notebooks, name):
    write(three_notebooks / "solutions" / "keras/01_a.ipynb", "print('solved')")
    before = (three_notebooks / "keras/01_a.ipynb").read_bytes()
    assert run_notebooks.main([name]) == 0
    assert "solved" in (three_notebooks / "solutions" / "keras/01_a.ipynb").read_text()
    assert (three_notebooks / "keras/01_a.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("keras/01_a", ["keras/01_a"]),
        ("notebooks/keras/01_a.ipynb", ["keras/01_a"]),
        (r".\notebooks\keras\01_a.ipynb", ["keras/01_a"]),
        ("01_a", ["keras/01_a", "pytorch/01_a"]),
        ("02_b.ipynb", ["02_b"]),
        ("solutions/02_b", []),
        ("01", []),
    ],
)
def test_a_name_is_a_path_or_a_chapter(three_notebooks, text, names):
    assert run_notebooks.named(text, stale.known_notebooks()) == names


def test_without_a_name_the_first_chapter_runs():
    assert run_notebooks.default_notebooks() == ["keras/01_dense_and_cnn", "pytorch/01_dense_and_cnn"]


OBSERVED = """
import os, pathlib, shutil, sys
root = pathlib.Path("..")
(root / "models" / "read.json").read_text()
open(root / "data" / "x.gz", "rb").close()
with open(root / "models" / "own.json", "w") as file:
    file.write("1")
(root / "models" / "own.json").read_text()
(root / "figures").mkdir()
(root / "figures" / ".part.png").write_text("picture")
os.replace(root / "figures" / ".part.png", root / "figures" / "whole.png")
(root / "models" / "absent.json").exists()
shutil.copy(root / "models" / "copied.json", root / "elsewhere.json")
import numpy
from fmnist import taught
taught.tagged_sources("other", "model")
taught.tagged_sources("other", "parameters", "model")
(root / "notebooks" / "whole.ipynb").read_text()
print(sorted(name for name in globals() if "observe" in name or name == "space"))
"""


def test_what_a_run_read_and_wrote_is_bound(tmp_path):
    root = tmp_path / "a copy ü"
    path = write(root / "notebooks" / "one.ipynb", OBSERVED)
    shutil.copytree(ROOT / "notebooks" / "fmnist", root / "notebooks" / "fmnist")
    write(root / "notebooks" / "whole.ipynb", "1")
    other = write(root / "notebooks" / "other.ipynb", "2", parameters="EPOCHS = 1")
    node = nbformat.read(other, as_version=4)
    node.cells[2].metadata["tags"] = ["model"]
    nbformat.write(node, other)
    for name in ("models/read.json", "models/copied.json", "data/x.gz"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    run = execute(path, path).metadata.run
    assert sorted(run.inputs) == [
        "data/x.gz", "models/copied.json", "models/read.json", "notebooks/other.ipynb[model]",
        "notebooks/other.ipynb[parameters,model]", "notebooks/whole.ipynb",
    ]  # fmt: skip
    assert sorted(run["files"]) == ["figures/whole.png", "models/own.json"]
    assert set(run.versions) == {"python", "numpy"}
    assert {"cells", "fmnist/taught.py", "fmnist/paths.py"} == set(run.code)
    after = nbformat.read(path, as_version=4)
    assert after.cells[1].outputs[0].text == "[]\n", "the observer leaves names in the notebook"
    assert runs.faults(after, root) == []
    (root / "models" / "read.json").write_text("other")
    (root / "models" / "own.json").write_text("other")
    assert runs.faults(after, root) == [
        runs.Fault("wrong", "models/own.json is not the file that its run wrote"),
        runs.Fault("stale", "models/read.json, which it read, has changed"),
    ]


@pytest.fixture
def saving(tmp_path):
    """A function that makes a notebook that saves a model and a figure and then does something more."""
    shutil.copytree(ROOT / "notebooks" / "fmnist", tmp_path / "notebooks" / "fmnist")
    for folder, name in (("models", "m.pth"), ("figures", "f.png")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("old")
    cell = "from fmnist import outputs\nfor where in (('models', 'm.pth'), ('figures', 'f.png')):\n"
    cell += "    with outputs.saving(*where) as path:\n        path.write_text('new')\n"
    cell += "    assert outputs.find(*where).read_text() == 'new'"
    return lambda more: write(tmp_path / "notebooks" / "one.ipynb", cell, more)


def saved(root):
    assert not list(root.glob(".run-*")), "a folder is left over"
    return {(root / "models" / "m.pth").read_text(), (root / "figures" / "f.png").read_text()}


def test_what_a_run_saved_is_put_in_place_with_the_notebook(tmp_path, saving):
    path = saving("1")
    run = execute(path, path).metadata.run
    assert saved(tmp_path) == {"new"}
    assert sorted(run["files"]) == ["figures/f.png", "models/m.pth"]
    assert runs.faults(nbformat.read(path, as_version=4), tmp_path) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import os\nos._exit(3)", "the kernel died with exit code 3"),
        ("import warnings\nwarnings.warn('what nobody expected')", "what nobody expected"),
        ("import os\nos.write(2, b'compiled code complains')", "compiled code complains"),
    ],
)
def test_a_run_that_fails_replaces_nothing(tmp_path, saving, more, said, monkeypatch):
    # With this variable, a kernel does not catch what compiled code writes.
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    path = saving(more)
    before = path.read_bytes()
    with pytest.raises(RunError, match=said) as error:
        execute(path, path)
    assert saved(tmp_path) == {"old"} and path.read_bytes() == before
    if "standard error" in str(error.value):
        assert "is kept in the folder kept.partial/" in str(error.value)
        assert (tmp_path / "kept.partial" / "models" / "m.pth").read_text() == "new"
        assert nbformat.read(tmp_path / "kept.partial" / "one.ipynb", as_version=4).cells[-1].outputs


@pytest.mark.parametrize("at", range(1, 6))
def test_what_cannot_be_put_in_place_leaves_everything_as_it_was(tmp_path, saving, monkeypatch, at):
    """Whichever of the renamings it is: two files have a predecessor, the notebook too."""
    path = saving("1")
    before, rename, calls = path.read_bytes(), Path.replace, []

    def failing(self, target):
        if str(self).endswith(".partial") or str(target).endswith(".partial"):
            calls.append(target)
            if len(calls) == at:
                raise PermissionError(13, "The file is open elsewhere", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(RunError, match=r"the results could not be saved: .*The file is open elsewhere"):
        execute(path, path)
    assert saved(tmp_path) == {"old"} and path.read_bytes() == before
    assert (tmp_path / "kept.partial" / "models" / "m.pth").read_text() == "new"
    assert not [left for left in tmp_path.rglob(".*.partial") if left.is_file()]


def test_a_disk_that_fills_up_while_saving_leaves_everything_as_it_was(tmp_path, saving, monkeypatch):
    path = saving("1")
    before, copy = path.read_bytes(), shutil.copyfile

    def full(source, target, **options):
        if str(target).endswith(".one.ipynb." + f"{os.getpid()}.new.partial"):
            raise OSError(28, "No space left on device", str(target))
        return copy(source, target, **options)

    monkeypatch.setattr(aside.shutil, "copyfile", full)
    with pytest.raises(RunError, match="No space left on device"):
        execute(path, path)
    assert saved(tmp_path) == {"old"} and path.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs another file system, such as /dev/shm")
def test_a_folder_on_another_disk(tmp_path, saving):
    path = saving("1")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        shutil.rmtree(tmp_path / "models")
        (tmp_path / "models").symlink_to(other)
        execute(path, path)
        assert Path(other, "m.pth").read_text() == "new"


def test_a_file_that_is_no_notebook_is_a_sentence(tmp_path):
    path = tmp_path / "one.ipynb"
    path.write_text("<<<<<<< HEAD\n{}\n")
    with pytest.raises(RunError, match="it is no valid notebook: Notebook does not appear to be JSON"):
        execute(path, path)


@pytest.mark.parametrize(
    "line",
    [
        "Matplotlib is building the font cache; this may take a moment.",
        "data/FashionMNIST/raw/t10k-labels-idx1-ubyte.gz is missing; downloading it",
        "2026-11-24 22:05:01.1: W external/cpu_allocator_impl.cc:82] Allocation of 1 exceeds 10% of memory.",
        "I0000 00:00:1764020000.123456    1234 cuda_dnn.cc:529] Loaded cuDNN version 91002",
        "[W1124 22:05:01.000000000 NNPACK.cpp:57] Could not initialize NNPACK! Reason: Unsupported hardware.",
        "\\rt10k-labels-idx1-ubyte.gz:   0%|          | 0.00/5.15k [00:00<?, ?B/s]\\r      \\r",
    ],
)
def test_a_harmless_line_on_stderr_goes_to_the_console(tmp_path, saving, line, capsys):
    path = saving(f"import sys\nprint('before')\nprint('{line}', file=sys.stderr)\nprint('after')")
    notebook = execute(path, path)
    assert notebook.cells[-1].outputs == [{"output_type": "stream", "name": "stdout", "text": "before\nafter\n"}]
    assert saved(tmp_path) == {"new"}
    assert line.replace("\\r", "\r") in capsys.readouterr().err


def test_a_harmless_line_does_not_excuse_another(tmp_path, saving):
    line = "Matplotlib is building the font cache; this may take a moment."
    path = saving(f"import sys\nprint('{line}\\nand then this', file=sys.stderr)")
    with pytest.raises(RunError, match="and then this"):
        execute(path, path)
    assert saved(tmp_path) == {"old"}


def test_matplotlib_without_a_cache_of_fonts_does_not_fail_a_run(tmp_path, saving):
    """In a process of its own, with a home folder where nothing can be made: Matplotlib complains of both."""
    path = saving("import matplotlib.pyplot as plt\nplt.figure();")
    (tmp_path / "home").write_text("a file, not a folder")
    code = f"from tools.execution import execute\nexecute({str(path)!r}, {str(path)!r})"
    environment = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert saved(tmp_path) == {"new"}
    if os.name == "posix":
        assert "Matplotlib created a temporary cache directory" in done.stderr, (
            "it should complain once, on the console"
        )


@pytest.mark.parametrize("kind", ["models", "figures", "notebooks", "tryout", "tryout/models"])
def test_a_folder_that_cannot_be_written_is_noticed_before_the_run(tmp_path, saving, kind, monkeypatch):
    path = saving("1")
    (tmp_path / kind).mkdir(parents=True, exist_ok=True)

    def refuse(folder):
        if folder == tmp_path / kind:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(aside, "try_to_write", refuse)
    monkeypatch.setattr(execution, "_run", lambda *_: pytest.fail("it ran"))
    with pytest.raises(RunError, match=rf"{kind} cannot be written to \(Permission denied\), so nothing was run: give"):
        execute(path, path)
    assert saved(tmp_path) == {"old"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this account")
def test_a_folder_without_the_right_to_write_is_noticed_before_the_run(tmp_path, saving):
    path = saving("1")
    (tmp_path / "models").chmod(0o500)
    with pytest.raises(RunError, match="models cannot be written to"):
        execute(path, path)


def test_what_a_killed_run_left_is_cleared_away_and_that_of_a_live_one_is_not(tmp_path, saving):
    path = saving("1")
    here = re.sub(r"\W", "", platform.node())
    names = [f"{here}-{os.getppid()}.a", f"{here}-999999999.b", "elsewhere-999999999.c", "mine"]
    live, dead, elsewhere, mine = folders = [tmp_path / f".run-{name}.partial" for name in names]
    for folder in folders:
        (folder / "models").mkdir(parents=True)
    execute(path, path)
    assert live.exists() and elsewhere.exists() and mine.exists() and not dead.exists()
    for folder in (live, elsewhere, mine):
        shutil.rmtree(folder)
    assert saved(tmp_path) == {"new"}


@posix
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_the_file_and_no_kernel(tmp_path, number):
    shutil.copytree(ROOT / "notebooks" / "fmnist", tmp_path / "notebooks" / "fmnist")
    shutil.copy(ROOT / "notebooks" / "chapters.toml", tmp_path / "notebooks")
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    told = tmp_path / "kernel"
    path = write(
        tmp_path / "notebooks" / "keras_vs_pytorch.ipynb",
        f"import os, pathlib, time\npathlib.Path({str(told)!r}).write_text(f'{{os.getpid()}}.')",
        "time.sleep(300)",
    )
    before = path.read_bytes()
    command = [sys.executable, "-m", "tools.run_notebooks", path.stem]
    # The package of the copy, and not the one that is installed.
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(tmp_path / "notebooks")}, "text": True}
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    limit = time.monotonic() + 120
    while not (told.exists() and told.read_text().endswith(".")):
        assert runner.poll() is None, runner.communicate()[1]
        assert time.monotonic() < limit
        time.sleep(0.1)
    time.sleep(1)
    runner.send_signal(number)
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 130
    assert (
        err == f"\nkeras_vs_pytorch.ipynb was interrupted. {run_notebooks.UNCHANGED}\ncell [2] of 2: time.sleep(300)\n"
    )
    assert path.read_bytes() == before
    assert not psutil.pid_exists(int(told.read_text().rstrip(".")))
