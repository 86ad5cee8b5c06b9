"""With which versions of the packages the notebooks were tested, and how those installed here differ."""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from platform import machine

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fmnist.paths import ROOT

REQUIREMENTS = ROOT / "requirements.txt"
LOCK = ROOT / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13")
# The values of sys_platform, platform_system, platform_machine and os_name, which the markers ask for.
PLATFORMS = {
    "linux": ("linux", "Linux", "x86_64", "posix"),
    "linux-aarch64": ("linux", "Linux", "aarch64", "posix"),
    "macos": ("darwin", "Darwin", "arm64", "posix"),
    "windows": ("win32", "Windows", "AMD64", "nt"),
}
# The packages whose version can change what a notebook shows, by the name under which they are imported.
PACKAGES = {
    "keras": "keras", "tensorflow": "tensorflow", "torch": "torch", "torchvision": "torchvision", "numpy": "numpy",
    "scipy": "scipy", "sklearn": "scikit-learn", "pandas": "pandas", "matplotlib": "matplotlib", "seaborn": "seaborn",
    "PIL": "pillow",
}  # fmt: skip
# What requirements.txt names for opening and running notebooks: one that is open already needs none of these.
RUNNERS = {"jupyterlab", "ipykernel", "nbformat", "nbclient", "psutil"}


def requirements(text: str) -> Iterator[Requirement]:
    """Yield what a requirement list or constraints.txt names in its `text`; raise InvalidRequirement for an option."""
    for line in text.splitlines():
        if line := line.partition("#")[0].strip():
            yield Requirement(line)


def locked_versions(python: str = "3.11", platform: str = "linux", lock: str | None = None) -> dict[str, str]:
    """Map the normalized name of each package to its version in constraints.txt, or in the text `lock`.

    `python` is a version such as "3.11" and `platform` a key of PLATFORMS. Packages for other systems are left out.
    """
    text = LOCK.read_text(encoding="utf-8") if lock is None else lock
    environment = _environment(python, platform)
    pins = [pin for pin in requirements(text) if pin.marker is None or pin.marker.evaluate(environment)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def locked_here() -> dict[str, str]:
    """Return `locked_versions` for this Python and system, and nothing where the notebooks were not tested with it."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    here = [name for name, (system, _, kind, _) in PLATFORMS.items() if (system, kind) == (sys.platform, machine())]
    return locked_versions(python, here[0]) if here and python in PYTHONS else {}


def installed(package: str) -> str | None:
    """Return the installed version of `package`, without the part that tells CPU from CUDA; None if it is missing."""
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return None


def report() -> str:
    """Say in a line or two which packages have other versions here than tested, and which are missing or do not fit."""
    locked = locked_here()
    needed = [each for each in requirements(REQUIREMENTS.read_text(encoding="utf-8")) if each.name not in RUNNERS]
    here = {each.name: installed(each.name) for each in needed}
    # Every range has a lower end, so version 0 is in none.
    unfit = {each.name: each for each in needed if not each.specifier.contains(here[each.name] or "0", True)}
    other = [name for name in PACKAGES.values() if name not in unfit and here[name] != locked.get(name)]

    def listed(names: Iterable[str]) -> str:
        tested = {name: f" (tested: {locked[name]})" if locked else "" for name in names}
        return ", ".join(f"{name} {here[name] or 'missing'}{tested[name]}" for name in names)

    lines = []
    if not locked:
        lines.append(f"The notebooks were never tested with Python {sys.version.split()[0]} on this kind of system.")
    elif other:
        lines.append(f"Results may differ a little, because versions are not those tested: {listed(other)}.")
    if unfit:
        install = " ".join(f'"{each}"' for each in unfit.values())
        lines.append(
            f"Missing, too old or too new: {listed(unfit)}. "
            f"If a cell fails for that, run %pip install {install} in a new cell, then restart the session."
        )
    return "\n".join(lines) or "All packages that matter have the versions with which the notebooks were tested."


def _environment(python: str, platform: str) -> dict[str, str]:
    names = ("sys_platform", "platform_system", "platform_machine", "os_name")
    environment = dict(zip(names, PLATFORMS[platform], strict=True))
    environment |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    return environment | {"python_version": python, "python_full_version": f"{python}.0"}
