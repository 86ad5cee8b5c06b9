"""What `make experiments` has recorded, as tables: a row for each training run, without the test images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fmnist import records


def table(part: str, framework: str = "pytorch") -> pd.DataFrame:
    """Return the runs of one part of the plan, sorted by name as in the plan, a row for each seed.

    Columns: "name", "seed", "accuracy" and "loss" (of the validation images, after the last epoch or, with early
    stopping, after the best), "training accuracy" (0 to 1), "parameters", "seconds" (an epoch of training on one
    thread), "epochs", "optimizer", "rate" (learning rate), "curves" (four lists, a value for each epoch), "test" (the
    accuracy on the test images, where it was measured) and "multiplications" (for one image). Raises `RecordError`
    where the record is missing, and LookupError where it has no such runs.
    """
    runs = records.read("experiments")["runs"]
    rows = [_row(run) for run in runs if (run["part"], run["framework"]) == (part, framework)]
    if not rows:
        raise LookupError(f"models/experiments.json has no runs of {part!r} in {framework}: make experiments.")
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame, by: str = "name") -> pd.DataFrame:
    """Return mean, standard deviation ("spread") and number ("seeds") of the accuracies of each network, in percent.

    The order is that of the first runs. "parameters", "multiplications" and the median of "seconds" stand beside them.
    """
    groups = runs.groupby(by, sort=False)
    found = 100 * groups["accuracy"].agg(["mean", "std"]).set_axis(["accuracy", "spread"], axis=1)
    found["seeds"] = groups.size()
    for column in ("parameters", "multiplications"):
        found[column] = groups[column].first()
    return found.assign(seconds=groups["seconds"].median())


def spread(runs: pd.DataFrame, by: str = "name") -> float:
    """Return the standard deviation between seeds in percentage points, pooled over the networks of a table.

    Each network's variance counts by its degrees of freedom, its seeds less one.
    """
    groups = runs.groupby(by)["accuracy"]
    freedom = groups.size() - 1
    return float(100 * np.sqrt((groups.var() * freedom).sum() / freedom.sum()))


def searches() -> list[Mapping[str, Any]]:
    """Return the recorded searches: "name" (the method), "seed", and "trials", a dict for each trial."""
    return [run for run in records.read("experiments")["runs"] if run["part"] == "search"]


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    curves = run["curves"]
    last = run.get("best_epoch", len(curves["val_loss"])) - 1
    return {
        "name": run["name"],
        "seed": run["seed"],
        "accuracy": curves["val_accuracy"][last],
        "loss": curves["val_loss"][last],
        "training accuracy": curves["accuracy"][last],
        "parameters": run["parameters"],
        "multiplications": run.get("multiplications"),
        "seconds": run["seconds_per_epoch"],
        "epochs": last + 1,
        "optimizer": run["training"].get("optimizer", "Adam"),
        "rate": run["training"].get("learning_rate", 0.001),
        "curves": curves,
        "test": run.get("test", {}).get("accuracy"),
    }
