"""The plan of chapter 02's series: which regularization methods are tried, alone and together, from which seeds.

A run is a dictionary. "part" and "name" say what it tries, and "settings" how its network is built and trained, as
`chapter_02` reads them.
"""

import statistics
from collections.abc import Iterable
from typing import Any

Run = dict[str, Any]

SEEDS = (1, 2, 3, 4, 5)  # of what is trained on few images
FEW_SEEDS = (1, 2, 3, 4)  # of what takes longer, and in Keras
# A network that is too large for its images, and nothing against it.
BARE = {
    "network": "large",
    "units": [512, 256],
    "dropout": 0,
    "batch_norm": False,
    "augment": [],
    "smoothing": 0,
    "schedule": None,
    "decay": None,
    "patience": None,
    "images": 5000,
    "epochs": 40,
    "batch_size": 128,
}
SHIFT = ["shift", 1]
# {name: what differs from the bare network}; more images get as many steps, in fewer epochs.
METHODS = {
    "none": {},
    "early stopping": {"patience": 5},
    "falling rate": {"schedule": "cosine"},
    "dropout 0.3": {"dropout": 0.3},
    "dropout 0.5": {"dropout": 0.5},
    "dropout 0.8": {"dropout": 0.8},
    "weight decay 0.01": {"decay": ["decoupled", 0.01]},
    "weight decay 0.3": {"decay": ["decoupled", 0.3]},
    "weight decay 1": {"decay": ["decoupled", 1]},
    "weight decay 3": {"decay": ["decoupled", 3]},
    "L2 0.0001": {"decay": ["L2", 0.0001]},
    "L2 0.001": {"decay": ["L2", 0.001]},
    "flips": {"augment": ["flip"]},
    "shifts of 1 pixel": {"augment": [SHIFT]},
    "shifts of 2 pixels": {"augment": [["shift", 2]]},
    "shifts of 4 pixels": {"augment": [["shift", 4]]},
    "label smoothing": {"smoothing": 0.1},
    "fewer units": {"units": [128, 64]},
    "batch normalization": {"batch_norm": True},
    "10,000 images": {"images": 10_000, "epochs": 20},
    "20,000 images": {"images": 20_000, "epochs": 10},
    "54,000 images": {"images": None, "epochs": 4},
}
# Other schedules of the learning rate, compared with the two among the methods.
SCHEDULES = {"step": {"schedule": "step"}, "one-cycle": {"schedule": "one_cycle"}}
FALLING = {"schedule": "cosine"}
SHIFTED = FALLING | {"augment": [SHIFT]}
COMBINED = {
    "rate, dropout": FALLING | {"dropout": 0.3},
    "rate, batch norm": FALLING | {"batch_norm": True},
    "rate, shifts": SHIFTED,
    "rate, flips": FALLING | {"augment": ["flip"]},
    "rate, shifts, flips": FALLING | {"augment": [SHIFT, "flip"]},
    "rate, shifts, dropout": SHIFTED | {"dropout": 0.3},
    "rate, shifts, weight decay": SHIFTED | {"decay": ["decoupled", 0.3]},
    "rate, shifts, smoothing": SHIFTED | {"smoothing": 0.1},
    "rate, shifts, batch norm": SHIFTED | {"batch_norm": True},
    "rate, shifts, flips, 80 epochs": FALLING | {"augment": [SHIFT, "flip"], "epochs": 80},
}
ALL_IMAGES = {"images": None, "epochs": 30}
# On all 54,000 images; the best combination joins them as "chosen".
WHOLE = {
    "dense of chapter 01": FALLING | {"units": [128, 64], "images": None, "epochs": 20},
    "none": ALL_IMAGES,
    "rate": FALLING | ALL_IMAGES,
    "rate, dropout": FALLING | ALL_IMAGES | {"dropout": 0.3},
    "rate, shifts": SHIFTED | ALL_IMAGES,
    "rate, shifts, batch norm": SHIFTED | ALL_IMAGES | {"batch_norm": True},
}
# The experiment of course projects: 58,200 of all 60,000 images for training, 900 for validation, 900 for testing.
PUBLISHED = {
    "as published": {"network": "published", "dropout": 0.2, "patience": 5, "epochs": 30, "batch_size": 64},
    "dropout 0.5": {"network": "published", "dropout": 0.5, "patience": 5, "epochs": 30, "batch_size": 64},
}
# What is repeated in Keras, to see whether it gives the same.
IN_KERAS = {
    "method": ("none", "early stopping", "falling rate", "dropout 0.3", "weight decay 1", "shifts of 1 pixel"),
    "schedule": ("step", "one-cycle"),
    "combination": ("rate, shifts",),
    "published": ("as published",),
}
PARTS = {"method": METHODS, "schedule": SCHEDULES, "combination": COMBINED, "whole": WHOLE, "published": PUBLISHED}


def planned() -> list[Run]:
    """Return all runs but the chosen ones, in the order in which they are made: seed by seed, the long ones last."""
    return [
        _run(part, name, change, seed)
        for parts, seeds in ((("method", "schedule", "combination"), SEEDS), (("whole", "published"), FEW_SEEDS))
        for seed in seeds
        for part in parts
        for name, change in PARTS[part].items()
    ]


def _run(part: str, name: str, change: dict[str, Any], seed: int) -> Run:
    return {"part": part, "name": name, "settings": BARE | change, "seed": seed}


def chosen(runs: Iterable[Run]) -> str | None:
    """Return the combination with the highest mean validation accuracy, None while one is incomplete."""
    accuracies: dict[str, list[float]] = {}
    for run in runs:
        if run["part"] == "combination":
            accuracies.setdefault(run["name"], []).append(run["validation"]["accuracy"])
    if accuracies.keys() != COMBINED.keys() or {len(found) for found in accuracies.values()} != {len(SEEDS)}:
        return None
    return max(COMBINED, key=lambda name: statistics.mean(accuracies[name]))


def wanted(framework: str, known: Iterable[Run] = ()) -> list[Run]:
    """Return the runs of a framework, given those that are `known`: the best combination is trained on all images."""
    if framework == "keras":
        return [run for run in planned() if run["name"] in IN_KERAS.get(run["part"], ()) and run["seed"] in FEW_SEEDS]
    best = chosen(known)
    again = [] if best is None else [_run("whole", "chosen", COMBINED[best] | ALL_IMAGES, seed) for seed in FEW_SEEDS]
    return planned() + again
