"""Train the networks of chapter 05 from several seeds, and search for better ones.

    python -m tools.measure.experiments [--framework keras|pytorch] [--parts PART PART] [--seeds N N] [--processes N]
                                        [--images N] [--epochs N] [--folder PATH]

The plan is in `experiments_plan`, and notebooks/*/05_architecture_experiments.ipynb show what is found. Everything is
trained in PyTorch, and a few networks in Keras as well, to see that the framework does not matter. Each training has a
thread of its own, so that as many as there are processor cores work side by side. A run is written to
models/experiments.json as soon as it has ended. Stop whenever you like: the same command goes on with the runs that are
missing. A run that was made by other code than today's counts as missing, and one that is not in the plan is dropped.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fmnist.paths import ROOT
from tools.measure import experiments_runs, resumable
from tools.measure.experiments_plan import Run, wanted
from tools.measure.study_runs import Parts

# {framework: the function that trains a network}
TRAIN = {"keras": experiments_runs.train_keras, "pytorch": experiments_runs.train_pytorch}
# {part: the cells of chapter 05 that it needs}; the other parts need the one that builds their network.
TAGS = {"search": ("search_space", "build_cnn"), "timing": ("build_dense", "build_cnn")}


def maker(framework: str, run: Run) -> Callable[[Run, Parts], dict[str, Any]]:
    """Return the function that makes a run."""
    return {"search": experiments_runs.search, "timing": experiments_runs.timing}.get(run["part"], TRAIN[framework])


def make(framework: str, run: Run, parts: Parts) -> dict[str, Any]:
    """Return what is found in one run."""
    return maker(framework, run)(run, parts)


def recipe(framework: str, run: Run, root: Path = ROOT) -> str:
    """Return the fingerprint of a run's code, in the repository at `root`, and of the cells that it takes over."""
    name = maker(framework, run).__name__
    tags = TAGS.get(run["part"]) or (run["build"],)
    return resumable.fingerprint(experiments_runs.__name__, name, experiments_runs.notebook(framework), tags, root)


def line(run: Run) -> str:
    """Return what is printed of a run; its accuracy is the last one, or the best of a search."""
    what = f"{run['part']:17} {run['name']:27} seed {run['seed']:2d}"
    if run["part"] == "timing":
        return f"{what}  {len(run['epoch_seconds'])} networks     {run['seconds']:6.1f} s"
    if "curves" in run:
        score = run["curves"]["val_accuracy"][-1]
    else:
        score = max(trial["values"][-1] for trial in run["trials"] if trial["values"])
    return f"{what}  accuracy {score:.4f}  {run['seconds']:6.1f} s"


def shorter(run: Run, epochs: int) -> Run:
    """Return a run with so many epochs; searches and timings keep theirs."""
    return run | {"training": run["training"] | {"epochs": epochs}} if "training" in run else run


SERIES = resumable.Series(
    name="experiments",
    make=make,
    wanted=wanted,
    recipe=recipe,
    kind=lambda run: run.get("build", run["part"]),
    line=line,
    shorter=shorter,
    alone=("timing",),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing; return the exit code."""
    return resumable.main(SERIES, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
