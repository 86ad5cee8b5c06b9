"""The plan of chapter 06's ablation: which parts of its training recipe are worth what.

A run is a dictionary. "part" says with what it is compared, "name" what it changes, and "settings" how its network is
built and trained, as `chapter_06` reads them.
"""

from collections.abc import Iterable
from typing import Any

Run = dict[str, Any]

SEEDS = (1, 2, 3)
# The recipe of the chapter, with half of its network's width and fewer epochs because the plan has many runs.
RECIPE = {
    "width": 8,
    "blocks": 1,
    "shortcut": True,
    "batch_norm": True,
    "augmentations": ["flip"],
    "smoothing": 0.05,
    "schedule": True,
    "decay": "decoupled",
    "average": None,
    "epochs": 5,
    "batch_size": 128,
}
# The same network with none of it.
BARE = RECIPE | {
    "shortcut": False,
    "batch_norm": False,
    "augmentations": [],
    "smoothing": 0,
    "schedule": False,
    "decay": None,
}
# {name: (what the recipe loses, what the bare network gets)}
INGREDIENTS = {
    "shortcuts": ({"shortcut": False}, {"shortcut": True}),
    "batch norm": ({"batch_norm": False}, {"batch_norm": True}),
    "flips": ({"augmentations": []}, {"augmentations": ["flip"]}),
    "label smoothing": ({"smoothing": 0}, {"smoothing": 0.05}),
    "one-cycle schedule": ({"schedule": False}, {"schedule": True}),
    "weight decay": ({"decay": None}, {"decay": "decoupled"}),
}
# {name: (what the recipe gets or exchanges, what the bare network gets)}
FURTHER = {
    "shifts": ({"augmentations": ["flip", "shift"]}, {"augmentations": ["shift"]}),
    "shifts, rotations, zooms": ({"augmentations": ["flip", "move"]}, {"augmentations": ["move"]}),
    "erasing": ({"augmentations": ["flip", "erase"]}, {"augmentations": ["erase"]}),
    "averaged weights": ({"average": 0.99}, {"average": 0.99}),
    "a second block per stage": ({"blocks": 2}, {"blocks": 2}),
    "L2 as weight decay": ({"decay": "L2"}, {"decay": "L2"}),
}
# {name: augmentations}: the recipe with three times as many epochs, to choose the augmentation of the long run.
LONGER = {
    "none": [],
    "flips": ["flip"],
    "flips, erasing": ["flip", "erase"],
    "flips, shifts, erasing": ["flip", "shift", "erase"],
}
LONGER_EPOCHS = 15
LONGER_SEEDS = (1, 2)  # of these longer runs
# What is repeated in Keras, to see whether it gives the same accuracies.
IN_KERAS = "reference"


def planned() -> list[Run]:
    """Return all runs, in the order in which they are made: each seed is complete before the next one begins."""
    arms = {("reference", "recipe"): RECIPE, ("reference", "bare"): BARE}
    arms |= {("left out", name): RECIPE | change for name, (change, _) in INGREDIENTS.items()}
    arms |= {("on top", name): RECIPE | change for name, (change, _) in FURTHER.items()}
    arms |= {("added", name): BARE | change for name, (_, change) in (INGREDIENTS | FURTHER).items()}
    longer = RECIPE | {"epochs": LONGER_EPOCHS}
    arms |= {("longer", name): longer | {"augmentations": chosen} for name, chosen in LONGER.items()}
    return [
        {"part": part, "name": name, "settings": settings, "seed": seed}
        for seed in SEEDS
        for (part, name), settings in arms.items()
        if part != "longer" or seed in LONGER_SEEDS
    ]


def wanted(framework: str, known: Iterable[Run] = ()) -> list[Run]:
    """Return the runs of a framework; none of them depends on those that are `known`."""
    return [run for run in planned() if framework == "pytorch" or run["part"] == IN_KERAS]
