"""What does each framework cost besides accuracy: seconds of waiting, milliseconds an answer, memory, space on disk?

    python tools/costs.py [--rounds N] [--images N] [--output PATH | --no-record]

In each round four fresh processes work one after the other: either network of chapter 01 in either framework. Each
imports its framework, trains for three epochs on the 54,000 training images in the way of chapter 01 ("chapter" in
`tools/benchmark.py`, whose functions it calls), answers one image and 1,000 images many times, and reports in a line of
JSON. Both frameworks work on the CPU with as many threads as they choose by themselves. Of several rounds the medians
are compared: the first process of the first round finds little of its framework in the computer's file cache, and a
machine has faster and slower minutes. The result is printed and written to `models/costs.json`.
"""

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import measuring
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# The package is found without being installed, as the notebooks find it.
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion.paths import MODELS  # noqa: E402

# All else is imported where it is needed. `benchmark` and `fashion.records` bring pandas, SciPy and scikit-learn, which
# `import keras` loads too where they are installed: with them there already, Keras would seem to start faster.

FRAMEWORKS = {"keras": ("tensorflow", "keras"), "pytorch": ("torch", "torchvision")}
NETWORKS = ("dense", "cnn")
WAYS = {"keras": ("predict", "call", "function"), "pytorch": ("call",)}
CALLS = {1: 100, 1000: 15}  # images in a call: calls that are timed
QUICK_CALLS = {1: 10, 1000: 3}  # the same for a quick look
WARM_UP = 3  # calls that come first and are not timed: tracing, memory, caches
ROUNDS = 5  # ten to sixteen minutes on two cores
SECONDS = ("import_seconds", "first_epoch_seconds", "start_to_first_epoch_seconds", "epoch_seconds")
MEGABYTES = ("memory_after_import_mb", "peak_memory_mb")
SURROUNDINGS = {
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",  # hides the graphics cards from both frameworks
    "TF_CPP_MIN_LOG_LEVEL": "2",  # errors only: what is written is shown if the process fails
    "PYTHONFAULTHANDLER": "1",  # a crash in compiled code says where it was
}


class ProcessError(RuntimeError):
    """A process that measures has failed; the text names its framework and network and holds what it wrote."""


def label(framework, network):
    """Return how a framework and a network are called in what is printed."""
    from fashion.records import DISPLAY

    return f"{DISPLAY[framework]} {DISPLAY[network]}"


def memory_mb(peak=False):
    """Return the memory of this process that is in RAM now, or the most that ever was; MB, of 10^6 bytes."""
    import psutil

    now = psutil.Process().memory_info()
    if not peak:
        return now.rss / 1e6
    if sys.platform == "win32":
        return now.peak_wset / 1e6
    import resource

    # Linux counts in units of 1,024 bytes, macOS in bytes. Linux starts from the peak of the process that started this
    # one, which does no harm: that one holds no framework and no images.
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest * (1 if sys.platform == "darwin" else 1024) / 1e6


def arrays(count):
    """Return the first `count` training images (all for None; float32 in 0...1, N x 28 x 28) and their labels."""
    import benchmark

    images, labels, _ = benchmark.training_images(count)
    scaled = images.astype(np.float32)
    scaled /= 255  # in place: a second copy would be the peak of the memory, and hide that of the framework
    return scaled, labels


def latencies(answer, images, calls):
    """Return {images in a call: {"p10", "median", "p90"}} in milliseconds.

    `answer` takes a float32 array and returns the logits as an array; each call takes the first of `images`, over again
    where there are too few; `calls` is {images in a call: calls that are timed}.
    """
    found = {}
    for count, times in calls.items():
        batch = images[np.arange(count) % len(images)]
        for _ in range(WARM_UP):
            logits = answer(batch)
        if not isinstance(logits, np.ndarray) or logits.shape != (count, 10):
            raise TypeError(f"An array of {count} x 10 logits was expected.")
        milliseconds = []
        for _ in range(times):
            start = time.perf_counter()
            answer(batch)
            milliseconds.append((time.perf_counter() - start) * 1000)
        p10, median, p90 = np.percentile(milliseconds, [10, 50, 90]).tolist()
        found[count] = {"p10": p10, "median": median, "p90": p90}
    return found


