"""Choose one version of every package and write it to constraints.txt, for all supported Pythons and systems.

    python -m tools.lock [--upgrade]

Versions that are in constraints.txt already stay unless a requirement excludes them. With --upgrade, every package
gets the newest version that the requirements allow.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fmnist.paths import ROOT

LISTS = ("requirements.txt", "requirements-teach.txt", "requirements-dev.txt")
LOCK = ROOT / "constraints.txt"
HEADER = """\
# The tested version of every package, for Python 3.11 to 3.13 on Linux, macOS (Apple silicon) and Windows.
# Made by `make lock` from the three requirement lists; do not edit it by hand.
"""
PYTHONS = ("3.11", "3.12", "3.13")
# The values of sys_platform, platform_system, platform_machine and os_name, which the markers ask for.
PLATFORMS = {
    "linux": ("linux", "Linux", "x86_64", "posix"),
    "linux-aarch64": ("linux", "Linux", "aarch64", "posix"),
    "macos": ("darwin", "Darwin", "arm64", "posix"),
    "windows": ("win32", "Windows", "AMD64", "nt"),
}


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


def disagreements(required: str, lock: str) -> list[str]:
    """Say where `lock`, the text of constraints.txt, does not have what `required` asks for, the text of a list.

    Each requirement needs one exact version within its range, on every supported Python and system.
    """
    found = [
        f"{pin} is no exact version" for pin in requirements(lock) if not re.fullmatch(r"==[^*,]+", str(pin.specifier))
    ]
    for python in PYTHONS:
        for platform in PLATFORMS:
            versions = locked_versions(python, platform, lock)
            for requirement in requirements(required):
                version = versions.get(canonicalize_name(requirement.name))
                if version is None or not requirement.specifier.contains(version, prereleases=True):
                    found.append(f"{requirement}: constraints.txt has {version} for Python {python} on {platform}")
    return found


def _environment(python: str, platform: str) -> dict[str, str]:
    names = ("sys_platform", "platform_system", "platform_machine", "os_name")
    environment = dict(zip(names, PLATFORMS[platform], strict=True))
    environment |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    return environment | {"python_version": python, "python_full_version": f"{python}.0"}


def main(arguments: list[str] | None = None) -> int:
    """Write constraints.txt, and return uv's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that the requirements allow")
    options = parser.parse_args(arguments)
    command = [sys.executable, "-m", "uv", "pip", "compile", *LISTS, "--output-file", LOCK.name]
    # "fewest": the same version on every Python where there is one that fits all, so that the results are comparable.
    command += ["--universal", "--python-version", PYTHONS[0], "--fork-strategy", "fewest"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    done = subprocess.run(command + ["--upgrade"] * options.upgrade, cwd=ROOT)
    if done.returncode == 0:
        LOCK.write_text(HEADER + LOCK.read_text(encoding="utf-8"), encoding="utf-8")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
