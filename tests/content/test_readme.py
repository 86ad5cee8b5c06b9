"""The README, the pages in docs/ and the figures: links, tables, code and numbers."""

import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmnist.chapters import all_chapters
from fmnist.records import read_all, standard_error
from tests.frameworks.workers.front_page import snippets
from tests.helpers import CHAPTERS, EXERCISES, NOTEBOOKS, ROOT, SOLUTIONS, prose, read
from tools import address, answers, lessons, model_comparison, readme
from tools.run_notebooks import default_notebooks

DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
PAGES = ["README.md", "CONTRIBUTING.md", "data/README.md", "notebooks/README.md", *DOCS]
EXPECTED_FIGURES = [name for chapter in all_chapters() for name in chapter.figure_files()] + [model_comparison.NAME]
GENERATED = re.compile(r"<!-- (\w+) -->.*?<!-- /\1 -->", flags=re.S)


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def written(name):
    """What was written by hand on a page."""
    return GENERATED.sub("", page(name))


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


def test_the_index_names_every_page():
    named = {target for pair in links(page("docs/README.md")) for target in pair}
    assert {Path(name).name for name in DOCS} - {"README.md"} <= named


def test_the_tables_and_the_figure_of_all_models_are_fresh():
    assert readme.stale() == [], "older than the records: make readme"


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, parts in readme.PAGES.items() for part in parts])
def test_a_stale_part_is_noticed(name, part):
    text = page(name)
    assert readme.generated(name, readme.replaced_between(text, part, "| 99.99% |")) == text


def test_numbers_in_the_prose_are_those_of_the_records():
    """Every percentage with a decimal that a page names outside its generated parts belongs to a record."""
    known = set()
    for record in read_all():
        values = [record["test_accuracy"], record["validation_accuracy"]]
        values.append(standard_error(record["test_accuracy"], record["test_images"]))
        known |= {f"{100 * value:.{digits}f}" for value in values for digits in (1, 2)}
    counts = {f"{record['parameters']:,}" for record in read_all()}
    for text in map(written, ["README.md", *DOCS]):
        assert set(re.findall(r"(\d+\.\d+) ?%", text)) <= known
        assert set(re.findall(r"([\d,]{5,}) parameters", text)) <= counts


def test_the_front_page_is_short():
    text = re.sub(r"```.*?```|^\|.*?$|<!--.*?-->|<[^>]*>|\]\([^)]*\)", "", written("README.md"), flags=re.S | re.M)
    assert len(text.split()) <= 900


def test_the_first_line_is_what_the_study_found():
    """It says that Keras was ahead by three quarters of a point at most, and that the initial weights matter."""
    assert "up to three quarters of a percentage point more accurate here, and a large part" in page("README.md")
    assert 0.7 < max(answers.gap(network).mean for network in answers.NETWORKS) < 0.8
    for network in answers.NETWORKS:
        assert answers.gap(network).is_seen and not answers.gap(network, "matched").is_seen
        assert answers.explained(network) > answers.gap(network).mean / 2


def test_the_front_page_and_the_comparison_give_the_same_gaps():
    verdict, front = readme.verdict_list(), answers.answers()
    numbers = re.findall(r"[+-]\d\.\d\d", verdict)
    assert len(numbers) >= 10
    assert all(number.replace("-", "−") in front for number in numbers)


def test_the_front_page_shows_both_measurements_of_an_epoch():
    """Of the same processor, too: neither may hide the other."""
    front, found = page("README.md"), answers.seconds_per_epoch()
    assert [name.rsplit("`make ")[1] for name in found] == ["benchmark`", "costs`"]
    for name, seconds in found.items():
        assert name in front and len(seconds) == 4
        for times in seconds.values():
            assert answers._range(times) in front


@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_the_training_step_is_python_and_fits_beside_its_twin(framework):
    code = snippets()[framework]
    compile(code, framework, "exec")
    assert {"keras": "torch", "pytorch": "keras"}[framework] not in code
    assert all(len(line) <= 44 for line in code.splitlines())


def test_the_chapter_map_is_complete_with_its_badges():
    text = readme.chapter_map("https://github.com/a/b")
    assert readme.chapter_map() in page("README.md")
    for name in CHAPTERS:
        assert f"(notebooks/{name}.ipynb)" in text
    badges = set(re.findall(rf"\({address.COLAB}/github/a/b/blob/main/notebooks/(\S+)\.ipynb\)", text))
    assert badges == {name for name in CHAPTERS if not _needs_our_versions(name)}
    assert text.count(f"[![Open in Colab]({address.COLAB}/assets/colab-badge.svg)](") == len(badges) > 0


def _needs_our_versions(name):
    """Whether a notebook opens a file that Keras has saved elsewhere, or starts both frameworks."""
    run = read(name).metadata.run
    return any(path.endswith(".keras") for path in run.inputs) or {"torch", "keras"} <= set(run.versions)


def test_no_badge_where_colab_cannot_read():
    assert address.COLAB not in readme.chapter_map("https://example.org/a/b")


def test_a_run_of_the_first_chapter_takes_as_long_as_the_front_page_says():
    assert "up to 25 minutes" in written("README.md")
    assert sum(read(name).metadata.run.seconds for name in default_notebooks()) <= 25 * 60


def test_the_lessons_take_what_their_notebooks_say():
    chapters = [chapter for chapter in all_chapters() if chapter.exercises]
    rows = [row for row in lessons.lessons() if row[3] != "none yet"]
    assert len(rows) == len(chapters)
    for chapter, (_, reading, running, exercises) in zip(chapters, rows, strict=True):
        solution = read(f"solutions/{list(chapter.notebooks.values())[-1]}")
        assert int(exercises) >= sum(cell.source.startswith("## Exercise") for cell in solution.cells) * 5
        assert 10 <= int(reading) <= 120
        seconds = [read(name).metadata.run.seconds for name in chapter.notebooks.values()]
        assert all(60 * int(m) - 60 < s <= 60 * int(m) for m, s in zip(running.split(" / "), seconds, strict=True))


def test_a_citation_says_what_the_other_files_say():
    text = page("CITATION.cff")
    entries = dict(re.findall(r"^([\w-]+): (.+)$", text, flags=re.M))
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert (entries["cff-version"], entries["license"], entries["type"]) == ("1.2.0", "MIT", "software")
    assert entries["version"] == project["version"]
    assert f"## {entries['version']} - {entries['date-released']}" in page("CHANGELOG.md")
    assert f"# {entries['title']}\n" in page("README.md")
    authors = re.search(r"^authors:\n  - name: The (.*)$", text, flags=re.M)[1]
    assert f"the {authors}\n" in page("LICENSE")
    assert "arXiv:1708.07747" in text
    known = address.current()
    expected = f"https://github.com/{address.NOBODY}" if known == address.PLACEHOLDER else known
    assert entries["repository-code"] == expected


def test_a_clone_downloads_what_the_pages_say():
    """What git would send of this commit without its history; it must stay under 70 MB."""

    def git(*command, **given):
        return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, check=True, **given).stdout

    try:
        objects = b"\n".join(line.split()[0] for line in git("rev-list", "--objects", "--no-walk", "HEAD").splitlines())
        megabytes = len(git("pack-objects", "--stdout", "-q", input=objects + b"\n")) / 1e6
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no clone")
    assert megabytes < 70
    for name in ("README.md", "docs/installation.md"):
        said = int(re.search(r"downloads about (\d+) MB", page(name))[1])
        assert abs(said - megabytes) < 3
        assert page(name).count("git clone") == page(name).count(" fashion-mnist --depth 1")


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
