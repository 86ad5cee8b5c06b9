"""What does each framework cost besides accuracy: seconds of waiting, milliseconds a call, memory, space on disk?

    python -m tools.measure.costs [--rounds N] [--images N] [--output PATH | --no-record]

In each round four fresh processes work one after the other: either network of chapter 01 in either framework. Each
imports its framework, trains for three epochs on the 54,000 training images in the way of chapter 01 (with the
functions of `chapter_01.py`, as "chapter" in the benchmark does), classifies one image and 1,000 images many times, and
reports in a line of JSON. Keras's `fit` compiles what it repeats and chapter 01's loop in PyTorch does not, so each
also trains and predicts the other way: Keras eagerly, and PyTorch with `torch.compile`, where there is a C++ compiler.
Both frameworks work on the CPU with as many threads as they choose by themselves. Of several rounds the medians are
compared: the first process of the first round finds little of its framework in the computer's file cache, and a machine
has faster and slower minutes. The result is printed and written to `models/costs.json`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fmnist.chapters import FRAMEWORKS
from fmnist.paths import MODELS, ROOT
from tools.measure import common, installed
from tools.measure.costs_process import CALLS, TRAINING, WAYS, serve

ROUNDS = 5  # about half an hour on two cores
SECONDS = ("import_seconds", "first_epoch_seconds", "start_to_first_epoch_seconds", "epoch_seconds")
MEGABYTES = ("memory_after_import_mb", "peak_memory_mb")
SURROUNDINGS = {
    "KERAS_BACKEND": "tensorflow",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # as in the notebooks (fmnist.keras_start)
    "CUDA_VISIBLE_DEVICES": "-1",  # hides the graphics cards from both frameworks
    "TF_CPP_MIN_LOG_LEVEL": "2",  # errors only: what is written is shown if the process fails
    "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",  # or later rounds would find compiled what the first has compiled
    "PYTHONFAULTHANDLER": "1",  # a crash in compiled code says where it was
}

# What `measured` returns: seconds, milliseconds and MB of one process.
Measured = dict[str, Any]


class ProcessError(RuntimeError):
    """A process that measures has failed; the text names its framework and network and holds what it wrote."""


def measured(framework: str, network: str, count: int | None = None) -> Measured:
    """Return what a fresh process measures, as a dictionary; raise ProcessError if it fails."""
    images = [] if count is None else ["--images", count]
    process = subprocess.Popen(
        common.worker_command("costs", "--worker", framework, network, *images),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", errors="replace", env=os.environ | SURROUNDINGS, cwd=ROOT,
    )  # fmt: skip
    try:
        answer, said = process.communicate()
    finally:
        # After Ctrl-C it is gone before this one says so; a process that has ended is left alone.
        process.kill()
        process.wait()
    if process.returncode or not answer:
        end = f"The process of {common.label(framework, network)} ended with exit code {process.returncode}"
        raise ProcessError(f"{end}; nothing was recorded. It wrote:\n\n{said.strip() or '(nothing)'}")
    return json.loads(answer)


def spread(values: Iterable[float], digits: int) -> dict[str, Any]:
    """Return {"median", "min", "max", "values"}, rounded to so many decimals."""
    values = [round(value, digits) for value in values]
    median = round(statistics.median(values), digits)
    return {"median": median, "min": min(values), "max": max(values), "values": values}


def summarise(answers: Mapping[tuple[str, str], Sequence[Measured]]) -> list[dict[str, Any]]:
    """Return the rows of the record from {(framework, network): [what `measured` returned, for each round]}.

    Latencies are medians of a process; beside their spread over the processes stand the lists of the tenth and the
    ninetieth percentile in each process.
    """
    rows = []
    for (framework, network), found in answers.items():
        row = {"framework": framework, "network": network}
        for quantity in SECONDS + MEGABYTES:
            # Two epochs of each process count, of everything else there is one value.
            values = np.ravel([process[quantity] for process in found]).tolist()
            row[quantity] = spread(values, 3 if quantity in SECONDS else 1)
        ways = [way for way in TRAINING if all(way in process["ways_of_training"] for process in found)]
        row["ways_of_training"] = {
            way: spread([process["ways_of_training"][way] for process in found], 3) for way in ways
        }
        # Without a C++ compiler, PyTorch compiles nothing.
        row["latency_ms"] = {
            way: {} for way in WAYS[framework] if all(way in process["latency_ms"] for process in found)
        }
        for way, times in row["latency_ms"].items():
            for images in map(str, CALLS):
                calls = [process["latency_ms"][way][images] for process in found]
                tails = {tail: [round(call[tail], 3) for call in calls] for tail in ("p10", "p90")}
                times[images] = spread([call["median"] for call in calls], 3) | tails
        rows.append(row)
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows of the record as plain text, a column each: the median and in brackets the range."""
    lines = [["", *(common.label(row["framework"], row["network"]) for row in rows)]]
    for name in SECONDS + MEGABYTES:
        unit, decimals = ("s", 2) if name in SECONDS else ("MB", 0)
        title = f"{name.rsplit('_', 1)[0].replace('_', ' ')}, {unit}"
        lines.append([title, *(common.median_with_range(row[name], decimals) for row in rows)])
    for way in TRAINING:
        found = [row["ways_of_training"].get(way) for row in rows]
        lines.append([f"epoch, {way}, s", *(common.median_with_range(times, 2) for times in found)])
    for images, title in (("1", "1 image"), ("1000", "1,000 images")):
        for way in WAYS["keras"]:
            found = [row["latency_ms"].get(way, {}).get(images) for row in rows]
            lines.append([f"{title}, {way}, ms", *(common.median_with_range(times, 2) for times in found)])
    return common.table_text(lines)


