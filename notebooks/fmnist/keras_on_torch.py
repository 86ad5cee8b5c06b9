"""Keras on its PyTorch backend, in a process of its own and without TensorFlow: what it computes there.

A backend is chosen before Keras is imported and cannot be changed afterwards, so a notebook that has Keras on
TensorFlow asks another process. That one runs those cells of the notebook that use Keras only. Keras rounds float64 to
float32 on this backend, and the other process makes it compute in float64.
"""

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from fmnist.paths import NOTEBOOKS

SURROUNDINGS = {
    "KERAS_BACKEND": "torch",
    "KERAS_TORCH_DEVICE": "cpu",  # a GPU would round differently, and Apple's knows no float64
    "CUDA_VISIBLE_DEVICES": "-1",
}
Call = tuple[str, tuple[Any, ...]]


def run(notebook: str, tag: str, calls: Iterable[Call]) -> list[Any]:
    """Return what functions return in the other process: a list with a result for each call.

    A call is the name of a function and its arguments. The functions are those that the cells of `notebook` with `tag`
    define, with `keras`, `np`, `keras_proofs` and `taught` at hand, and `layer` and `optimizer` of `keras_proofs`.
    Everything is sent by pickle. Raises RuntimeError with what the process has written when it fails.
    """
    # The process finds this copy of the package, whichever is installed.
    search = os.pathsep.join([str(NOTEBOOKS), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "fmnist.keras_on_torch"],
        input=pickle.dumps((notebook, tag, list(calls))),
        capture_output=True,
        env=os.environ | SURROUNDINGS | {"PYTHONPATH": search},
    )
    if done.returncode:
        raise RuntimeError(f"Keras on PyTorch failed:\n\n{done.stderr.decode(errors='replace')}")
    return pickle.loads(done.stdout)


def serve() -> None:
    """Answer the calls on standard input; what the cells print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    notebook, tag, calls = pickle.load(sys.stdin.buffer)

    import keras
    import numpy as np
    from keras.src.backend.common import dtypes

    from fmnist import keras_proofs
    from fmnist.taught import run_tagged_cells

    # On every backend but TensorFlow, Keras computes in float32 where it is asked for float64.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    known = {"layer": keras_proofs.layer, "optimizer": keras_proofs.optimizer}
    # By name, because the notebook's stamp covers what its cells use of these modules, and not all that is in them.
    modules = {name: importlib.import_module(f"fmnist.{name}") for name in ("keras_proofs", "taught")}
    known |= run_tagged_cells(notebook, tag, keras=keras, np=np, **modules)
    results = [known[name](*arguments) for name, arguments in calls]
    if "tensorflow" in sys.modules:
        raise ImportError("TensorFlow was imported, so this says nothing about Keras without it.")
    answers.write(pickle.dumps(results))


if __name__ == "__main__":
    serve()
