"""The two notebooks of a chapter say and do the same, each in its own framework."""

import ast
import difflib
import re

import pytest
from conftest import NOTEBOOKS, chapters, code_cells, printed, read

from fashion.records import read_all

CHAPTERS = sorted(name.removesuffix("_keras") for name in chapters() if name.endswith("_keras"))


@pytest.fixture(params=CHAPTERS)
def twins(request):
    return request.param, read(f"{request.param}_keras"), read(f"{request.param}_pytorch")


def markdown(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [cell.source for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


def neutral(text):
    """`text` without what a twin may say differently: the name of its framework."""
    return re.sub(r"keras|pytorch", "framework", text, flags=re.I)


def test_every_chapter_has_both():
    for name in chapters():
        if name != "keras_vs_pytorch":
            other = (
                name.replace("_keras", "_pytorch") if name.endswith("_keras") else name.replace("_pytorch", "_keras")
            )
            assert other != name
            assert (NOTEBOOKS / f"{other}.ipynb").exists()


def test_headings(twins):
    _, keras, pytorch = twins
    found = [re.findall(r"^##+ .*$", "\n".join(markdown(notebook)), flags=re.M) for notebook in (keras, pytorch)]
    assert found[0] == found[1]
    assert len(found[0]) > 10


def test_shared_prose_is_the_same_word_for_word(twins):
    _, keras, pytorch = twins
    one, other = markdown(keras, "shared"), markdown(pytorch, "shared")
    assert one == other, "\n".join(difflib.unified_diff("\n".join(one).split("\n"), "\n".join(other).split("\n")))
    assert len(one) > 10


def test_prose_that_is_the_same_is_marked_as_shared(twins):
    _, keras, pytorch = twins
    both = set(markdown(keras)) & set(markdown(pytorch))
    assert both == set(markdown(keras, "shared"))


def test_settings(twins):
    _, keras, pytorch = twins
    settings = []
    for notebook in (keras, pytorch):
        (cell,) = [cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
        tree = ast.parse(cell.source)
        settings.append({node.targets[0].id: ast.literal_eval(node.value) for node in tree.body})
    assert settings[0] == settings[1]


def test_artefacts_have_the_same_names(twins):
    _, keras, pytorch = twins
    names = []
    for notebook, framework in ((keras, "keras"), (pytorch, "pytorch")):
        source = "\n".join(cell.source for cell in code_cells(notebook))
        found = set(re.findall(r'"(\d\d_\w+)"', source))
        assert all(name.endswith(f"_{framework}") for name in found), found
        names.append({neutral(name) for name in found})
    assert names[0] == names[1]
    assert len(names[0]) >= 6


def test_each_links_to_its_twin_in_the_first_cell(twins):
    name, keras, pytorch = twins
    assert f"({name}_pytorch.ipynb)" in keras.cells[0].source
    assert f"({name}_keras.ipynb)" in pytorch.cells[0].source
    assert neutral(keras.cells[0].source) == neutral(pytorch.cells[0].source)


def test_exercises_are_numbered_alike(twins):
    numbers = []
    for notebook in twins[1:]:
        text = "\n".join(markdown(notebook)).split("### Exercises")[1]
        numbers.append(re.findall(r"^(\d+)\. \*\*(.*?)\*\*", text, flags=re.M))
    assert numbers[0] == numbers[1]
    assert [int(number) for number, _ in numbers[0]] == list(range(1, len(numbers[0]) + 1))
    assert 5 <= len(numbers[0]) <= 8


def test_parameter_counts(twins):
    name, keras, pytorch = twins
    chapter = name[:2]
    counts = {}
    for record in read_all():
        if record["chapter"] == chapter:
            counts.setdefault(neutral(record["name"]), []).append(record["parameters"])
    # Chapter 03 looks into a model of chapter 01 and trains none of its own.
    assert counts or chapter == "03"
    for model, both in counts.items():
        assert len(both) == 2 and both[0] == both[1], model
        for notebook in (keras, pytorch):
            assert f"{both[0]:,}" in printed(notebook)


def test_what_both_compute_with_numpy_is_the_same(twins):
    """Cells before any training show the same data, so their printed outputs must agree to the letter."""
    outputs = []
    for notebook in twins[1:]:
        found = {}
        for cell in code_cells(notebook):
            text = "".join(o.get("text", "") for o in cell.outputs)
            if "data.load" in cell.source or "data.split" in cell.source or "by_hand = sum" in cell.source:
                found[cell.source] = text
        outputs.append(found)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) >= 1
