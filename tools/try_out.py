"""Try out whether the notebooks run on this machine: on few images, in a temporary copy of the repository.

    python -m tools.try_out [--all]

Chapter 01 runs in both frameworks, and then the comparison; with --all, every chapter. Nothing in the repository is
changed, and the copy is removed at the end, also after an error or Ctrl-C.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fmnist import chapters, outputs
from fmnist.paths import ROOT
from tools.execution import RunError, execute
from tools.run_notebooks import Display, default_notebooks

# In place of what the tests take, where a chapter has these settings: enough to see that a network learns.
SETTINGS = {"MAX_IMAGES": 2000, "EPOCHS": 3}
SUCCESS = (
    "All {} notebooks ran. The accuracies are low, because the networks saw {:,} images for {} epochs. "
    "Nothing in the repository was changed. Next: `make lab` opens the notebooks, `make run` does the full training."
)
FAILURE = (
    "Nothing in the repository was changed. docs/troubleshooting.md lists common causes. "
    "If yours is not among them, open an issue with the lines above and what `make about` prints."
)


def copy_repository(target: Path) -> Path:
    """Copy what the notebooks use into the folder `target`, and return it."""
    for folder in ("notebooks", "data", "models"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__", "*-ubyte"))
    # The repository may be read-only; its copy must not be.
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | 0o600 | (0o100 if path.is_dir() else 0))
    return target


def first_notebooks() -> list[str]:
    """Return the notebooks of the first chapter, and of those that need both frameworks at once."""
    both = [chapter for chapter in chapters.all_chapters() if chapter.both_frameworks]
    return default_notebooks() + [name for chapter in both for name in chapter.notebooks.values()]


def settings(name: str) -> dict[str, Any]:
    """Return the settings with which the notebook `name` is tried out."""
    fast = chapters.of_notebook(name)[0].fast
    return fast | {setting: value for setting, value in SETTINGS.items() if setting in fast}


def accuracies(name: str, root: Path) -> str:
    """Say which test accuracies stand in the records that the notebook `name` has just written below `root`."""
    chapter, framework = chapters.of_notebook(name)
    found = []
    for model in chapters.trained_by_notebook(chapter):
        path = root / outputs.TRYOUT / "models" / f"{model.file_stem(framework)}.json"
        accuracy = json.loads(path.read_text(encoding="utf-8"))["test_accuracy"]
        found.append(f"{chapters.looks()[model.name]['label']} {accuracy:.1%}")
    return ", ".join(found)


def main(arguments: list[str] | None = None) -> int:
    """Try out what the command line asks for, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every chapter, not only the first and the comparison")
    everything = parser.parse_args(arguments).all
    names = chapters.notebooks() if everything else first_notebooks()
    rows, name = [], ""
    minutes = "four" if everything else "two"
    print(
        f"Trying {len(names)} notebooks on {SETTINGS['MAX_IMAGES']:,} images in a temporary copy, "
        f"which takes about {minutes} minutes."
    )
    try:
        with tempfile.TemporaryDirectory(prefix="try_out_") as folder:
            root = copy_repository(Path(folder))
            for number, name in enumerate(names, start=1):
                seconds = _run(name, root, f"[{number}/{len(names)}] {name}")
                rows.append((name, f"{seconds:.0f}", accuracies(name, root)))
    except RunError as error:
        print(f"\n{name}.ipynb failed: {error}\n\n{textwrap.fill(FAILURE, 100)}", file=sys.stderr)
        return 1
    except OSError as error:
        reason = f"The temporary copy could not be made or used: {error}."
        advice = "Free some disk space there, and see that your account can read all files of the repository."
        print(textwrap.fill(f"{reason} {advice}", 100), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing in the repository was changed.", file=sys.stderr)
        return 130
    print(f"\n{_table(rows)}\n\n{textwrap.fill(SUCCESS.format(len(names), *SETTINGS.values()), 100)}")
    return 0


def _run(name: str, root: Path, title: str) -> float:
    """Run the notebook `name` of the copy at `root`, and return how many seconds it took."""
    display, result = Display(title), "failed"
    try:
        # Later notebooks read the code of earlier ones, which must not contain the small settings.
        source = root / "notebooks" / f"{name}.ipynb"
        execute(source, root / "tried.ipynb", parameters=settings(name), on_progress=display)
        result = f"done, {display.seconds:.0f} s"
    except KeyboardInterrupt:
        result = "interrupted"
        raise
    finally:
        display.close(result)
    return display.seconds


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    table = [("notebook", "seconds", "test accuracy"), *rows]
    width = max(len(name) for name, *_ in table)
    return "\n".join(f"{name:{width}}{seconds:>9}  {found}".rstrip() for name, seconds, found in table)


if __name__ == "__main__":
    # To be terminated is to be interrupted: neither the kernel nor the copy must be left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
