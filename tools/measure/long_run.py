"""Train chapter 06's residual network for as long as 40 minutes allow.

    python -m tools.measure.long_run [--framework keras|pytorch] [--estimate] [--images N] [--epochs N] [--folder PATH]

PyTorch and Keras train for the same number of epochs, one after the other, each in a process of its own and with as
many threads as it takes by itself, one for each core. So let nothing else work meanwhile. `EPOCHS` are those that fit
into about 40 minutes in PyTorch on two cores; --estimate says how many fit on this machine, from a few timed steps.
Networks and augmentation are taken from the chapter, and `chapter_06` trains them.

For each framework, models/ gets the model, its record, and the probabilities of the validation and of the test images,
averaged over each image and its mirror image. After each epoch the state is kept beside them: stop whenever you like,
and the same command goes on from the last epoch that was complete.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.special import log_softmax, softmax

from fmnist import models, outputs
from fmnist.chapters import FRAMEWORKS
from fmnist.files import atomic_write
from fmnist.paths import ROOT
from fmnist.training import History
from tools import stamp
from tools.measure import ablation_plan, chapter_06, common, resumable
from tools.measure.long_run_training import START, Training
from tools.measure.study_runs import Parts, orders, packed, prepared, scores

NAME = "06_residual_long"
SEED = 42
EPOCHS = 32
MINUTES = 40
SETTINGS = ablation_plan.RECIPE | {"width": 16, "augmentations": ["flip", "erase"], "epochs": EPOCHS}
TIMED_STEPS = 20  # of an estimate


def recipe(framework: str, settings: dict[str, Any], images: int, root: Path = ROOT) -> str:
    """Return a fingerprint of the settings and of the code that trains with them."""
    class_ = START[framework].__name__
    code = resumable.fingerprint(
        "tools.measure.long_run_training", class_, chapter_06.notebook(framework), chapter_06.TAGS, root
    )
    return stamp.digest([code, settings, SEED, images])[:16]


def state_path(framework: str, folder: Path) -> Path:
    """Return where the state after the last complete epoch is kept; git ignores it."""
    return folder / f"{NAME}_{framework}.partial.npz"


def keep(training: Training, history: History, made_with: str, path: Path) -> None:
    """Keep the state of a training, with its curves."""
    about = {"recipe": made_with, "curves": history.curves, "seconds": history.seconds}
    with atomic_write(path) as temporary:
        np.savez(temporary, about=json.dumps(about), **training.state())


def resume(training: Training, history: History, made_with: str, path: Path) -> int:
    """Bring a training to the state that was kept, if it was made with the same recipe; return the epochs done."""
    if not path.exists():
        return 0
    with np.load(path, allow_pickle=False) as kept:
        about = json.loads(str(kept["about"]))
        if about["recipe"] != made_with:
            return 0
        training.restore({name: kept[name] for name in kept.files if name != "about"})
    history.curves, history.seconds = about["curves"], about["seconds"]
    return len(history.seconds)


def probabilities(training: Training, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits of N x 28 x 28 images, N x 10, and their probabilities averaged over the mirror images."""
    logits, mirrored = (training.logits(each) for each in (images, np.ascontiguousarray(images[:, :, ::-1])))
    return logits, (softmax(logits, axis=1) + softmax(mirrored, axis=1)) / 2


def smoothed_loss(logits: np.ndarray, labels: np.ndarray, smoothing: float) -> float:
    """Return the mean cross-entropy of N x 10 logits with smoothed labels, which the training loss has too."""
    logs = log_softmax(logits.astype(np.float64), axis=1)
    true_class = logs[np.arange(len(labels)), labels].mean()
    return float(-(1 - smoothing) * true_class - smoothing * logs.mean())


def train(framework: str, settings: dict[str, Any], parts: Parts, folder: Path) -> tuple[Training, History, float]:
    """Train, or go on with, the network of a framework; return also the seconds that validation took in the median."""
    x, y = parts["train"]
    made_with = recipe(framework, settings, len(x))
    training = START[framework](settings, SEED, x, y)
    history = History(settings["epochs"])
    done = resume(training, history, made_with, state_path(framework, folder))
    if done:
        print(f"{common.display(framework)}: goes on after epoch {done}", flush=True)
    validation_seconds = []
    for order in orders(SEED, len(x), settings["epochs"])[done:]:
        loss, accuracy = training.epoch(order)
        start = time.perf_counter()
        logits, labels = training.logits(parts["validation"][0]), parts["validation"][1]
        validation_seconds.append(time.perf_counter() - start)
        val_loss = smoothed_loss(logits, labels, settings["smoothing"])
        history.add(loss=loss, accuracy=accuracy, val_loss=val_loss, val_accuracy=scores(logits, labels)["accuracy"])
        sys.stdout.flush()
        keep(training, history, made_with, state_path(framework, folder))
    if not validation_seconds:  # it was complete, and stopped before it was recorded
        start = time.perf_counter()
        training.logits(parts["validation"][0])
        validation_seconds.append(time.perf_counter() - start)
    return training, history, float(np.median(validation_seconds))


