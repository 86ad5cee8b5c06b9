"""A committed notebook is the whole output of one run of exactly its code."""

import ast
import builtins
import os
import re

import pytest

from fmnist import chapters
from fmnist.records import read_all
from tests.helpers import CHAPTERS, NOTEBOOKS, SOLUTIONS, code_cells, markdown, printed, read
from tools import stale
from tools.runs import alternative_text

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|work|var|opt|mnt|content)/|[A-Z]:\\")
NOISE = re.compile(r"Traceback|\bWarning\b|WARNING|\bI0000\b|oneDNN|cuda drivers|\r|\x08|\x1b\[")
MODELS = {
    model.file_stem(framework): chapter.notebooks[framework]
    for chapter in chapters.all_chapters()
    for model in chapter.models
    for framework in chapters.FRAMEWORKS
}
BY_COMMAND = {
    model.file_stem(framework) for model, framework in chapters.all_models() if model.name in chapters.commands()
}
FORBIDDEN = {
    "keras": {"torch", "torchvision"},
    "pytorch": {"tensorflow", "keras", "fmnist.keras_tools"},
    "both": set(),
}


@pytest.fixture(params=[*CHAPTERS, *SOLUTIONS])
def name(request):
    return request.param


def test_one_whole_run_without_errors(name):
    cells = code_cells(read(name))
    counts = [cell.execution_count for cell in cells]
    if stale.unsound([name]) and os.environ.get("STALE_RUNS") != "fail":
        # A contributor has added or removed cells; test_runs.py says so.
        assert (kept := [count for count in counts if count]) == sorted(set(kept))
    else:
        assert counts == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds <= {"stream", "display_data", "execute_result"}
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]


def test_outputs_are_clean(name):
    notebook = read(name)
    text = printed(notebook)
    assert not MACHINE_PATH.search(text), MACHINE_PATH.search(text)
    assert not NOISE.search(text), NOISE.search(text)
    assert "widgets" not in notebook.metadata
    data_types = {kind for cell in code_cells(notebook) for o in cell.outputs for kind in o.get("data", {})}
    assert data_types <= {"text/plain", "text/html", "image/png"}
    html = [o["data"]["text/html"] for c in code_cells(notebook) for o in c.outputs if "text/html" in o.get("data", {})]
    assert all("<table" in part for part in html)


def test_small_enough_for_the_preview(name):
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 2_000_000


def test_an_output_has_no_metadata_but_an_alternative_text(name):
    for cell in code_cells(read(name)):
        for output in cell.outputs:
            assert output.get("metadata", {}) in ({}, {"image/png": {"alt": (alt := alternative_text(output))}})
            assert alt is None or ("image/png" in output.data and not MACHINE_PATH.search(alt))


def test_metadata_holds_nothing_of_a_machine_or_a_moment(name):
    notebook = read(name)
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "run", "jupytext"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        # The second is jupytext's note on blank lines, left by an edit as text, the last folds a cell in JupyterLab.
        assert set(cell.metadata) <= {"tags", "lines_to_next_cell", "nbgrader", "jupyter"}


def test_form(name):
    notebook = read(name)
    text = "\n".join(markdown(notebook))
    assert len(re.findall(r"^# ", text, flags=re.M)) == 1
    sections = re.findall(r"^## (.*)$", text, flags=re.M)
    if not name.startswith("solutions/"):  # test_exercises.py looks at those
        assert [section.split(".")[0] for section in sections] == [str(i + 1) for i in range(len(sections))]
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) == 1
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= 30, cell.source
        assert not re.search(r"TODO|FIXME", cell.source)


def test_imports_one_framework_only(name):
    imported = set()
    for cell in code_cells(read(name)):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module if node.module.startswith("fmnist") else node.module.split(".")[0])
    _, framework = chapters.of_notebook(name.removeprefix("solutions/"))
    assert not imported & FORBIDDEN[framework]


@pytest.mark.parametrize("framework", chapters.FRAMEWORKS)
def test_the_cell_for_an_own_photograph_works_in_a_fresh_kernel(framework):
    """It uses no name that another cell defines; the first cell only finds the package."""
    cells = [c for c in code_cells(read(f"{framework}/01_dense_and_cnn")) if "alone" in c.metadata.get("tags", [])]
    assert len(cells) == 1
    names = [node for node in ast.walk(ast.parse(cells[0].source)) if isinstance(node, ast.Name)]
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(ast.parse(cells[0].source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assert {node.id for node in names} <= imported | stored | set(dir(builtins))


@pytest.mark.parametrize("record", read_all(), ids=lambda record: record["name"])
def test_the_notebook_shows_the_numbers_of_the_record(record):
    """A record from another run than the notebook's outputs would show here."""
    text = printed(read(MODELS[record["name"]]))
    assert f"test accuracy {record['test_accuracy']:.2%}" in text
    images = record["test_images"]
    errors = images - round(record["test_accuracy"] * images)
    # Chapter 05 gives two accuracies without their errors; with its decimals, an accuracy says how many there are.
    assert f"{errors:,} errors" in text or "(standard error)" not in text
    if record["name"] in BY_COMMAND:
        return  # the notebook measures such a model only
    epochs = record["epochs"]
    lines = re.findall(rf"epoch +(\d+)/{epochs} .*val_accuracy (\S+) ", text)
    shown = {int(epoch) for epoch, _ in lines}
    assert shown in (set(range(1, epochs + 1)), set(range(5, epochs + 1, 5))), "every epoch, or every fifth one"
    for epoch in shown:
        assert (str(epoch), f"{record['history']['val_accuracy'][epoch - 1]:.4f}") in lines


def test_the_comparison_shows_the_numbers_of_the_records():
    notebook = read("keras_vs_pytorch")
    source = "\n".join(cell.source for cell in code_cells(notebook))
    compared = [record for record in read_all() if f'"{record["name"]}"' in source]
    assert len(compared) >= 4
    for record in compared:
        # Once as recorded in its own framework, and once as found in the other.
        assert printed(notebook).count(f"{record['test_accuracy']:.2%}") >= 2, "make run NOTEBOOKS=keras_vs_pytorch"
