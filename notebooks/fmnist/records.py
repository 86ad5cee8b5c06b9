"""Records: what was measured, in .json files in models/, one beside each model; and the table made from them."""

import hashlib
import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fmnist import outputs, paths
from fmnist.chapters import MODEL_SUFFIX, all_models, looks
from fmnist.data import CLASS_NAMES
from fmnist.training import History

PACKAGES = {"keras": ("keras", "tensorflow", "numpy"), "pytorch": ("torch", "torchvision", "numpy")}
# What every record of a model has, as `write` writes it.
ENTRIES = (
    "name", "framework", "chapter", "parameters", "epochs", "batch_size", "seed", "device", "train_seconds",
    "seconds_per_epoch", "history", "validation_accuracy", "test_accuracy", "test_loss", "test_images", "per_class",
    "confusion_matrix", "versions", "model_sha256",
)  # fmt: skip
DISPLAY = {"keras": "Keras", "pytorch": "PyTorch"} | {model: look["label"] for model, look in looks().items()}


class RecordError(RuntimeError):
    """A record cannot be used; the message names its file, says what is wrong and what to do."""


def model_path(name: str) -> Path:
    """Return where the model called `name` lies, such as models/01_cnn_pytorch.pth for "01_cnn_pytorch".

    That is where this notebook has saved it, or else the repository's own.
    """
    return outputs.find("models", f"{name}{MODEL_SUFFIX[_parts(name)[2]]}")


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
    with outputs.saving("models", f"{name}.json") as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    return record


def read(name: str) -> dict[str, Any]:
    """Return the record `name`: that of a model, such as "01_cnn_keras", or what a command measured, such as "costs".

    Raises `RecordError` where it is missing, damaged, or that of another model.
    """
    return _read(outputs.find("models", f"{name}.json"))


def read_all(folder: str | os.PathLike | None = None) -> list[dict[str, Any]]:
    """Return every model's record in `folder` (default: models/), by chapter, then model, then framework.

    Raises `RecordError` where one cannot be used.
    """
    folder = paths.ROOT / "models" if folder is None else Path(folder)
    records = [_read(path) for path in folder.glob("[0-9][0-9]_*.json")]
    return sorted(records, key=lambda record: (record["chapter"], record["parameters"], record["framework"]))


def remedy(name: str) -> str:
    """Return in words how to get back what is called `name` in models/, for the end of a sentence."""
    makers = [(model, framework) for model, framework in all_models() if model.file_stem(framework) == name]
    if not makers:
        return f"get it back with `git checkout HEAD -- models/{name}.json` in the folder of the repository"
    ((model, framework),) = makers
    files = f"models/{name}{MODEL_SUFFIX[framework]} models/{name}.json"
    back = f"get the committed files back with `git checkout HEAD -- {files}` in the folder of the repository"
    return f"{back}, or train the model again with `make run NOTEBOOKS={model.notebook(framework)}`"


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


def _read(path: Path) -> dict[str, Any]:
    """Return the record in the file `path`, or raise `RecordError`."""
    name = path.stem
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"models/{path.name} is missing: {remedy(name)}.") from None
    except OSError as error:
        raise RecordError(f"models/{path.name} cannot be read ({error.strerror}): {remedy(name)}.") from None
    except ValueError:  # no JSON, or no text
        raise RecordError(f"models/{path.name} is damaged (it is not valid JSON): {remedy(name)}.") from None
    is_of_a_model = re.match(r"\d\d_", name)
    if not isinstance(record, dict) or (is_of_a_model and record.get("name") != name):
        other = record.get("name") if isinstance(record, dict) else None
        raise RecordError(
            f"models/{path.name} is not the record of {name}{f' but of {other}' if other else ''}: {remedy(name)}."
        )
    if is_of_a_model and (missing := [entry for entry in ENTRIES if entry not in record]):
        raise RecordError(f"models/{path.name} is damaged (it has no {', '.join(missing)}): {remedy(name)}.")
    return record


def _parts(name: str) -> tuple[str, str, str]:
    """Split "01_dense_keras" into chapter, model and framework."""
    chapter, rest = name.split("_", 1)
    model, framework = rest.rsplit("_", 1)
    return chapter, model, framework
