"""Requirements, lock, installer and workflow agree, and each says what is wrong where they do not."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import InvalidRequirement
from packaging.specifiers import SpecifierSet

from fmnist import chapters
from fmnist.versions import LOCK, PLATFORMS, PYTHONS, locked_versions, requirements
from tests.helpers import ROOT, make_venv
from tools import about, install
from tools.chapters_matrix import jobs
from tools.lock import LISTS, disagreements

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKED = LOCK.read_text(encoding="utf-8")
ALL_LISTS = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in LISTS)


def test_the_lock_has_what_the_requirements_ask_for():
    assert disagreements(ALL_LISTS, LOCKED) == []


@pytest.mark.parametrize(
    ("required", "lock", "expected"),
    [
        ("torch>=2.15", "torch==2.14.1", "torch>=2.15: constraints.txt has 2.14.1 for Python 3.11 on linux"),
        ("torch", "", "torch: constraints.txt has None for Python 3.11 on linux"),
        (
            "numpy",
            "numpy==2.4.6 ; python_full_version < '3.12'",
            "numpy: constraints.txt has None for Python 3.12 on linux",
        ),
        (
            "triton",
            "triton==3.8.0 ; sys_platform == 'linux'",
            "triton: constraints.txt has None for Python 3.11 on macos",
        ),
        ("nbgrader", "nbgrader>=0.9", "nbgrader>=0.9 is no exact version"),
        ("ruff<0.18", "ruff==0.17.*", "ruff==0.17.* is no exact version"),
    ],
)
def test_a_lock_that_does_not_fit_is_noticed(required, lock, expected):
    assert expected in disagreements(required, lock)


def test_what_fits_is_not_complained_about():
    lock = "scikit-learn==1.9.1\nnumpy==2.4.6 ; python_version < '3.12'\nnumpy==2.5.5 ; python_version >= '3.12'"
    assert disagreements("Scikit_Learn>=1.6,<2  # the name is normalized\nnumpy", lock) == []
    assert locked_versions("3.11", lock=lock)["numpy"] == "2.4.6"
    assert locked_versions("3.13", "windows", lock=lock)["numpy"] == "2.5.5"


def test_the_lock_names_the_tested_releases():
    tested = {pin.name: str(pin.specifier) for pin in map(_only, PROJECT["tool"]["uv"]["constraint-dependencies"])}
    assert tested.keys() == {"torch", "torchvision"}
    for python in PYTHONS:
        for platform in PLATFORMS:
            locked = locked_versions(python, platform)
            assert {name: f"=={locked[name]}" for name in tested} == tested


def _only(text):
    (requirement,) = requirements(text)
    return requirement


def test_no_host_stands_in_the_lists():
    for name in (*LISTS, LOCK.name):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name


def test_the_lists_are_what_setuptools_and_a_learner_can_read():
    dynamic = PROJECT["tool"]["setuptools"]["dynamic"]
    extras = dynamic["optional-dependencies"]
    assert [dynamic["dependencies"]["file"], extras["teach"]["file"], extras["dev"]["file"]] == [
        [name] for name in LISTS
    ]
    for requirement in requirements(ALL_LISTS):
        assert requirement.marker is None and not requirement.extras, f"{requirement}: a list has no markers"
        assert any(each.operator == ">=" for each in requirement.specifier), f"{requirement} needs a lower end"
    with pytest.raises(InvalidRequirement):
        list(requirements("-e ."))


def test_each_package_that_is_imported_is_required():
    """A package that only another one brings may be gone with that one's next release."""
    distributions = importlib.metadata.packages_distributions()
    learner = {each.name for each in requirements((ROOT / LISTS[0]).read_text(encoding="utf-8"))}
    every = {each.name for each in requirements(ALL_LISTS)}
    ours = {"fmnist", "tests", "tools"}
    not_for_learners = {ROOT / "tools" / "exercises.py"}
    for folder, allowed in (("notebooks/fmnist", learner), ("tools", learner), ("tests", every)):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for module in _imported(path) - ours - sys.stdlib_module_names:
                found = {name.lower().replace("_", "-") for name in distributions.get(module, [])}
                expected = every if path in not_for_learners else allowed
                # Jupyter's own parts come with jupyterlab, ipykernel and nbclient.
                assert found & expected or module.startswith("jupyter_"), f"{path.relative_to(ROOT)} imports {module}"


def _imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_every_place_names_the_same_pythons():
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    assert tuple(f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported) == PYTHONS == install.SUPPORTED
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert (
        f"({PYTHONS[0].replace('.', ', ')}) <= sys.version_info[:2] <= ({PYTHONS[-1].replace('.', ', ')})" in makefile
    )


