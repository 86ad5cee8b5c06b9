"""The processes of the benchmark, and how the benchmark speaks with them.

TensorFlow and PyTorch do not share one process well, and what `clean_start` sets before TensorFlow is imported cannot
be taken back: Keras has a process as chapter 01 starts it, and one as most tutorials do. Requests and answers are lines
of JSON on standard input and output: {"do": "describe" | "prepare" | "multiply" | "epoch" | "race" | "lap", ...}. A
race is a training until an accuracy is reached, and a lap one of its epochs (`time_to_accuracy`).
"""

import contextlib
import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fmnist.keras_start import clean_start
from fmnist.paths import ROOT
from tools.measure import chapter_01, common, time_to_accuracy, tutorial
from tools.measure.chapter_01 import Chapter01, Epoch

MATRIX = 2048  # rows and columns: large enough that starting the product costs nothing beside it
PRODUCTS = 5  # products timed by each framework in each round
SEED = 42

# {(network, variant): its timed epoch}
Trainings = dict[tuple[str, str], Epoch]


class Framework(NamedTuple):
    """A framework that has been started.

    `about` is what "describe" answers, `multiply` makes one product of MATRIX x MATRIX in float32, and `trainings`
    maps (network, variant) to a training, from what `chapter_01.load_parts` returns for the training images.
    """

    about: dict[str, Any]
    multiply: Callable[[], object]
    trainings: Callable[[np.ndarray, np.ndarray, np.ndarray], Trainings]


def start_pytorch() -> Framework:
    """Start PyTorch, which trains in all the ways that are measured."""
    import torch

    torch.manual_seed(SEED)
    chapter = chapter_01.from_notebook("pytorch")
    networks = {name: chapter.networks[name]() for name in common.NETWORKS}
    about = {
        "settings": chapter.settings(),
        "threads": torch.get_num_threads(),
        "onednn": "on" if torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled else "off",
        "parameters": {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()},
    }
    a, b = torch.rand(2, MATRIX, MATRIX)

    def trainings(images: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> Trainings:
        loader = tutorial.pytorch_loader(rows)
        inputs = torch.from_numpy(chapter_01.scaled(images)).unsqueeze(1)
        targets = torch.from_numpy(labels.astype(np.int64))
        found = {}
        for name, network in networks.items():
            usual, pool_first = (chapter_01.pytorch_stack(chapter, name, pool_first=first) for first in (False, True))
            found[name, "tutorial"] = tutorial.pytorch_training(usual, loader)
            found[name, "chapter"] = chapter_01.pytorch_training(chapter, network, inputs, targets)
            found[name, "faster"] = chapter_01.pytorch_training(chapter, pool_first, inputs, targets, fused=True)
        another = chapter_01.pytorch_training(chapter, chapter.networks["dense"](), inputs, targets)
        return found | {("dense", "one_thread"): on_one_thread(another)}

    return Framework(about, lambda: a @ b, trainings)


def on_one_thread(epoch: Epoch) -> Epoch:
    """Return the same epoch of PyTorch, but with one thread; afterwards there are as many as before."""
    import torch

    def alone() -> tuple[float, float]:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return epoch()
        finally:
            torch.set_num_threads(threads)

    return alone


def start_keras() -> Framework:
    """Start Keras on TensorFlow as chapter 01 does, to train as it does."""

    def trainings(chapter: Chapter01, images: np.ndarray, labels: np.ndarray) -> Trainings:
        images, found = chapter_01.scaled(images), {}
        for name in common.NETWORKS:
            network = chapter.networks[name]()
            chapter_01.keras_compile(network, chapter.steps(len(images)), chapter.learning_rate)
            found[name, "chapter"] = chapter_01.keras_training(network, images, labels, chapter.batch_size)
        return found

    return _start_keras(clean_start(), trainings)


def start_keras_plain() -> Framework:
    """Start Keras on TensorFlow as most tutorials do, to train as they do."""

    def trainings(chapter: Chapter01, images: np.ndarray, labels: np.ndarray) -> Trainings:
        images, found = images / 255.0, {}
        for name in common.NETWORKS:
            network = tutorial.keras_network(chapter, name)
            found[name, "tutorial"] = chapter_01.keras_training(network, images, labels, tutorial.BATCH_SIZE["keras"])
        return found

    return _start_keras(tutorial.keras_start(), trainings)


def _start_keras(
    start: contextlib.AbstractContextManager, trainings: Callable[[Chapter01, np.ndarray, np.ndarray], Trainings]
) -> Framework:
    """Import Keras within `start`; `trainings` gets chapter 01, N x 28 x 28 x 1 images and N labels."""
    with start:
        import keras
        import tensorflow as tf

        tf.zeros(1)  # the devices are looked for, and reported, when the first tensor is made
    keras.utils.set_random_seed(SEED)
    chapter = chapter_01.from_notebook("keras")
    about = {
        "settings": chapter.settings(),
        "threads": common.keras_threads(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "TensorFlow's choice"),
        "parameters": {name: chapter.networks[name]().count_params() for name in common.NETWORKS},
    }
    a, b = tf.unstack(tf.random.uniform((2, MATRIX, MATRIX)))
    return Framework(
        about,
        lambda: tf.matmul(a, b).numpy(),
        lambda images, labels, _: trainings(chapter, images[..., np.newaxis], labels),
    )


START = {"pytorch": start_pytorch, "keras": start_keras, "keras_plain": start_keras_plain}


def label(process: str) -> str:
    """Return how a process is called in what is printed, such as "Keras" or "Keras (plain)"."""
    framework, _, way = process.partition("_")
    return common.display(framework) + (f" ({way})" if way else "")


def gflops(multiply: Callable[[], object]) -> float:
    """Return the best rate, in 10^9 operations a second, of `multiply`, which makes one product of MATRIX x MATRIX."""
    multiply()
    seconds = []
    for _ in range(PRODUCTS):
        start = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - start)
    return 2 * MATRIX**3 / min(seconds) / 1e9


