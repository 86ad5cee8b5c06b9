"""Series of training runs: made side by side, recorded one by one, and gone on with where they were stopped.

A run is a dictionary. "part", "name" and "seed" tell it from the others of its framework. Each run has a thread of its
own, so that as many as there are processor cores work side by side. It is written to the record as soon as it has
ended, with its framework, the versions, and a fingerprint of the code that made it, its "recipe". A run that was made
by other code than today's counts as missing, and one that is not in the plan is dropped.
"""

import argparse
import ast
import concurrent.futures
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist import taught
from fmnist.chapters import FRAMEWORKS
from fmnist.keras_start import clean_start
from fmnist.paths import MODELS, ROOT
from tools import stamp
from tools.measure import common
from tools.measure.study_runs import Parts, prepared

Run = dict[str, Any]

# The C library of Linux gives large blocks back to the system after each step, and gets them again page by page. Told
# to keep them, one thread took 74 in place of 119 ms for a step with one convolution of 32 filters, and 200 in place of
# 311 ms with two of 64. Other systems ignore these variables.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "10000000000", "MALLOC_TRIM_THRESHOLD_": "10000000000"}

_parts: Parts = {}  # of this process


def start_keras() -> None:
    """Start Keras on one thread of the CPU."""
    with clean_start():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.set_visible_devices([], "GPU")
        tf.get_logger().setLevel("ERROR")  # it warns of tracing anew, which a new model a run makes necessary
        tf.constant(0)


def start_pytorch() -> None:
    """Start PyTorch on one thread."""
    import torch

    torch.set_num_threads(1)


START = {"keras": start_keras, "pytorch": start_pytorch}


def shorter(run: Run, epochs: int) -> Run:
    """Return a run with so many epochs."""
    return run | {"settings": run["settings"] | {"epochs": epochs}}


@dataclass(frozen=True)
class Series:
    """What is particular to one series of runs.

    `name` is that of the record and of the command. `make` returns what is found in a run; it belongs to a module,
    because other processes call it. `wanted` returns the runs of a framework, given those that are there already.
    `recipe` returns the fingerprint of a run, which is the same for all runs of one `kind`. `line` is what is printed
    of a run. `shorter` returns a run with another number of epochs, by default that in its "settings". While a run of a
    part in `alone` is made, nothing else is.
    """

    name: str
    make: Callable[[str, Run, Parts], dict[str, Any]]
    wanted: Callable[[str, Iterable[Run]], list[Run]]
    recipe: Callable[[str, Run], str]
    kind: Callable[[Run], Hashable]
    line: Callable[[Run], str]
    shorter: Callable[[Run, int], Run] = shorter
    alone: tuple[str, ...] = ()

    def path(self, folder: Path = MODELS) -> Path:
        """Return where the runs are recorded."""
        return folder / f"{self.name}.json"

    def read(self, folder: Path = MODELS) -> list[Run]:
        """Return the recorded runs, an empty list where there is no record."""
        path = self.path(folder)
        return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []

    def write(self, runs: Iterable[Run], folder: Path = MODELS) -> None:
        """Write the record, a line for each run, in the order of the plan."""
        runs = list(runs)
        places: dict[tuple, int] = {}
        for framework in FRAMEWORKS:
            for run in self.wanted(framework, [run for run in runs if run["framework"] == framework]):
                places.setdefault((framework, run_id(run)), len(places))
        runs.sort(key=lambda run: places.get((run["framework"], run_id(run)), len(places)))
        common.write_runs(self.path(folder), runs)

    def chosen(self, framework: str, known: Iterable[Run], options: argparse.Namespace) -> list[Run]:
        """Return the runs of a framework that the options ask for, given those that are there already."""
        runs = [
            run
            for run in self.wanted(framework, known)
            if (options.parts is None or run["part"] in options.parts)
            and (options.seeds is None or run["seed"] in options.seeds)
        ]
        return [self.shorter(run, options.epochs) for run in runs] if options.epochs else runs


def run_id(run: Run) -> tuple[str, str, int]:
    """Return what tells one run of a framework from another."""
    return run["part"], run["name"], run["seed"]