def measure(rounds: int, count: int | None) -> dict[tuple[str, str], list[Measured]]:
    """Start each process once a round; return {(framework, network): [what it measured in each round]}."""
    answers = {(framework, network): [] for network in common.NETWORKS for framework in FRAMEWORKS}
    for number in range(rounds):
        print(f"Round {number + 1} of {rounds}", flush=True)
        for network in common.NETWORKS:
            # The second framework may find the machine warmer, or busier.
            for framework in FRAMEWORKS[:: 1 if number % 2 == 0 else -1]:
                found = measured(framework, network, count)
                answers[framework, network].append(found)
                waited, peak = found["start_to_first_epoch_seconds"], found["peak_memory_mb"]
                text = f"first epoch ended after {waited:6.2f} s, at most {peak:,.0f} MB"
                print(f"  {common.label(framework, network):14}{text}", flush=True)
    return answers


def run(options: argparse.Namespace) -> None:
    """Measure, print the table and write the record; raise ProcessError if a process fails."""
    disk = installed.sizes()
    answers = measure(options.rounds, options.images)
    last = {framework: answers[framework, common.NETWORKS[-1]][-1] for framework in FRAMEWORKS}
    record = {
        "machine": common.machine({framework: found["threads"] for framework, found in last.items()}),
        "versions": common.versions(*FRAMEWORKS),
        "images": last["keras"]["images"],
        "rounds": options.rounds,
        "installed": disk,
        "rows": summarise(answers),
    }
    print(f"\n{record['images']:,} training images; median (range) of {options.rounds} processes\n")
    print(table(record["rows"]))
    for framework, known in disk.items():
        total, cuda = (f"{known[name]:,.0f} MB" for name in ("total_mb", "cuda_mb"))
        largest = ", ".join(f"{name} {size:,.0f}" for name, size in known["largest"].items())
        print(f"\n{common.display(framework)} on disk: {total}, of which CUDA {cuda}\n  largest, in MB: {largest}")
    common.write_record(options.output, record)


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; `output` is None where nothing is to be recorded."""
    helps = (
        "processes for each framework and network",
        "a quick look: so few images, and few calls (default: all 54,000)",
    )
    return common.read_options(arguments, __doc__, MODELS / "costs.json", ROUNDS, helps, nargs=2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the process that asks, or one that measures; return the exit code."""
    options = read_options(arguments)
    if options.worker:
        return common.exit_code(lambda: serve(*options.worker, options.images), ProcessError)
    return common.exit_code(lambda: run(options), ProcessError)


if __name__ == "__main__":
    sys.exit(main())
