"""Train the networks of chapter 05 from several seeds, and search for better ones.

    python -m tools.measure.experiments [--framework keras|pytorch] [--processes N] [--images N] [--epochs N]
                                        [--folder PATH]

The plan is in `experiments_plan`, and notebooks/*/05_architecture_experiments.ipynb show what is found. Everything is
trained in PyTorch, and a few networks in Keras as well, to see that the framework does not matter. Each training has a
thread of its own, so that as many as there are processor cores work side by side. A run is written to
models/experiments.json as soon as it has ended. Stop whenever you like: the same command goes on with the runs that are
missing. A run that was made by other code than today's counts as missing, and one that is not in the plan is dropped.
"""

import argparse
import ast
import concurrent.futures
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from fmnist import taught
from fmnist.chapters import FRAMEWORKS
from fmnist.paths import MODELS, ROOT
from tools import stamp
from tools.measure import common, experiments_runs
from tools.measure.experiments_plan import Run, run_id, wanted
from tools.measure.study import START
from tools.measure.study_runs import Parts, prepared

# {framework: the function that trains a network}
TRAIN = {"keras": experiments_runs.train_keras, "pytorch": experiments_runs.train_pytorch}
# {part: the cells of chapter 05 that it needs}; the other parts need the one that builds their network.
TAGS = {"search": ("search_space", "build_cnn"), "timing": ("build_dense", "build_cnn")}
RECORD = "experiments.json"
# The C library of Linux gives large blocks back to the system after each step, and gets them again page by page. Told
# to keep them, one thread took 74 in place of 119 ms for a step with one convolution of 32 filters, and 200 in place of
# 311 ms with two of 64. Other systems ignore these variables.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "10000000000", "MALLOC_TRIM_THRESHOLD_": "10000000000"}

_parts: Parts = {}  # of this process


def maker(framework: str, run: Run) -> Callable[[Run, Parts], dict[str, Any]]:
    """Return the function that makes a run."""
    return {"search": experiments_runs.search, "timing": experiments_runs.timing}.get(run["part"], TRAIN[framework])


def recipe(framework: str, run: Run, root: Path = ROOT) -> str:
    """Return a fingerprint of the code that decides the scores of a run, as 16 hexadecimal digits.

    It covers the code of `tools` in the repository at `root` that the run reaches, and the cells of chapter 05 that it
    takes over. The plan is not covered, but for what the run itself says.
    """
    name = maker(framework, run).__name__
    code = f"from tools.measure.experiments_runs import {name}\nfrom tools.measure.study_runs import prepared\n"
    digests = stamp.code_digests([code + f"{name}, prepared"], {"tools": root / "tools"})
    tags = TAGS.get(run["part"]) or (run["build"],)
    cells = taught.tagged_sources(experiments_runs.notebook(framework), *tags)
    # The plan says what is run, and the run itself repeats it.
    digests = {file: value for file, value in digests.items() if not file.endswith("_plan.py")}
    return stamp.digest([digests, [stamp.canonical(ast.parse(cell)) for cell in cells]])[:16]


def read(folder: Path = MODELS) -> list[Run]:
    """Return the recorded runs, an empty list where there is no record."""
    path = folder / RECORD
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []


def write(runs: Iterable[Run], folder: Path = MODELS) -> None:
    """Write the record, a line for each run, in the order of the plan."""
    runs = list(runs)
    places: dict[tuple, int] = {}
    for framework in FRAMEWORKS:
        for run in wanted(framework, [run for run in runs if run["framework"] == framework]):
            places.setdefault((framework, run_id(run)), len(places))
    runs.sort(key=lambda run: places.get((run["framework"], run_id(run)), len(places)))
    common.write_runs(folder / RECORD, runs)


def start(framework: str, images: int | None) -> None:
    """Start the framework on one thread in a new process, and load the images."""
    START[framework]()
    _parts.update(prepared(images))


