"""After how many seconds of training does the validation accuracy first reach 91.5%? A part of the benchmark.

Three ways are compared in both frameworks:

- "tutorial": chapter 01's CNN, trained as most tutorials do it (`tutorial.py`);
- "chapter": the same CNN, trained as chapter 01 does it (`chapter_01.py`);
- "residual": chapter 06's recipe (`chapter_06.py`) as its ablation has it, with half the width and five epochs.

The trainings of one seed take turns, an epoch each, until each has reached the accuracy or is at its end. Only one runs
at a time. The seconds are those of the training alone, with what happens once in its first epoch; the validation after
each epoch does not count. The learning rate of two of the ways falls to 0 at their end, and so depends on how many
epochs were planned. That is part of a way. A seed takes about 20 minutes on two cores and is kept when it is complete.
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fmnist import taught
from fmnist.chapters import FRAMEWORKS
from tools import stamp
from tools.measure import ablation_plan, chapter_01, chapter_06, common, resumable, tutorial
from tools.measure.chapter_01 import Chapter01, Epoch

if TYPE_CHECKING:
    from tools.measure.workers import Worker

TARGET = 0.915
SEEDS = (1, 2, 3)
WAYS = ("tutorial", "chapter", "residual")
TITLES = {"tutorial": "usual", "chapter": "chapter 01", "residual": "chapter 06, half width"}
# How many times sooner than the usual way the recipe of chapter 06 is meant to be there.
TARGETS = {"pytorch": 5, "keras": 2}
# More epochs than the usual way needs; it has no end of its own.
MOST_EPOCHS = 25
RESIDUAL = ablation_plan.RECIPE

# {part: (images uint8 N x 28 x 28, labels uint8 N, rows in the published file N)} of "train" and "validation".
Parts = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
# A training: its next epoch, the accuracy (0 to 1) on the validation images, and how many epochs it has.
Race = tuple[Epoch, Callable[[], float], int]
# {(framework, way): a run for each seed}
Runs = dict[tuple[str, str], list[dict[str, Any]]]


def process_of(framework: str, way: str) -> str:
    """Return the process in which a framework trains in one of the ways, a key of `workers.START`."""
    return "keras_plain" if (framework, way) == ("keras", "tutorial") else framework


def pytorch_race(way: str, seed: int, parts: Parts) -> Race:
    """Return a training in PyTorch that begins afresh."""
    import torch

    chapter = chapter_01.from_notebook("pytorch")
    (images, labels, rows), (validation, validation_labels, _) = parts["train"], parts["validation"]
    x, x_validation = (torch.from_numpy(chapter_01.scaled(each)).unsqueeze(1) for each in (images, validation))
    y = torch.from_numpy(labels.astype(np.int64))
    torch.manual_seed(seed)
    epochs = chapter.epochs
    if way == "tutorial":
        network = chapter_01.pytorch_stack(chapter, "cnn", pool_first=False)
        epoch, epochs = tutorial.pytorch_training(network, tutorial.pytorch_loader(rows)), MOST_EPOCHS
        x_validation = (x_validation - 0.5) / 0.5  # as its loader scales the pixels
    elif way == "chapter":
        network = chapter.networks["cnn"]()
        epoch = chapter_01.pytorch_training(chapter, network, x, y)
    else:
        network = chapter_06.network("pytorch", RESIDUAL).to(memory_format=torch.channels_last)
        epoch, epochs = _pytorch_residual(network, x, y), RESIDUAL["epochs"]

    def accuracy() -> float:
        network.eval()
        with torch.inference_mode():
            predictions = torch.cat([network(batch).argmax(dim=1) for batch in x_validation.split(1000)])
        return float((predictions.numpy() == validation_labels).mean())

    return epoch, accuracy, epochs


def _pytorch_residual(network: Any, x: Any, y: Any) -> Epoch:
    import torch

    steps = chapter_06.steps(RESIDUAL, len(x))
    optimizer, schedule = chapter_06.pytorch_optimizer(network, RESIDUAL, steps)

    def epoch() -> tuple[float, float]:
        start = time.perf_counter()
        batches = torch.randperm(len(x)).split(RESIDUAL["batch_size"])
        loss, _ = chapter_06.pytorch_epoch(network, optimizer, schedule, None, RESIDUAL, (x, y), batches)
        return time.perf_counter() - start, loss

    return epoch


def keras_race(way: str, seed: int, parts: Parts) -> Race:
    """Return a training in Keras that begins afresh."""
    import keras

    chapter = chapter_01.from_notebook("keras")
    (images, labels, _), (validation, validation_labels, _) = parts["train"], parts["validation"]
    scale = (lambda pixels: pixels / 255.0) if way == "tutorial" else chapter_01.scaled
    x, x_validation = (scale(each)[..., np.newaxis] for each in (images, validation))
    keras.utils.set_random_seed(seed)
    if way == "residual":
        network = chapter_06.network("keras", RESIDUAL)
        trainer = chapter_06.keras_trainer(network, RESIDUAL, chapter_06.steps(RESIDUAL, len(x)))
        epoch = chapter_01.keras_training(trainer, x, chapter_06.keras_targets(labels), RESIDUAL["batch_size"])
    else:
        network, size = _keras_cnn(way, chapter, len(x))
        epoch = chapter_01.keras_training(network, x, labels, size)

    def accuracy() -> float:
        outputs = network.predict(x_validation, batch_size=1000, verbose=0)
        return float((outputs.argmax(axis=1) == validation_labels).mean())

    return epoch, accuracy, {"tutorial": MOST_EPOCHS, "chapter": chapter.epochs}.get(way, RESIDUAL["epochs"])


def _keras_cnn(way: str, chapter: Chapter01, images: int) -> tuple[Any, int]:
    """Return chapter 01's CNN, compiled, and the size of its batches."""
    if way == "tutorial":
        return tutorial.keras_network(chapter, "cnn"), tutorial.BATCH_SIZE["keras"]
    network = chapter.networks["cnn"]()
    chapter_01.keras_compile(network, chapter.steps(images), chapter.learning_rate)
    return network, chapter.batch_size


