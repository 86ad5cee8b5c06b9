"""Choose one version of every package and write it to constraints.txt, for all supported Pythons and systems.

    python -m tools.lock [--upgrade]

Versions that are in constraints.txt already stay unless a requirement excludes them. With --upgrade, every package
gets the newest version that the requirements allow.
"""

import argparse
import re
import subprocess
import sys

from packaging.utils import canonicalize_name

from fmnist.paths import ROOT
from fmnist.versions import LOCK, PLATFORMS, PYTHONS, locked_versions, requirements

LISTS = ("requirements.txt", "requirements-teach.txt", "requirements-dev.txt")
HEADER = """\
# The tested version of every package, for Python 3.11 to 3.13 on Linux, macOS (Apple silicon) and Windows.
# Made by `make lock` from the three requirement lists; do not edit it by hand.
"""


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
