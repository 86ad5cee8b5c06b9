"""Measure what each part of chapter 06's training recipe is worth.

    python -m tools.measure.ablation [--framework keras|pytorch] [--parts PART PART] [--seeds N N] [--processes N]
                                     [--images N] [--epochs N] [--folder PATH]

The plan is in `ablation_plan`, and notebooks/*/06_residual_network.ipynb show what is found. Parts of the recipe are
left out of it one at a time, and added one at a time to a network that has none of them, from three seeds each.
Everything is trained in PyTorch, and the whole recipe and the bare network in Keras as well. Each training has a thread
of its own, so that as many as there are processor cores work side by side. A run is written to models/ablation.json as
soon as it has ended. Stop whenever you like: the same command goes on with the runs that are missing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmnist.paths import ROOT
from tools.measure import ablation_runs, chapter_06, resumable
from tools.measure.ablation_plan import Run, wanted
from tools.measure.study_runs import Parts

# {framework: the function that trains a network}
TRAIN = {"keras": ablation_runs.train_keras, "pytorch": ablation_runs.train_pytorch}


def make(framework: str, run: Run, parts: Parts) -> dict[str, Any]:
    """Return what is found in one run."""
    return TRAIN[framework](run, parts)


def recipe(framework: str, run: Run, root: Path = ROOT) -> str:
    """Return the fingerprint of a run's code, in the repository at `root`, and of the cells that it takes over."""
    name, notebook = TRAIN[framework].__name__, chapter_06.notebook(framework)
    return resumable.fingerprint(ablation_runs.__name__, name, notebook, chapter_06.TAGS, root)


def line(run: Run) -> str:
    """Return what is printed of a run."""
    accuracy = run["curves"]["val_accuracy"][-1]
    return f"{run['part']:9} {run['name']:30} seed {run['seed']:2d}  accuracy {accuracy:.4f}  {run['seconds']:6.1f} s"


SERIES = resumable.Series(
    name="ablation",
    make=make,
    wanted=wanted,
    recipe=recipe,
    kind=lambda run: "any",
    line=line,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing; return the exit code."""
    return resumable.main(SERIES, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