class TestInstaller:
    """tools/install.py: one sentence where it cannot work. Nothing is installed here."""

    @pytest.fixture(autouse=True)
    def fits(self, monkeypatch):
        monkeypatch.setattr(install.sys, "version_info", (3, 12, 1))
        monkeypatch.setattr(install.platform, "system", lambda: "Linux")
        monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")
        monkeypatch.setattr(install, "has_venv", lambda: True)

    def test_it_has_nothing_to_say_where_all_fits(self):
        assert install.problem(None) is None
        assert install.problem("3.11") is None

    @pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
    def test_a_python_that_does_not_fit(self, monkeypatch, version):
        monkeypatch.setattr(install.sys, "version_info", version)
        expected = f"Python 3.11, 3.12 or 3.13 is needed, but this is {version[0]}.{version[1]}: "
        assert install.problem(None).startswith(expected)
        assert install.problem("3.12") is None, "the Python of a .venv that works is the one that matters"

    def test_a_venv_of_another_python(self):
        assert ".venv was made with 3.14: remove" in install.problem("3.14")

    def test_an_intel_mac(self, monkeypatch):
        monkeypatch.setattr(install.platform, "system", lambda: "Darwin")
        assert "no packages for Intel Macs" in install.problem(None)
        assert "no packages for Intel Macs" in install.problem("3.12")
        monkeypatch.setattr(install.platform, "machine", lambda: "arm64")
        assert install.problem(None) is None

    def test_a_missing_venv_module(self, monkeypatch):
        monkeypatch.setattr(install, "has_venv", lambda: False)
        assert install.problem(None).endswith("sudo apt install python3.12-venv")
        assert install.problem("3.12") is None

    def test_an_old_python_can_read_it(self):
        """These are the nodes of what Python 2.7 and 3.6 do not know."""
        tree = ast.parse((ROOT / "tools" / "install.py").read_text(encoding="utf-8"))
        new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.Nonlocal, ast.Starred, ast.AsyncFunctionDef)
        assert not [node for node in ast.walk(tree) if isinstance(node, new)]
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for arguments in (function.args for function in functions):
            assert not arguments.kwonlyargs and not arguments.posonlyargs
        assert not any(function.returns or any(a.annotation for a in function.args.args) for function in functions)
        assert (ROOT / "tools" / "install.py").read_bytes().isascii()


class TestPackageLink:
    """The Python in .venv finds the package, whatever the path of the repository is and whatever the locale is."""

    @pytest.fixture
    def repository(self, tmp_path):
        folder = tmp_path / "Übungen 機械学習"
        (folder / "notebooks" / "fmnist").mkdir(parents=True)
        (folder / "notebooks" / "fmnist" / "__init__.py").touch()
        make_venv(folder)
        return folder

    @staticmethod
    def found(folder, locale="C"):
        """What `import fmnist` finds from another folder."""
        command = [folder / install.VENV_PYTHON, "-c", "import fmnist; print(ascii(fmnist.__file__))"]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"LC_ALL": locale}
        done = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return Path(ast.literal_eval(done.stdout)).parents[2]

    @pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
    def test_it_is_found(self, repository, locale):
        assert self.found(repository, locale).samefile(repository)

    def test_it_is_found_where_the_repository_was_moved_to(self, repository):
        moved = repository.rename(repository.with_name("anderswo ü"))
        assert self.found(moved).samefile(moved)

    def test_an_older_editable_installation_gives_way(self, repository, tmp_path, monkeypatch):
        """Before the installer asks whether the Python in .venv works, which that installation can prevent."""
        original = tmp_path / "das Original ü" / "notebooks"
        (original / "fmnist").mkdir(parents=True)
        (original / "fmnist" / "__init__.py").touch()
        (packages,) = (path.parent for path in repository.glob(".venv/**/fmnist.pth"))
        editable = packages / "__editable__.fashion_mnist_keras_and_pytorch-1.0.0.pth"
        editable.write_text(f"{original}\n", encoding="utf-8")
        (packages / "fashion_mnist_keras_and_pytorch-1.0.0.dist-info").mkdir()
        (packages / "numpy-2.4.6.dist-info").mkdir()

        def version_in_venv():
            assert not editable.exists()
            return install.SUPPORTED[0]

        monkeypatch.chdir(repository)
        monkeypatch.setattr(install, "version_in_venv", version_in_venv)
        monkeypatch.setattr(install, "install", lambda extras: 0)
        assert install.main([]) == 0
        assert self.found(repository).samefile(repository)
        assert sorted(path.name for path in packages.glob("*-info")) == ["numpy-2.4.6.dist-info"]


