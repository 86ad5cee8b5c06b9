"""Runs one snippet of docs/side_by_side.md, for test_side_by_side.py, and checks it (tests/cases/steps.py)."""

import contextlib
import functools
import io
import sys
import tempfile
from unittest import mock

import numpy as np

from fmnist import data
from tests.cases import steps as cases
from tools import side_by_side

TRAIN, TEST = 900, 250  # images; the last batch is smaller than the others


class Run:
    """A snippet that has run, and what there was before it. Arrays are NumPy's, in the order and layout of Keras."""

    def __init__(self, framework: str, code: str, prepare=None):
        self.framework, self.code, self.prepare = framework, code, prepare
        self.keras = framework == "keras"
        self.here, self.before, self.printed = self._execute(code)

    def _execute(self, code):
        here, said = {}, io.StringIO()
        with self._no_compiler(), contextlib.redirect_stdout(said):
            exec(compile(side_by_side.start_code()[self.framework], "start", "exec"), here)
            self.fill(here["model"])
            if self.prepare:
                self.prepare(self, here)
            before = self.weights(here["model"])
            exec(compile(code, "snippet", "exec"), here)
        return here, before, said.getvalue()

    def _no_compiler(self):
        """Let torch.compile trace the model and its gradients, but not call a C++ compiler."""
        if self.keras:
            return contextlib.nullcontext()
        import torch

        return mock.patch.object(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))

    def again(self, old="", new=""):
        """Run the snippet anew, with `new` in place of `old`, and return what it defines."""
        assert old in self.code
        return self._execute(self.code.replace(old, new) if old else self.code)[0]

    # Arrays ----------------------------------------------------------------------------------------------------------

    def array(self, value):
        """Return a tensor as an array, images and feature maps of PyTorch with the channels last."""
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
            return np.moveaxis(value, 1, -1) if value.ndim == 4 else value
        if hasattr(value, "numpy"):
            value = value.numpy()
        return np.asarray(value, "float32") if str(getattr(value, "dtype", "")) == "bfloat16" else np.asarray(value)

    def tensor(self, array):
        """Return an array, images with the channels last, as the framework takes it."""
        if self.keras:
            return np.asarray(array, "float32")
        import torch

        array = np.asarray(array, "float32")
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 1) if array.ndim == 4 else array))

    def images(self, part="train"):
        return self.array(self.here[f"x_{part}"])

    def labels(self, part="train"):
        return self.array(self.here[f"y_{part}"])

    # Weights ---------------------------------------------------------------------------------------------------------

    def weights(self, model=None):
        """Return the trainable parameters as Keras has them; of the model of the first lines, also in its order."""
        model = self.here["model"] if model is None else model
        if self.keras:
            return [np.array(variable) for variable in model.trainable_variables]
        return [self._as_in_keras(parameter.detach().numpy()) for parameter in model.parameters()]

    def _as_in_keras(self, array):
        if array.shape == (10, 16 * 13 * 13):  # what follows the flatten layer
            array = array.reshape(10, 16, 13, 13).transpose(0, 2, 3, 1).reshape(10, -1)
        return array.transpose({1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}.get(array.ndim, range(array.ndim))).copy()

    def fill(self, model):
        """Give the model's parameters random numbers, the same in both frameworks."""
        self.set_weights(model, [numbers(i, array.shape) for i, array in enumerate(self.weights(model))])

    def set_weights(self, model, arrays):
        if self.keras:
            for variable, array in zip(model.trainable_variables, arrays, strict=True):
                variable.assign(array)
            return
        import torch

        with torch.no_grad():
            for parameter, array in zip(model.parameters(), arrays, strict=True):
                if array.shape == (13 * 13 * 16, 10):
                    array = array.reshape(13, 13, 16, 10).transpose(2, 0, 1, 3).reshape(-1, 10)
                axes = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}.get(array.ndim, range(array.ndim))
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(array.transpose(axes))))

    def moved(self):
        """Return how far each parameter array has moved from what it was before the snippet."""
        return [float(np.abs(a - b).max()) for a, b in zip(self.before, self.weights(), strict=True)]

    # The model -------------------------------------------------------------------------------------------------------

    def logits(self, x, model=None):
        """Return what the model computes in evaluation mode."""
        model = self.here["model"] if model is None else model
        if self.keras:
            return self.array(model(x, training=False))
        import torch

        mode = model.training
        model.eval()
        with torch.no_grad():
            found = self.array(model(self.tensor(x)))
        model.train(mode)
        return found

    def loss(self, part="train", rows=slice(None), model=None):
        """Return the cross-entropy of the model on some images."""
        logits = self.logits(self.images(part)[rows], model).astype("float64")
        return float(cases.cross_entropy(logits, self.labels(part)[rows]).mean())

    def initial_loss(self, part="train", rows=slice(None)):
        """Return the cross-entropy of the model as it was before the snippet."""
        model = self.here["build_model"]()
        self.set_weights(model, self.before)
        return self.loss(part, rows, model)


def numbers(i, shape):
    scale = np.sqrt(1 / max(1, np.prod(shape[:-1])))
    return np.random.default_rng(i).normal(0, scale if len(shape) > 1 else 0.05, shape).astype("float32")


LOAD, SPLIT = functools.cache(data.load), data.split


def few_images():
    """Return copies of what `data.load` returns, of the first images only."""
    parts = zip(LOAD(), (TRAIN, TEST), strict=True)
    return tuple((images[:count].copy(), labels[:count].copy()) for (images, labels), count in parts)


def few_split(labels):
    """Split as `data.split` does, into fewer validation images."""
    return SPLIT(labels, validation=200)


@contextlib.contextmanager
def few_images_and_an_empty_folder():
    """Let snippets load few images, and work in a folder that is empty and goes away."""
    with (
        mock.patch.multiple(data, load=few_images, split=few_split),
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
    ):
        yield


def answer(framework: str, question: dict) -> dict:
    """Return what the check of the question's "step" found; its "code" replaces that of the page."""
    name = question["step"]
    code = question.get("code") or side_by_side.steps()[name].code[framework, None]
    with few_images_and_an_empty_folder():
        try:
            run = Run(framework, code, cases.PREPARE.get(name))
            return cases.CHECKS[name](run) or {}
        finally:
            if torch := sys.modules.get("torch"):
                torch.use_deterministic_algorithms(False)
            elif "tensorflow" in sys.modules:
                from tensorflow.python.framework import config

                config.disable_op_determinism()