def keras_costs(network, count, calls):
    """Measure one network in Keras on TensorFlow, in this process; seconds, milliseconds and MB."""
    start = time.perf_counter()
    import keras  # noqa: F401
    import tensorflow as tf  # Keras has loaded it: this only gives it a name

    tf.config.set_visible_devices([], "GPU")  # those that the environment does not hide, such as a Mac's
    tf.zeros(1)  # the devices are looked for when the first tensor is made
    found = {"import_seconds": time.perf_counter() - start, "memory_after_import_mb": memory_mb()}

    import benchmark

    found["threads"] = tf.config.threading.get_intra_op_parallelism_threads() or benchmark.usable_cpus()
    images, labels = arrays(count)
    if network == "cnn":
        images = images[..., np.newaxis]

    start = time.perf_counter()
    model = benchmark.keras_network(network, "chapter", len(images))
    epoch = benchmark.keras_training(model, images, labels)
    epoch()
    found["first_epoch_seconds"] = time.perf_counter() - start
    found["epoch_seconds"] = [epoch()[0] for _ in range(2)]

    # With the number of images left open, one trace serves every call.
    shape = [tf.TensorSpec((None, *images.shape[1:]), tf.float32)]
    function = tf.function(lambda batch: model(batch, training=False), input_signature=shape)
    answers = {
        "predict": lambda batch: model.predict(batch, batch_size=1000, verbose=0),
        "call": lambda batch: model(batch, training=False).numpy(),
        "function": lambda batch: function(batch).numpy(),
    }
    found["latency_ms"] = {way: latencies(answers[way], images, calls) for way in WAYS["keras"]}
    return found | {"peak_memory_mb": memory_mb(peak=True), "images": len(images)}


def pytorch_costs(network, count, calls):
    """Measure one network in PyTorch; returns the same as `keras_costs`."""
    start = time.perf_counter()
    import torch

    torch.zeros(1)
    found = {"import_seconds": time.perf_counter() - start, "memory_after_import_mb": memory_mb()}

    import benchmark

    found["threads"] = torch.get_num_threads()
    images, labels = arrays(count)
    images, targets = images[:, np.newaxis], torch.from_numpy(labels.astype(np.int64))
    inputs = torch.from_numpy(images)

    start = time.perf_counter()
    module = benchmark.pytorch_network(network, "chapter")
    epoch = benchmark.pytorch_chapter(module, inputs, targets)
    epoch()
    found["first_epoch_seconds"] = time.perf_counter() - start
    found["epoch_seconds"] = [epoch()[0] for _ in range(2)]

    module.eval()
    with torch.inference_mode():
        answers = {"call": lambda batch: module(torch.from_numpy(batch)).numpy()}
        found["latency_ms"] = {way: latencies(answers[way], images, calls) for way in WAYS["pytorch"]}
    return found | {"peak_memory_mb": memory_mb(peak=True), "images": len(images)}


