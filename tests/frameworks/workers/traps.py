"""Measures the silent traps of docs/side_by_side.md in one framework (tests/cases/traps.py)."""

import numpy as np

from tests.cases import traps as cases
from tools import side_by_side

IMPORTS = {
    "keras": "import keras\nimport numpy as np\nimport tensorflow as tf\nfrom keras import layers, ops\n",
    "pytorch": "import numpy as np\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
    "from torch.utils.data import DataLoader\n",
}


class Trap:
    """One trap in one framework: what the framework does, and the lines of the page that align it."""

    def __init__(self, framework: str, code: str):
        self.keras, self.code, self.imported = framework == "keras", code, {}
        exec(IMPORTS[framework], self.imported)
        self.keras_module = self.imported.get("keras")

    def __getattr__(self, name):
        return self.imported[name]

    def align(self, **given):
        """Run the lines of the page, if this framework has some, and return what they define."""
        here = dict(self.imported) | given
        exec(compile(self.code, "align", "exec"), here)
        return {name: value for name, value in here.items() if name not in self.imported and name not in given}

    def made(self, name, default):
        """Return what the lines of the page call `name`, or what `default` returns where they do not say."""
        return self.align()[name] if self.code else default()

    def call(self, layer, x, training=False):
        if self.keras:
            return self.array(layer(x, training=training))
        return self.array(layer.train(training)(self.tensor(x)))

    def epsilon(self, layer):
        return layer.epsilon if self.keras else layer.eps

    def tensor(self, array):
        if self.keras:
            return self.ops.convert_to_tensor(array)
        array = np.moveaxis(array, -1, 1) if array.ndim == 4 else array
        return self.torch.from_numpy(np.ascontiguousarray(array))

    def array(self, value):
        if hasattr(value, "detach"):
            value = value.detach().numpy().copy()
            return np.moveaxis(value, 1, -1) if value.ndim == 4 else value
        return np.array(value)


def answer(framework: str, question: dict) -> dict:
    """Return the "rows" of the table of the question's "trap", and what is "aligned"; "code" replaces the page's."""
    name = question["trap"]
    entry = side_by_side.entries(side_by_side.TRAPS)[name]
    code = question.get("code") or entry.code.get((framework, None), "")
    rows, aligned = cases.MEASURES[name](Trap(framework, code))
    return {"rows": [_plain(value) for value in rows], "aligned": np.array(aligned, dtype="float64")}


def _plain(value):
    if isinstance(value, str):
        return value
    return ("yes" if value else "no") if isinstance(value, bool | np.bool_) else float(value)
