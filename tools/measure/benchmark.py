"""How fast does this machine train, the way most tutorials do it and the way chapter 01 does it?

    python -m tools.measure.benchmark [--rounds N] [--images N] [--output PATH | --no-record]

Both networks of chapter 01 are trained in both frameworks and both ways ("tutorial" in `tutorial.py`, "chapter" in
`chapter_01.py`) on the 54,000 training images, on the CPU. The timings of a machine drift, so the eight trainings take
turns, an epoch each, and only one runs at a time. Each framework has a process of its own (`workers.py`).

The first epoch of a training contains what happens once (tracing, memory, caches); the later ones are its steady
state, and their median is what is compared. Beside them stands the floor: the seconds an epoch would take if nothing
but its multiplications and additions cost time, at the rate at which this machine multiplies large float32 matrices.
The result is printed and written to `models/benchmark.json`.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from fmnist.paths import MODELS
from tools.measure import common
from tools.measure.workers import START, Worker, WorkerError, serve

VARIANTS = ("tutorial", "chapter")
# How many times faster than the tutorials chapter 01 is meant to be on two CPU cores.
TARGETS = {("pytorch", "dense"): 8, ("pytorch", "cnn"): 2.5, ("keras", "dense"): 1.5, ("keras", "cnn"): 1.2}
# Six rounds, the first one included, take about ten minutes on two cores.
ROUNDS = 5

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


def measure(workers: Mapping[str, Worker], rounds: int) -> tuple[Epochs, dict[str, float]]:
    """Let the trainings take turns, 1 + `rounds` epochs each; return all epochs and {framework: best GFLOP/s}."""
    epochs = {(f, n, v): [] for n in common.NETWORKS for v in VARIANTS for f in workers}
    rates = dict.fromkeys(workers, 0.0)
    for number in range(rounds + 1):
        print("First epochs" if number == 0 else f"Round {number} of {rounds}", flush=True)
        for framework, worker in workers.items():
            rates[framework] = max(rates[framework], worker.ask("multiply")["gflops"])
            best = f"matrix products: at best {rates[framework]:.0f} GFLOP/s so far"
            print(f"  {common.display(framework):8}{best}", flush=True)
        for (framework, network, variant), done in epochs.items():
            done.append(workers[framework].ask("epoch", network=network, variant=variant))
            label = f"{common.display(framework):8}{common.display(network):6}{variant:9}"
            print(f"  {label}{done[-1]['seconds']:8.2f} s   loss {done[-1]['loss']:.3f}", flush=True)
    return epochs, rates


def summarise(
    measured: Epochs, rates: Mapping[str, float], parameters: Mapping[str, Mapping[str, int]], images: int
) -> list[dict[str, Any]]:
    """Return the rows of the record, one for each framework and network; times in seconds per epoch.

    `measured` and `rates` are what `measure` returns, `parameters` maps framework and network to the number of
    parameters, and `images` is the number of training images.
    """
    rows = []
    for (framework, network), target in TARGETS.items():
        row = {"framework": framework, "network": network, "parameters": parameters[framework][network]}
        for variant in VARIANTS:
            epochs = measured[framework, network, variant]
            first, *steady = [round(epoch["seconds"], 4) for epoch in epochs]
            middle = statistics.median(steady)
            times = {"first": first, "median": middle, "min": min(steady), "max": max(steady), "epochs": steady}
            row[variant] = times | {"losses": [round(epoch["loss"], 4) for epoch in epochs]}
        flops = FLOPS[network]()
        floor = flops * images / (max(rates.values()) * 1e9)
        times_faster = row["tutorial"]["median"] / row["chapter"]["median"]
        row |= {"times_faster": times_faster, "target": target, "reached": times_faster >= target}
        row |= {"flops_per_image": flops, "floor_seconds": floor}
        row |= {f"{variant}_times_floor": row[variant]["median"] / floor for variant in VARIANTS}
        rows.append(row)
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows of the record as plain text: seconds per epoch, the median and in brackets the range."""
    lines = [["", "", "tutorial, s", "chapter 01, s", "faster", "target", "first, s", "floor, s", "times the floor"]]
    for row in rows:
        old, new = row["tutorial"], row["chapter"]
        line = [common.display(row["framework"]), common.display(row["network"])]
        line += [common.median_with_range(times, 2) for times in (old, new)]
        line += [f"{row['times_faster']:.1f}x", f"{row['target']:g}x {'reached' if row['reached'] else 'missed'}"]
        line += [f"{old['first']:.2f}, {new['first']:.2f}", f"{row['floor_seconds']:.3f}"]
        line += [f"{row['tutorial_times_floor']:.1f}, {row['chapter_times_floor']:.1f}"]
        lines.append(line)
    return common.table_text(lines)


def run(options: argparse.Namespace) -> None:
    """Measure, print the table and write the record; raise WorkerError if a framework fails."""
    with Worker("pytorch", options.images) as pytorch, Worker("keras", options.images) as keras:
        workers = {"pytorch": pytorch, "keras": keras}
        about = {framework: worker.ask("describe") for framework, worker in workers.items()}
        images, _ = (worker.ask("prepare")["images"] for worker in workers.values())
        epochs, rates = measure(workers, options.rounds)
    parameters = {framework: known["parameters"] for framework, known in about.items()}
    record = {
        "machine": common.machine({framework: known["threads"] for framework, known in about.items()}),
        "versions": common.versions(*workers),
        "settings": {framework: known["settings"] for framework, known in about.items()},
        "matmul_gflops": rates,
        "images": images,
        "rounds": options.rounds,
        "targets": [{"framework": f, "network": n, "times_faster": target} for (f, n), target in TARGETS.items()],
        "rows": summarise(epochs, rates, parameters, images),
    }
    print(f"\nSeconds per epoch of {images:,} images; median (range) of {options.rounds} after the first; the floor is")
    print(f"set by {max(rates.values()):.0f} GFLOP/s in float32 matrix products. Pairs: tutorial, chapter 01.\n")
    print(table(record["rows"]))
    common.write_record(options.output, record)


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; `output` is None where nothing is to be recorded."""
    helps = (
        "epochs of each training after the first one",
        "train on fewer images, for a quick look (default: all 54,000)",
    )
    return common.read_options(arguments, __doc__, MODELS / "benchmark.json", ROUNDS, helps, choices=START)


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the process that asks, or one that answers; return the exit code."""
    options = read_options(arguments)
    if options.worker:
        return common.exit_code(lambda: serve(options.worker, options.images), WorkerError)
    return common.exit_code(lambda: run(options), WorkerError)


if __name__ == "__main__":
    sys.exit(main())
