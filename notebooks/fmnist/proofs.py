"""Layers and optimizers of both frameworks on the same numbers: what is put in, and how far apart the results are.

`keras_proofs` and `torch_proofs` compute them, and notebooks/keras_vs_pytorch.ipynb shows the differences.
"""

import math
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

PRECISIONS = ("float32", "float64")
Arrays = dict[str, np.ndarray]


def rounded(value: float) -> float:
    """Return the nearest float32 as a Python float: Keras rounds some settings so, whatever its precision."""
    return float(np.float32(value))


class Layer(NamedTuple):
    """A layer in both frameworks: its name and settings, the shape of its inputs, and the shapes of its arrays.

    The first axis of `shape` is the batch, and the channels come last, as in Keras.
    """

    keras: str
    keras_settings: Mapping[str, Any]
    torch: str
    torch_settings: Mapping[str, Any]
    shape: tuple[int, ...]
    arrays: Mapping[str, tuple[int, ...]]


_NORM = {"gamma": (6,), "beta": (6,)}
_MAPS = (8, 12, 12, 6)
LAYERS = {
    "Dense": Layer(
        "Dense", {"units": 50}, "Linear", {"in_features": 200, "out_features": 50}, (8, 200),
        {"kernel": (200, 50), "bias": (50,)},
    ),
    "Conv2D": Layer(
        "Conv2D", {"filters": 7, "kernel_size": 3}, "Conv2d", {"in_channels": 6, "out_channels": 7, "kernel_size": 3},
        _MAPS, {"kernel": (3, 3, 6, 7), "bias": (7,)},
    ),
    "MaxPooling2D": Layer("MaxPooling2D", {"pool_size": 2}, "MaxPool2d", {"kernel_size": 2}, _MAPS, {}),
    "AveragePooling2D": Layer("AveragePooling2D", {"pool_size": 2}, "AvgPool2d", {"kernel_size": 2}, _MAPS, {}),
    "BatchNormalization, training": Layer(
        "BatchNormalization", {"epsilon": 1e-3}, "BatchNorm2d", {"num_features": 6, "eps": 1e-3, "momentum": 0.01},
        _MAPS, _NORM,
    ),
    "LayerNormalization": Layer(
        "LayerNormalization", {"epsilon": 1e-3}, "LayerNorm", {"normalized_shape": 6, "eps": 1e-3}, (8, 6), _NORM
    ),
    "ReLU": Layer("ReLU", {}, "ReLU", {}, (8, 200), {}),
    "LeakyReLU": Layer("LeakyReLU", {"negative_slope": 0.25}, "LeakyReLU", {"negative_slope": 0.25}, (8, 200), {}),
    "GELU": Layer("Activation", {"activation": "gelu"}, "GELU", {}, (8, 200), {}),
    "Dropout, same masks": Layer("Dropout", {"rate": 0.25, "seed": 1}, "Dropout", {"p": 0.25}, (8, 200), {}),
    "softmax and cross-entropy": Layer(
        "SparseCategoricalCrossentropy", {"from_logits": True}, "CrossEntropyLoss", {}, (8, 10), {}
    ),
}  # fmt: skip


class Optimizer(NamedTuple):
    """An optimizer in both frameworks: its name and its settings, and what makes PyTorch's compute the same.

    `aligned` is the name of a function of `torch_aligned`, "" where none is needed; `falling` says that the learning
    rate falls from step to step.
    """

    keras: str
    keras_settings: Mapping[str, Any]
    torch_settings: Mapping[str, Any]
    aligned: str = ""
    falling: bool = False


RATE = rounded(0.001)
_BETAS = rounded(0.9), rounded(0.999)
_MOMENTUM, _DECAY = {"momentum": rounded(0.9)}, {"weight_decay": rounded(0.01)}
_ADAM = {"beta_1": _BETAS[0], "beta_2": _BETAS[1]}, {"betas": _BETAS, "eps": 1e-7}
OPTIMIZERS = {
    "SGD": Optimizer("SGD", {}, {}),
    "SGD with momentum": Optimizer("SGD", _MOMENTUM, _MOMENTUM),
    "SGD with momentum, falling rate": Optimizer("SGD", _MOMENTUM, _MOMENTUM, falling=True),
    "... velocity rescaled": Optimizer("SGD", _MOMENTUM, _MOMENTUM, "rescale_velocity_like_keras", falling=True),
    "SGD with Nesterov momentum": Optimizer("SGD", _MOMENTUM | {"nesterov": True}, _MOMENTUM | {"nesterov": True}),
    "Adam, defaults": Optimizer("Adam", {}, {}),
    "Adam, aligned": Optimizer("Adam", *_ADAM, "place_epsilon_like_keras"),
    "Adam, aligned, falling rate": Optimizer("Adam", *_ADAM, "place_epsilon_like_keras", falling=True),
    "AdamW, defaults": Optimizer("AdamW", {}, {}),
    "AdamW, aligned": Optimizer("AdamW", _ADAM[0] | _DECAY, _ADAM[1] | _DECAY, "place_epsilon_like_keras"),
    "RMSprop, defaults": Optimizer("RMSprop", {}, {}),
    "RMSprop, same rho, no epsilon": Optimizer("RMSprop", {"rho": 0.9, "epsilon": 0}, {"alpha": 0.9, "eps": 0}),
}
STEPS = 100


def inputs(name: str, dtype: str) -> Arrays:
    """Return what a layer gets: "inputs", a factor for each output, and its weights; the same in every process.

    The results of a layer are its outputs, and the derivatives of the sum of outputs times factors.
    """
    layer, generator = LAYERS[name], _generator(name)
    shapes = {"inputs": layer.shape, "factors": _output_shape(layer)} | dict(layer.arrays)
    return {key: generator.normal(size=shape).astype(dtype) for key, shape in shapes.items()}


def labels(name: str) -> np.ndarray:
    """Return the class of each row, for the loss."""
    return _generator(f"labels of {name}").integers(10, size=LAYERS[name].shape[0])


def path(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what an optimizer gets: 500 weights, a row of gradients for each step, and the rate of each step."""
    generator = _generator("path")
    start, gradients = generator.normal(size=500), generator.normal(size=(STEPS, 500))
    share = np.arange(STEPS) / STEPS if OPTIMIZERS[name].falling else np.zeros(STEPS)
    rates = [rounded(RATE * (1 + math.cos(math.pi * each)) / 2) for each in share]
    return start.astype(dtype), gradients.astype(dtype), np.array(rates)


def ulps_apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest difference of two arrays, in ulps of the largest value of the first.

    An ulp (unit in the last place) is the distance between two neighbouring floating-point values of the arrays'
    precision.
    """
    size = np.abs(first).max()
    return float(np.abs(first - second).max() / np.spacing(size)) if size else float(np.abs(second).max() > 0)


def largest(first: Arrays, second: Arrays, names: Iterable[str] = ()) -> float:
    """Return the largest of `ulps_apart` over some arrays of two results, by default over all of the first."""
    return max(ulps_apart(first[name], second[name]) for name in names or first)


def _generator(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def _output_shape(layer: Layer) -> tuple[int, ...]:
    batch, *inner = layer.shape
    if layer.torch == "CrossEntropyLoss":
        return (batch,)
    if layer.keras == "Dense":
        return batch, layer.keras_settings["units"]
    if layer.keras == "Conv2D":
        return batch, inner[0] - 2, inner[1] - 2, layer.keras_settings["filters"]
    if "Pooling" in layer.keras:
        return batch, inner[0] // 2, inner[1] // 2, inner[2]
    return layer.shape
