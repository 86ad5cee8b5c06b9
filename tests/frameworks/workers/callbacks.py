"""Puts the callbacks, the schedules and the resuming of chapter 02 to work, for test_chapter_02.py.

Everything that is tested is taken from the notebook that teaches it: the cells tagged "model", "taught" and "augment".
"""

import copy
import csv
import math
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np

from fmnist import taught
from fmnist.training import History

LEARNING_RATE = 0.001


def answer(framework: str, question: dict) -> dict:
    """Return what becomes of the rehearsals, the schedules, the log and the resumed trainings of the question."""
    with tempfile.TemporaryDirectory() as folder:
        names = _taught(framework, Path(folder))
        rehearse = _rehearse_keras if framework == "keras" else _rehearse_pytorch
        return {
            "rehearsals": [rehearse(names, **rehearsal) for rehearsal in question["rehearsals"]],
            "rates": {name: names["rates"](names[name], question["steps"]) for name in question["schedules"]},
            "csv": _csv_text(framework, names, Path(folder) / "log.csv", question["epochs"]),
            "restore": _restore_cases(framework, names),
            "augmented": _augmented(framework, names),
        }


def _taught(framework, folder):
    """What the notebook's cells define, with 150 made-up images."""
    generator = np.random.default_rng(7)
    images = generator.random((150, 28, 28), dtype="float32")
    labels = generator.integers(10, size=150)
    given = {"np": np, "math": math, "copy": copy, "csv": csv, "FOLDER": folder, "SEED": 1, "BATCH_SIZE": 32}
    given |= {"LEARNING_RATE": LEARNING_RATE, "DEVICE": "cpu", "History": History, "SimpleNamespace": SimpleNamespace}
    if framework == "keras":
        import keras

        given |= {"keras": keras, "few": (images[..., None], labels)}
    else:
        import torch
        from torch import nn
        from torch.nn import functional as F
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        few = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)
        given |= {"torch": torch, "nn": nn, "F": F, "ReduceLROnPlateau": ReduceLROnPlateau, "few": few}
    found = taught.run_tagged_cells(
        f"{framework}/02_regularization_and_callbacks", "model", "taught", "augment", **given
    )
    return found | {"FOLDER": folder, "few": given["few"]}


def _rehearse_keras(names, losses, accuracies, patience, min_delta, plateau_patience, threshold):
    """What the callbacks do after each epoch of a made-up training, and whose epoch's parameter is there at the end.

    The one parameter of a tiny model is set to the count of the epoch, so that it shows which one was restored.
    """
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "mse")
    saved = names["FOLDER"] / "rehearsal.weights.h5"
    progress = {"patience": patience, "min_delta": min_delta}
    parts = [
        keras.callbacks.EarlyStopping("val_loss", restore_best_weights=True, **progress),
        keras.callbacks.ModelCheckpoint(saved, monitor="val_loss", save_best_only=True, save_weights_only=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=plateau_patience),
        names["AccuracyThreshold"](threshold),
    ]
    callbacks, rows = keras.callbacks.CallbackList(parts, model=model), []
    model.stop_training = False
    callbacks.on_train_begin()
    for epoch, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True)):
        model.set_weights([np.array([[epoch + 1]])])
        saved.unlink(missing_ok=True)
        callbacks.on_epoch_end(epoch, {"val_loss": loss, "val_accuracy": accuracy})
        rate = round(float(model.optimizer.learning_rate), 9)
        rows.append([epoch + 1, loss, accuracy, saved.exists(), rate, model.stop_training])
        if model.stop_training:
            break
    callbacks.on_train_end()
    return rows, round(model.get_weights()[0].item())


def _rehearse_pytorch(names, losses, accuracies, patience, min_delta, plateau_patience, threshold):
    """The same with the classes of the notebook, in the loop of its `fit`, whose epochs are made up."""
    import torch

    model = torch.nn.Linear(1, 1, bias=False)
    saved, rows = names["FOLDER"] / "rehearsal.pth", []
    made_up = enumerate(zip(losses, accuracies, strict=True))

    def train_one_epoch(*_, **__):
        torch.nn.init.constant_(model.weight, len(rows) + 1)
        saved.unlink(missing_ok=True)
        return 0.0, 0.0

    class Row(names["Callback"]):
        def on_epoch_end(self, run, epoch, logs):
            rate = round(run.optimizer.param_groups[0]["lr"], 9)
            rows.append([epoch + 1, logs["val_loss"], logs["val_accuracy"], saved.exists(), rate, run.stop])

    callbacks = [
        names["EarlyStopping"](patience, min_delta),
        names["Checkpoint"](saved),
        # One epoch less of patience than in Keras, as the notebook says.
        names["ReduceOnPlateau"](factor=0.5, patience=plateau_patience - 1),
        names["AccuracyThreshold"](threshold),
        Row(),
    ]
    epochs = {"train_one_epoch": train_one_epoch, "evaluate": lambda *_: next(made_up)[1]}
    with patch.dict(names["fit"].__globals__, epochs):
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        names["fit"](model, optimizer, (), (), len(losses), callbacks)
    return rows, round(model.weight.item())


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


def _augmented(framework, names):
    """An image, and 150 copies of it flipped and shifted by up to one pixel: arrays with values from 0 to 1."""
    image = names["few"][0][:1]
    if framework == "keras":
        import keras

        copies = np.repeat(image, 150, axis=0)
        keras.utils.set_random_seed(1)
        found = names["flip"]()(copies, training=True), names["RandomShift"](1)(copies, training=True)
    else:
        import torch

        torch.manual_seed(1)
        copies = image.repeat(150, 1, 1, 1)
        found = names["flip"](copies), names["shift"](copies, 1)
    flipped, shifted = (np.squeeze(np.asarray(images)) for images in found)
    return {"image": np.squeeze(np.asarray(image)), "flip": flipped, "shift": shifted}
