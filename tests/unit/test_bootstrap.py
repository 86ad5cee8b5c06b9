"""The cell with which every notebook begins, run where the package is and where it is not, and how it gets there."""

import re
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest

from tests.helpers import NOTEBOOKS, ROOT, read, run_python
from tools import address as addresses
from tools import bootstrap, exercises

METADATA = {"tags": ["bootstrap"], "jupyter": {"source_hidden": True}}
CODE = bootstrap.source()
PACKAGE = "notebooks/fmnist/__init__.py"
HINT = "No module named 'fmnist', which no pip can get: download {} and open this notebook in it"
AGAIN = "could not be downloaded: check the address and the network ("
PACKAGES = sysconfig.get_path("purelib")
ADDRESS = "https://example.org/someone/fashion"
fetches = pytest.mark.skipif(sys.platform == "win32", reason="Colab runs Linux, and the cell asks a shell there")


def cell(address):
    """The cell with another address, whichever is filled in."""
    return addresses.ADDRESS.sub(f'repository="{address}"', CODE)


def run(folder, code, *paths, then="", **options):
    """Run `code` in `folder`, with `paths` to import from; -I and -S hide the package that is installed here."""
    script = f"import sys\nsys.path += {[*map(str, paths)]}\n{code}\n{then}"
    return run_python("-I", "-S", "-c", script, cwd=folder, **options)


def problem(done):
    """What the last line of an error says."""
    assert (done.returncode, done.stdout) == (1, ""), done
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: "), done.stderr
    return last.removeprefix("ModuleNotFoundError: ")


@pytest.fixture
def uninstalled(tmp_path):
    root = tmp_path / "a copy"
    for folder in ("fmnist", "pytorch", "exercises/keras"):
        (root / "notebooks" / folder).mkdir(parents=True)
    (root / PACKAGE).touch()
    return root