def serve(framework, network, count):
    """Be a process that measures: print the result as one line of JSON and everything else to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    costs = {"keras": keras_costs, "pytorch": pytorch_costs}[framework]
    found = costs(network, count, CALLS if count is None else QUICK_CALLS)
    found["start_to_first_epoch_seconds"] = found["import_seconds"] + found["first_epoch_seconds"]
    print(json.dumps(found), file=answers, flush=True)


def measured(framework, network, count=None):
    """Return what a fresh process measures, as a dictionary; raise ProcessError if it fails."""
    command = [sys.executable, str(Path(__file__).resolve()), "--worker", framework, network]
    command += [] if count is None else ["--images", str(count)]
    options = {"encoding": "utf-8", "errors": "replace", "env": os.environ | SURROUNDINGS}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        answer, said = process.communicate()
    finally:
        # After Ctrl-C it is gone before this one says so; a process that has ended is left alone.
        process.kill()
        process.wait()
    if process.returncode or not answer:
        end = f"The process of {label(framework, network)} ended with exit code {process.returncode}"
        raise ProcessError(f"{end}; nothing was recorded. It wrote:\n\n{said.strip() or '(nothing)'}")
    return json.loads(answer)


def closure(names):
    """Return the set of the distributions `names` and everything that they require, as far as it is installed.

    An extra counts where a requirement names it: most of CUDA is an extra of a package that PyTorch requires.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found, todo = set(), {(name, "") for name in names}
    while todo:
        name, extra = todo.pop()
        with contextlib.suppress(metadata.PackageNotFoundError):
            required = map(Requirement, metadata.requires(name) or [])
            found.add((name, extra))
            for each in required:
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    todo |= {(canonicalize_name(each.name), wanted) for wanted in ("", *each.extras)} - found
    return {name for name, _ in found}


def own_packages():
    """Return {framework: set of the distributions that are installed for its sake alone}.

    What both need, such as NumPy, and what other lines of requirements.txt bring anyhow, is left out.
    """
    from packaging.requirements import Requirement

    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    direct = {Requirement(line).name for line in lines if line and line[0] not in "#-"}
    needed = {framework: closure(names) for framework, names in FRAMEWORKS.items()}
    left_out = set.intersection(*needed.values()) | closure(direct.difference(*FRAMEWORKS.values()))
    return {framework: names - left_out for framework, names in needed.items()}


def size_mb(name):
    """Return the size of a distribution's files, in MB (10^6 bytes)."""
    size = 0
    for file in metadata.files(name) or []:
        with contextlib.suppress(FileNotFoundError):  # such as a compiled file that has been cleared away
            size += Path(file.locate()).stat().st_size
    return size / 1e6


def installed():
    """Return {framework: {"total_mb", "cuda_mb", "largest": {name: MB} of five packages}}."""
    found = {}
    for framework, names in own_packages().items():
        sizes = {name: size_mb(name) for name in names}
        # Triton compiles programs for graphics cards.
        cuda = [size for name, size in sizes.items() if name.startswith(("nvidia", "cuda")) or name == "triton"]
        largest = {name: round(sizes[name], 1) for name in sorted(sizes, key=sizes.get, reverse=True)[:5]}
        totals = {"total_mb": round(sum(sizes.values()), 1), "cuda_mb": round(sum(cuda), 1)}
        found[framework] = totals | {"largest": largest}
    return found


def spread(values, digits):
    """Return {"median", "min", "max", "values"}, rounded to so many decimals."""
    values = [round(value, digits) for value in values]
    median = round(statistics.median(values), digits)
    return {"median": median, "min": min(values), "max": max(values), "values": values}


def summarise(answers):
    """Return the rows of the record from {(framework, network): [what `measured` returned, for each round]}.

    Latencies are medians of a process; beside their spread over the processes stand the lists of the tenth and the
    ninetieth percentile in each process.
    """
    rows = []
    for (framework, network), found in answers.items():
        row = {"framework": framework, "network": network}
        for quantity in SECONDS + MEGABYTES:
            # Two epochs of each process count, of everything else there is one number.
            values = np.ravel([process[quantity] for process in found]).tolist()
            row[quantity] = spread(values, 3 if quantity in SECONDS else 1)
        row["latency_ms"] = {way: {} for way in WAYS[framework]}
        for way, times in row["latency_ms"].items():
            for images in map(str, CALLS):
                calls = [process["latency_ms"][way][images] for process in found]
                tails = {tail: [round(call[tail], 3) for call in calls] for tail in ("p10", "p90")}
                times[images] = spread([call["median"] for call in calls], 3) | tails
        rows.append(row)
    return rows


