"""Train the further networks of chapter 04: for out-of-fold probabilities, and from other seeds.

    python -m tools.measure.mistakes [--framework keras|pytorch] [--parts PART PART] [--seeds N N] [--processes N]
                                     [--images N] [--epochs N] [--folder PATH]

The plan is in `mistakes_plan`, and notebooks/*/04_mistakes_and_confidence.ipynb show what is found. "fold" trains
chapter 01's CNN in PyTorch on four fifths of the training images and predicts the others; "network" trains chapter 01's
networks from several seeds, in both frameworks. Each training has a thread of its own, so that as many as there are
processor cores work side by side. A run is written to models/mistakes.json as soon as it has ended. Stop whenever you
like: the same command goes on with the runs that are missing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmnist.paths import ROOT
from tools import stamp
from tools.measure import chapter_01, mistakes_runs, resumable
from tools.measure.mistakes_plan import Run, wanted
from tools.measure.study_runs import Parts

# {framework: the function that trains a network}, and {part: the function that lets it train, and measures}
TRAIN = {"keras": mistakes_runs.train_keras, "pytorch": mistakes_runs.train_pytorch}
MAKE = {"fold": mistakes_runs.fold, "network": mistakes_runs.network}


def make(framework: str, run: Run, parts: Parts) -> dict[str, Any]:
    """Return what is found in one run."""
    return MAKE[run["part"]](framework, TRAIN[framework], run, parts)


def recipe(framework: str, run: Run, root: Path = ROOT) -> str:
    """Return the fingerprint of a run's code, in the repository at `root`, and of the cells that it takes over."""
    taken = [(TRAIN[framework].__name__, chapter_01.notebook(framework), ("parameters", "model"))]
    if run["part"] == "network":
        taken.append((MAKE["network"].__name__, mistakes_runs.notebook(framework), mistakes_runs.TAGS))
    else:
        taken.append((MAKE["fold"].__name__, chapter_01.notebook(framework), ("model",)))
    return stamp.digest([resumable.fingerprint(mistakes_runs.__name__, *each, root) for each in taken])[:16]


def line(run: Run) -> str:
    """Return what is printed of a run: its accuracy on the images that it has not seen."""
    accuracy = run["accuracy"] if run["part"] == "fold" else run["test_accuracy"]
    return f"{run['part']:7} {run['name']:14} seed {run['seed']:2d}  accuracy {accuracy:.4f}  {run['seconds']:6.1f} s"


def shorter(run: Run, epochs: int) -> Run:
    """Return a run with so many epochs."""
    return run | {"epochs": epochs}


SERIES = resumable.Series(
    name="mistakes",
    make=make,
    wanted=wanted,
    recipe=recipe,
    kind=lambda run: run["part"],
    line=line,
    shorter=shorter,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing; return the exit code."""
    return resumable.main(SERIES, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
