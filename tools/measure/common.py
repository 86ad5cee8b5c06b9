"""What the tools that measure share: command line, processes, the description of the machine, tables and records.

This module loads nothing that could be measured with it. `fmnist.records` is imported where it is needed, because it
brings pandas, SciPy and scikit-learn. `import keras` loads these too, and would seem faster if they were there already.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fmnist.files import atomic_write
from fmnist.paths import MODELS, ROOT

NETWORKS = ("dense", "cnn")  # those of chapter 01 that are measured


def read_options(
    arguments: Sequence[str] | None,
    about: str,
    record: Path,
    rounds: int,
    helps: tuple[str, str],
    more: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
    **worker: Any,
) -> argparse.Namespace:
    """Return the options of a tool; `output` is None where nothing is to be recorded.

    `arguments` are those of the command line (None for this program's own), `about` is the tool's docstring, `record`
    the published record, `rounds` the default number, and `helps` what --rounds and --images say in the help. `more`
    adds options of the tool's own to the parser, and `worker` is what argparse is to know of --worker. Ends the program
    with exit code 2 when an option is wrong.
    """
    about = about.split("\n\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m tools.measure.{record.stem}", description=about)
    more(parser)
    parser.add_argument("--rounds", type=int, default=rounds, help=helps[0])
    parser.add_argument("--images", type=int, help=helps[1])
    parser.add_argument("--output", type=Path, help=f"the record to write (default: models/{record.name})")
    parser.add_argument("--no-record", action="store_true", help="only print")
    parser.add_argument("--worker", help=argparse.SUPPRESS, **worker)
    options = parser.parse_args(arguments)
    if options.rounds < 1 or (options.images is not None and options.images < 1):
        parser.error("--rounds and --images must be at least 1")
    if options.no_record:
        options.output = None
    elif options.output is None and options.images is None:
        # A quick look at a few images must not replace the published record.
        options.output = record
    return options


def resumable_options(
    tool: str, about: str, arguments: Sequence[str] | None, more: Callable[[argparse.ArgumentParser], None]
) -> argparse.Namespace:
    """Return the options of a tool that goes on where it was stopped, with those that `more` adds to the parser.

    `about` is the tool's docstring. Ends the program with exit code 2 when an option is wrong.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tools.measure.{tool}", description=about.split("\n\n")[0])
    more(parser)
    parser.add_argument("--images", type=int, help="so few images of each part, for a quick look")
    parser.add_argument("--epochs", type=int, help="so few epochs, for a quick look")
    parser.add_argument("--folder", type=Path, default=MODELS, help="where the record is (default: models)")
    options = parser.parse_args(arguments)
    if (options.images or options.epochs) and options.folder.resolve() == MODELS:
        # A run of a quick look would be taken for one of the published runs.
        parser.error("--images and --epochs need a --folder of their own")
    return options


def resumable_exit_code(work: Callable[[], int | None]) -> int:
    """Do the work, which records each run as it ends, and return the exit code."""
    try:
        return work() or 0
    except KeyboardInterrupt:
        print("\nStopped: what had ended is recorded, and the same command goes on from there.", file=sys.stderr)
        return 130


def write_runs(path: Path, runs: Iterable[Mapping[str, Any]], **about: str) -> None:
    """Write a record of runs as JSON, a line for each run, after what `about` says of all of them."""
    head = "".join(f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in about.items())
    lines = ",\n".join("  " + json.dumps(run, ensure_ascii=False) for run in runs)
    write_text(path, f'{{\n{head} "runs": [\n{lines}\n ]\n}}\n')


def exit_code(work: Callable[[], object], failure: type[Exception]) -> int:
    """Do the work and return the exit code; the text of a `failure` is printed without a traceback."""
    try:
        work()
    except failure as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: nothing was recorded.", file=sys.stderr)
        return 130
    return 0


def worker_command(tool: str, *arguments: object) -> list[str]:
    """Return the command that starts a tool of this package in a process of its own, to be run in `ROOT`."""
    return [sys.executable, "-m", f"tools.measure.{tool}", *map(str, arguments)]


def usable_cpus() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def keras_threads() -> int:
    """Return the number of threads with which TensorFlow computes one operation; it uses all processors by default."""
    import tensorflow as tf

    return tf.config.threading.get_intra_op_parallelism_threads() or usable_cpus()


def system() -> str:
    """Return the operating system and the kind of processor, such as "Linux x86_64"."""
    return f"{platform.system()} {platform.machine()}"


def cpu_model() -> str:
    """Return the processor's name where it is cheap to know, else what kind it is."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def machine(threads: Mapping[str, int]) -> dict[str, Any]:
    """Return what a record says of this machine; `threads` maps each framework to its number of threads."""
    return {"platform": system(), "cpu": cpu_model(), "cpu_count": os.cpu_count(), "threads": dict(threads)}


def versions(*frameworks: str) -> dict[str, str]:
    """Return the versions of Python and of the packages that matter to `frameworks`, such as {"python": "3.11.7"}."""
    from fmnist.records import PACKAGES

    packages = dict.fromkeys(package for framework in frameworks for package in PACKAGES[framework])
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in packages}


def display(name: str) -> str:
    """Return how a framework or a network is called in what is printed, such as "Keras" for "keras"."""
    from fmnist.records import DISPLAY

    return DISPLAY[name]


def label(framework: str, network: str) -> str:
    """Return how a framework's network is called in what is printed, such as "Keras CNN"."""
    return f"{display(framework)} {display(network)}"


def median_with_range(found: Mapping[str, float] | None, decimals: int) -> str:
    """Return a dictionary with "median", "min" and "max" as text such as "2.0 (1.5-3.0)", nothing for None."""
    if found is None:
        return ""
    median, low, high = (f"{found[name]:.{decimals}f}" for name in ("median", "min", "max"))
    return f"{median} ({low}-{high})"


def table_text(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of equally many cells as plain text, each column as wide as its longest cell."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def shown_path(path: Path) -> str:
    """Return a path as it is printed: below the repository root where it lies there, else as it was given."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step: the old file or the whole new one is there. Line ends are the same everywhere."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_record(path: Path | None, record: dict[str, Any]) -> None:
    """Write what a tool measured as JSON and say where; do nothing where `path` is None."""
    if path:
        write_text(path, json.dumps(record, indent=1) + "\n")
        print(f"\nWritten: {shown_path(path)}")
