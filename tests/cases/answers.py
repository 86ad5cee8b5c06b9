"""What the cases of all chapters need to write answers down."""

import numpy as np


class Args(tuple):
    """An answer that consists of several arguments of a check."""


class Tensor:
    """Like a framework's tensor: numbers that NumPy gets at after `detach` and `cpu`."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def detach(self):
        return self

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)
