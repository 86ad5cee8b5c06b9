"""The code of the twins differs in its framework, and not in a learning rate, a width or the name of a quantity.

A number that only one twin needs, such as the shape of an image, stands in the registry as `own_numbers`.
"""

import ast
import re
from collections import defaultdict

import pytest

from tests.helpers import TWINS, read

NOTHING = ast.Module(body=[], type_ignores=[])
SAME_KEYWORD = {"eps": "epsilon", "lr": "learning_rate"}

each_chapter = pytest.mark.parametrize("chapter", TWINS, ids=lambda chapter: chapter.name)


def neutral(text):
    return re.sub(r"keras|pytorch", "framework", text, flags=re.I)


class Neutral(ast.NodeTransformer):
    """Takes out of the code what has to differ."""

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "run_tagged_cells":  # its values belong to the cells of another notebook
            return ast.Constant(None)
        for keyword in node.keywords:
            if re.fullmatch(r"BatchNorm\dd", name) and keyword.arg == "momentum":
                # In PyTorch the weight of the new value, in Keras of the old one.
                keyword.value = ast.Constant(round(1 - keyword.value.value, 9))
            if keyword.arg == "channels" and getattr(keyword.value, "value", None) in ("first", "last"):
                keyword.value = ast.Constant("the framework's own")
        return node


def code_by_section(notebook):
    """{heading: syntax tree of the code below it}, without what has to differ."""
    sources, heading = defaultdict(list), "before the first heading"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            sources[heading].append(cell.source)
        elif headings := re.findall(r"^##+ .*$", cell.source, flags=re.M):
            heading = neutral(headings[-1])
    return {heading: Neutral().visit(ast.parse("\n".join(parts))) for heading, parts in sources.items()}


def compared(keras, pytorch):
    """For each section of two notebooks its heading and its code in both."""
    one, other = code_by_section(keras), code_by_section(pytorch)
    return [(heading, one.get(heading, NOTHING), other.get(heading, NOTHING)) for heading in one.keys() | other.keys()]


def numbers(tree):
    """The numbers that stand in the code; 0 and 1 are places, axes and labels, and say nothing."""
    found = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }
    return found - {0, 1}


def keyword_values(tree):
    """{keyword: its literal values in all calls, as text}."""
    found = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            found[SAME_KEYWORD.get(node.arg, node.arg)].add(neutral(ast.unparse(node.value)))
    return found


def only_in_one(sections):
    """{framework: the numbers of its code that do not stand in the same section of the other's}."""
    found = {"keras": set(), "pytorch": set()}
    for _, keras, pytorch in sections:
        found["keras"] |= numbers(keras) - numbers(pytorch)
        found["pytorch"] |= numbers(pytorch) - numbers(keras)
    return found


def other_values(sections):
    """{(heading, keyword): (values in Keras, values in PyTorch)} where each has a literal that the other has not."""
    found = {}
    for heading, keras, pytorch in sections:
        one, other = keyword_values(keras), keyword_values(pytorch)
        for keyword in one.keys() & other.keys():
            if one[keyword] - other[keyword] and other[keyword] - one[keyword]:
                found[heading, keyword] = one[keyword], other[keyword]
    return found


def sections_of(chapter):
    """The sections of a chapter and of its solutions."""
    folders = ("", "solutions/") if chapter.exercises else ("",)
    names = [[f"{folder}{name}" for name in chapter.notebooks.values()] for folder in folders]
    return [section for keras, pytorch in names for section in compared(read(keras), read(pytorch))]


@each_chapter
def test_the_numbers_in_the_code(chapter):
    own = {framework: set(chapter.own_numbers.get(framework, ())) for framework in chapter.notebooks}
    assert only_in_one(sections_of(chapter)) == own, (
        "numbers in the code of one twin or of its solutions only (left); own_numbers in the registry (right)"
    )


@each_chapter
def test_the_values_of_keywords(chapter):
    assert other_values(sections_of(chapter)) == {}


def altered(name, old, new):
    """The committed notebook with `new` where a code cell first has `old`."""
    notebook = read(name)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source)
    cell.source = cell.source.replace(old, new, 1)
    return notebook


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("solutions/{}/01_dense_and_cnn", "lr=0.001", "lr=0.002"),
        ("{}/02_regularization_and_callbacks", "factor=0.2", "factor=0.3"),
    ],
)
def test_another_number_in_one_twin_is_noticed(name, old, new):
    keras, pytorch = read(name.format("keras")), name.format("pytorch")
    same, other = only_in_one(compared(keras, read(pytorch))), only_in_one(compared(keras, altered(pytorch, old, new)))
    wrote, writes = (float(text.partition("=")[2]) for text in (old, new))
    assert other == {"keras": same["keras"] | {wrote}, "pytorch": same["pytorch"] | {writes}}


def test_another_word_in_one_twin_is_noticed():
    keras, pytorch = (f"{framework}/02_regularization_and_callbacks" for framework in ("keras", "pytorch"))
    sections = compared(read(keras), altered(pytorch, 'framework="keras"', 'framework="keras 3"'))
    assert len(other_values(sections)) == 1