RACE = {"keras": keras_race, "keras_plain": keras_race, "pytorch": pytorch_race}


def conditions() -> list[Any]:
    """Return what the kept seeds must have in common with the further ones: the code, the versions, the machine."""
    code = []
    for framework in FRAMEWORKS:
        notebook = chapter_06.notebook(framework)
        code.append(resumable.fingerprint("tools.measure.time_to_accuracy", "RACE", notebook, chapter_06.TAGS))
        code.append(taught.tagged_sources(chapter_01.notebook(framework), "parameters", "model"))
    return [stamp.digest(code), common.versions(*FRAMEWORKS), common.machine({})]


def resume(kept: Path | None) -> Runs:
    """Return the runs of the complete seeds in the file `kept`, if the conditions have not changed since."""
    if kept is None or not kept.exists():
        return {}
    found = json.loads(kept.read_text(encoding="utf-8"))
    return {tuple(row): runs for row, runs in found["runs"]} if found["conditions"] == conditions() else {}


def measure(
    workers: "Mapping[str, Worker]",
    frameworks: Iterable[str],
    seeds: Sequence[int],
    most: int | None,
    kept: Path | None = None,
) -> Runs:
    """Let the trainings of each seed take turns; return {(framework, way): runs}.

    A run has its "seed", the "seconds" of training until the end of each epoch, the "accuracy" after it, and
    "reached", the seconds at which the target was reached, or None. `most` ends each training after so many epochs.
    Complete seeds are written into the file `kept`, and those that it has already are not measured again.
    """
    rows = [(framework, way) for framework in frameworks for way in WAYS]
    found = {row: [] for row in rows} | resume(kept)
    done = {run["seed"] for run in found[rows[0]]}
    for seed in [seed for seed in seeds if seed not in done]:
        print(f"Time to {TARGET:.1%}, seed {seed}", flush=True)
        for row, run in _one_seed(workers, rows, seed, most).items():
            found[row].append(run)
        if kept:
            about = {"conditions": conditions(), "runs": [[row, runs] for row, runs in found.items()]}
            common.write_text(kept, json.dumps(about))
    return found


def _one_seed(
    workers: "Mapping[str, Worker]", rows: Sequence[tuple[str, str]], seed: int, most: int | None
) -> dict[tuple[str, str], dict[str, Any]]:
    left, found = {}, {}
    for row in rows:
        epochs = workers[process_of(*row)].ask("race", way=row[1], seed=seed)["epochs"]
        left[row] = min(epochs, most or epochs)
        found[row] = {"seed": seed, "seconds": [], "accuracy": [], "reached": None}
    while left:
        for framework, way in list(left):
            run = found[framework, way]
            lap = workers[process_of(framework, way)].ask("lap", way=way)
            run["seconds"].append(round(lap["seconds"] + sum(run["seconds"][-1:]), 2))
            run["accuracy"].append(lap["accuracy"])
            if lap["accuracy"] >= TARGET:
                run["reached"] = run["seconds"][-1]
            left[framework, way] -= 1
            if run["reached"] is not None or not left[framework, way]:
                del left[framework, way]
            label = f"{common.display(framework):8}{TITLES[way]:24}"
            print(f"  {label}{run['seconds'][-1]:8.1f} s   accuracy {lap['accuracy']:.4f}", flush=True)
    return found


def summarise(found: Runs) -> dict[str, Any]:
    """Return what is recorded: the median over the seeds of each way, and how many times sooner than the usual way.

    A seed that never got there counts as infinitely late, and a median of that as None.
    """
    rows = []
    for (framework, way), runs in found.items():
        median = statistics.median(math.inf if run["reached"] is None else run["reached"] for run in runs)
        rows.append({"framework": framework, "way": way, "median": median, "runs": runs})
    usual = {row["framework"]: row["median"] for row in rows if row["way"] == "tutorial"}
    for row in rows:
        both = math.isfinite(row["median"]) and math.isfinite(usual[row["framework"]])
        row["times_faster"] = usual[row["framework"]] / row["median"] if both else None
        row["median"] = row["median"] if math.isfinite(row["median"]) else None
        if row["way"] == "residual":
            row["target"] = TARGETS[row["framework"]]
            row["is_target_reached"] = bool(both and row["times_faster"] >= row["target"])
    return {"target": TARGET, "seeds": [run["seed"] for run in rows[0]["runs"]], "rows": rows}


def table(found: Mapping[str, Any]) -> str:
    """Return what is recorded as plain text, a line for each way."""
    lines = [["", "", "s to accuracy", "times sooner", "target"]]
    for row in found["rows"]:
        faster, target = row["times_faster"], row.get("target")
        lines.append([
            common.display(row["framework"]),
            TITLES[row["way"]],
            "never" if row["median"] is None else f"{row['median']:.1f}",
            f"{faster:.1f}x" if faster else "",
            f"{target}x {'reached' if row['is_target_reached'] else 'missed'}" if target else "",
        ])  # fmt: skip
    return common.table_text(lines)
