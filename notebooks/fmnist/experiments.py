"""What `make experiments` has recorded: its training runs as tables, a row for each, and its searches."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fmnist import records

if TYPE_CHECKING:
    import optuna


def table(part: str, framework: str = "pytorch") -> pd.DataFrame:
    """Return the runs of one part of the plan, sorted by name as in the plan, a row for each seed.

    Columns: "name", "seed", "accuracy" and "loss" (of the validation images, after the last epoch or, with early
    stopping, after the best), "training accuracy" (0 to 1), "parameters", "seconds" (an epoch with 54,000 images in
    PyTorch, timed alone on all cores, NaN where it was not timed), "epochs", "optimizer", "rate" (learning rate),
    "curves" (four lists, a value for each epoch), "test" (the accuracy on the test images, where it was measured) and
    "multiplications" (for one image). Raises `RecordError` where the record is missing, and LookupError where it has
    no such runs.
    """
    runs = records.read("experiments")["runs"]
    seconds = {}
    for run in runs:
        if run["part"] == "timing":
            for network, epoch in zip(run["networks"], run["epoch_seconds"], strict=True):
                seconds[tuple(network)] = epoch
    rows = [_row(run, seconds) for run in runs if (run["part"], run["framework"]) == (part, framework)]
    if not rows:
        raise LookupError(f"models/experiments.json has no runs of {part!r} in {framework}: make experiments.")
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame, by: str = "name") -> pd.DataFrame:
    """Return mean, standard deviation ("spread") and number ("seeds") of the accuracies of each network, in percent.

    The order is that of the first runs. "parameters", "multiplications", "seconds" and "epochs" stand beside them.
    """
    groups = runs.groupby(by, sort=False)
    found = 100 * groups["accuracy"].agg(["mean", "std"]).set_axis(["accuracy", "spread"], axis=1)
    found["seeds"] = groups.size()
    for column in ("parameters", "multiplications", "seconds"):
        found[column] = groups[column].first()
    return found.assign(epochs=groups["epochs"].mean())


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


def winner(search: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the completed trial of a search with the highest final validation accuracy."""
    return max(
        (each for each in search["trials"] if each["state"] == "complete"), key=lambda trial: trial["values"][-1]
    )


def best_so_far(trials: Iterable[Mapping[str, Any]], budget: int = 100) -> list[float]:
    """Return the best accuracy of a completed trial after each epoch of the budget, which pruned trials use too."""
    best, curve = np.nan, []
    for trial in trials:
        curve += [best] * len(trial["values"])
        if trial["state"] == "complete":
            curve[-1] = best = np.fmax(best, trial["values"][-1])
    return curve[:budget]


def as_study(trials: Iterable[Mapping[str, Any]], search_space: Callable[["optuna.Trial"], Any]) -> "optuna.Study":
    """Return recorded trials as a study of Optuna, so that Optuna can draw and analyse it.

    `search_space` is the function with which the trials were made. It suggests each value by the same name.
    """
    import optuna

    study = optuna.create_study(direction="maximize")
    for recorded in trials:
        study.enqueue_trial(recorded["params"])
        trial = study.ask()
        search_space(trial)
        for epoch, accuracy in enumerate(recorded["values"], start=1):
            trial.report(accuracy, epoch)
        if recorded["state"] == "complete":
            study.tell(trial, recorded["values"][-1])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return study


def _row(run: Mapping[str, Any], seconds: Mapping[Sequence[Any], float]) -> dict[str, Any]:
    curves = run["curves"]
    timed = run["build"], json.dumps(run["options"]), run["training"].get("batch_size", 128)
    last = run.get("best_epoch", len(curves["val_loss"])) - 1
    return {
        "name": run["name"],
        "seed": run["seed"],
        "accuracy": curves["val_accuracy"][last],
        "loss": curves["val_loss"][last],
        "training accuracy": curves["accuracy"][last],
        "parameters": run["parameters"],
        "multiplications": run.get("multiplications"),
        "seconds": seconds.get(timed, np.nan),
        "epochs": len(curves["val_loss"]),
        "optimizer": run["training"].get("optimizer", "Adam"),
        "rate": run["training"].get("learning_rate", 0.001),
        "curves": curves,
        "test": run.get("test", {}).get("accuracy"),
    }
