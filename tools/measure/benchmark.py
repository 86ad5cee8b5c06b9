"""How fast does this machine train, the way most tutorials do it and the way the chapters do it?

    python -m tools.measure.benchmark [--parts epochs accuracy] [--rounds N] [--images N] [--output PATH | --no-record]

The first part times epochs, in about a quarter of an hour, the second one the time until an accuracy is reached, in
about an hour (`time_to_accuracy.py`). A part that is not asked for stays in the record as it is.

In the first part, both networks of chapter 01 are trained in both frameworks on the 54,000 training images, on the CPU:

- "tutorial", the usual way (`tutorial.py`);
- "chapter", as chapter 01 teaches it (`chapter_01.py`);
- "faster", with what the chapter's section *Making it faster* finds: in PyTorch fused Adam, and pooling before ReLU. In
  Keras nothing is left to apply;
- "one_thread", PyTorch's dense network as in "chapter", but on one thread.

The timings of a machine drift, so the trainings take turns, an epoch each, and only one runs at a time. Each framework
has a process of its own, and the usual way of Keras another one (`workers.py`). Let nothing else work meanwhile: where
another program holds a core, PyTorch's threads wait for each other, and an epoch can take several times as long.

The first epoch of a training contains what happens once (tracing, memory, caches); the later ones are its steady
state, and their median is what is compared. Beside them stands the floor: the seconds an epoch would take if nothing
but its multiplications and additions cost time, at the rate at which this machine multiplies large float32 matrices.
The result is printed and written to `models/benchmark.json`.
"""

import argparse
import contextlib
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fmnist.chapters import FRAMEWORKS
from fmnist.paths import MODELS
from tools.measure import common, time_to_accuracy
from tools.measure.workers import START, Worker, WorkerError, serve

# {(framework, network): the ways in which it is trained}
VARIANTS = {
    ("pytorch", "dense"): ("tutorial", "chapter", "faster", "one_thread"),
    ("pytorch", "cnn"): ("tutorial", "chapter", "faster"),
    ("keras", "dense"): ("tutorial", "chapter"),
    ("keras", "cnn"): ("tutorial", "chapter"),
}
TITLES = {
    "tutorial": "usual",
    "chapter": "chapter 01",
    "faster": "made faster",
    "one_thread": "one thread",
}
# How many times faster than the usual way chapter 01 is meant to be on two CPU cores, as taught and made faster.
TARGETS = {
    ("pytorch", "dense", "chapter"): 15,
    ("pytorch", "cnn", "chapter"): 2.5,
    ("pytorch", "cnn", "faster"): 3.5,
    ("keras", "dense", "chapter"): 2,
    ("keras", "cnn", "chapter"): 1.5,
}
# What a row says of a way compared with the usual one: {variant: end of the keys}.
COMPARED = {"chapter": "", "faster": "_applied"}
# Six rounds, the first one included, take about twelve minutes on two cores.
ROUNDS = 5

PARTS = ("epochs", "accuracy")

# {(framework, network, variant): [{"seconds", "loss"} of each epoch]}
Epochs = dict[tuple[str, str, str], list[dict[str, float]]]


def dense_flops() -> int:
    """Return the floating-point operations of one image in one training step of 784-128-64-10: 454,400.

    A weight costs one multiplication and one addition an image in the forward pass, and as many again for its own
    gradient. The gradient of a layer's input costs the same once more. The gradient of the pixels is not needed, so the
    first layer has no such cost. Biases, ReLU and Adam are left out: they are thousands, not hundreds of thousands.
    """
    first, second, third = 784 * 128, 128 * 64, 64 * 10
    forward = 2 * (first + second + third)
    weight_gradients = forward
    input_gradients = 2 * (second + third)
    return forward + weight_gradients + input_gradients


