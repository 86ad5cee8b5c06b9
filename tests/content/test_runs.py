"""Every committed notebook agrees with its run, and whatever is altered afterwards is noticed and named."""

import os
import re
import shutil
import warnings

import nbformat
import pytest

from fmnist import chapters
from tests.helpers import CHAPTERS, NOTEBOOKS, ROOT, SOLUTIONS, read
from tools import runs, stale


class StaleRun(UserWarning):
    """A committed notebook is not the output of today's code, inputs and versions."""


@pytest.mark.parametrize("name", [*CHAPTERS, *SOLUTIONS])
def test_the_committed_notebook_agrees_with_its_run(name):
    found = stale.unsound([name])
    said = stale.report(found)
    assert not [fault for list_ in found.values() for fault in list_ if fault.kind == "wrong"], said
    # A contributor may hand in changed code without a run: another processor gives other last digits.
    if os.environ.get("STALE_RUNS") == "fail":
        assert not found, said
    elif found:
        warnings.warn(said, StaleRun, stacklevel=1)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_run_read_what_the_registry_says(name):
    chapter, framework = chapters.of_notebook(name)
    found = {path for path in read(name).metadata.run.inputs if not path.startswith(("data/", runs.REGISTRY))}
    assert found == set(chapter.inputs(framework))


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_run_wrote_the_figures_and_models_of_the_registry(name):
    chapter, framework = chapters.of_notebook(name)
    figures = {file for file in chapter.figure_files() if framework == "both" or file.endswith(framework)}
    expected = {f"figures/{file}.png" for file in figures}
    for model in chapters.trained_by_notebook(chapter):
        stem = f"models/{model.file_stem(framework)}"
        expected |= {f"{stem}{chapters.MODEL_SUFFIX[framework]}", f"{stem}.json"}
    assert set(read(name).metadata.run["files"]) == expected