def test_where_the_package_is_found_it_does_nothing(tmp_path):
    compare = f"""
before = list(sys.path)
here = {{}}
exec({CODE!r}, here)
assert sys.path == before
assert set(here) == {{"__builtins__"}}, here
assert not {{"fmnist", "numpy", "packaging"}} & set(sys.modules)
"""
    done = run(tmp_path, compare, PACKAGES, NOTEBOOKS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/pytorch", "notebooks/exercises/keras"])
def test_it_finds_the_package_above_the_notebook(uninstalled, folder):
    done = run(uninstalled / folder, CODE, then="import fmnist; print(fmnist.__file__)")
    assert done.stdout.splitlines() == [str(uninstalled.resolve() / PACKAGE)], done.stderr


@pytest.mark.parametrize("paths", [[], [PACKAGES]], ids=["with nothing", "with all packages"])
def test_a_notebook_alone_says_in_one_sentence_what_to_do(tmp_path, paths):
    said = problem(run(tmp_path, cell(ADDRESS), *paths))
    assert said == HINT.format(ADDRESS)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """The address of a repository with little in it, tested with a pillow that is not installed here."""
    root = tmp_path_factory.mktemp("origin") / "repository"
    (root / "notebooks" / "fmnist").mkdir(parents=True)
    for name in ("__init__", "paths", "versions"):
        shutil.copy(NOTEBOOKS / "fmnist" / f"{name}.py", root / "notebooks" / "fmnist")
    shutil.copy(ROOT / "requirements.txt", root)
    lock = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = ["pillow==11.0.99" if line.startswith("pillow==") else line for line in lock.splitlines()]
    (root / "constraints.txt").write_text("\n".join(lines), encoding="utf-8")
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root.as_uri()


@fetches
class TestColab:
    """A module google.colab makes the cell believe that it is there; git gets a repository of this computer."""

    @pytest.fixture
    def colab(self, tmp_path, monkeypatch):
        """Call it with the cell's code; it runs in an empty folder of Colab, `here`."""
        (tmp_path / "fake" / "google" / "colab").mkdir(parents=True)
        (tmp_path / "fake" / "google" / "colab" / "__init__.py").touch()

        def start(code, **options):
            return run(
                self.here, code, tmp_path / "fake", PACKAGES, then="import fmnist; print(fmnist.__file__)", **options
            )

        monkeypatch.setenv("LC_ALL", "C")  # the tests read what git says
        self.here = tmp_path / "content"
        self.here.mkdir()
        return start

    def package(self):
        return str(self.here.resolve() / "fashion-mnist" / PACKAGE)

    def test_it_fetches_the_package_and_compares_the_versions(self, colab, origin):
        done = colab(cell(origin))
        *said, found = done.stdout.splitlines()
        assert found == self.package(), done.stderr
        assert "(tested: 11.0.99)" in "\n".join(said)
        assert len(said) <= 2

    def test_a_second_run_fetches_nothing(self, colab, origin):
        first = colab(cell(origin))
        second = colab(cell("file:///gone"))
        assert first.stdout == second.stdout != "", second.stderr
        again = colab(f"exec({cell(origin)!r})\nexec({CODE!r})")
        assert again.stdout == first.stdout, "in one process, the second run has nothing to do"
        assert [path.name for path in self.here.iterdir()] == ["fashion-mnist"]
        assert not (self.here / "fashion-mnist" / "fashion-mnist").exists()

    def test_inside_a_repository_it_fetches_nothing(self, colab, uninstalled):
        self.here = uninstalled / "notebooks" / "pytorch"
        (uninstalled / "notebooks" / "fmnist" / "versions.py").write_text("def report(): return 'compared'")
        assert colab(cell("file:///gone")).stdout.splitlines() == ["compared", str(uninstalled.resolve() / PACKAGE)]

    def test_a_failure_is_said_in_one_sentence_and_leaves_nothing(self, colab, origin):
        said = problem(colab(cell("file:///gone")))
        assert said.startswith(f"file:///gone {AGAIN}fatal: '/gone' does not appear to be a git")
        assert list(self.here.iterdir()) == []
        assert colab(cell(origin)).stdout.endswith(self.package() + "\n")

    def test_an_interrupted_try_is_not_taken_for_a_good_one(self, colab, origin):
        half = self.here / "fashion-mnist.part" / PACKAGE
        half.parent.mkdir(parents=True)
        half.touch()
        assert AGAIN in problem(colab(cell("file:///gone")))
        half.parent.mkdir(parents=True)
        half.touch()
        assert colab(cell(origin)).stdout.endswith(self.package() + "\n")
        assert [path.name for path in self.here.iterdir()] == ["fashion-mnist"]

    def test_without_git_it_says_so(self, colab, tmp_path):
        said = problem(colab(cell(ADDRESS), env={"PATH": str(tmp_path)}))
        assert "git: " in said and "not found" in said
        assert said.startswith(f"{ADDRESS} {AGAIN}")

    def test_an_address_that_is_not_filled_in_is_seen(self, colab):
        said = problem(colab(cell("<the address of this repository>")))
        assert said.startswith(f"<the address of this repository> {AGAIN}fatal: repository ")


def new_notebook(*cells):
    kinds = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    return nbformat.v4.new_notebook(cells=[kinds[kind](text) for kind, text in cells])


TITLE, INTRODUCTION = ("markdown", "# Title"), ("markdown", "You will see")
SETTINGS = [("markdown", "Every number worth changing"), ("code", "SEED = 42")]


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ([TITLE, INTRODUCTION, *SETTINGS], 2),
        ([TITLE, INTRODUCTION, SETTINGS[1]], 2),
        ([TITLE, SETTINGS[1]], 1),
        (SETTINGS[1:], 0),
        ([TITLE], 1),
    ],
)
def test_it_goes_behind_the_introduction(cells, place):
    notebook = new_notebook(*cells)
    others = list(notebook.cells)
    bootstrap.put(notebook, CODE)
    (new,) = [cell for cell in notebook.cells if cell not in others]
    assert notebook.cells == [*others[:place], new, *others[place:]]
    assert new == nbformat.v4.new_code_cell(CODE, id="bootstrap", metadata=METADATA)
    nbformat.validate(notebook)


def test_an_old_one_moves_and_keeps_its_number():
    notebook = new_notebook(TITLE, INTRODUCTION, ("code", CODE), *SETTINGS)
    for text in ("old()", "older()"):
        old = nbformat.v4.new_code_cell(text, metadata={"tags": ["bootstrap"]}, execution_count=1)
        notebook.cells.append(old)
    del notebook.cells[2]
    bootstrap.put(notebook, CODE)
    assert [cell.source for cell in notebook.cells][2:4] == [CODE, SETTINGS[0][1]]
    assert notebook.cells[2].execution_count == 1 and notebook.cells[2].id == "bootstrap"
    assert len(notebook.cells) == 5