def cnn_flops() -> int:
    """Return the floating-point operations of one image in one training step of the CNN: 15,396,864.

    Counted as in `dense_flops`: a filter's weights are used once for every pixel of its output, 26x26 after the first
    3x3 convolution (no padding), 11x11 after pooling and the second one; 5x5x64 = 1,600 values are left.
    """
    conv1 = 2 * (26 * 26 * 32) * (3 * 3 * 1)
    conv2 = 2 * (11 * 11 * 64) * (3 * 3 * 32)
    dense1, dense2 = 2 * 1600 * 128, 2 * 128 * 10
    forward = conv1 + conv2 + dense1 + dense2
    weight_gradients = forward
    input_gradients = forward - conv1
    return forward + weight_gradients + input_gradients


FLOPS = {"dense": dense_flops, "cnn": cnn_flops}


def process_of(framework: str, variant: str) -> str:
    """Return the process in which a framework trains in one of the ways, a key of `workers.START`."""
    return "keras_plain" if (framework, variant) == ("keras", "tutorial") else framework


def measure(workers: Mapping[str, Worker], rounds: int) -> tuple[Epochs, dict[str, float]]:
    """Let the trainings take turns, 1 + `rounds` epochs each; return all epochs and {process: best GFLOP/s}."""
    epochs = {(*row, variant): [] for row, variants in VARIANTS.items() for variant in variants}
    rates = dict.fromkeys(workers, 0.0)
    for number in range(rounds + 1):
        print("First epochs" if number == 0 else f"Round {number} of {rounds}", flush=True)
        for process, worker in workers.items():
            rates[process] = max(rates[process], worker.ask("multiply")["gflops"])
            best = f"matrix products: at best {rates[process]:.0f} GFLOP/s so far"
            print(f"  {worker.label:15}{best}", flush=True)
        for (framework, network, variant), done in epochs.items():
            worker = workers[process_of(framework, variant)]
            done.append(worker.ask("epoch", network=network, variant=variant))
            label = f"{common.label(framework, network):15}{TITLES[variant]:12}"
            print(f"  {label}{done[-1]['seconds']:8.2f} s   loss {done[-1]['loss']:.3f}", flush=True)
    return epochs, rates


