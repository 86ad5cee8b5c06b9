"""The plan of the experiments of chapter 05: which networks are trained how, from which seeds.

A run is a dictionary. "part", "name" and "seed" tell it from others; "build" names the function of chapter 05 that
builds its network and "options" what this function is given; "training" says in what its training differs from
`TRAINING`. A run of "search" has only "part", "name" (the method) and "seed". The one run of "timing"
names all "networks" that it times.
"""

import json
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Run = dict[str, Any]

SEEDS = (1, 2, 3)
# How a network is trained unless its run says otherwise. The learning rate falls to 0 along half a cosine wave, or is
# constant; "white" is the value of a white pixel; "patience" stops after so many epochs without a better validation
# loss and goes back to the best; "pixels" are "in order" or "shuffled" by one permutation; "images" trains on the
# first so many.
TRAINING = {
    "epochs": 5,
    "batch_size": 128,
    "optimizer": "Adam",
    "learning_rate": 0.001,
    "falling": True,
    "white": 1,
    "patience": None,
    "pixels": "in order",
    "images": None,
    "tested": False,
}

# A short training, for comparisons that need many of them.
SHORT = {"images": 20_000, "epochs": 5}

UNITS = (16, 32, 64, 128, 256, 512)
LAYERS = (1, 2, 3)
# {name: options of build_cnn}; the variants change one thing in 32-64. With 0.001, five epochs are too few for them.
CONVOLUTIONS_RATE = 0.005
CONVOLUTIONS = {
    "32": {"filters": [32]},
    "8-16": {"filters": [8, 16]},
    "16-32": {"filters": [16, 32]},
    "32-64": {"filters": [32, 64]},
    "64-64": {"filters": [64, 64]},
    "16-32-64, same": {"filters": [16, 32, 64], "padding": "same"},
    "32-64, 5×5": {"filters": [32, 64], "kernel": 5},
    "32-64, average": {"filters": [32, 64], "pooling": "average"},
    "32-64, stride": {"filters": [32, 64], "pooling": "stride"},
    "32-64, same": {"filters": [32, 64], "padding": "same"},
    "32-64, separable": {"filters": [32, 64], "separable": True},
    "32-64, batch norm": {"filters": [32, 64], "batch_norm": True},
}
# The networks of a table that courses pass on, and those of course projects. Their accuracies were published for the
# test images, so these runs are measured on them too; no decision depends on it.
PUBLISHED = {
    "dense 128": ("build_dense", {"units": [128]}),
    "32-32": ("build_cnn", {"filters": [32, 32]}),
    "64": ("build_cnn", {"filters": [64]}),
    "64-64": ("build_cnn", {"filters": [64, 64]}),
    "64-64-64": ("build_cnn", {"filters": [64, 64, 64]}),
}
AS_PUBLISHED = {"batch_size": 32, "falling": False, "tested": True}
COURSE = {
    "dense 128-64, dropout 0.2": ("build_dense", {"units": [128, 64], "dropout": 0.2}, {"epochs": 20}),
    "32-64, dropout 0.5": ("build_cnn", {"filters": [32, 64], "dropout": 0.5}, {"epochs": 20}),
    "32-64, same, dropout 0.4": (
        "build_cnn",
        {"filters": [32, 64], "padding": "same", "dropout": 0.4},
        {"epochs": 30, "patience": 3},
    ),
}
# What takes long has two seeds only. With the published networks, the choice of test images matters more than the seed.
FEW_SEEDS = SEEDS[:2]
# Which assumptions a network makes about images.
NEIGHBOURS = {
    "dense": ("build_dense", {"units": [128, 64]}),
    "local": ("build_local", {}),
    "CNN": ("build_cnn", {"filters": [32, 64]}),
}
# Each optimizer with the learning rates of its grid.
RATES = {
    "SGD": (0.01, 0.03, 0.1, 0.3, 1.0),
    "momentum": (0.003, 0.01, 0.03, 0.1, 0.3),
    "Adam": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "AdamW": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "RAdam": (0.001, 0.003, 0.01, 0.03, 0.1),
}
# The networks for which optimizers are compared: how they are built, how they are trained, and the seeds of the grid.
OPTIMIZED = {
    "dense": ("build_dense", {"units": [128, 64]}, {"epochs": 10}, SEEDS),
    "CNN": ("build_cnn", {"filters": [16, 32]}, SHORT, SEEDS[:1]),
}
FRESH_SEEDS = (11, 12, 13, 14, 15)

