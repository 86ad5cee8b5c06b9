"""The plan of chapter 04's further networks: folds for probabilities of images that a network has not seen, and seeds.

A run is a dictionary. "part" is "fold" or "network", "name" which network of chapter 01 it trains or which fold it
leaves out, and "epochs" for how long.
"""

from collections.abc import Iterable
from typing import Any

from fmnist.mistakes import FOLDS

Run = dict[str, Any]

EPOCHS = 20  # as in chapter 01
FOLD_EPOCHS = 10  # of the networks that judge the labels: half of chapter 01's
FOLD_SEEDS = (1, 2)
# {framework: {network: seeds}}
SEEDS = {
    "pytorch": {"cnn": (1, 2, 3, 4), "dense": (1, 2, 3, 4)},
    "keras": {"cnn": (1, 2, 3, 4), "dense": (1, 2, 3, 4)},
}


def wanted(framework: str, known: Iterable[Run] = ()) -> list[Run]:
    """Return the runs of a framework, the folds in PyTorch only; none of them depends on those that are `known`."""
    networks = [
        {"part": "network", "name": name, "seed": seed, "epochs": EPOCHS}
        for name, seeds in SEEDS[framework].items()
        for seed in seeds
    ]
    folds = [
        {"part": "fold", "name": f"without fold {fold + 1}", "fold": fold, "seed": seed, "epochs": FOLD_EPOCHS}
        for seed in FOLD_SEEDS
        for fold in range(FOLDS)
    ]
    return sorted((folds if framework == "pytorch" else []) + networks, key=lambda run: run["seed"])