def fingerprint(
    module: str,
    function: str,
    notebook: str,
    tags: Iterable[str],
    root: Path = ROOT,
    also: Path | None = None,
) -> str:
    """Return a fingerprint of the code that decides the scores of a run, as 16 hexadecimal digits.

    It covers the code of `tools` in the repository at `root` that `function` of `module` reaches, the cells of
    `notebook` with one of `tags`, and the file `also`. The plan is not covered, but for what the run itself says.
    """
    code = f"from {module} import {function}\nfrom tools.measure.study_runs import prepared\n"
    digests = stamp.code_digests([code + f"{function}, prepared"], {"tools": root / "tools"})
    cells = taught.tagged_sources(notebook, *tags)
    # The plan says what is run, and the run itself repeats it.
    digests = {file: value for file, value in digests.items() if not file.endswith("_plan.py")}
    if also is not None:
        digests[also.name] = stamp.digest(stamp.canonical(ast.parse(also.read_text(encoding="utf-8"))))
    return stamp.digest([digests, [stamp.canonical(ast.parse(cell)) for cell in cells]])[:16]


def start(framework: str, images: int | None) -> None:
    """Start the framework on one thread in a new process, and load the images."""
    START[framework]()
    _parts.update(prepared(images))


def made(make: Callable[[str, Run, Parts], dict[str, Any]], framework: str, run: Run) -> Run:
    """Make one run, in a process of the pool, and return it with what was found."""
    started = time.perf_counter()
    found = make(framework, run, _parts)
    return run | {"seconds": round(time.perf_counter() - started, 1)} | found


def work(series: Series, framework: str, options: argparse.Namespace) -> None:
    """Make the missing runs of one framework, and record each as it ends."""
    about = {"framework": framework, "versions": common.versions(framework)}
    record = series.read(options.folder)
    recipes: dict[Hashable, str] = {}

    def made_with(run: Run) -> str:
        kind = series.kind(run)
        if kind not in recipes:
            recipes[kind] = series.recipe(framework, run)
        return recipes[kind]

    os.environ.update(KEEP_MEMORY)  # for the processes of the pool
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        options.processes, context, initializer=start, initargs=(framework, options.images)
    ) as pool:
        futures: dict[concurrent.futures.Future, Run] = {}
        while True:
            own = [run for run in record if run["framework"] == framework and run["recipe"] == made_with(run)]
            plan = series.chosen(framework, own, options)
            planned = {run_id(run) for run in [*plan, *series.wanted(framework, own)]}
            record = [run for run in record if run["framework"] != framework or run_id(run) in planned]
            missing = _missing(plan, own, futures.values())
            # While networks are timed, nothing else is at work.
            beside_others = [run for run in missing if run["part"] not in series.alone]
            missing = beside_others if beside_others or futures else missing
            for run in missing[: options.processes - len(futures)]:
                futures[pool.submit(made, series.make, framework, run)] = run
            if not futures:
                break
            done, _ = concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                futures.pop(future)
                new = future.result()
                new = new | about | {"recipe": made_with(new)}
                record = [run for run in record if (run["framework"], run_id(run)) != (framework, run_id(new))] + [new]
                series.write(record, options.folder)
                shown = f"{common.display(framework):8} {len(missing):4d} to go  {series.line(new)}"
                print(shown, flush=True)
    series.write(record, options.folder)
    print(f"{common.display(framework)}: {len(plan)} runs in {common.shown_path(series.path(options.folder))}")


def _missing(plan: Iterable[Run], there: Iterable[Run], under_way: Iterable[Run]) -> list[Run]:
    """Return the runs of a plan that are neither there nor under way.

    A run that is recorded with other options, such as another winner of a search, is made again.
    """
    there, under_way = {run_id(run): run for run in there}, {run_id(run) for run in under_way}
    recorded = [run_id(run) in there and there[run_id(run)] == there[run_id(run)] | run for run in plan]
    return [run for run, is_there in zip(plan, recorded, strict=True) if not is_there and run_id(run) not in under_way]


def read_options(series: Series, about: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; end the program with exit code 2 when one is wrong.

    `about` is the docstring of the command, with an empty line after the first sentences.
    """

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--framework", choices=FRAMEWORKS, help="only this one (default: PyTorch, then Keras)")
        parser.add_argument("--parts", nargs="+", help="only these parts of the plan")
        parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="only the runs from these seeds")
        parser.add_argument("--processes", type=int, default=common.usable_cpus(), help="training runs side by side")

    return common.resumable_options(series.name, about, arguments, more)


def main(series: Series, about: str, arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing; return the exit code."""
    options = read_options(series, about, arguments)

    def make_all() -> None:
        for framework in [options.framework] if options.framework else reversed(FRAMEWORKS):
            work(series, framework, options)

    return common.resumable_exit_code(make_all)