def work(framework: str, options: argparse.Namespace) -> None:
    """Train in one framework, and write its model, record and probabilities into the folder."""
    from fmnist import records

    settings = SETTINGS | ({"epochs": options.epochs} if options.epochs else {})
    parts = prepared(options.images)
    training, history, validation = train(framework, settings, parts, options.folder)
    found = {part: probabilities(training, parts[part][0]) for part in ("validation", "test")}
    logits, labels = found["test"][0], parts["test"][1]
    augmentation, epoch = training.augmentation_seconds(), float(np.median(history.seconds))
    name = f"{NAME}_{framework}"
    with tempfile.TemporaryDirectory() as aside, patch.dict(os.environ, {outputs.VARIABLE: aside}):
        with models.saving(name) as path:
            training.save(path)
        record = records.write(
            name, parameters=training.parameters(), batch_size=settings["batch_size"], seed=SEED, device="cpu",
            history=history, validation_accuracy=history.curves["val_accuracy"][-1],
            test_loss=scores(logits, labels)["loss"], labels=labels, predictions=logits.argmax(axis=1),
        )  # fmt: skip
        steps = epoch - augmentation - validation
        record["seconds_by_part"] = {
            part: round(seconds, 2)
            for part, seconds in {"steps": steps, "augmentation": augmentation, "validation": validation}.items()
        }
        record |= {"settings": settings, "recipe": recipe(framework, settings, len(parts["train"][0]))}
        record |= {"machine": common.machine({framework: training.threads()})}
        record["test_right"] = packed(logits.argmax(axis=1) == labels)
        folder = Path(aside) / "models"
        common.write_text(folder / f"{name}.json", json.dumps(record, indent=1) + "\n")
        averaged = {part: each.astype(np.float16) for part, (_, each) in found.items()}
        np.savez_compressed(folder / f"{name}.npz", **averaged)
        for file in sorted(folder.iterdir()):
            with atomic_write(options.folder / file.name) as temporary:
                shutil.copyfile(file, temporary)
            print(f"Written: {common.shown_path(options.folder / file.name)}")
    state_path(framework, options.folder).unlink(missing_ok=True)


def estimate(framework: str, options: argparse.Namespace) -> None:
    """Say how long an epoch takes on this machine, and how many fit into the minutes, from a few timed steps."""
    images, labels = prepared(options.images)["train"]
    training = START[framework](SETTINGS, SEED, images, labels)
    rows = orders(SEED, len(images), 1)[0][: TIMED_STEPS * SETTINGS["batch_size"]]
    training.epoch(rows)  # the first steps bring memory and, in Keras, the graph
    start = time.perf_counter()
    training.epoch(rows)
    seconds = (time.perf_counter() - start) * len(images) / len(rows)
    start = time.perf_counter()
    training.logits(images[:6000])
    seconds += time.perf_counter() - start
    print(f"{common.display(framework)}: {seconds:.0f} s an epoch, {60 * MINUTES / seconds:.0f} in {MINUTES} minutes")


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; end the program with exit code 2 when one is wrong."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--framework", choices=FRAMEWORKS, help="only this one (default: PyTorch, then Keras)")
        parser.add_argument("--estimate", action="store_true", help="only say how many epochs fit into 40 minutes")
        parser.add_argument("--worker", choices=FRAMEWORKS, help=argparse.SUPPRESS)

    return common.resumable_options("long_run", __doc__, arguments, more)


def start_workers(options: argparse.Namespace) -> int:
    """Let a process for each framework work, one after the other, and return the exit code."""
    given = {"--images": options.images, "--epochs": options.epochs}
    arguments = [text for name, value in given.items() if value is not None for text in (name, value)]
    arguments += ["--folder", options.folder.resolve(), *(["--estimate"] if options.estimate else [])]
    # The record is about the processor, so a GPU is hidden.
    environment = os.environ | resumable.KEEP_MEMORY | {"CUDA_VISIBLE_DEVICES": "-1"}
    for framework in [options.framework] if options.framework else reversed(FRAMEWORKS):
        command = common.worker_command("long_run", "--worker", framework, *arguments)
        if code := abs(subprocess.call(command, cwd=ROOT, env=environment)):
            return code
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the processes, or be one of them; return the exit code."""
    options = read_options(arguments)
    if not options.worker:
        return common.resumable_exit_code(lambda: start_workers(options))
    act = estimate if options.estimate else work
    return common.resumable_exit_code(lambda: act(options.worker, options))


if __name__ == "__main__":
    sys.exit(main())
