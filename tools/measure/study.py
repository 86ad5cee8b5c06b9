"""Train the same networks from many seeds, for the questions that one training cannot answer.

    python -m tools.measure.study [--framework keras|pytorch] [--seeds N] [--images N] [--epochs N] [--folder PATH]

Three questions, all answered in notebooks/keras_vs_pytorch.ipynb:

- "verdict": the dense network and the CNN of chapter 01, with the settings and the networks taken from its notebooks,
  in each framework with the framework's own initialisation, and with the same batches in both.
- "aligned": the same in PyTorch once more, but from initial weights drawn as Keras draws them.
- "defaults": what each default in which the frameworks differ is worth. One change at a time against a training in
  which everything is set as Keras sets it. Run in PyTorch, where every one of these settings can be chosen.

Each framework works in a process of its own, on one thread, so that the two can run side by side on two cores
without slowing each other down as two trainings with two threads each would. A run is written to
models/study_keras.json or models/study_pytorch.json as soon as it has ended, with the versions that it was made with.
Stop whenever you like: the same command goes on with the runs that are missing. A run that was made by other code than
today's counts as missing.
"""

import argparse
import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fmnist import taught
from fmnist.chapters import FRAMEWORKS
from fmnist.keras_start import clean_start
from fmnist.paths import MODELS, ROOT
from tools import stamp
from tools.measure import chapter_01, common
from tools.measure.study_plan import run_id, wanted
from tools.measure.study_runs import TRAIN, prepared

THREADS = 1
Run = dict[str, Any]


def recipe(framework: str, study: str, root: Path = ROOT) -> str:
    """Return a fingerprint of everything that decides the scores of a run, as 16 hexadecimal digits.

    It covers the code of `tools` that the run reaches, in the repository at `root`, and the cells of chapter 01 that it
    takes over. The published images and their split do not count: tests hold both.
    """
    train = TRAIN[framework][study].__name__
    code = f"from tools.measure.study_runs import prepared, {train}\nprepared, {train}"
    covered = [stamp.code_digests([code], {"tools": root / "tools"})]
    if study != "defaults":
        cells = taught.tagged_sources(chapter_01.notebook(framework), "parameters", "model")
        covered += [stamp.canonical(ast.parse(cell)) for cell in cells]
    return stamp.digest(covered)[:16]


def record_path(framework: str, folder: Path = MODELS) -> Path:
    """Return where the runs of one framework are recorded."""
    return Path(folder) / f"study_{framework}.json"


def read(framework: str, folder: Path = MODELS) -> list[Run]:
    """Return the recorded runs of one framework, an empty list where there is no record.

    Older records name the versions, the platform and the threads once, for all runs: each run gets its own copy.
    """
    path = record_path(framework, folder)
    if not path.exists():
        return []
    record = json.loads(path.read_text(encoding="utf-8"))
    shared = {name: record[name] for name in ("versions", "platform", "threads") if name in record}
    return [shared | run for run in record["runs"]]


def write(framework: str, runs: Iterable[Run], folder: Path = MODELS) -> None:
    """Write the record of one framework, a line for each run."""
    common.write_runs(record_path(framework, folder), sorted(runs, key=run_id), framework=framework)


def start_keras() -> None:
    """Start Keras on one thread of the CPU."""
    with clean_start():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
        tf.config.set_visible_devices([], "GPU")
        tf.get_logger().setLevel("ERROR")  # it warns of tracing anew, which a new model a run makes necessary
        tf.constant(0)


def start_pytorch() -> None:
    """Start PyTorch on one thread."""
    import torch

    torch.set_num_threads(THREADS)


START = {"keras": start_keras, "pytorch": start_pytorch}


def work(framework: str, options: argparse.Namespace) -> None:
    """Make the missing runs of one framework, one after the other, and record each as it ends."""
    START[framework]()
    parts = prepared(options.images)
    recipes = {study: recipe(framework, study) for study in TRAIN[framework]}
    made_with = {"versions": common.versions(framework), "platform": common.system(), "threads": THREADS}
    known = read(framework, options.folder)
    runs = {run_id(run): run for run in known if run["recipe"] == recipes.get(run["study"])}
    todo = wanted(framework, options.seeds)
    for number, run in enumerate(todo, start=1):
        if run_id(run) in runs:
            continue
        started = time.perf_counter()
        details = {name: value for name, value in run.items() if name != "study"}
        found = TRAIN[framework][run["study"]](**details, parts=parts, epochs=options.epochs)
        seconds = round(time.perf_counter() - started, 1)
        about = {"recipe": recipes[run["study"]], **made_with, "seconds": seconds}
        runs[run_id(run)] = run | about | found
        write(framework, runs.values(), options.folder)
        score = found["test"] if "test" in found else found["validation"][-1]
        what = " ".join(part for part in run_id(run)[:3] if part)
        label = f"{common.display(framework):8}{number:4d}/{len(todo)}  {what:34} seed {run['seed']:2d}"
        print(f"{label}  accuracy {score['accuracy']:.4f}  {seconds:6.1f} s", flush=True)
    print(
        f"{common.display(framework)}: {len(todo)} runs in {common.shown_path(record_path(framework, options.folder))}"
    )


def work_side_by_side(options: argparse.Namespace) -> int:
    """Let a process for each framework work, and return the exit code."""
    chosen = {"--seeds": options.seeds, "--images": options.images, "--epochs": options.epochs}
    arguments = [text for name, value in chosen.items() if value is not None for text in (name, value)]
    # The processes work in the repository: a folder relative to the caller's would be looked for there.
    arguments += ["--folder", options.folder.resolve()]
    commands = [common.worker_command("study", *arguments, "--framework", framework) for framework in FRAMEWORKS]
    workers = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    return max(abs(worker.wait()) for worker in workers)  # negative after a signal


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; end the program with exit code 2 when one is wrong."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--framework", choices=FRAMEWORKS, help="only this one (default: both, side by side)")
        parser.add_argument("--seeds", type=int, help="so many seeds of everything")

    return common.resumable_options("study", __doc__, arguments, more)


def main(arguments: Sequence[str] | None = None) -> int:
    """Work in this process, or let one process for each framework work; return the exit code."""
    options = read_options(arguments)
    if options.framework:
        return common.resumable_exit_code(lambda: work(options.framework, options))
    return common.resumable_exit_code(lambda: work_side_by_side(options))


if __name__ == "__main__":
    sys.exit(main())
