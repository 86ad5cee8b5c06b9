"""Runs one column of the README's training step, for test_front_page.py."""

import re

import numpy as np

from tests.helpers import ROOT


def snippets() -> dict[str, str]:
    """Map each framework to its column of the table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    keras, pytorch = re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)
    return {"keras": keras, "pytorch": pytorch}


def answer(framework: str, question: dict) -> dict:
    """Return the loss of the step, and how much the first weights have moved from what `build` gives again."""
    here = {}
    code = snippets()[framework]
    # The last block is the step; the weights before it are kept.
    build, _, step = code.rstrip().rpartition("\n\n")
    exec(compile(build, "build", "exec"), here)
    before = _weights(here["model"])
    exec(compile(step, "step", "exec"), here)
    value = here["value"]
    moved = [float(np.abs(a - b).max()) for a, b in zip(before, _weights(here["model"]), strict=True)]
    return {"loss": float(value.detach() if hasattr(value, "detach") else value), "moved": moved}


def _weights(model) -> list[np.ndarray]:
    if hasattr(model, "get_weights"):
        return [np.array(weight) for weight in model.get_weights()]
    return [parameter.detach().numpy().copy() for parameter in model.parameters()]
