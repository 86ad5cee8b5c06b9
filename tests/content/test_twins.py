"""The two notebooks of a chapter say and do the same, each in its own framework."""

import difflib
import re

import pytest

from fmnist.records import read_all
from tests.helpers import CHAPTERS, NOTEBOOKS, TWINS, code_cells, committed, markdown, printed, read, settings


@pytest.fixture(params=TWINS, ids=lambda chapter: chapter.name)
def chapter(request):
    return request.param


@pytest.fixture
def twins(chapter):
    return [read(name) for name in chapter.notebooks.values()]


def neutral(text):
    """`text` without what a twin may say differently: the name of its framework."""
    return re.sub(r"keras|pytorch", "framework", text, flags=re.I)


def test_the_notebooks_are_those_of_the_registry():
    assert committed(NOTEBOOKS) == set(CHAPTERS)


def test_headings(twins):
    found = [re.findall(r"^##+ .*$", "\n".join(markdown(notebook)), flags=re.M) for notebook in twins]
    assert found[0] == found[1]
    assert len(found[0]) > 10


def test_shared_prose_is_the_same_word_for_word(twins):
    one, other = (markdown(notebook, "shared") for notebook in twins)
    assert one == other, "\n".join(difflib.unified_diff("\n".join(one).split("\n"), "\n".join(other).split("\n")))
    assert len(one) > 10


def test_prose_that_is_the_same_is_marked_as_shared(twins):
    keras, pytorch = twins
    both = set(markdown(keras)) & set(markdown(pytorch))
    assert both == set(markdown(keras, "shared"))


def test_settings(twins):
    keras, pytorch = twins
    assert settings(keras) == settings(pytorch)


def test_artefacts_have_the_same_names(chapter, twins):
    """The figures and models that the code names are the same, and those that the registry promises are among them."""
    promised = {f"{chapter.name[:2]}_{figure}_framework" for figure in chapter.figures}
    promised |= {neutral(model.file_stem("keras")) for model in chapter.models}
    names = []
    for notebook, framework in zip(twins, chapter.notebooks, strict=True):
        source = "\n".join(cell.source for cell in code_cells(notebook))
        found = set(re.findall(r'"(\d\d_\w+)"', source))
        assert all(name.endswith(f"_{framework}") for name in found), found
        names.append({neutral(name) for name in found})
    assert names[0] == names[1]
    assert names[0] >= promised


def test_each_links_to_its_twin_in_the_first_cell(chapter, twins):
    first, second = (notebook.cells[0].source for notebook in twins)
    assert f"(../{chapter.notebooks['pytorch']}.ipynb)" in first
    assert f"(../{chapter.notebooks['keras']}.ipynb)" in second
    assert neutral(first) == neutral(second)


def test_exercises_are_numbered_alike(twins):
    numbers = []
    for notebook in twins:
        text = "\n".join(markdown(notebook)).split("### Exercises")[1]
        numbers.append(re.findall(r"^(\d+)\. \*\*(.*?)\*\*", text, flags=re.M))
    assert numbers[0] == numbers[1]
    assert [int(number) for number, _ in numbers[0]] == list(range(1, len(numbers[0]) + 1))
    assert 5 <= len(numbers[0]) <= 8


def test_parameter_counts(chapter, twins):
    records = {record["name"]: record for record in read_all()}
    for model in chapter.models:
        for framework, notebook in zip(chapter.notebooks, twins, strict=True):
            assert records[model.file_stem(framework)]["parameters"] == model.parameters
            assert f"{model.parameters:,}" in printed(notebook)


def test_what_both_compute_with_numpy_is_the_same(twins):
    """Cells before any training show the same data, so their printed outputs must agree to the letter."""
    outputs = []
    for notebook in twins:
        found = {}
        for cell in code_cells(notebook):
            text = "".join(o.get("text", "") for o in cell.outputs)
            if "data.load" in cell.source or "data.split" in cell.source or "by_hand = sum" in cell.source:
                found[cell.source] = text
        outputs.append(found)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) >= 1
