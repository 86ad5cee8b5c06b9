"""What `make ablation` has recorded: its training runs as a table, and the effect of each part of the recipe."""

import numpy as np
import pandas as pd
from scipy import stats

from fmnist import records

# What each part of the plan is compared with.
REFERENCES = {"left out": "recipe", "on top": "recipe", "added": "bare"}
# A training that ends below this accuracy has failed; guessing gives 0.1.
LEARNED = 0.5


def table(framework: str = "pytorch") -> pd.DataFrame:
    """Return the runs of a framework in the order of the plan, a row for each seed.

    Columns: "part" ("reference", "left out", "on top", "added" or "longer"), "name", "seed", "accuracy" (0 to 1) and
    "loss" on the validation images after the last epoch, "parameters", and "seconds" (an epoch on one thread). Raises
    `RecordError` where the record is missing, and LookupError where it has no run of the framework.
    """
    rows = [
        {
            "part": run["part"],
            "name": run["name"],
            "seed": run["seed"],
            "accuracy": run["curves"]["val_accuracy"][-1],
            "loss": run["curves"]["val_loss"][-1],
            "parameters": run["parameters"],
            "seconds": run["seconds_per_epoch"],
        }
        for run in records.read("ablation")["runs"]
        if run["framework"] == framework
    ]
    if not rows:
        raise LookupError(f"models/ablation.json has no runs in {framework}: make ablation.")
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracy (%), standard deviation ("spread", points) and number of seeds of each arm of a table.

    "failed" is the number of seeds that ended below an accuracy of `LEARNED`, "seconds" the median of the epochs. The
    index is (part, name).
    """
    groups = runs.groupby(["part", "name"], sort=False)
    found = 100 * groups["accuracy"].agg(["mean", "std"]).set_axis(["accuracy", "spread"], axis=1)
    failed = (runs["accuracy"] < LEARNED).groupby([runs["part"], runs["name"]], sort=False).sum()
    return found.assign(seeds=groups.size(), failed=failed, seconds=groups["seconds"].median())


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """Return by how many percentage points each arm differs from its reference, with a 95% interval.

    Columns: "accuracy" (mean, %), "effect", "low" and "high" (points). The index is (part, name). The standard
    deviation between seeds is pooled over all arms with the same reference, so an interval rests on many degrees of
    freedom and not on those of two arms. It covers the choice of the seed, and neither that of the validation images
    nor the number of arms. An arm with a training that failed is left out, because its mean says nothing.
    """
    found = summary(runs[runs["part"].isin(["reference", *REFERENCES])])
    found = found[found["failed"] == 0]
    found["reference"] = [REFERENCES.get(part, name) for part, name in found.index]
    rows = {}
    for reference, arms in found.groupby("reference", sort=False):
        freedom = arms["seeds"] - 1
        deviation = np.sqrt((arms["spread"].fillna(0) ** 2 * freedom).sum() / freedom.sum())
        quantile = stats.t.ppf(0.975, freedom.sum())
        base = arms.loc[("reference", reference)]
        for name, arm in arms.drop(index="reference", level="part").iterrows():
            effect = arm["accuracy"] - base["accuracy"]
            half = quantile * deviation * np.sqrt(1 / arm["seeds"] + 1 / base["seeds"])
            rows[name] = {"accuracy": arm["accuracy"], "effect": effect, "low": effect - half, "high": effect + half}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["part", "name"])
    return table
