"""What `make mistakes` has recorded: out-of-fold probabilities, and further networks of chapter 01 from other seeds."""

import base64
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import softmax

from fmnist import records

FOLDS = 5
FOLD_SEED = 0  # of the choice of the folds
STEPS = 16  # in which a difference of 1 between two logits is recorded, so that a probability is right within 3%


def folds(labels: ArrayLike) -> list[np.ndarray]:
    """Return the rows (int64) of each of `FOLDS` parts of N labels: disjoint, every class in proportion."""
    from sklearn.model_selection import StratifiedKFold

    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=FOLD_SEED)
    return [rows for _, rows in parts.split(np.zeros(len(labels)), labels)]


def out_of_fold(labels: ArrayLike, seed: int = 1) -> np.ndarray:
    """Return the probabilities (float64 N×10) of the N training labels, each by a network that has not seen the image.

    Raises `RecordError` where the record is missing, and LookupError where a fold of this seed is.
    """
    runs = {run["fold"]: run for run in _runs("pytorch", "fold") if run["seed"] == seed}
    if set(runs) != set(range(FOLDS)):
        raise LookupError(f"models/mistakes.json lacks folds of seed {seed}: make mistakes.")
    logits = np.zeros((len(labels), 10))
    for fold, rows in enumerate(folds(labels)):
        logits[rows] = _unpack(runs[fold]["logits_below"], "uint8").reshape(-1, 10) / -STEPS
    return softmax(logits, axis=1)


def networks(framework: str) -> list[dict[str, Any]]:
    """Return what is recorded of the further networks of a framework.

    Each is a dictionary: "name" ("cnn" or "dense"), "seed", "test_accuracy", "temperature", "calibration_error" and
    "cross_entropy" (both with "before" and "after" the temperature), "refusing", "perturbed", "with_room",
    "no_clothes", and for each test image the predicted class ("predictions") and its probability ("confidence").
    """
    found = []
    for run in _runs(framework, "network"):
        arrays = {
            "predictions": _unpack(run["predictions"], "uint8"),
            "confidence": _unpack(run["confidence"], "float16"),
        }
        found.append(run | arrays)
    return found


def summary(runs: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return a column for each network of `networks`, with the lowest and the highest value over its seeds as text."""
    rows = {
        "temperature": lambda run: run["temperature"],
        "ECE before (%)": lambda run: 100 * run["calibration_error"]["before"],
        "ECE after (%)": lambda run: 100 * run["calibration_error"]["after"],
        "coverage (%)": lambda run: 100 * run["refusing"]["coverage"],
        "accuracy on these (%)": lambda run: 100 * run["refusing"]["accuracy"],
    }
    table = {}
    for name in ("dense", "cnn"):
        own = [run for run in runs if run["name"] == name]
        values = {row: _range([value(run) for run in own]) for row, value in rows.items()}
        table[records.DISPLAY[name]] = {"seeds": f"{len(own)}"} | values
    return pd.DataFrame(table)


def strangers(runs: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return how confident the CNNs are of images that show no clothes, a row for each kind.

    The columns are the mean confidence and the share of confidences above 90%, before temperature scaling: the lowest
    and the highest value over the seeds, in %, as text.
    """
    own = [run["no_clothes"] for run in runs if run["name"] == "cnn"]
    columns = {"mean": "mean confidence (%)", "above 90%": "confidence above 90% (%)"}
    table = {
        kind: {called: _range([100 * run[kind][key] for run in own], 0) for key, called in columns.items()}
        for kind in own[0]
    }
    return pd.DataFrame(table).T


def _range(values: Sequence[float], decimals: int = 2) -> str:
    return f"{min(values):.{decimals}f} to {max(values):.{decimals}f}"


def advantages(framework: str) -> pd.DataFrame:
    """Return by how many percentage points the CNNs are ahead of the dense networks on perturbed test images.

    Columns: "dense", "cnn" (mean accuracy, %), "ahead", "low" and "high" (points). The index is (perturbation, size),
    and ("unchanged", 0) for the test images themselves. The 95% interval is Welch's, because the networks spread
    differently; it covers the choice of the seed.
    """
    rows: dict[tuple[str, float], dict[str, list[float]]] = {}
    for run in networks(framework):
        for kind, sizes in ({"unchanged": {"0": run["test_accuracy"]}} | run["perturbed"]).items():
            for size, accuracy in sizes.items():
                cell = rows.setdefault((kind, float(size)), {"cnn": [], "dense": []})
                cell[run["name"]].append(100 * accuracy)
    table = {
        key: {"dense": np.mean(row["dense"]), **_difference(row["cnn"], row["dense"])} for key, row in rows.items()
    }
    found = pd.DataFrame.from_dict(table, orient="index")
    found.index = pd.MultiIndex.from_tuples(found.index, names=["perturbation", "size"])
    return found


def _difference(cnn: list[float], dense: list[float]) -> dict[str, float]:
    test = stats.ttest_ind(cnn, dense, equal_var=False).confidence_interval(0.95)
    return {"cnn": np.mean(cnn), "ahead": np.mean(cnn) - np.mean(dense), "low": test.low, "high": test.high}


def _runs(framework: str, part: str) -> list[dict[str, Any]]:
    runs = records.read("mistakes")["runs"]
    return [run for run in runs if run["framework"] == framework and run["part"] == part]


def _unpack(text: str, dtype: str) -> np.ndarray:
    """Return the array, one axis, whose bytes are compressed and base64 in `text`."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)
