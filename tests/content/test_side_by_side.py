"""The texts of docs/side_by_side.md: complete, in the layout of the project, and each column in its framework."""

import ast
import re

import pytest

from tests.helpers import ROOT, run_python
from tools import side_by_side

NAMES = (side_by_side.START, *side_by_side.STEPS, side_by_side.TRAPS, side_by_side.MESSAGES)
TRAPS, MESSAGES = side_by_side.entries(side_by_side.TRAPS), side_by_side.entries(side_by_side.MESSAGES)


def test_every_text_is_on_the_page():
    assert {f"{name}.md" for name in NAMES} == {path.name for path in side_by_side.FOLDER.glob("*.md")}


def test_no_heading_comes_twice():
    titles = [entry.anchor for name in NAMES for entry in side_by_side.read(name).entries]
    titles += [side_by_side.read(name).start.anchor for name in NAMES]
    assert len(titles) == len(set(titles)) > 80


@pytest.mark.parametrize("name", side_by_side.steps())
def test_a_step_has_a_sentence_and_two_short_columns(name):
    entry = side_by_side.steps()[name]
    assert entry.code.keys() == {("keras", None), ("pytorch", None)}
    assert 5 <= len(entry.prose.split()) <= 80
    for code in entry.code.values():
        assert 1 <= len(code.splitlines()) <= 31


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_says_what_differs_how_one_notices_and_what_aligns(name):
    entry = TRAPS[name]
    assert {framework for framework, _ in entry.code} <= {"keras", "pytorch"} and entry.code
    assert re.search(r"^\| \| Keras \| PyTorch \|$", entry.text, flags=re.M)
    assert "**You notice:**" in entry.text and "**Align them:**" in entry.text


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_the_wrong_code_and_the_right_one(name):
    (framework,) = {framework for framework, kind in MESSAGES[name].code if kind}
    assert MESSAGES[name].code.keys() == {("text", None), (framework, "wrong"), (framework, "right")}


@pytest.mark.parametrize("name", NAMES)
def test_no_column_uses_the_other_framework(name):
    group = side_by_side.read(name)
    for entry in (group.start, *group.entries):
        for (framework, _), code in entry.code.items():
            compile(code, entry.title, "exec") if framework != "text" else None
            if framework == "keras":
                assert "torch" not in code
            elif framework == "pytorch":
                assert not re.search(r"\bkeras\b|\btf\.", code)


SNIPPETS = {("setup", framework): code for framework, code in side_by_side.start_code().items()} | {
    (name, framework): code
    for name, entry in side_by_side.steps().items()
    for (framework, _), code in entry.code.items()
}


def calls(code):
    """Return the calls in some code as text, such as "optimizer.step()", in the order in which they are written."""
    found = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [ast.unparse(node) for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]


def test_pytorch_sets_the_gradients_to_zero_and_the_mode_to_training():
    """Before each step, also where a snippet takes only one; a loop over the batches sets the mode."""
    steps = {name: calls(code) for (name, framework), code in SNIPPETS.items() if framework == "pytorch"}
    steps = {name: found for name, found in steps.items() if "optimizer.step()" in found}
    assert len(steps) > 15
    for name, found in steps.items():
        assert found.count("optimizer.zero_grad()") == found.count("optimizer.step()"), name
        if re.search(r"^ *for .* in loader:", SNIPPETS[name, "pytorch"], flags=re.M):
            assert "model.train()" in found, name


def test_both_take_batches_of_128():
    """`fit` takes 32 by default, and the loader of the setup 128."""
    fits = [
        (name, call)
        for (name, framework), code in SNIPPETS.items()
        for call in calls(code)
        if framework == "keras" and re.match(r"\w+\.fit\(", call)
    ]
    assert len(fits) > 12
    for name, call in fits:
        assert f"batch_size={32 if name == 'accumulate-gradients' else 128}" in call, (name, call)
    assert "DataLoader(TensorDataset(x_train, y_train), 128, shuffle=True)" in calls(SNIPPETS["setup", "pytorch"])


def test_the_page_names_the_versions():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "side_by_side.md").read_text(encoding="utf-8")
    for name, written in (("keras", "Keras"), ("torch", "PyTorch"), ("tensorflow", "TensorFlow")):
        versions = {
            ".".join(found.split(".")[:2]) for found in re.findall(rf"^{name}==([\d.]+)", constraints, flags=re.M)
        }
        assert versions and all(f"{written} {version}" in page.split("<!-- index -->")[0] for version in versions)


def test_links_lead_to_headings():
    page = (ROOT / "docs" / "side_by_side.md").read_text(encoding="utf-8")
    anchors = {side_by_side.Entry(title, "").anchor for title in re.findall(r"^##+ (.*)$", page, flags=re.M)}
    assert set(re.findall(r"\]\(#(.*?)\)", page)) <= anchors


def test_the_code_has_our_layout():
    """Both columns fit beside each other on a laptop. `make format` gives the code this layout."""
    done = run_python("-m", "ruff", "format", "--check", "--diff", "--no-cache", "docs", cwd=ROOT)
    assert done.returncode == 0, done.stdout
    for name in NAMES:
        group = side_by_side.read(name)
        for entry in (group.start, *group.entries):
            for (language, _), code in entry.code.items():
                assert language == "text" or max(map(len, code.splitlines())) <= 50, code


def test_columns_do_not_depend_on_the_width():
    """The first table floats and the second does not, and what follows begins below both."""
    text = side_by_side.columns(next(iter(side_by_side.steps().values())))
    assert text.index('<table align="left">') < text.index("<table>") < text.index('<br clear="all">')
    assert text.count("```python\n") == 2