def make(framework: str, run: Run) -> dict[str, Any]:
    """Make one run, in a process of the pool, and return it with what was found."""
    started = time.perf_counter()
    found = maker(framework, run)(run, _parts)
    return run | {"seconds": round(time.perf_counter() - started, 1)} | found


def chosen(framework: str, known: Iterable[Run], options: argparse.Namespace) -> list[Run]:
    """Return the runs of a framework that the options ask for, given those that are there already."""
    runs = [run for run in wanted(framework, known) if options.parts is None or run["part"] in options.parts]
    if options.epochs:
        runs = [
            run | {"training": run["training"] | {"epochs": options.epochs}} if "training" in run else run
            for run in runs
        ]
    return runs


def work(framework: str, options: argparse.Namespace) -> None:
    """Make the missing runs of one framework, and record each as it ends."""
    about = {"framework": framework, "versions": common.versions(framework)}
    record = read(options.folder)
    recipes: dict[str, str] = {}

    def made_with(run: Run) -> str:
        kind = run.get("build", run["part"])
        if kind not in recipes:
            recipes[kind] = recipe(framework, run)
        return recipes[kind]

    os.environ.update(KEEP_MEMORY)  # for the processes of the pool
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        options.processes, context, initializer=start, initargs=(framework, options.images)
    ) as pool:
        futures: dict[concurrent.futures.Future, Run] = {}
        while True:
            own = [run for run in record if run["framework"] == framework and run["recipe"] == made_with(run)]
            plan = chosen(framework, own, options)
            planned = {run_id(run) for run in [*plan, *wanted(framework, own)]}
            record = [run for run in record if run["framework"] != framework or run_id(run) in planned]
            there = {run_id(run): run for run in own}
            under_way = {run_id(run) for run in futures.values()}
            # A run that is recorded with other options, such as another winner of the searches, is made again.
            missing = [
                run
                for run in plan
                if run_id(run) not in under_way
                and not (run_id(run) in there and there[run_id(run)] == there[run_id(run)] | run)
            ]
            # While networks are timed, nothing else is at work.
            beside_others = [run for run in missing if run["part"] != "timing"]
            missing = beside_others if beside_others or futures else missing
            for run in missing[: options.processes - len(futures)]:
                futures[pool.submit(make, framework, run)] = run
            if not futures:
                break
            done, _ = concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                futures.pop(future)
                made = future.result()
                made = made | about | {"recipe": made_with(made)}
                record = [r for r in record if (r["framework"], run_id(r)) != (framework, run_id(made))] + [made]
                write(record, options.folder)
                print(f"{common.display(framework):8} {len(missing):4d} to go  {line(made)}", flush=True)
    write(record, options.folder)
    print(f"{common.display(framework)}: {len(plan)} runs in {common.shown_path(options.folder / RECORD)}")


def line(run: Run) -> str:
    """Return what is printed of a run; its accuracy is the last one, or the best of a search."""
    what = f"{run['part']:17} {run['name']:27} seed {run['seed']:2d}"
    if run["part"] == "timing":
        return f"{what}  {len(run['epoch_seconds'])} networks     {run['seconds']:6.1f} s"
    if "curves" in run:
        score = run["curves"]["val_accuracy"][-1]
    else:
        score = max(trial["values"][-1] for trial in run["trials"] if trial["values"])
    return f"{what}  accuracy {score:.4f}  {run['seconds']:6.1f} s"


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; end the program with exit code 2 when one is wrong."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--framework", choices=FRAMEWORKS, help="only this one (default: PyTorch, then Keras)")
        parser.add_argument("--parts", nargs="+", help="only these parts of the plan, such as dense convolutions")
        parser.add_argument("--processes", type=int, default=common.usable_cpus(), help="training runs side by side")

    return common.resumable_options("experiments", __doc__, arguments, more)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing; return the exit code."""
    options = read_options(arguments)

    def make_all() -> None:
        for framework in [options.framework] if options.framework else reversed(FRAMEWORKS):
            work(framework, options)

    return common.resumable_exit_code(make_all)


if __name__ == "__main__":
    sys.exit(main())
