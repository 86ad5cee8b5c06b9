"""The plan of the study: which networks are trained how, from how many seeds."""

from typing import Any

VERDICT_SEEDS = {"dense": 10, "cnn": 5}
ALIGNED_SEEDS = {"dense": 10, "cnn": 3}
DEFAULTS_SEEDS = 5
DEFAULTS_EPOCHS = 10
DEFAULTS_LEARNING_RATE = 0.001

# Everything as Keras has it; "weights" and "bias" are for dense layers, the last two for batch normalization.
ALIGNED = {
    "weights": "glorot",
    "bias": "zero",
    "adam_epsilon": 1e-7,
    "batch_size": 128,
    "drop_last": False,
    "lowest_pixel": 0.0,
    "bn_momentum": 0.01,
    "bn_epsilon": 1e-3,
}
# {network: {name of the change: what is other than in ALIGNED}}. The first of each network is the aligned training.
CHANGES = {
    "dense": {
        "aligned": {},
        "weights": {"weights": "kaiming"},
        "bias": {"bias": "uniform"},
        "adam_epsilon": {"adam_epsilon": 1e-8},
        "drop_last": {"drop_last": True},
        "batch_size": {"batch_size": 64},
        "lowest_pixel": {"lowest_pixel": -1.0},
        "all_pytorch": {"weights": "kaiming", "bias": "uniform", "adam_epsilon": 1e-8},
    },
    "batch_norm": {
        "aligned": {},
        "bn_momentum": {"bn_momentum": 0.1},
        "bn_epsilon": {"bn_epsilon": 1e-5},
        "all_pytorch": {
            "weights": "kaiming",
            "bias": "uniform",
            "adam_epsilon": 1e-8,
            "bn_momentum": 0.1,
            "bn_epsilon": 1e-5,
        },
    },
}


def wanted(framework: str, seeds: int | None = None) -> list[dict[str, Any]]:
    """Return the runs of one framework as dictionaries, in the order in which they are made.

    `seeds` is the number of seeds of everything, None for the numbers of the plan.
    """
    runs = []
    for seed in range(1, 1 + (seeds or max(*VERDICT_SEEDS.values(), *ALIGNED_SEEDS.values(), DEFAULTS_SEEDS))):
        for study, counts in {"verdict": VERDICT_SEEDS, "aligned": ALIGNED_SEEDS}.items():
            if study == "verdict" or framework == "pytorch":
                runs += [{"study": study, "network": n, "seed": seed} for n in counts if seed <= (seeds or counts[n])]
        if framework == "pytorch" and seed <= (seeds or DEFAULTS_SEEDS):
            for network, changes in CHANGES.items():
                runs += [{"study": "defaults", "network": network, "change": c, "seed": seed} for c in changes]
    return runs


def run_id(run: dict[str, Any]) -> tuple[str, str, str, int]:
    """Return what tells one run from another: its study, network, change ("" where there is none) and seed."""
    return run["study"], run["network"], run.get("change", ""), run["seed"]