@pytest.fixture
def copy(tmp_path):
    """A repository with a chapter, its solutions and exercises, as it was before it had the cell."""
    for name in ("pytorch", "solutions/pytorch", "exercises/pytorch"):
        path = tmp_path / "notebooks" / f"{name}/01_dense_and_cnn.ipynb"
        path.parent.mkdir(parents=True)
        notebook = read(f"{name}/01_dense_and_cnn")
        notebook.cells = [cell for cell in notebook.cells if cell.id != "bootstrap"]
        path.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    (tmp_path / "tools").mkdir()
    for name in (bootstrap.CELL, bootstrap.FRONT_PAGE, bootstrap.CITATION):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_tool_changes_nothing_but_the_cell(copy, capsys):
    before = contents(copy)
    bootstrap.main([], copy)
    after = contents(copy)
    changed = [name for name in after if after[name] != before[name]]
    assert sorted(changed) == [f"notebooks/{name}pytorch/01_dense_and_cnn.ipynb" for name in ("", "solutions/")]
    assert sorted(capsys.readouterr().out.splitlines()) == sorted([*changed, "Now: python -m tools.exercises"])
    for name in changed:
        notebook = nbformat.reads(after[name].decode(), as_version=4)
        assert next(cell.source for cell in notebook.cells if cell.cell_type == "code") == CODE
        notebook.cells = [cell for cell in notebook.cells if cell.id != "bootstrap"]
        assert (nbformat.writes(notebook).rstrip("\n") + "\n").encode() == before[name]
    bootstrap.main([], copy)
    assert contents(copy) == after
    assert capsys.readouterr().out == "Every chapter and solution begins with the cell.\n"


def test_an_exercise_takes_the_cell_from_its_solution(copy):
    bootstrap.main([ADDRESS], copy)
    path = copy / "notebooks" / "solutions" / "pytorch" / "01_dense_and_cnn.ipynb"
    exercise = exercises.exercise(nbformat.read(path, as_version=4))
    assert exercise.cells[2] == nbformat.v4.new_code_cell(cell(ADDRESS), id="bootstrap", metadata=METADATA)


def test_an_address_is_filled_in_everywhere_and_stays(copy, capsys):
    old = addresses.current()
    for address in (ADDRESS, f"{ADDRESS}-2.git"):
        bootstrap.main([address], copy)
        assert bootstrap.source(copy) == cell(address)
        for page in (bootstrap.FRONT_PAGE, "docs/installation.md"):
            assert f"git clone {address} fashion-mnist" in (copy / page).read_text(encoding="utf-8")
        assert f"\nrepository-code: {address}\n" in (copy / bootstrap.CITATION).read_text(encoding="utf-8")
        assert not bootstrap.stale(copy)
    assert not [name for name, text in contents(copy).items() if old.encode() in text and "exercises" not in name]
    capsys.readouterr()
    bootstrap.main([], copy)
    assert bootstrap.source(copy) == cell(address)


def test_badges_follow_the_address_there_and_back(copy):
    def badges():
        text = (copy / bootstrap.FRONT_PAGE).read_text(encoding="utf-8")
        return re.findall(rf"\]\({addresses.COLAB}/github/(.*?)/blob/main/notebooks/(.*?)\.ipynb\)", text)

    before = (copy / bootstrap.FRONT_PAGE).read_text(encoding="utf-8")
    notebooks = [notebook for _, notebook in badges()]
    for address, repository in (
        ("https://github.com/some-one/fashion.mnist", "some-one/fashion.mnist"),
        ("https://github.com/other/one.git", "other/one"),
        (ADDRESS, None),
        ("https://github.com/other/one", "other/one"),
    ):
        bootstrap.main([address], copy)
        assert badges() == [(repository, notebook) for notebook in notebooks if repository]
    after = (copy / bootstrap.FRONT_PAGE).read_text(encoding="utf-8")
    assert after == before.replace(addresses.PLACEHOLDER, address).replace(addresses.NOBODY, "other/one")


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        (addresses.PLACEHOLDER, "OWNER/REPOSITORY"),
        ("https://github.com/a/b", "a/b"),
        ("https://github.com/a/b.git", "a/b"),
        ("https://github.com.example.org/a/b", None),
        ("https://github.com/a/b/c", None),
        ("https://example.org/github.com/a/b", None),
    ],
)
def test_only_what_github_has_is_on_github(address, repository):
    assert addresses.on_github(address) == repository


@pytest.mark.parametrize(
    "address", ["someone/fashion", "https://x.org/a'; rm -rf ~'", "git@x.org:a/b", "https://x.org/"]
)
def test_what_is_no_address_is_refused(copy, address, capsys):
    before = contents(copy)
    with pytest.raises(SystemExit):
        bootstrap.main([address], copy)
    assert "is not the address of a repository" in capsys.readouterr().err
    assert contents(copy) == before
