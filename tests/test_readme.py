"""The README and the figures: links, tables and numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
import readme
from conftest import NOTEBOOKS, ROOT, chapters, prose
from PIL import Image

from fashion.records import read_all, standard_error

PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md", "notebooks/README.md"]
SOLUTIONS = NOTEBOOKS / "solutions"
CHAPTER_FIGURES = {
    "01": "class_grid learning_curves confusion_matrix predictions dense_against_cnn",
    "02": "callbacks validation_luck remedies schedules",
    "03": "filters activations occlusion_and_gradcam hard_pairs near_duplicates reliability feature_map neighbours "
    "robustness",
}
EXPECTED_FIGURES = [
    f"{chapter}_{what}_{framework}"
    for chapter, names in CHAPTER_FIGURES.items()
    for what in names.split()
    for framework in ("keras", "pytorch")
] + ["divergence", "defaults", "verdict", "costs"]


def links(text):
    """The targets of all Markdown links and images outside code."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
    return re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M)
    # GitHub writes anchors in small letters, Jupyter as the heading stands.
    small = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return small | {heading.replace(" ", "-") for heading in headings}


def pages():
    for page in PAGES:
        yield page, ROOT / page, (ROOT / page).read_text(encoding="utf-8")
    exercises = [f"{folder}/{path.stem}" for folder in ("exercises", "solutions") for path in SOLUTIONS.glob("*.ipynb")]
    for name in [*chapters(), *exercises]:
        yield name, NOTEBOOKS / f"{name}.ipynb", prose(name)


@pytest.mark.parametrize(
    ("page", "path", "text"), list(pages()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_links_lead_somewhere(page, path, text):
    for target in (a or b for a, b in links(text)):
        if target.startswith(("http://", "https://")):
            assert re.match(r"https://[\w.-]+/", target + "/"), target
            continue
        file, _, anchor = target.partition("#")
        destination = (path.parent / file).resolve() if file else path
        assert destination.exists(), f"{page}: {target}"
        if anchor:
            if destination.suffix == ".ipynb" and file:
                there = prose(destination.stem)
            else:
                there = text if not file else Path(destination).read_text(encoding="utf-8")
            assert anchor in anchors(there), f"{page}: {target}"


def test_the_tables_are_fresh():
    assert not readme.is_stale(), "the tables in README.md are older than the records: make readme"


def test_a_stale_table_is_noticed(monkeypatch):
    text = readme.README.read_text(encoding="utf-8")
    record = read_all()[0]
    shown = f"{record['test_accuracy']:.2%}"
    assert shown in text
    assert readme.generated(text.replace(shown, "99.99%")) == text


def test_numbers_in_the_prose_are_those_of_the_records():
    """Every percentage with a decimal that the README names outside its tables belongs to a record."""
    text = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", readme.README.read_text(encoding="utf-8"), flags=re.S)
    known = set()
    for record in read_all():
        values = [record["test_accuracy"], record["validation_accuracy"]]
        values.append(standard_error(record["test_accuracy"], record["test_images"]))
        known |= {f"{100 * value:.{digits}f}" for value in values for digits in (1, 2)}
    assert set(re.findall(r"(\d+\.\d+) ?%", text)) <= known
    counts = {f"{record['parameters']:,}" for record in read_all()}
    assert set(re.findall(r"([\d,]{5,}) parameters", text)) <= counts


def test_the_chapter_map_is_complete():
    text = readme.README.read_text(encoding="utf-8")
    for name in chapters():
        assert f"(notebooks/{name}.ipynb)" in text


@pytest.mark.parametrize("name", EXPECTED_FIGURES)
def test_figures_exist_and_fit_a_page(name):
    path = ROOT / "figures" / f"{name}.png"
    image = Image.open(path)
    image.load()
    assert 500 <= image.width <= 1400 and 150 <= image.height <= 1200
    assert path.stat().st_size < 600_000
    pixels = np.asarray(image.convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1], :3] == 255).all()
    assert pixels[..., :3].std() > 10


def test_no_figure_is_left_over():
    assert {path.stem for path in (ROOT / "figures").glob("*")} == set(EXPECTED_FIGURES)