class TestAbout:
    """tools/about.py: what it says in an issue, and what it never says."""

    @pytest.fixture
    def said(self, tmp_path):
        """What it prints to a user whose name and home would show in a careless report."""
        home = tmp_path / "home" / "zaphod-b"
        (home / ".keras").mkdir(parents=True)
        settings = {"floatx": "float16", "backend": "jax", "cache": str(home)}
        (home / ".keras" / "keras.json").write_text(json.dumps(settings))
        private = {"HOME": home, "USERPROFILE": home, "PYTHONPATH": home / "lib", "MPLCONFIGDIR": home}
        private |= {"KERAS_NOTE": "by zaphod-b", "LOGNAME": "zaphod-b", "USER": "zaphod-b", "USERNAME": "zaphod-b"}
        public = {"OMP_NUM_THREADS": "7", "CUDA_VISIBLE_DEVICES": "-1"}
        environment = {k: v for k, v in os.environ.items() if k != "KERAS_HOME"}
        environment |= {name: str(value) for name, value in (private | public).items()}
        command = [sys.executable, "-m", "tools.about"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_it_says_what_matters_and_nothing_private(self, said):
        for expected in (
            r"^system +\S", r"^processor +.+ cores$", r"^Python +3\.1", r"^tensorflow +\d", r"^torch +\d", r"^pip +\d",
            r"^repository +\d+\.\d+\.\d+, ",
            r"^OMP_NUM_THREADS +7$", r"^CUDA_VISIBLE_DEVICES +-1$", r"^PYTHONPATH +\(not shown\)$",
            r"^keras.json backend +jax$", r"^keras.json floatx +float16$", r"^data +4 files verified$",
        ):  # fmt: skip
            assert re.search(expected, said, re.MULTILINE), expected
        for model, framework in chapters.all_models():
            assert re.search(rf"^{model.file_stem(framework)} +matches its record$", said, re.MULTILINE)
        assert "zaphod" not in said and str(ROOT) not in said

    def test_it_starts_no_framework(self):
        code = "import sys; from tools import about; about.report(); print({'torch', 'tensorflow'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        assert done.stdout.strip() == "set()", done.stderr

    def test_it_works_where_nothing_is_installed(self):
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tools import about; print(about.report())"
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
        assert re.search(r"^torch +not installed$", done.stdout, re.MULTILINE), done.stderr
        assert re.search(r"^fmnist +cannot be imported, because there is no module fmnist$", done.stdout, re.MULTILINE)

    def test_it_names_another_version_than_the_locked_one(self, monkeypatch):
        real = about._version
        monkeypatch.setattr(about, "_version", lambda name: "0.1" if name == "keras" else real(name))
        locked = locked_versions(".".join(map(str, sys.version_info[:2])))["keras"]
        assert dict(about.packages())["keras"] == f"0.1 (constraints.txt: {locked})"
        monkeypatch.setattr(about, "_version", lambda name: f"{locked}+cpu" if name == "keras" else real(name))
        assert dict(about.packages())["keras"] == f"{locked}+cpu"

    def test_damaged_files_are_named_and_not_repaired(self, tmp_path):
        (tmp_path / "01.pth").write_bytes(b"another model")
        (tmp_path / "01.json").write_text(json.dumps({"model_sha256": "0" * 64}))
        assert about.model_state(tmp_path / "01.pth") == "is not the model of its record"
        assert "FileNotFoundError" in about.model_state(tmp_path / "02.pth")
        file = type("File", (), {"name": "labels.gz", "sha256": "0" * 64})
        assert about.data_state([file], tmp_path) == "labels.gz is missing"
        (tmp_path / "labels.gz").touch()
        assert about.data_state([file], tmp_path) == "labels.gz differs"
        assert (tmp_path / "labels.gz").read_bytes() == b""

    def test_the_issue_template_asks_for_it(self):
        template = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "problem.yml").read_text(encoding="utf-8"))
        (asked,) = [field for field in template["body"] if field.get("id") == "about"]
        assert asked["validations"]["required"]
        assert "python -m tools.about" in asked["attributes"]["description"]


class TestWorkflow:
    """What the build servers run."""

    WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))

    def test_the_jobs_share_the_slow_tests_without_losing_one(self):
        names = chapters.notebooks()
        *of_notebooks, others = jobs()
        assert [(job["name"], job["select"]) for job in of_notebooks] == [(name, name) for name in names]
        selected = re.fullmatch(r"not \((.*)\)", others["select"])[1].split(" or ")
        assert selected == names

    def test_the_matrix_needs_no_installation(self):
        *_, step = self.WORKFLOW["jobs"]["matrix"]["steps"]
        assert "python -m tools.chapters_matrix" in step["run"]
        environment = {"PATH": os.environ["PATH"]} | step["env"]
        done = subprocess.run(
            [sys.executable, "-S", "-m", "tools.chapters_matrix"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert json.loads(done.stdout) == jobs(), done.stderr

    def test_it_runs_on_all_supported_systems_and_the_oldest_and_newest_python(self):
        quick = self.WORKFLOW["jobs"]["quick"]["strategy"]["matrix"]["include"]
        assert {job["python"] for job in quick} >= {PYTHONS[0], PYTHONS[-1]}
        assert {job["os"].partition("-")[0] for job in quick} == {"ubuntu", "macos", "windows"}

    def test_stale_runs_fail_on_the_main_branch_only(self):
        assert self.WORKFLOW["env"]["STALE_RUNS"] == "${{ github.event_name == 'pull_request' && 'warn' || 'fail' }}"
        assert {"export STALE_RUNS=fail", "exec make test"} <= set((ROOT / ".ci" / "run").read_text().splitlines())


def test_the_changelog_names_the_version():
    """A teacher names this version for a term."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r"^## \[?(\d+\.\d+\.\d+)\]? - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert version[1] == PROJECT["project"]["version"]
