"""Single layers and optimizers in Keras, on the backend in use, for the matrix of the comparison.

The inputs are those of `proofs`, and `torch_proofs` returns the same in PyTorch.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from fmnist import proofs


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Let Keras compute in "float32" or "float64" within the block, and as before after it, even after an error."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)  # Keras needs to be told twice
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def layer(name: str, dtype: str) -> proofs.Arrays:
    """Return "outputs" of a layer in training mode, their derivatives by the name of the array, and "moving_..." ones.

    The derivatives are those of the sum of the outputs times their factors.
    """
    about, given = proofs.LAYERS[name], proofs.inputs(name, dtype)
    with precision(dtype):
        x = keras.Variable(given["inputs"], dtype=dtype)
        if about.torch == "CrossEntropyLoss":
            loss, truth = (
                getattr(keras.losses, about.keras)(**about.keras_settings, reduction=None),
                proofs.labels(name),
            )
            return _derivatives(lambda: loss(truth, x), {"inputs": x}, given["factors"])
        made = getattr(keras.layers, about.keras)(**about.keras_settings)
        made.build(about.shape)
        for array in about.arrays:
            getattr(made, array).assign(given[array])
        variables = {"inputs": x} | {array: getattr(made, array) for array in about.arrays}
        options = {"training": True} if about.keras in ("BatchNormalization", "Dropout") else {}
        found = _derivatives(lambda: made(x, **options), variables, given["factors"])
        moving = {each.name: each for each in made.non_trainable_variables if each.name.startswith("moving")}
        return found | {array: _array(each) for array, each in moving.items()}


def optimizer(name: str, dtype: str) -> np.ndarray:
    """Return the weights after the steps of an optimizer."""
    about, (start, gradients, rates) = proofs.OPTIMIZERS[name], proofs.path(name, dtype)
    with precision(dtype):
        made = getattr(keras.optimizers, about.keras)(learning_rate=rates[0], **about.keras_settings)
        weights = keras.Variable(start, dtype=dtype)
        for gradient, rate in zip(gradients, rates, strict=True):
            made.learning_rate = rate
            made.apply([keras.ops.convert_to_tensor(gradient)], [weights])
        return _array(weights)


def gradients(loss: Callable[[], Any], variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Return the derivatives of what `loss` computes, a scalar, by some variables: with the backend's own functions."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [variable.value for variable in variables])
    else:
        import torch

        found = torch.autograd.grad(loss(), [variable.value for variable in variables])
    return [_array(each) for each in found]


def _derivatives(call, variables, factors):
    """Return the outputs of `call`, and the derivatives of their sum times `factors` by each of the variables."""
    outputs = []

    def total():
        outputs.append(call())
        return keras.ops.sum(outputs[0] * keras.ops.convert_to_tensor(factors))

    found = dict(zip(variables, gradients(total, list(variables.values())), strict=True))
    return {"outputs": _array(outputs[0])} | found


def _array(tensor):
    return np.array(keras.ops.convert_to_numpy(tensor))