@pytest.fixture(scope="module")
def whole_copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("altered") / "a copy"
    for folder in ("notebooks", "models", "figures"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", root / "data", ignore=shutil.ignore_patterns("*-ubyte"))
    return root


@pytest.fixture(scope="module")
def before(whole_copy):
    return stale.unsound(root=whole_copy)


@pytest.fixture
def altered(whole_copy, before):
    """Call it with a path and a function of the file's bytes; it returns {notebook: new faults}."""
    kept = {}

    def alter(path, change):
        path = whole_copy / path
        kept.setdefault(path, path.read_bytes())
        path.write_bytes(change(path.read_bytes()))
        assert path.read_bytes() != kept[path], "nothing was altered"
        after = stale.unsound(root=whole_copy)
        new = {name: [each for each in list_ if each not in before.get(name, [])] for name, list_ in after.items()}
        return {name: list_ for name, list_ in new.items() if list_}

    yield alter
    for path, content in kept.items():
        path.write_bytes(content)


def text(old, new, count=1):
    """Return a change that replaces `old`, which must be there, in a file of text."""

    def change(content):
        assert old in content.decode()
        return content.decode().replace(old, new, count).encode()

    return change


def notebook(edit):
    """Return a change that lets `edit` alter a notebook."""

    def change(content):
        node = nbformat.reads(content.decode(), as_version=4)
        edit(node)
        return nbformat.writes(node).encode()

    return change


def readers(path):
    """Every notebook whose run read `path`, found in the committed records themselves."""
    return {name for name in [*CHAPTERS, *SOLUTIONS] if path in read(name).metadata.run.inputs}


def kinds(found):
    return {name: {fault.kind for fault in list_} for name, list_ in found.items()}


@pytest.mark.parametrize("name", ["keras/03_inside_the_cnn", "solutions/pytorch/02_regularization_and_callbacks"])
def test_one_changed_digit_in_an_output_is_noticed(altered, name):
    def edit(node):
        texts = [o for c in node.cells for o in c.get("outputs", []) if re.search(r"\d\.\d", o.get("text", ""))]
        output = texts[len(texts) // 2]
        output.text = re.sub(r"(\d)\.(\d)", lambda m: f"{m[1]}.{(int(m[2]) + 1) % 10}", output.text, count=1)

    found = altered(f"notebooks/{name}.ipynb", notebook(edit))
    assert found == {name: [runs.Fault("wrong", "its outputs are not those of its run")]}
    assert f"make run NOTEBOOKS={name}" in stale.report(found)


def test_a_changed_picture_in_an_output_is_noticed(altered):
    def edit(node):
        pictures = [o.data for c in node.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
        pictures[0]["image/png"] = pictures[1]["image/png"]

    assert kinds(altered("notebooks/keras_vs_pytorch.ipynb", notebook(edit))) == {"keras_vs_pytorch": {"wrong"}}


def test_a_replaced_figure_is_noticed(altered):
    other = (ROOT / "figures" / "01_class_grid_pytorch.png").read_bytes()
    found = altered("figures/01_learning_curves_pytorch.png", lambda _: other)
    assert kinds(found) == {"pytorch/01_dense_and_cnn": {"wrong"}}
    assert "figures/01_learning_curves_pytorch.png is not the file" in stale.report(found)


@pytest.mark.parametrize("framework", chapters.FRAMEWORKS)
def test_a_retrained_model_is_noticed_by_every_notebook_that_read_it(altered, framework):
    path = f"models/01_cnn_{framework}{chapters.MODEL_SUFFIX[framework]}"
    reading = readers(path)
    assert {f"{framework}/03_inside_the_cnn", "keras_vs_pytorch", f"solutions/{framework}/01_dense_and_cnn"} <= reading
    found = altered(path, lambda content: content[:-1] + bytes([content[-1] ^ 1]))
    assert kinds(found) == {f"{framework}/01_dense_and_cnn": {"wrong"}} | {name: {"stale"} for name in reading}
    said = stale.report(found)
    for name in reading:
        assert f"{name} is stale:\n  {path}, which it read, has changed\n" in said
        assert f"make run NOTEBOOKS={name}" in said


def test_a_lost_input_is_noticed(altered, whole_copy):
    path = whole_copy / "models" / "costs.json"
    content = path.read_bytes()
    path.unlink()
    try:
        assert "models/costs.json, which it read, is missing" in stale.report(stale.unsound(root=whole_copy))
    finally:
        path.write_bytes(content)


def test_another_framework_version_is_noticed(altered):
    def edit(node):
        node.metadata.run.versions["torch"] = "2.13.0"
        node.metadata.run["seal"] = runs.seal(node.metadata.run)

    found = altered("notebooks/pytorch/03_inside_the_cnn.ipynb", notebook(edit))
    assert kinds(found) == {"pytorch/03_inside_the_cnn": {"stale"}}
    assert "it ran with torch 2.13.0, and constraints.txt has 2.14.1" in stale.report(found)


def test_a_changed_function_is_noticed_where_it_is_reached(altered):
    change = text("np.sqrt(accuracy * (1 - accuracy) / images)", "np.sqrt(accuracy / images)")
    found = altered("notebooks/fmnist/records.py", change)
    uses = {name for name in [*CHAPTERS, *SOLUTIONS] if "records.standard_error(" in code(name)}
    assert 2 <= len(uses) < len(CHAPTERS)
    assert found == {name: [runs.Fault("stale", "what it uses of fmnist/records.py has changed")] for name in uses}


def code(name):
    return "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")


@pytest.mark.parametrize("module", ["plots", "records", "data", "taught"])
def test_an_unused_function_makes_nothing_stale(altered, module):
    added = b"\n\ndef never_used():\n    return CLASS_NAMES\n"
    assert altered(f"notebooks/fmnist/{module}.py", lambda content: content + added) == {}


def test_a_changed_cell_of_another_notebook_is_noticed_where_it_was_used(altered):
    name = "pytorch/01_dense_and_cnn"
    change = text("nn.Conv2d(1, 32, ", "nn.Conv2d(1, 31, ")
    found = altered(f"notebooks/{name}.ipynb", change)
    reading = readers(f"notebooks/{name}.ipynb[model]")
    assert len(reading) >= 3
    assert set(found) == {name} | reading | readers(f"notebooks/{name}.ipynb")
    assert found[name] == [runs.Fault("stale", "its code cells have changed")]


def test_the_look_of_a_model_counts_where_the_model_is_shown(altered):
    found = altered("notebooks/chapters.toml", text('label = "CNN"', 'label = "convolutional"'))
    assert "keras/03_inside_the_cnn" in found and "keras/02_regularization_and_callbacks" not in found


def edit_markdown(node):
    next(cell for cell in node.cells if cell.cell_type == "markdown").source += "\n\nOne more sentence."


def edit_comment(node):
    next(cell for cell in node.cells if cell.cell_type == "code").source += "  # why"


def another_bootstrap_cell(node):
    """Put it in the place of the one that is there."""
    node.cells = [cell for cell in node.cells if "bootstrap" not in cell.metadata.get("tags", [])]
    cell = nbformat.v4.new_code_cell("print('getting ready')", metadata={"tags": ["bootstrap"]})
    node.cells.insert(1, cell)


@pytest.mark.parametrize("edit", [edit_markdown, edit_comment])
def test_what_changes_no_result_makes_nothing_stale(altered, edit):
    assert altered("notebooks/keras/01_dense_and_cnn.ipynb", notebook(edit)) == {}


def test_a_bootstrap_cell_does_not_count_as_code(altered):
    assert altered("notebooks/keras/01_dense_and_cnn.ipynb", notebook(another_bootstrap_cell)) == {}


def show_in_bootstrap_cell(node):
    another_bootstrap_cell(node)
    node.cells[1].outputs = [nbformat.v4.new_output("stream", text="test accuracy 99.99%")]


def two_bootstrap_cells(node):
    another_bootstrap_cell(node)
    node.cells.insert(1, node.cells[1].copy())


@pytest.mark.parametrize("edit", [show_in_bootstrap_cell, two_bootstrap_cells])
def test_a_bootstrap_cell_hides_nothing(altered, edit):
    found = altered("notebooks/keras/01_dense_and_cnn.ipynb", notebook(edit))
    assert kinds(found) == {"keras/01_dense_and_cnn": {"wrong"}}


def forget(entry, value):
    def edit(node):
        node.metadata.run[entry] = value

    return edit


@pytest.mark.parametrize(
    ("entry", "value"), [("inputs", {}), ("files", {}), ("versions", {"python": "3.11.7"}), ("seal", "0")]
)
def test_an_altered_record_is_noticed(altered, entry, value):
    found = altered("notebooks/keras/01_dense_and_cnn.ipynb", notebook(forget(entry, value)))
    assert found["keras/01_dense_and_cnn"] == [runs.Fault("wrong", "the record of its run was altered")]


def new_cell(source):
    def edit(node):
        node.cells.append(nbformat.v4.new_code_cell(source))

    return edit


@pytest.mark.parametrize(
    ("source", "said"), [("extra = 1", "its code cells have changed"), ("x = (", "its code cannot be read")]
)
def test_a_new_cell_makes_a_notebook_stale_and_not_wrong(altered, source, said):
    found = altered("notebooks/keras/03_inside_the_cnn.ipynb", notebook(new_cell(source)))
    assert kinds(found)["keras/03_inside_the_cnn"] == {"stale"}
    assert said in stale.report(found)


def test_a_semicolon_that_hides_what_a_cell_shows_is_noticed(altered):
    def edit(node):
        shown = (cell for cell in node.cells if any("data" in output for output in cell.get("outputs", [])))
        cell = next(cell for cell in shown if not cell.source.endswith(";"))
        cell.source += ";"

    found = altered("notebooks/keras/03_inside_the_cnn.ipynb", notebook(edit))
    assert "its code cells have changed" in stale.report(found)


def test_a_notebook_without_a_record_of_its_run_is_wrong(altered):
    found = altered("notebooks/keras/01_dense_and_cnn.ipynb", notebook(lambda node: node.metadata.pop("run")))
    assert found["keras/01_dense_and_cnn"] == [runs.Fault("wrong", "it has no record of a run")]


def test_the_list_is_in_reading_order():
    known = list(stale.known_notebooks())
    assert known == [*CHAPTERS, *SOLUTIONS]
    assert {path.relative_to(NOTEBOOKS).as_posix() for path in stale.known_notebooks().values()} == {
        f"{name}.ipynb" for name in known
    }
