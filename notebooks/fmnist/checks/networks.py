"""Small networks in NumPy, with which the checks compare what a student's network, gradient or training does.

Parameters are a list [weights, biases, weights, biases, …]. The weights of a dense layer are inputs × units, those of a
convolution filters × channels × height × width, whatever the framework; `neutral` brings them into this form.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import log_softmax, softmax

from fmnist.checks.answers import require


def relu(values: np.ndarray) -> np.ndarray:
    """Return `values` with 0 in place of the negative ones."""
    return np.maximum(values, 0)


def neutral(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the parameters of a network, as its framework holds them, in the form of this module (float64)."""
    found = [np.asarray(array, dtype=float) for array in arrays]
    for i, bias in enumerate(found[1:]):
        weights = found[i]
        if bias.ndim != 1 or weights.ndim < 2:
            continue
        if weights.ndim == 2 and weights.shape[1] != len(bias):
            found[i] = weights.T  # PyTorch: units × inputs
        if weights.ndim == 4 and weights.shape[0] != len(bias):
            found[i] = weights.transpose(3, 2, 0, 1)  # Keras: height × width × channels × filters
    return found


def dense(
    parameters: Sequence[np.ndarray], rows: np.ndarray, activation: Callable[[np.ndarray], np.ndarray] = relu
) -> list[np.ndarray]:
    """Return the inputs of each dense layer and then the logits, for `rows` (N × inputs)."""
    values = [rows]
    for i in range(0, len(parameters), 2):
        inputs = values[-1] if i == 0 else activation(values[-1])
        values[-1] = inputs
        values.append(inputs @ parameters[i] + parameters[i + 1])
    return values


def loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of N×K `logits` and N `labels`."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def gradients(parameters: Sequence[np.ndarray], rows: np.ndarray, labels: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """Return the mean cross-entropy of a dense network with ReLU, and its gradient for each of the `parameters`."""
    *values, logits = dense(parameters, rows)
    slope = softmax(logits, axis=1)
    slope[np.arange(len(labels)), labels] -= 1
    slope /= len(labels)
    found = []
    for i in range(len(values) - 1, -1, -1):
        found = [values[i].T @ slope, slope.sum(axis=0), *found]
        slope = (slope @ parameters[2 * i].T) * (values[i] > 0)
    return loss(logits, labels), found


def convolved(images: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the feature maps (N×filters×height×width) of N×channels×height×width `images`, without padding."""
    windows = np.lib.stride_tricks.sliding_window_view(images, kernel.shape[2:], axis=(2, 3))
    return np.tensordot(windows, kernel, ([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2) + bias[:, None, None]


def pooled(maps: np.ndarray, largest: bool = True) -> np.ndarray:
    """Return `maps` (N×channels×height×width) after a pool of 2×2, which drops an odd last row or column."""
    side = maps.shape[2] // 2
    squares = maps[:, :, : 2 * side, : 2 * side].reshape(*maps.shape[:2], side, 2, side, 2)
    return squares.max(axis=(3, 5)) if largest else squares.mean(axis=(3, 5))


def flattened(maps: np.ndarray, channels: str) -> np.ndarray:
    """Return `maps` (N×channels×height×width) as rows, in the order of a framework with its `channels` so."""
    return (maps if channels == "first" else np.moveaxis(maps, 1, -1)).reshape(len(maps), -1)


def adam(
    parameters: Sequence[np.ndarray],
    slope: Callable[[list[np.ndarray]], tuple[float, list[np.ndarray]]],
    steps: int,
    rate: float = 0.001,
    cleared: bool = True,
) -> tuple[list[np.ndarray], list[float]]:
    """Return the parameters after `steps` of Adam and the loss before each step; `slope` gives loss and gradients.

    Without `cleared` the gradients of all steps so far are added up, as in PyTorch without `zero_grad`.
    """
    now = [np.array(part, dtype=float) for part in parameters]
    first, second = ([np.zeros_like(part) for part in now] for _ in range(2))
    added, losses = [np.zeros_like(part) for part in now], []
    for step in range(1, steps + 1):
        value, found = slope(now)
        losses.append(value)
        added = found if cleared else [one + other for one, other in zip(added, found, strict=True)]
        for i, gradient in enumerate(added):
            first[i] = 0.9 * first[i] + 0.1 * gradient
            second[i] = 0.999 * second[i] + 0.001 * gradient**2
            divisor = np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8
            now[i] = now[i] - rate * first[i] / (1 - 0.9**step) / divisor
    return now, losses


def require_shapes(found: Sequence[np.ndarray], expected: Sequence[tuple[int, ...]], layers: Sequence[str]) -> None:
    """Refuse parameters that do not have the `expected` shapes; `layers` names the layer of each pair of them."""
    shapes = [array.shape for array in found]
    if shapes == list(expected):
        return
    kernels = [shape for shape in shapes if len(shape) > 1]
    wanted = [shape for shape in expected if len(shape) > 1]
    require(
        kernels != wanted or len(shapes) >= len(expected),
        "Your layers have the right weights, and some have no biases. Leave the biases switched on.",
    )
    require(
        len(kernels) == len(wanted),
        f"Expected {len(wanted)} layers with weights, found {len(kernels)}.",
    )
    for name, shape, right in zip(layers, kernels, wanted, strict=True):
        require(shape == right, f"{name}: expected {_sizes(right)}, found {_sizes(shape)}.")
    require(
        len(shapes) == len(expected),
        f"Expected {len(expected)} arrays of parameters, weights and biases of each layer, found {len(shapes)}. Leave "
        "out other layers that learn something.",
    )


def _sizes(shape):
    if len(shape) == 2:
        return f"{shape[0]} inputs and {shape[1]} units"
    if len(shape) == 4:
        return f"{shape[0]} filters of {shape[2]}×{shape[3]} over {shape[1]} channels"
    return f"the shape {shape}"