# Searches: so many with each method, each with a budget of epochs of short trainings.
METHODS = ("random", "TPE")
SEARCHES = (1, 2, 3)
SEARCH_BUDGET = 100
# A network may cost at most as many multiplications an image as the CNN of chapter 01.
MOST_MULTIPLICATIONS = 2_631_040
CNN = ("build_cnn", {"filters": [32, 64], "dropout": 0.25})
# A search has to beat these networks, each at the better of two learning rates. The second has what helped in
# "convolutions", and fewer filters because of the limit.
SIMPLE = {
    "32-64": {"filters": [32, 64]},
    "32-32, same, batch norm": {"filters": [32, 32], "padding": "same", "batch_norm": True},
}
SIMPLE_RATES = (0.005, 0.01)
BY_HAND = list(SIMPLE)[1]
# From these seeds each winner is trained again.
WINNER_SEEDS = FRESH_SEEDS[:3]
# So many winners are trained once with all images, and the best of these again from fresh seeds.
PROMOTED = 3
FULL_EPOCHS = 20

# The parts whose networks are compared by what they cost. An epoch of each is timed, with all threads and nothing else
# at work.
TIMED_PARTS = ("dense", "convolutions", "published", "course", "full")
TIMING = {"part": "timing", "name": "all networks", "seed": 0}

# What is repeated in Keras, to see whether it gives the same accuracies: {part: names}.
IN_KERAS = {
    "dense": ("1 × 16", "1 × 128", "3 × 128"),
    "convolutions": ("32", "32-64", "32-64, separable"),
    "pixels": ("0 to 255, batch 32",),
    "neighbours": ("CNN, shuffled",),
}


def fixed() -> list[Run]:
    """Return the runs that depend on no result, in the order in which they are made."""
    # The searches come first, because other runs depend on them.
    runs = [{"part": "search", "name": method, "seed": seed} for seed in SEARCHES for method in METHODS]
    for name, options in SIMPLE.items():
        for rate in SIMPLE_RATES:
            training = SHORT | {"learning_rate": rate}
            network = "build_cnn", options
            runs += [_run("simple", f"{name}, {rate:g}", network, seed, training) for seed in WINNER_SEEDS]
    for seed in SEEDS:
        for layers in LAYERS:
            for units in UNITS:
                network = "build_dense", {"units": [units] * layers}
                runs.append(_run("dense", f"{layers} × {units}", network, seed, {"epochs": 20}))
        one_layer = "build_dense", {"units": [128]}
        for epochs in (1, 2, 5, 10, 30):
            runs.append(_run("epochs", f"falling, {epochs}", one_layer, seed, {"epochs": epochs}))
        runs.append(_run("epochs", "constant, 30", one_layer, seed, {"epochs": 30, "falling": False}))
        for white in (1, 255):
            for size in (128, 32):
                training = {"white": white, "batch_size": size, "falling": False}
                runs.append(_run("pixels", f"0 to {white}, batch {size}", one_layer, seed, training))
        # The optimizer of courses that begin without Adam, with Keras's default rate.
        training = {"optimizer": "SGD", "learning_rate": 0.01, "batch_size": 32, "falling": False}
        runs.append(_run("pixels", "0 to 1, batch 32, SGD", one_layer, seed, training))
        for name, options in CONVOLUTIONS.items():
            training = {"learning_rate": CONVOLUTIONS_RATE}
            runs.append(_run("convolutions", name, ("build_cnn", options), seed, training))
        for kind, network in NEIGHBOURS.items():
            for pixels in ("in order", "shuffled"):
                training = SHORT | {"learning_rate": 0.003, "pixels": pixels}
                runs.append(_run("neighbours", f"{kind}, {pixels}", network, seed, training))
        for kind, (*network, short, grid_seeds) in OPTIMIZED.items():
            for optimizer, rates in RATES.items():
                for rate in rates if seed in grid_seeds else ():
                    training = short | {"optimizer": optimizer, "learning_rate": rate}
                    runs.append(_run("optimizers", f"{kind}, {optimizer}, {rate:g}", network, seed, training))
    whole = {"learning_rate": CONVOLUTIONS_RATE, "epochs": FULL_EPOCHS}
    by_hand = "build_cnn", SIMPLE[BY_HAND]
    runs += [_run("full", BY_HAND, by_hand, seed, whole) for seed in WINNER_SEEDS]
    for seed in FEW_SEEDS:
        for name, network in PUBLISHED.items():
            runs.append(_run("published", name, network, seed, AS_PUBLISHED))
        for name, (*network, training) in COURSE.items():
            runs.append(_run("course", name, network, seed, training | {"falling": False, "tested": True}))
        runs.append(_run("full", "CNN of chapter 01", CNN, seed, {"epochs": FULL_EPOCHS}))
        runs.append(_run("full", "32", ("build_cnn", {"filters": [32]}), seed, whole))
    return runs