def serve(process: str, count: int | None) -> None:
    """Be a worker: answer the requests that come in on standard input, a line of JSON each, until it is closed.

    `count` is the number of training images, None for all. An exception is the last answer, as {"error": traceback}.
    """
    # Ctrl-C reaches every process of the terminal; the one that asks ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A framework that prints must not disturb the answers: what is printed goes to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # A crash inside compiled code is reported even while standard error is held back.
    faulthandler.enable(os.fdopen(os.dup(2), "w"))

    def reply(**answer: Any) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        started, epochs, races, parts = START[process](), {}, {}, {}
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "describe":
                reply(**started.about)
            elif request["do"] == "prepare":
                images, labels, rows = chapter_01.load_parts("train", count=count)["train"]
                epochs = started.trainings(images, labels, rows)
                reply(images=len(images))
            elif request["do"] == "multiply":
                reply(gflops=gflops(started.multiply))
            elif request["do"] == "race":
                parts = parts or chapter_01.load_parts("train", "validation", count=count)
                races[request["way"]] = time_to_accuracy.RACE[process](request["way"], request["seed"], parts)
                reply(epochs=races[request["way"]][2])
            elif request["do"] == "lap":
                epoch, accuracy, _ = races[request["way"]]
                reply(seconds=epoch()[0], accuracy=accuracy())
            else:
                seconds, loss = epochs[request["network"], request["variant"]]()
                reply(seconds=seconds, loss=loss)
    except Exception:
        reply(error=traceback.format_exc())


class WorkerError(RuntimeError):
    """A worker failed; the text holds its traceback, or says how it ended."""


class Worker(contextlib.AbstractContextManager):
    """One of the processes, seen from the one that asks. Used in a `with` block, at whose end it is gone.

    `process` is a key of START; `count` is the number of training images, None for all.
    """

    def __init__(self, process: str, count: int | None = None):
        self.label = label(process)
        images = [] if count is None else ["--images", count]
        # The comparison and its floor are about the processor, so that a GPU is hidden. Nothing says how OpenMP's
        # threads wait (OMP_WAIT_POLICY): by themselves they look for work for some milliseconds and then sleep, so that
        # a process whose turn it is not takes no core. With PASSIVE they sleep at once, and the many short waits within
        # an epoch of PyTorch's dense network take longer: 1.2 s an epoch instead of 0.8 s on two cores.
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
        self.process = subprocess.Popen(
            common.worker_command("benchmark", "--worker", process, *images),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=ROOT, encoding="utf-8",
        )  # fmt: skip

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.communicate()

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Send a request, wait for its answer and return it as a dictionary; raise WorkerError if it failed."""
        try:
            print(json.dumps({"do": do} | details), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"The {self.label} process ended with exit code {self.process.wait()}.")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"The {self.label} process failed:\n\n{answer['error']}")
        return answer
