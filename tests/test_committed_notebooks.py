"""A committed notebook is the whole output of one run of exactly its code."""

import ast
import re

import pytest
from conftest import NOTEBOOKS, chapters, code_cells, printed, read

from fashion.records import read_all
from fashion.stamp import stamp

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|work|var|opt|mnt|content)/|[A-Z]:\\")
NOISE = re.compile(r"Traceback|\bWarning\b|WARNING|\bI0000\b|oneDNN|cuda drivers|\r|\x08|\x1b\[")


SOLUTIONS = sorted(f"solutions/{path.stem}" for path in (NOTEBOOKS / "solutions").glob("*.ipynb"))


@pytest.fixture(params=[*chapters(), *SOLUTIONS])
def name(request):
    return request.param


def test_one_whole_run_without_errors(name):
    cells = code_cells(read(name))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds <= {"stream", "display_data", "execute_result"}
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]


def test_the_stamp_is_that_of_the_code_and_the_data(name):
    notebook = read(name)
    message = f"{name}.ipynb is not the output of this code: make run NOTEBOOKS={name}"
    assert notebook.metadata["fashion"]["stamp"] == stamp(notebook), message


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


def test_metadata_holds_nothing_of_a_machine_or_a_moment(name):
    notebook = read(name)
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "fashion", "jupytext"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        # The second is jupytext's note on blank lines, left by an edit as text.
        assert set(cell.metadata) <= {"tags", "lines_to_next_cell", "nbgrader"}


def test_form(name):
    notebook = read(name)
    markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", markdown, flags=re.M)) == 1
    sections = re.findall(r"^## (.*)$", markdown, flags=re.M)
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
                imported.add(node.module if node.module.startswith("fashion") else node.module.split(".")[0])
    if name.endswith("_keras"):
        assert not imported & {"torch", "torchvision"}
    if name.endswith("_pytorch") and not name.endswith("keras_vs_pytorch"):
        assert not imported & {"tensorflow", "keras", "fashion.keras_tools"}


@pytest.mark.parametrize("record", read_all(), ids=lambda record: record["name"])
def test_the_notebook_shows_the_numbers_of_the_record(record):
    """A record from another run than the notebook's outputs would show here."""
    chapter = next(n for n in chapters() if n.startswith(record["chapter"]) and n.endswith(record["framework"]))
    text = printed(read(chapter))
    images = record["test_images"]
    errors = images - round(record["test_accuracy"] * images)
    assert f"test accuracy {record['test_accuracy']:.2%}" in text
    assert f"{errors:,} errors" in text
    for epoch, accuracy in enumerate(record["history"]["val_accuracy"], start=1):
        assert re.search(rf"epoch +{epoch}/{record['epochs']} .*val_accuracy {accuracy:.4f} ", text)


def test_the_comparison_shows_the_numbers_of_the_records():
    text = printed(read("keras_vs_pytorch"))
    for record in read_all():
        if record["chapter"] == "01":
            # Once as recorded in its own framework, and once as found in the other.
            assert text.count(f"{record['test_accuracy']:.2%}") >= 2, "make run NOTEBOOKS=keras_vs_pytorch"