def _run(part: str, name: str, network: Sequence[Any], seed: int, training: dict[str, Any]) -> Run:
    build, options = network
    return {"part": part, "name": name, "build": build, "options": options, "training": training, "seed": seed}


def accuracy(run: Run) -> float:
    """Return the last validation accuracy of a run."""
    return run["curves"]["val_accuracy"][-1]


def best_rates(runs: Iterable[Run]) -> list[Run]:
    """Return for each network and optimizer the run whose learning rate has the highest mean accuracy over the seeds.

    An optimizer whose grid is incomplete is left out.
    """
    grid: dict[tuple[str, str], dict[str, list[Run]]] = {}
    for run in runs:
        if run["part"] == "optimizers":
            kind, optimizer, _ = run["name"].split(", ")
            grid.setdefault((kind, optimizer), {}).setdefault(run["name"], []).append(run)
    complete = {
        key: named
        for key, named in grid.items()
        if len(named) == len(RATES[key[1]]) and all(len(found) == len(OPTIMIZED[key[0]][3]) for found in named.values())
    }
    return [max(named.values(), key=lambda found: statistics.mean(map(accuracy, found)))[0] for named in
            complete.values()]  # fmt: skip


def timed(runs: Iterable[Run]) -> list[Run]:
    """Return a run for each network and batch size of which an epoch is timed."""
    found = {timed_by(run): run for run in runs if run["part"] in TIMED_PARTS}
    return list(found.values())


def timed_by(run: Run) -> tuple[str, str, int]:
    """Return what decides how long an epoch of a run takes: function and options of its network, and batch size."""
    return run["build"], json.dumps(run["options"]), (TRAINING | run["training"])["batch_size"]


def winner(search: Run) -> dict[str, Any]:
    """Return the trial of a search with the highest final validation accuracy."""
    return max((t for t in search["trials"] if t["state"] == "complete"), key=lambda trial: trial["values"][-1])


def _again(trial: dict[str, Any], part: str, name: str, seed: int, training: dict[str, Any]) -> Run:
    """Return the run that trains the network of a trial again."""
    network = "build_cnn", trial["options"]
    return _run(part, name, network, seed, {"learning_rate": trial["learning_rate"], **training})


def _means(runs: Iterable[Run], part: str, seeds: Sequence[int]) -> dict[str, float]:
    """Return {name: mean accuracy} of the networks of a part that have been trained from all of the seeds."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run["part"] == part:
            found.setdefault(run["name"], []).append(accuracy(run))
    return {name: statistics.mean(values) for name, values in found.items() if len(values) == len(seeds)}


def dependent(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that repeat what earlier ones have found to be best; as far as it is known."""
    runs = list(runs)
    found = [best | {"part": "optimizers, fresh", "seed": seed} for best in best_rates(runs) for seed in FRESH_SEEDS]
    winners = {f"{run['name']} {run['seed']}": winner(run) for run in runs if run["part"] == "search"}
    for name, trial in winners.items():
        found += [_again(trial, "winners", name, seed, SHORT) for seed in WINNER_SEEDS]
    whole = {"epochs": FULL_EPOCHS}
    again = {name: mean for name, mean in _means(runs, "winners", WINNER_SEEDS).items() if name in winners}
    if len(again) == len(METHODS) * len(SEARCHES):
        best = sorted(again, key=again.get, reverse=True)[:PROMOTED]
        found += [_again(winners[name], "promoted", name, SEEDS[0], whole) for name in best]
        promoted = _means(runs, "promoted", SEEDS[:1])
        if set(promoted) >= set(best):
            trial = winners[max(best, key=promoted.get)]
            found += [_again(trial, "full", "winner", seed, whole) for seed in FRESH_SEEDS[: len(SEEDS)]]
    keep = ("part", "name", "build", "options", "training", "seed")
    return [{key: run[key] for key in keep} for run in found]


def wanted(framework: str, runs: Iterable[Run] = ()) -> list[Run]:
    """Return the runs of a framework, given those that are there already."""
    if framework == "keras":
        return [run for run in fixed() if run["name"] in IN_KERAS.get(run["part"], ())]
    runs = dependent(runs) + fixed()
    return [*runs, TIMING | {"networks": [[*timed_by(run)] for run in timed(runs)]}]
