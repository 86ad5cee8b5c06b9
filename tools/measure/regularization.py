"""Measure what each regularization method of chapter 02 brings, alone and together with others.

    python -m tools.measure.regularization [--framework keras|pytorch] [--parts PART PART] [--seeds N N] [--processes N]
                                           [--images N] [--epochs N] [--folder PATH]

The plan is in `regularization_plan`, and notebooks/*/02_regularization_and_callbacks.ipynb show what is found. Methods
are tried one at a time on a network that is too large for its 5,000 images, and then some of them together. The best
combination, on the validation images, is trained on all images as well. Everything is trained in PyTorch, and some of
it in Keras. Each training has a thread of its own, so that as many as there are processor cores work side by side. A
run is written to models/regularization.json as soon as it has ended. Stop whenever you like: the same command goes on
with the runs that are missing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmnist.paths import ROOT
from tools.measure import chapter_02, regularization_runs, resumable
from tools.measure.regularization_plan import Run, wanted
from tools.measure.study_runs import Parts

# {framework: the function that trains a network}
TRAIN = {"keras": regularization_runs.train_keras, "pytorch": regularization_runs.train_pytorch}


def make(framework: str, run: Run, parts: Parts) -> dict[str, Any]:
    """Return what is found in one run."""
    return TRAIN[framework](run, parts)


def recipe(framework: str, run: Run, root: Path = ROOT) -> str:
    """Return the fingerprint of a run's code, in the repository at `root`, and of the cells that it takes over."""
    name, notebook = TRAIN[framework].__name__, chapter_02.notebook(framework)
    return resumable.fingerprint(regularization_runs.__name__, name, notebook, chapter_02.TAGS[framework], root)


def line(run: Run) -> str:
    """Return what is printed of a run."""
    loss, accuracy = run["validation"]["loss"], run["validation"]["accuracy"]
    what = f"{run['part']:11} {run['name']:30} seed {run['seed']:2d}"
    return f"{what}  loss {loss:.4f}  accuracy {accuracy:.4f}  {run['seconds']:6.1f} s"


SERIES = resumable.Series(
    name="regularization",
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
