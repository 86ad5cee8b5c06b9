"""The README and the figures: links, tables and numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmnist.chapters import all_chapters
from fmnist.records import read_all, standard_error
from tests.helpers import CHAPTERS, EXERCISES, NOTEBOOKS, ROOT, SOLUTIONS, prose
from tools import readme

PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md", "notebooks/README.md"]
EXPECTED_FIGURES = [name for chapter in all_chapters() for name in chapter.figure_files()]


def links(text):
    """The targets of all Markdown links and images outside code."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
    return re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M)
    # GitHub writes anchors in small letters, Jupyter as the heading stands.
    small = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return small | {heading.replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [*PAGES, *CHAPTERS, *EXERCISES, *SOLUTIONS])
def test_links_lead_somewhere(name):
    if name in PAGES:
        path, text = ROOT / name, (ROOT / name).read_text(encoding="utf-8")
    else:
        path, text = NOTEBOOKS / f"{name}.ipynb", prose(name)
    for target in (a or b for a, b in links(text)):
        if target.startswith(("http://", "https://")):
            assert re.match(r"https://[\w.-]+/", target + "/"), target
            continue
        file, _, anchor = target.partition("#")
        destination = (path.parent / file).resolve() if file else path
        assert destination.exists(), f"{name}: {target}"
        if anchor:
            if destination.suffix == ".ipynb" and file:
                there = prose(destination.relative_to(NOTEBOOKS).with_suffix("").as_posix())
            else:
                there = text if not file else Path(destination).read_text(encoding="utf-8")
            assert anchor in anchors(there), f"{name}: {target}"


def test_the_tables_are_fresh():
    assert not readme.is_stale(), "the tables in README.md are older than the records: make readme"


def test_a_stale_table_is_noticed():
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
    for name in CHAPTERS:
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
