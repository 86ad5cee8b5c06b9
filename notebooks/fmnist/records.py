"""Records: what is known about each trained model, in a .json file beside it, and the table made from them."""

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fmnist.chapters import MODEL_SUFFIX, looks
from fmnist.data import CLASS_NAMES
from fmnist.files import atomic_write
from fmnist.paths import MODELS
from fmnist.training import History

PACKAGES = {"keras": ("keras", "tensorflow", "numpy"), "pytorch": ("torch", "torchvision", "numpy")}
DISPLAY = {"keras": "Keras", "pytorch": "PyTorch"} | {model: look["label"] for model, look in looks().items()}


def model_path(name: str) -> Path:
    """Return where the model called `name` lies, such as models/01_cnn_pytorch.pth for "01_cnn_pytorch"."""
    return MODELS / f"{name}{MODEL_SUFFIX[_parts(name)[2]]}"


def write(
    name: str,
    *,
    parameters: int,
    batch_size: int,
    seed: int,
    device: str,
    history: History,
    validation_accuracy: float,
    test_loss: float,
    labels: ArrayLike,
    predictions: ArrayLike,
) -> dict[str, Any]:
    """Write the record of the model that has just been saved as `model_path(name)`, and return it as a dict.

    `validation_accuracy` is between 0 and 1; `labels` and `predictions` are the N test labels and the N predicted
    classes (integers 0-9), from which the accuracy, the confusion matrix (rows: true class) and the figures per class
    are computed. A class that was never predicted has precision 0. Raises FileNotFoundError where there is no model.
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
    with atomic_write(model_path(name).with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    return record


def read_all(folder: str | os.PathLike = MODELS) -> list[dict[str, Any]]:
    """Return every model's record as a list of dicts, by chapter, then model, then framework."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in Path(folder).glob("[0-9][0-9]_*.json")]
    return sorted(records, key=lambda record: (record["chapter"], record["parameters"], record["framework"]))


def standard_error(accuracy: float | np.ndarray, images: int) -> float | np.ndarray:
    """Return the standard error of an accuracy (0 to 1) measured on `images` independent images."""
    return np.sqrt(accuracy * (1 - accuracy) / images)


def results_table(records: list[dict[str, Any]] | None = None) -> pd.DataFrame:
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


def _parts(name: str) -> tuple[str, str, str]:
    """Split "01_dense_keras" into chapter, model and framework."""
    chapter, rest = name.split("_", 1)
    model, framework = rest.rsplit("_", 1)
    return chapter, model, framework
