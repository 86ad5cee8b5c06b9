"""Put the callbacks, the schedules and the resuming of chapter 02 to work in one framework; print JSON.

    python tests/chapter_02.py keras|pytorch < questions.json

Run by test_chapter_02.py in a process of its own, since one process should hold one framework. Everything that is
tested is taken from the notebook that teaches it: the cells tagged "model" and "taught".
"""

import importlib.util
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion import taught  # noqa: E402
from fashion.quiet import quiet_start  # noqa: E402

FRAMEWORK = sys.argv[1]
NOTEBOOK = f"02_regularization_and_callbacks_{FRAMEWORK}"
FOLDER = Path(tempfile.mkdtemp())
generator = np.random.default_rng(7)
images = generator.random((150, 28, 28), dtype="float32")
labels = generator.integers(10, size=150)
given = {
    "np": np, "json": json, "math": math, "importlib": importlib, "FOLDER": FOLDER, "SEED": 1, "BATCH_SIZE": 32,
    "LEARNING_RATE": 0.001, "DROPOUT": 0.2, "DEVICE": "cpu",
}  # fmt: skip
if FRAMEWORK == "keras":
    with quiet_start():
        import keras
    given |= {"keras": keras, "few_images": images[..., None], "few_labels": labels}
else:
    import torch
    from torch import nn
    from torch.nn import functional as F

    few = {"few_images": torch.from_numpy(images).unsqueeze(1), "few_labels": torch.from_numpy(labels)}
    given |= {"torch": torch, "nn": nn, "F": F} | few
names = taught.names(NOTEBOOK, "model", "taught", **given)


def csv_text(epochs):
    """What the log of the framework's notebook writes for these epochs."""
    path = FOLDER / "log.csv"
    if FRAMEWORK == "keras":
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


def restore_cases():
    """{what was left out: the largest difference of a weight between going on and never having stopped}."""
    start, go, save, resume = (names[name] for name in ("start", "train_from_to", "save_checkpoint", "resume"))
    arrays = (
        (lambda model: model.get_weights())
        if FRAMEWORK == "keras"
        else (lambda model: [tensor.numpy() for tensor in model.state_dict().values()])
    )

    def parts(started):
        return started if isinstance(started, tuple) else (started,)

    whole = parts(start(1, 4))
    go(*whole, 0, 4)
    half = parts(start(1, 4))
    go(*half, 0, 2)
    save(*half, 2)
    left_out = ["optimizer and schedule"] if FRAMEWORK == "keras" else ["optimizer", "schedule", "model"]
    found = {}
    for without in [None, "random state", *left_out]:
        # The state of another process.
        (keras.utils.set_random_seed if FRAMEWORK == "keras" else torch.manual_seed)(99)
        *resumed, epoch = resume(without)
        go(*resumed, epoch, 4)
        pairs = zip(arrays(whole[0]), arrays(resumed[0]), strict=True)
        found[str(without)] = max(float(np.abs(one - other).max()) for one, other in pairs)
    return found


questions = json.load(sys.stdin)
answers = {
    "rehearsals": [names["rehearse"](**rehearsal) for rehearsal in questions["rehearsals"]],
    "rates": {name: names["rates"](names[name], questions["steps"]) for name in questions["schedules"]},
    "csv": csv_text(questions["epochs"]),
    "restore": restore_cases(),
}
print(json.dumps(answers))
