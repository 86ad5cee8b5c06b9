"""What `make regularization` has recorded: its training runs as a table, and what each method brings."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fmnist import records

MIN_DELTA = 0.001  # of the early stopping in the record
BARE = "none"  # the network without any method, with which the others are compared


def runs(framework: str = "pytorch") -> list[Mapping[str, Any]]:
    """Return the recorded runs of a framework, in the order of the plan.

    Raises `RecordError` where the record is missing, and LookupError where it has no run of the framework.
    """
    found = [run for run in records.read("regularization")["runs"] if run["framework"] == framework]
    if not found:
        raise LookupError(f"models/regularization.json has no runs in {framework}: make regularization.")
    return found


def table(part: str, framework: str = "pytorch") -> pd.DataFrame:
    """Return the runs of one part of the plan ("method", "schedule", "combination" or "whole"), a row for each seed.

    Columns: "name", "seed", "training" and "validation" (accuracies at the end in evaluation mode, 0 to 1), "loss" (of
    the validation images) and "parameters".
    """
    rows = [
        {
            "name": run["name"],
            "seed": run["seed"],
            "training": run["train"]["accuracy"],
            "validation": run["validation"]["accuracy"],
            "loss": run["validation"]["loss"],
            "parameters": run["parameters"],
        }
        for run in runs(framework)
        if run["part"] == part
    ]
    return pd.DataFrame(rows)


def summary(part: str, framework: str = "pytorch") -> pd.DataFrame:
    """Return mean accuracies (%), the mean validation loss and the number of seeds of each arm of a part.

    "±" is the standard deviation of the validation accuracy between seeds, in points. The index is the name.
    """
    groups = table(part, framework).groupby("name", sort=False)
    found = groups[["training", "validation"]].mean() * 100
    found["±"] = 100 * groups["validation"].std()
    return found.assign(loss=groups["loss"].mean(), seeds=groups.size())


def curves(part: str, name: str, framework: str = "pytorch") -> np.ndarray:
    """Return the validation losses of one arm, seeds × epochs."""
    found = [run["curves"]["val_loss"] for run in runs(framework) if (run["part"], run["name"]) == (part, name)]
    return np.array(found)


def effects(part: str = "method", reference: tuple[str, str] = ("method", BARE), framework: str = "pytorch"):
    """Return by how much each arm of a part differs from a reference, with 95% intervals that hold for all at once.

    A DataFrame with the columns "accuracy", "accuracy low", "accuracy high" (percentage points), "loss", "loss low" and
    "loss high"; the index is the name. Runs from the same seed are compared, which begin with the same parameters and,
    unless an arm has more images, have the same training images. The intervals cover the seed with the choice of the
    training images, and those of the accuracy the choice of the validation images, too. The standard deviation is the
    one pooled over all arms, or the arm's own where that is larger. By Bonferroni's rule, each of the k intervals has a
    level of 1 - 0.05 / k.
    """
    arms: dict[tuple[str, str], dict[int, Mapping]] = {}
    for run in runs(framework):
        arms.setdefault((run["part"], run["name"]), {})[run["seed"]] = run
    base = arms[reference]
    names = [name for place, name in arms if place == part and (place, name) != reference]
    seeds = {name: sorted(base.keys() & arms[part, name].keys()) for name in names}
    freedom = sum(len(shared) - 1 for shared in seeds.values())
    quantile = stats.t.ppf(1 - 0.025 / len(names), freedom)
    found = pd.DataFrame(index=names, dtype=float)
    for quantity, factor in (("accuracy", 100), ("loss", 1)):
        values = {
            name: factor * np.array([_score(arms[part, name][s], quantity) - _score(base[s], quantity) for s in shared])
            for name, shared in seeds.items()
        }
        pooled = sum(each.var(ddof=1) * (len(each) - 1) for each in values.values()) / freedom
        for name, each in values.items():
            variance = max(pooled, each.var(ddof=1)) / len(each)
            if quantity == "accuracy":
                change = np.mean([_right(arms[part, name][s]) - _right(base[s]) for s in seeds[name]], axis=0)
                variance += factor**2 * change.var() / len(change)
            half = quantile * np.sqrt(variance)
            found.loc[name, [quantity, f"{quantity} low", f"{quantity} high"]] = each.mean() + half * np.array(
                [0, -1, 1]
            )
    return found


def published(framework: str, name: str = "as published") -> pd.DataFrame:
    """Return the repetitions of the published experiment, or of its variant `name`, a row for each seed.

    Columns: "epochs" (how many it trained for), the accuracies (%) "printed" (of the training images during the best
    epoch), "training mode" and "evaluation mode" (of the training images, with the restored parameters), and "test" (on
    900 images).
    """
    rows = {}
    for run in runs(framework):
        if (run["part"], run["name"]) != ("published", name):
            continue
        rows[run["seed"]] = {
            "epochs": len(run["curves"]["loss"]),
            "printed": 100 * run["curves"]["accuracy"][best_epoch(run["curves"]["val_loss"])],
            "training mode": 100 * run["in_training_mode"],
            "evaluation mode": 100 * run["train"]["accuracy"],
            "test": 100 * run["test"]["accuracy"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")


def best_epoch(losses: list[float], min_delta: float = MIN_DELTA) -> int:
    """Return the place, from 0, of the epoch whose parameters early stopping restores."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss + min_delta < losses[best]:
            best = epoch
    return best


def _score(run: Mapping[str, Any], quantity: str) -> float:
    return run["validation"][quantity]


def _right(run: Mapping[str, Any]) -> np.ndarray:
    """Return which validation images a run classified correctly, as 0 and 1."""
    return np.unpackbits(np.frombuffer(base64.b64decode(run["right"]), np.uint8)).astype(float)
