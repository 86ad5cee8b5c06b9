"""Misbehaves in every way that the next question must not notice, for test_workers.py."""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def answer(framework: str, question: str):
    """Do what the question says: "look" at the state of the process, "change" it, "fail", "die", or "sleep"."""
    return {"look": _look, "change": _change, "fail": _fail, "die": os.abort, "sleep": _sleep}[question]()


def _look():
    state = {"folder": Path.cwd(), "variables": dict(os.environ), "random": random.random(), "numpy": np.random.rand()}
    if keras := _imported("keras"):
        state["keras"] = keras.config.floatx(), keras.config.dtype_policy().name, keras.random.uniform((1,)).numpy()[0]
    if torch := _imported("torch"):
        state["torch"] = (
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.rand(1).item(),
        )
    return state


def _change():
    os.chdir(tempfile.gettempdir())
    os.environ["CHANGED"] = "yes"
    random.seed(5)
    np.random.seed(5)
    if keras := _imported("keras"):
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        keras.utils.set_random_seed(5)
    if torch := _imported("torch"):
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.set_grad_enabled(False)
        torch.manual_seed(5)
    raise ValueError("changed everything")


def _fail():
    raise ValueError("as it was asked to")


def _sleep():
    time.sleep(600)


def _imported(name):
    return sys.modules.get(name)