def summarise(
    measured: Epochs, rates: Mapping[str, float], parameters: Mapping[str, Mapping[str, int]], images: int
) -> list[dict[str, Any]]:
    """Return the rows of the record, one for each framework and network; times in seconds per epoch.

    `measured` and `rates` are what `measure` returns, `parameters` maps framework and network to the number of
    parameters, and `images` is the number of training images. The floor is that of the whole processor, for one thread
    too.
    """
    rows = []
    for (framework, network), variants in VARIANTS.items():
        row = {"framework": framework, "network": network, "parameters": parameters[framework][network]}
        for variant in variants:
            epochs = measured[framework, network, variant]
            first, *steady = [round(epoch["seconds"], 4) for epoch in epochs]
            middle = statistics.median(steady)
            times = {"first": first, "median": middle, "min": min(steady), "max": max(steady), "epochs": steady}
            row[variant] = times | {"losses": [round(epoch["loss"], 4) for epoch in epochs]}
        flops = FLOPS[network]()
        floor = flops * images / (max(rates.values()) * 1e9)
        for variant, end in COMPARED.items():
            if variant in variants:
                times_faster = row["tutorial"]["median"] / row[variant]["median"]
                row[f"times_faster{end}"] = times_faster
                if target := TARGETS.get((framework, network, variant)):
                    row |= {f"target{end}": target, f"reached{end}": times_faster >= target}
        row |= {"flops_per_image": flops, "floor_seconds": floor}
        row |= {f"{variant}_times_floor": row[variant]["median"] / floor for variant in variants}
        rows.append(row)
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows of the record as plain text, a line for each training.

    It holds seconds per epoch (the median and in brackets the range), how many times faster than the usual way that is,
    the first epoch, and the median as a multiple of the floor.
    """
    lines = [["", "", "s", "faster", "target", "first, s", "times the floor"]]
    for row in rows:
        for variant in VARIANTS[row["framework"], row["network"]]:
            times, end = row[variant], COMPARED.get(variant)
            faster, target = (row.get(f"{key}{end}") for key in ("times_faster", "target"))
            verdict = "reached" if row.get(f"reached{end}") else "missed"
            lines.append([
                common.label(row["framework"], row["network"]),
                TITLES[variant],
                common.median_with_range(times, 2),
                f"{faster:.1f}x" if faster else "",
                f"{target:g}x {verdict}" if target else "",
                f"{times['first']:.2f}",
                f"{row[f'{variant}_times_floor']:.1f}",
            ])  # fmt: skip
    return common.table_text(lines)


def time_epochs(workers: Mapping[str, Worker], about: Mapping[str, dict[str, Any]], rounds: int) -> dict[str, Any]:
    """Measure the first part, print its table and return what is recorded of it.

    `about` maps each process to what it answered to "describe".
    """
    images, *_ = [worker.ask("prepare")["images"] for worker in workers.values()]
    epochs, rates = measure(workers, rounds)

    def known(what: str) -> dict[str, Any]:
        return {framework: about[framework][what] for framework in FRAMEWORKS}

    record = {
        "machine": common.machine(known("threads")),
        "versions": common.versions(*FRAMEWORKS),
        "settings": known("settings"),
        "onednn": {process: found["onednn"] for process, found in about.items()},
        "matmul_gflops": rates,
        "images": images,
        "rounds": rounds,
        "targets": [
            {"framework": framework, "network": network, "variant": variant, "times_faster": target}
            for (framework, network, variant), target in TARGETS.items()
        ],
        "rows": summarise(epochs, rates, known("parameters"), images),
    }
    print(f"\nSeconds per epoch of {images:,} images; median (range) of {rounds} after the first; the floor is")
    print(f"set by {max(rates.values()):.0f} GFLOP/s in float32 matrix products.")
    print("oneDNN:", ", ".join(f"{worker.label} {record['onednn'][name]}" for name, worker in workers.items()), "\n")
    print(table(record["rows"]))
    return record


def time_accuracy(
    workers: Mapping[str, Worker], about: Mapping[str, dict[str, Any]], images: int | None, kept: Path | None
) -> dict[str, Any]:
    """Measure the second part, print its table and return what is recorded of it; a quick look has one short seed.

    Complete seeds are kept in the file `kept`, so that the part goes on with the next one.
    """
    seeds, most = (time_to_accuracy.SEEDS, None) if images is None else (time_to_accuracy.SEEDS[:1], 2)
    measured = time_to_accuracy.measure(workers, reversed(FRAMEWORKS), seeds, most, kept)
    found = time_to_accuracy.summarise(measured)
    print(f"\nSeconds of training to a validation accuracy of {found['target']:.1%}; medians of {len(seeds)} seeds\n")
    print(time_to_accuracy.table(found))
    threads = {framework: about[framework]["threads"] for framework in FRAMEWORKS}
    return found | {"machine": common.machine(threads), "versions": common.versions(*FRAMEWORKS)}


def run(options: argparse.Namespace) -> None:
    """Measure, print the tables and write the record; raise WorkerError if a process fails."""
    record = {}
    kept = options.output.with_suffix(".partial.json") if options.output and options.images is None else None
    if options.output and options.output.exists() and len(options.parts) < len(PARTS):
        record = json.loads(options.output.read_text(encoding="utf-8"))
    with contextlib.ExitStack() as running:
        workers = {process: running.enter_context(Worker(process, options.images)) for process in START}
        about = {process: worker.ask("describe") for process, worker in workers.items()}
        if "epochs" in options.parts:
            record |= time_epochs(workers, about, options.rounds)
        if "accuracy" in options.parts:
            record["time_to_accuracy"] = time_accuracy(workers, about, options.images, kept)
    common.write_record(options.output, record)
    if kept:
        kept.unlink(missing_ok=True)


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; `output` is None where nothing is to be recorded."""
    helps = (
        "epochs of each training after the first one",
        "train on fewer images, for a quick look (default: all 54,000)",
    )

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these (default: both)")

    return common.read_options(arguments, __doc__, MODELS / "benchmark.json", ROUNDS, helps, more, choices=START)


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the process that asks, or one that answers; return the exit code."""
    options = read_options(arguments)
    if options.worker:
        return common.exit_code(lambda: serve(options.worker, options.images), WorkerError)
    return common.exit_code(lambda: run(options), WorkerError)


if __name__ == "__main__":
    sys.exit(main())
