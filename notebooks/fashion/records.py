"""Records: what is known about each trained model, in a .json file beside it, and the table made from them."""

import contextlib
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fashion.data import CLASS_NAMES
from fashion.paths import MODELS

MODEL_SUFFIX = {"keras": ".keras", "pytorch": ".pth"}
PACKAGES = {"keras": ("keras", "tensorflow", "numpy"), "pytorch": ("torch", "torchvision", "numpy")}
DISPLAY = {"keras": "Keras", "pytorch": "PyTorch", "dense": "dense", "cnn": "CNN"}


def model_path(name):
    """Return where the model called `name` lies, such as models/01_cnn_pytorch.pth for "01_cnn_pytorch"."""
    return MODELS / f"{name}{MODEL_SUFFIX[_parts(name)[2]]}"


@contextlib.contextmanager
def replacing(path):
    """Give a temporary name to write to; when the block succeeds, the file takes the place of `path` in one step.

    Whoever reads `path` finds the old file or the whole new one, never a half, even when the block is interrupted.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    path.parent.mkdir(exist_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(name, *, parameters, batch_size, seed, device, history, validation_accuracy, test_loss, labels, predictions):
    """Write the record of the model that has just been saved as `model_path(name)`, and return it as a dict.

    `history` is a `fashion.training.History`; `labels` and `predictions` are the N test labels and the N predicted
    classes (integers 0-9), from which the accuracy, the confusion matrix (rows: true class) and the figures per class
    are computed. A class that was never predicted has precision 0.
    """
    chapter, _, framework = _parts(name)
    classes = range(len(CLASS_NAMES))
    scores = precision_recall_fscore_support(labels, predictions, labels=classes, zero_division=0)[:3]
    record = {
        "name": name,
        "framework": framework,
        "chapter": chapter,
        "parameters": parameters,
        "epochs": len(history.seconds),
        "batch_size": batch_size,
        "seed": seed,
        "device": device,
        "train_seconds": round(sum(history.seconds), 2),
        "seconds_per_epoch": round(float(np.median(history.seconds)), 3),
        "history": history.curves,
        "validation_accuracy": float(validation_accuracy),
        "test_accuracy": float(np.mean(np.asarray(labels) == np.asarray(predictions))),
        "test_loss": float(test_loss),
        "test_images": len(labels),
        "per_class": {
            class_name: {key: float(score[i]) for key, score in zip(("precision", "recall", "f1"), scores, strict=True)}
            for i, class_name in enumerate(CLASS_NAMES)
        },
        "confusion_matrix": confusion_matrix(labels, predictions, labels=classes).tolist(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES[framework]}},
        "model_sha256": hashlib.sha256(model_path(name).read_bytes()).hexdigest(),
    }
    with replacing(model_path(name).with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    return record


def read_all(folder=MODELS):
    """Return every model's record as a list of dicts, by chapter, then model, then framework."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in Path(folder).glob("[0-9][0-9]_*.json")]
    return sorted(records, key=lambda record: (record["chapter"], record["parameters"], record["framework"]))


def standard_error(accuracy, images):
    """Return the standard error of an accuracy (0 to 1) measured on `images` independent images."""
    return np.sqrt(accuracy * (1 - accuracy) / images)


def results_table(records=None):
    """Return a DataFrame with a row a model: accuracies in % with their standard error, size and training time."""
    rows = []
    for record in read_all() if records is None else records:
        chapter, model, framework = _parts(record["name"])
        error = standard_error(record["test_accuracy"], record["test_images"])
        rows.append(
            {
                "chapter": chapter,
                "model": DISPLAY.get(model, model),
                "framework": DISPLAY[framework],
                "parameters": f"{record['parameters']:,}",
                "epochs": record["epochs"],
                "validation accuracy": f"{record['validation_accuracy']:.2%}",
                "test accuracy": f"{record['test_accuracy']:.2%} ± {error:.2%}",
                "seconds per epoch": f"{record['seconds_per_epoch']:.1f}",
                "device": record["device"],
            }
        )
    return pd.DataFrame(rows)


def _parts(name):
    """Split "01_dense_keras" into chapter, model and framework."""
    chapter, rest = name.split("_", 1)
    model, framework = rest.rsplit("_", 1)
    return chapter, model, framework
