"""Run notebooks from top to bottom, one after another, and write each back when its whole run has finished.

    python -m tools.run_notebooks [--all] [--solutions] [--stale] [NAME ...]

A NAME is a path below notebooks/, such as keras/01_dense_and_cnn or solutions/pytorch/01_dense_and_cnn, or else the
name of a chapter, 01_dense_and_cnn, which means both twins. Without one, chapter 01 runs in both frameworks. With
--stale it runs what `python -m tools.stale` lists, in reading order. At the end it draws the figure of all models, if
their records have changed. After an error, or Ctrl-C, the notebook on disk is the one that was there before. What a run
read and wrote is noted in the notebook's metadata.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fmnist import chapters, outputs
from fmnist.paths import ROOT
from fmnist.records import RecordError, results_table
from tools import model_comparison, readme
from tools.execution import RunError, execute
from tools.stale import known_notebooks, unsound

UNCHANGED = "The notebook, and the models and figures that it makes, are unchanged."


class Display:
    """Shows how far a notebook is: in one line of a terminal, or in a line now and then in a log."""

    def __init__(self, title):
        self.title, self.start, self.shown, self.peak, self.cells = title, time.monotonic(), -10, 0, 0
        self.in_place = sys.stdout.isatty()

    @property
    def seconds(self):
        """How long it has been showing."""
        return time.monotonic() - self.start

    def __call__(self, cell, cells, peak):
        """Show the number of the running `cell` of `cells`, now and then, and note the `peak` of the memory in MB."""
        self.cells, self.peak = cells, peak
        if cell and self.seconds - self.shown >= (0.9 if self.in_place else 10):
            self.shown = self.seconds
            minutes, seconds = divmod(int(self.seconds), 60)
            self._print(f"{self.title}: cell {cell} of {cells}, {minutes}:{seconds:02}", "")

    def close(self, result):
        """Show the `result` in place of the progress."""
        self._print(f"{self.title}: {result}", "\n")

    def _print(self, text, end):
        # Erasing to the end of the line, since the text before may have been longer.
        print(f"\r{text}\x1b[K" if self.in_place else text, end=end if self.in_place else "\n", flush=True)


def named(text: str, known: Collection[str]) -> list[str]:
    """Return the notebooks of `known` that `text` names: a path or the end of one, with or without .ipynb.

    `03_topic` and `solutions/03_topic` stand for both twins. The list is empty where no notebook has that name.
    """
    name = text.replace("\\", "/").rpartition("notebooks/")[2].removesuffix(".ipynb")
    if name in known:
        return [name]
    folder, _, topic = name.rpartition("/")
    parts = [folder] if folder else []
    return [twin for each in chapters.FRAMEWORKS if (twin := "/".join([*parts, each, topic])) in known]


def main(arguments=None):
    """Run what the command line names, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a notebook or a chapter")
    parser.add_argument("--all", action="store_true", help="every chapter in reading order")
    parser.add_argument("--solutions", action="store_true", help="every notebook of solutions")
    parser.add_argument("--stale", action="store_true", help="every notebook that no longer agrees with its run")
    options = parser.parse_args(arguments)
    known = known_notebooks()
    if unknown := [name for name in options.names if not named(name, known)]:
        print(f"No notebook is called {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2

    names = list(unsound()) if options.stale else _wanted(options, known)
    if not names:
        print("Every notebook agrees with its run." if options.stale else "There is no such notebook.")
        return 0
    print(announcement(names, known))
    rows, drawn = [], []
    status = _run(_to_run(options, names, known), known, rows)
    if not status:
        drawn = _draw_all_models()
        _print_summary(rows)
    print(rewritten([name for name, *_ in rows], known, drawn), end="")
    return status


def _run(to_run, known, rows) -> int:
    """Run notebooks, add to `rows` a line of the summary for each that has finished, and return the exit status."""
    for title, name in to_run:
        display = Display(title)
        try:
            execute(known[name], known[name], on_progress=display)
        except RunError as error:
            display.close("failed")
            print(f"\n{name}.ipynb failed: {error}\n\n{advice(name, error.cell)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt as interruption:
            display.close("interrupted")
            print(f"\n{name}.ipynb was interrupted. {UNCHANGED}\n{interruption}".rstrip(), file=sys.stderr)
            return 130
        display.close(f"done, {display.seconds:.0f} s")
        rows.append((name, display.cells, f"{display.seconds:.0f}", f"{display.peak:.0f}"))
    return 0


def _wanted(options, known) -> list[str]:
    """Return the names of the notebooks that the command line asks for, in the order in which they run."""
    wanted = {False: options.all, True: options.solutions}
    names = [name for name in known if wanted[name.startswith("solutions/")]]
    if options.all or options.solutions or options.names:
        return names or [name for text in options.names for name in named(text, known)]
    return [name for name in default_notebooks() if name in known]


def _to_run(options, names, known) -> Iterator[tuple[str, str]]:
    """Yield (title, name) of each notebook to run."""
    if options.stale:
        # A run can make later notebooks stale, so each is judged when its turn comes.
        yield from ((name, name) for name in known if unsound([name]))
        return
    for number, name in enumerate(names, start=1):
        yield f"[{number}/{len(names)}] {name}", name


def announcement(names: Sequence[str], known: Mapping[str, Path]) -> str:
    """Say in a sentence how many notebooks will run and, from their committed runs, about how long that takes."""
    minutes = -(-sum(_run_of(known[name]).get("seconds", 0) for name in names) // 60)
    many = f"{len(names)} notebook{'' if len(names) == 1 else 's'}"
    if not minutes:
        return f"Running {many}."
    about = f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"Running {many}. The last runs took about {about} where they were made; on a busy machine it takes longer."


def advice(name: str, cell: int | None) -> str:
    """Say what is unchanged after the notebook `name` failed, and what to do where it failed at a `cell`."""
    if not cell:
        return UNCHANGED
    return (
        f"{UNCHANGED}\nTo look into it, open notebooks/{name}.ipynb with `make lab` and run the cells up to [{cell}].\n"
        "docs/troubleshooting.md lists common causes. If yours is not among them and you have changed nothing,\n"
        "open an issue with the lines above and what `make about` prints."
    )


def rewritten(names: Sequence[str], known: Mapping[str, Path], drawn: Iterable[str] = ()) -> str:
    """Say which files that git tracks were rewritten by the runs of `names`, and how to get the committed ones back.

    `drawn` are files that were made from the results afterwards. The text is empty where none was rewritten, and where
    there is no git.
    """
    command = ["git", "diff", "-z", "--name-only", "HEAD", "--", "notebooks", *outputs.KINDS]
    try:
        git = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    written = {*drawn, *(known[name].relative_to(ROOT).as_posix() for name in names)}
    for name in names:
        written |= set(_run_of(known[name]).get("files", ()))
    changed = [path for path in git.stdout.split("\0") if path in written]
    if not changed:
        return ""
    many = f"{len(changed)} file{'' if len(changed) == 1 else 's'}"
    title = f"This run rewrote {many} of the repository. To get the committed ones back, which deletes yours, type:"
    # By name, since other notebooks may hold somebody's answers, and other models a training of yesterday. In one line,
    # since shells differ in how a line is continued.
    return f"\n{title}\n  git checkout HEAD -- {' '.join(changed)}\n"


def _run_of(path: Path) -> dict:
    """Return the record of the run of a notebook, empty where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"].get("run", {})
    except (ValueError, KeyError):  # no notebook; execute says so when its turn comes
        return {}


def default_notebooks() -> list[str]:
    """Return the notebooks of the first chapter."""
    return list(chapters.all_chapters()[0].notebooks.values())


def _draw_all_models() -> list[str]:
    """Draw the figure of all models where it is older than their records, and return what was drawn."""
    try:
        if not model_comparison.is_stale():
            return []
        model_comparison.save()
    except (RecordError, OSError) as error:
        print(f"\n{model_comparison.FILE} could not be drawn: {error}")
        return []
    print(f"\n{model_comparison.FILE} shows the results beside those of the other chapters.")
    return [model_comparison.FILE]


def _print_summary(rows):
    table = [("notebook", "cells", "seconds", "peak MB"), *rows]
    width = max(len(row[0]) for row in table)
    print()
    for name, *numbers in table:
        print(f"{name:{width}}" + "".join(f"{number:>9}" for number in numbers))
    try:
        results = results_table()
    except RecordError as error:
        print(f"\nThere is no table of results: {error}")
        return
    print(f"\n{results.to_string(index=False)}" if len(results) else "\nThere are no records in models/ yet.")
    if len(results) and readme.is_stale():
        print(
            "\nThe tables in README.md and docs/ still show the committed results, and may. `make readme` writes yours."
        )


if __name__ == "__main__":
    # To be terminated is to be interrupted: the kernel must not be left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
