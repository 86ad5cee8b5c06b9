"""What a fresh process measures for `costs.py`: one network of chapter 01 in one framework.

Everything but NumPy is imported where it is needed: what is loaded before the framework would not be counted as a part
of its import (see `common.py`).
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# How a network is called: "call" is eager in both frameworks, and "function" is compiled (tf.function, torch.compile).
WAYS = {"keras": ("predict", "call", "function"), "pytorch": ("call", "function")}
TRAINING = ("eager", "compiled")
CALLS = {1: 100, 1000: 15}  # images in a call: calls that are timed
QUICK_CALLS = {1: 10, 1000: 3}  # the same for a quick look
WARM_UP = 3  # calls that come first and are not timed: tracing, memory, caches

Latencies = dict[int, dict[str, float]]


def serve(framework: str, network: str, count: int | None) -> None:
    """Measure, print the result as one line of JSON, and send everything else that is printed to standard error.

    `count` is the number of training images, None for all.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    costs = {"keras": keras_costs, "pytorch": pytorch_costs}[framework]
    found = costs(network, count, CALLS if count is None else QUICK_CALLS)
    found["start_to_first_epoch_seconds"] = found["import_seconds"] + found["first_epoch_seconds"]
    print(json.dumps(found), file=answers, flush=True)


def keras_costs(network: str, count: int | None, calls: Mapping[int, int]) -> dict[str, Any]:
    """Measure one network in Keras on TensorFlow, in this process; seconds, milliseconds and MB."""
    start = time.perf_counter()
    import keras  # noqa: F401
    import tensorflow as tf  # Keras has loaded it: this only gives it a name

    tf.config.set_visible_devices([], "GPU")  # those that the environment does not hide, such as a Mac's
    tf.zeros(1)  # the devices are looked for when the first tensor is made
    found = {"import_seconds": time.perf_counter() - start, "memory_after_import_mb": memory_mb()}

    from tools.measure import chapter_01, common

    found["threads"] = common.keras_threads()
    images, labels = _training_images(count)
    images = images[..., np.newaxis]
    chapter = chapter_01.from_notebook("keras")

    start = time.perf_counter()
    model = chapter.networks[network]()
    chapter_01.keras_compile(model, chapter.steps(len(images)), chapter.learning_rate)
    epoch = chapter_01.keras_training(model, images, labels, chapter.batch_size)
    epoch()
    found["first_epoch_seconds"] = time.perf_counter() - start
    found["epoch_seconds"] = [epoch()[0] for _ in range(2)]
    found["peak_memory_mb"] = memory_mb(peak=True)

    # With the number of images left open, one trace serves every call.
    shape = [tf.TensorSpec((None, *images.shape[1:]), tf.float32)]
    function = tf.function(lambda batch: model(batch, training=False), input_signature=shape)
    answers = {
        "predict": lambda batch: model.predict(batch, batch_size=1000, verbose=0),
        "call": lambda batch: model(batch, training=False).numpy(),
        "function": lambda batch: function(batch).numpy(),
    }
    found["latency_ms"] = {way: latencies(answers[way], images, calls) for way in WAYS["keras"]}

    # `fit` has trained a compiled step. The same without compilation:
    eager = chapter.networks[network]()
    chapter_01.keras_compile(eager, chapter.steps(len(images)), chapter.learning_rate)
    eager.run_eagerly, eager.steps_per_execution = True, 1
    few = chapter.batch_size * 10  # make what is made once, such as the variables of Adam
    chapter_01.keras_training(eager, images[:few], labels[:few], chapter.batch_size)()
    slow = chapter_01.keras_training(eager, images, labels, chapter.batch_size)
    return found | {
        "images": len(images),
        "ways_of_training": {"eager": slow()[0], "compiled": found["epoch_seconds"][-1]},
    }


def pytorch_costs(network: str, count: int | None, calls: Mapping[int, int]) -> dict[str, Any]:
    """Measure one network in PyTorch; returns the same as `keras_costs`."""
    start = time.perf_counter()
    import torch

    torch.zeros(1)
    found = {"import_seconds": time.perf_counter() - start, "memory_after_import_mb": memory_mb()}

    from tools.measure import chapter_01

    found["threads"] = torch.get_num_threads()
    images, labels = _training_images(count)
    images, targets = images[:, np.newaxis], torch.from_numpy(labels.astype(np.int64))
    inputs = torch.from_numpy(images)
    chapter = chapter_01.from_notebook("pytorch")

    start = time.perf_counter()
    module = chapter.networks[network]()
    epoch = chapter_01.pytorch_training(chapter, module, inputs, targets)
    epoch()
    found["first_epoch_seconds"] = time.perf_counter() - start
    found["epoch_seconds"] = [epoch()[0] for _ in range(2)]
    found["peak_memory_mb"] = memory_mb(peak=True)

    module.eval()
    with torch.inference_mode():
        found["latency_ms"] = {"call": latencies(lambda batch: module(torch.from_numpy(batch)).numpy(), images, calls)}
    found["images"] = len(images)
    found["ways_of_training"] = {"eager": found["epoch_seconds"][-1]}
    if has_compiler():
        compiled = torch.compile(module)
        with torch.inference_mode():
            found["latency_ms"]["function"] = latencies(
                lambda batch: compiled(torch.from_numpy(batch)).numpy(), images, calls
            )
        fast = torch.compile(chapter.networks[network]())
        epoch = chapter_01.pytorch_training(chapter, fast, inputs, targets)
        epoch()  # compiles
        found["ways_of_training"]["compiled"] = epoch()[0]
    return found


def has_compiler() -> bool:
    """Return whether there is a C++ compiler, which torch.compile needs on the CPU."""
    return any(map(shutil.which, (os.environ.get("CXX") or "g++", "clang++", "cl")))


def _training_images(count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the first `count` training images (all for None; float32 N x 28 x 28 in 0...1) and their labels."""
    from tools.measure import chapter_01

    images, labels, _ = chapter_01.load_parts("train", count=count)["train"]
    return chapter_01.scaled(images), labels


def memory_mb(peak: bool = False) -> float:
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


def latencies(answer: Callable[[np.ndarray], np.ndarray], images: np.ndarray, calls: Mapping[int, int]) -> Latencies:
    """Return {images in a call: {"p10", "median", "p90"}} in milliseconds.

    `answer` takes a float32 array and returns the logits as an array; each call takes the first of `images`, over again
    where there are too few; `calls` is {images in a call: calls that are timed}. Raises TypeError when an answer is not
    an array of N x 10.
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
