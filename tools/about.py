"""Describe this machine and this installation, for a report of a problem. It starts no framework.

    python -m tools.about

What it prints is meant to be published: it names no user and no folder.
"""

import getpass
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "tensorflow", "keras", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "seaborn",
    "pillow", "h5py", "jupyterlab", "ipykernel", "nbclient", "nbgrader", "pip",
)  # fmt: skip
# Environment variables matter whose names start like this.
VARIABLES = (
    "CUDA_", "DYLD_", "KERAS_", "KMP_", "LD_", "MKL_", "MPLBACKEND", "MPLCONFIGDIR", "NBGRADER_", "NVIDIA_",
    "OMP_", "ONEDNN_", "OPENBLAS_", "PYTHON", "STALE_RUNS", "TF_", "TORCH_", "XLA_",
)  # fmt: skip
KERAS_SETTINGS = ("backend", "floatx", "epsilon", "image_data_format")


def system() -> Iterator[tuple[str, str]]:
    """Yield (name, value) of what this computer and this Python are."""
    yield "system", platform.platform()
    yield "processor", f"{processor()}, {os.cpu_count()} cores"
    with suppress(ImportError):
        import psutil

        yield "memory", f"{psutil.virtual_memory().total / 2**30:.0f} GiB"
    yield "graphics card", graphics_card()
    environment = "in a virtual environment" if sys.prefix != sys.base_prefix else "outside a virtual environment"
    yield "Python", f"{platform.python_version()} {platform.python_implementation()}, {environment}"
    yield "repository", revision()


def processor() -> str:
    """Return the name of the processor, or what kind it is where the system does not tell its name."""
    with suppress(OSError):
        if name := re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE):
            return name[1]
    return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine()


def graphics_card() -> str:
    """Return name, memory and driver of each NVIDIA card that its driver knows."""
    cards = _output("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return "; ".join(cards.splitlines()) or "none from NVIDIA"


def revision() -> str:
    """Return the version of the repository, its commit, and whether a committed file was changed."""
    commit = _output("git", "rev-parse", "--short", "HEAD") or "unknown commit"
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['version']}, {commit}{', with changed files' if changed else ''}"


def packages() -> Iterator[tuple[str, str]]:
    """Yield (name, version) of the packages that matter, and the locked version where it is another one."""
    locked = {}
    with suppress(ImportError):
        from fmnist.versions import locked_here

        locked = locked_here()
    for name in PACKAGES:
        found = _version(name)
        differs = name in locked and found.split("+")[0] not in (locked[name], "not installed")
        yield name, f"{found} (constraints.txt: {locked[name]})" if differs else found


def variables() -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the environment variables that matter; a path, or what names the user, is not shown."""
    user = _user()
    for name, value in sorted(os.environ.items()):
        if name.startswith(VARIABLES):
            yield name, "(not shown)" if re.search(r"[/\\]", value) or user in value else value


def keras_settings() -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the settings that Keras reads from the user's keras.json."""
    file = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield "keras.json", "none"
    except (OSError, ValueError) as error:
        yield "keras.json", f"cannot be read ({type(error).__name__})"
    else:
        for name in KERAS_SETTINGS:
            yield f"keras.json {name}", str(settings.get(name, "not set"))


def files() -> Iterator[tuple[str, str]]:
    """Yield (name, state) of the dataset and of each model that the repository comes with."""
    try:
        from fmnist import chapters, data
    except ImportError as error:
        yield "fmnist", f"cannot be imported, because there is no module {error.name}"
        return
    yield "data", data_state(data.FILES)
    for model, framework in chapters.all_models():
        name = model.file_stem(framework)
        yield name, model_state(ROOT / "models" / f"{name}{chapters.MODEL_SUFFIX[framework]}")


def data_state(files: Iterable, folder: Path = ROOT / "data" / "FashionMNIST" / "raw") -> str:
    """Say whether the dataset's files (with `name` and `sha256`) are the published ones; nothing is repaired."""
    states = {file.name: _hash_state(folder / file.name, file.sha256) for file in files}
    faults = [f"{name} {state}" for name, state in states.items() if state != "verified"]
    return ", ".join(faults) or f"{len(states)} files verified"


def model_state(path: Path) -> str:
    """Say whether a model is the one for which the record beside it was written."""
    try:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"its record cannot be read ({type(error).__name__})"
    if not isinstance(record, dict) or "model_sha256" not in record:
        return "its record is damaged"
    state = _hash_state(path, record["model_sha256"])
    return {"verified": "matches its record", "differs": "is not the model of its record"}.get(state, state)


def report() -> str:
    """Return everything as text that can be pasted into an issue."""
    blocks = [list(part) for part in (system(), packages(), variables(), keras_settings(), files())]
    width = max(len(name) for block in blocks for name, _ in block)
    return "\n\n".join("\n".join(f"{name:{width}}  {value}" for name, value in block) for block in blocks if block)


def _hash_state(path: Path, sha256: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({type(error).__name__})"
    return "verified" if hashlib.sha256(content).hexdigest() == sha256 else "differs"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _user() -> str:
    """Return the name of the user, a text that is found nowhere where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "\n"


def _output(program: str, *arguments: str) -> str:
    """Return what a program prints, nothing where there is no such program or it fails."""
    if not shutil.which(program):
        return ""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20)
        return done.stdout.strip() if done.returncode == 0 else ""
    return ""


if __name__ == "__main__":
    print(report())
