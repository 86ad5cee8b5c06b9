"""Puts the callbacks, the schedules and the resuming of chapter 02 to work, for test_chapter_02.py.

Everything that is tested is taken from the notebook that teaches it: the cells tagged "model" and "taught".
"""

import importlib.util
import json
import math
import tempfile
from pathlib import Path

import numpy as np

from fmnist import taught


def answer(framework: str, question: dict) -> dict:
    """Return what becomes of the rehearsals, the schedules, the log and the resumed trainings of the question."""
    with tempfile.TemporaryDirectory() as folder:
        names = _taught(framework, Path(folder))
        return {
            "rehearsals": [names["rehearse"](**rehearsal) for rehearsal in question["rehearsals"]],
            "rates": {name: names["rates"](names[name], question["steps"]) for name in question["schedules"]},
            "csv": _csv_text(framework, names, Path(folder) / "log.csv", question["epochs"]),
            "restore": _restore_cases(framework, names),
        }


def _taught(framework, folder):
    """What the notebook's cells define, with 150 made-up images."""
    generator = np.random.default_rng(7)
    images = generator.random((150, 28, 28), dtype="float32")
    labels = generator.integers(10, size=150)
    given = {
        "np": np, "json": json, "math": math, "importlib": importlib, "FOLDER": folder, "SEED": 1, "BATCH_SIZE": 32,
        "LEARNING_RATE": 0.001, "DROPOUT": 0.2, "DEVICE": "cpu",
    }  # fmt: skip
    if framework == "keras":
        import keras

        given |= {"keras": keras, "few_images": images[..., None], "few_labels": labels}
    else:
        import torch
        from torch import nn
        from torch.nn import functional as F

        few = {"few_images": torch.from_numpy(images).unsqueeze(1), "few_labels": torch.from_numpy(labels)}
        given |= {"torch": torch, "nn": nn, "F": F} | few
    return taught.run_tagged_cells(f"{framework}/02_regularization_and_callbacks", "model", "taught", **given)


def _csv_text(framework, names, path, epochs):
    """The lines that the log of the framework's notebook writes for these epochs."""
    if framework == "keras":
        import keras

        logger = keras.callbacks.CSVLogger(path)
        logger.on_train_begin()
        for epoch, logs in enumerate(epochs):
            logger.on_epoch_end(epoch, logs)
        logger.on_train_end()
    else:
        logger = names["CSVLogger"](path)
        logger.on_train_begin(None)
        for epoch, logs in enumerate(epochs):
            logger.on_epoch_end(None, epoch, logs)
    return path.read_text(encoding="utf-8").splitlines()


def _restore_cases(framework, names):
    """{what was left out: the largest difference of a weight between going on and never having stopped}."""
    start, go, save, resume = (names[name] for name in ("start", "train_from_to", "save_checkpoint", "resume"))
    if framework == "keras":
        import keras

        other_seed, left_out = keras.utils.set_random_seed, ["optimizer and schedule"]
    else:
        import torch

        other_seed, left_out = torch.manual_seed, ["optimizer", "schedule", "model"]

    def arrays(model):
        return model.get_weights() if framework == "keras" else [t.numpy() for t in model.state_dict().values()]

    def parts(started):
        return started if isinstance(started, tuple) else (started,)

    whole = parts(start(1, 4))
    go(*whole, 0, 4)
    half = parts(start(1, 4))
    go(*half, 0, 2)
    save(*half, 2)
    found = {}
    for without in [None, "random state", *left_out]:
        other_seed(99)  # the state of another process
        *resumed, epoch = resume(without)
        go(*resumed, epoch, 4)
        pairs = zip(arrays(whole[0]), arrays(resumed[0]), strict=True)
        found[str(without)] = max(float(np.abs(one - other).max()) for one, other in pairs)
    return found
