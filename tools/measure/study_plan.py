"""The plan of the study: which networks are trained how, from which seeds.

A run is a dictionary. "part" says what it is for, "network" and "name" what is trained, and "settings" how:

- "verdict": the networks of chapter 01, in each framework with the framework's own defaults.
- "aligned": the same in PyTorch, but with initial weights and biases drawn as Keras draws them.
- "matched": the same as "aligned", with Adam's epsilon as in Keras as well.
- "twin": the same as "verdict", but the pixels are multiplied by 1/255 where the others are divided by 255. That
  changes the last digit of some of them, and nothing else.
- "defaults": dense networks in PyTorch with every setting as Keras has it, and with one of PyTorch's in its place.
"""

from collections.abc import Iterable
from typing import Any

Run = dict[str, Any]

EPOCHS = 10  # half of chapter 01's, because the plan has many runs
LEARNING_RATE = 0.001  # Adam's default in both frameworks; it falls to 0 as in chapter 01
SEEDS = range(1, 11)
TWIN_SEEDS = {("dense", "keras"): 10, ("dense", "pytorch"): 10, ("cnn", "keras"): 3, ("cnn", "pytorch"): 5}
SLOW_SEEDS = 3  # of a run with batches of a single image

# What both frameworks set for you, as Keras has it. "place" is that of Adam's epsilon: after the correction of the
# squared gradients in PyTorch and before it in Keras. The batch size and the order are those of `fit` and `DataLoader`.
KERAS = {"weights": "glorot", "bias": "zero", "epsilon": 1e-7, "place": "keras", "shuffle": True, "batch_size": 32}
# The same for batch normalization. "variance" is that of the running average: divided by n, or by n - 1.
KERAS_NORM = {"bn_momentum": 0.01, "bn_epsilon": 1e-3, "bn_variance": "n"}

WEIGHTS = {"weights": "kaiming"}
EVERYWHERE = WEIGHTS | {"bias": "uniform", "epsilon": 1e-8, "place": "pytorch"}
NORM = {"bn_momentum": 0.1, "bn_epsilon": 1e-5, "bn_variance": "n - 1"}
# {network: {name of the change: what is other than in Keras}}. The first of each network is its reference.
CHANGES = {
    "dense": {
        "reference": {},
        "weights": WEIGHTS,
        "bias": {"bias": "uniform"},
        "epsilon": {"epsilon": 1e-8},
        "place": {"place": "pytorch"},
        "all": EVERYWHERE,
        "shuffle": {"shuffle": False},
        "batch_size": {"batch_size": 1},
    },
    "batch_norm": {
        "reference": {},
        "weights": WEIGHTS,
        **{name: {name: value} for name, value in NORM.items()},
        "all": EVERYWHERE | NORM,
    },
}


def planned(framework: str) -> list[Run]:
    """Return all runs of a framework in the order in which they are made: each seed is complete before the next."""
    runs = []
    for seed in SEEDS:
        for network in ("dense", "cnn"):
            parts = ["verdict", "aligned", "matched"] if framework == "pytorch" else ["verdict"]
            parts += ["twin"] if seed <= TWIN_SEEDS[network, framework] else []
            runs += [_run(part, network, network, seed, {}) for part in parts]
        for network, changes in CHANGES.items() if framework == "pytorch" else ():
            base = KERAS | (KERAS_NORM if network == "batch_norm" else {})
            for name, change in changes.items():
                if seed <= SLOW_SEEDS or name != "batch_size":
                    runs.append(_run("defaults", network, f"{network} {name}", seed, base | change))
    return runs


def _run(part: str, network: str, name: str, seed: int, settings: dict[str, Any]) -> Run:
    settings = settings | {"epochs": EPOCHS}
    return {"part": part, "network": network, "name": name, "seed": seed, "settings": settings}


def wanted(framework: str, known: Iterable[Run] = ()) -> list[Run]:
    """Return the runs of a framework; none of them depends on those that are `known`."""
    return planned(framework)
