"""Train the same networks from many seeds, for the questions that one training run cannot answer.

    python -m tools.measure.study [--framework keras|pytorch] [--parts PART PART] [--seeds N N] [--processes N]
                                  [--images N] [--epochs N] [--folder PATH]

The plan is in `study_plan`, and notebooks/keras_vs_pytorch.ipynb shows what is found: which framework is ahead with its
defaults, what is left of this with the same initial weights, what each default is worth, and how far two runs end apart
that differ in rounding only. Each run has a thread of its own, so that as many as there are processor cores work side
by side. A run is written to models/study.json as soon as it has ended. Stop whenever you like: the same command goes on
with the runs that are missing. A run that was made by other code than today's counts as missing, and one that is not in
the plan is dropped.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fmnist.paths import NOTEBOOKS, ROOT
from tools.measure import chapter_01, resumable, study_defaults, study_matched, study_runs
from tools.measure.study_plan import Run, wanted
from tools.measure.study_runs import Parts

# {framework: the function that trains a network of chapter 01}
TRAIN = {"keras": study_runs.train_keras, "pytorch": study_runs.train_pytorch}
# {part: the function that makes its runs}, where it is another one
OTHERS = {"defaults": study_defaults.train_pytorch, "matched": study_matched.train_pytorch}


def maker(framework: str, run: Run) -> Callable[[Run, Parts], dict[str, Any]]:
    """Return the function that makes a run."""
    return OTHERS.get(run["part"], TRAIN[framework])


def make(framework: str, run: Run, parts: Parts) -> dict[str, Any]:
    """Return what is found in one run."""
    return maker(framework, run)(run, parts)


def recipe(framework: str, run: Run, root: Path = ROOT) -> str:
    """Return the fingerprint of a run's code, in the repository at `root`, and of the cells that it takes over."""
    function = maker(framework, run)
    tags = () if run["part"] == "defaults" else ("parameters", "model")
    aligned = NOTEBOOKS / "fmnist" / "torch_aligned.py" if framework == "pytorch" else None
    return resumable.fingerprint(
        function.__module__, function.__name__, chapter_01.notebook(framework), tags, root, aligned
    )


def line(run: Run) -> str:
    """Return what is printed of a run."""
    accuracy = (run["curve"][-1] if "curve" in run else run["validation"])["accuracy"]
    return f"{run['part']:9} {run['name']:22} seed {run['seed']:2d}  accuracy {accuracy:.4f}  {run['seconds']:6.1f} s"


SERIES = resumable.Series(
    name="study",
    make=make,
    wanted=wanted,
    recipe=recipe,
    kind=lambda run: run["part"] if run["part"] in OTHERS else "chapter",
    line=line,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that are missing; return the exit code."""
    return resumable.main(SERIES, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