def table(rows):
    """Return the rows as plain text, a column each: the median and in brackets the range."""
    lines = [["", *(label(row["framework"], row["network"]) for row in rows)]]
    for name in SECONDS + MEGABYTES:
        unit, decimals = ("s", 2) if name in SECONDS else ("MB", 0)
        title = f"{name.rsplit('_', 1)[0].replace('_', ' ')}, {unit}"
        lines.append([title, *(cell(row[name], decimals) for row in rows)])
    for images, title in (("1", "1 image"), ("1000", "1,000 images")):
        for way in WAYS["keras"]:
            found = [row["latency_ms"].get(way, {}).get(images) for row in rows]
            lines.append([f"{title}, {way}, ms", *(cell(times, 2) for times in found)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def cell(found, decimals):
    """Return what `spread` returned as text, nothing for None."""
    if found is None:
        return ""
    median, low, high = (f"{found[key]:.{decimals}f}" for key in ("median", "min", "max"))
    return f"{median} ({low}-{high})"


def run(options):
    """Measure, print the table and write the record."""
    import benchmark

    disk = installed()
    answers = {(framework, network): [] for network in NETWORKS for framework in FRAMEWORKS}
    for number in range(options.rounds):
        print(f"Round {number + 1} of {options.rounds}", flush=True)
        for network in NETWORKS:
            # Whoever comes second may find the machine warmer, or busier.
            for framework in list(FRAMEWORKS)[:: 1 if number % 2 == 0 else -1]:
                found = measured(framework, network, options.images)
                answers[framework, network].append(found)
                waited, peak = found["start_to_first_epoch_seconds"], found["peak_memory_mb"]
                text = f"first epoch ended after {waited:6.2f} s, at most {peak:,.0f} MB"
                print(f"  {label(framework, network):14}{text}", flush=True)

    last = {framework: answers[framework, NETWORKS[-1]][-1] for framework in FRAMEWORKS}
    packages = dict.fromkeys(name for framework in FRAMEWORKS for name in benchmark.PACKAGES[framework])
    record = {
        "machine": {
            "platform": f"{platform.system()} {platform.machine()}",
            "cpu": benchmark.cpu_model(),
            "cpu_count": os.cpu_count(),
            "threads": {framework: found["threads"] for framework, found in last.items()},
        },
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in packages},
        "images": last["keras"]["images"],
        "rounds": options.rounds,
        "installed": disk,
        "rows": summarise(answers),
    }
    print(f"\n{record['images']:,} training images; median (range) of {options.rounds} processes\n")
    print(table(record["rows"]))
    for framework, known in disk.items():
        total, cuda = (f"{known[key]:,.0f} MB" for key in ("total_mb", "cuda_mb"))
        largest = ", ".join(f"{name} {size:,.0f}" for name, size in known["largest"].items())
        print(f"\n{benchmark.DISPLAY[framework]} on disk: {total}, of which CUDA {cuda}\n  largest, in MB: {largest}")
    if options.output:
        with benchmark.replacing(options.output) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
        print(f"\nWritten: {options.output}")


def read_options(arguments=None):
    """Return the options of the command line; `output` is None where nothing is to be recorded."""
    helps = (
        "processes for each framework and network",
        "a quick look: so few images, and few calls (default: all 54,000)",
    )
    return measuring.read_options(arguments, __doc__, MODELS / "costs.json", ROUNDS, helps, nargs=2)


def main(arguments=None):
    """Be the process that asks, or one that measures; return the exit code."""
    options = read_options(arguments)
    if options.worker:
        return measuring.exit_code(lambda: serve(*options.worker, options.images), ProcessError)
    return measuring.exit_code(lambda: run(options), ProcessError)


if __name__ == "__main__":
    sys.exit(main())
