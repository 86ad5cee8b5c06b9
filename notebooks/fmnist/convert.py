"""Carry the weights of a network from Keras to PyTorch and back.

Both networks are built first, each in its own framework; the functions here fill one with the weights of the other.
Three things differ in how the frameworks keep the same numbers:

- a dense layer is inputs × outputs in Keras and outputs × inputs in PyTorch;
- a convolution is height × width × inputs × outputs in Keras and outputs × inputs × height × width in PyTorch;
- flattened feature maps run row, column, channel in Keras and channel, row, column in PyTorch, so what follows a
  flatten layer takes its inputs in another order.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # the caller has imported both; this module needs neither
    import keras
    from torch import nn

# For each kind of layer its partners, and for each array both names and PyTorch's axes as Keras has them.
KERNEL, BIAS = ("kernel", "weight"), ("bias", "bias", (0,))
STATISTICS = (
    ("gamma", "weight"),
    ("beta", "bias"),
    ("moving_mean", "running_mean"),
    ("moving_variance", "running_var"),
)
LAYERS = {
    "Dense": (("Linear",), ((*KERNEL, (1, 0)), BIAS)),
    "Conv2D": (("Conv2d",), ((*KERNEL, (2, 3, 1, 0)), BIAS)),
    "BatchNormalization": (("BatchNorm1d", "BatchNorm2d"), tuple((*names, (0,)) for names in STATISTICS)),
}


class ConversionError(ValueError):
    """The weights of one network do not fit into the other, or it holds a layer that is not known here."""


def keras_to_pytorch(keras_model: "keras.Model", torch_model: "nn.Module") -> "nn.Module":
    """Copy the weights and batch-normalization statistics of a Keras model into a PyTorch module, and return that.

    Layers with weights are paired in order: those of `keras_model.layers` with the submodules of `torch_model` in the
    order in which they were registered. Dense, Conv2D and BatchNormalization are known, and Flatten, in channels-last
    order, for the one dense layer that it leads to. The dtype is that of the PyTorch module. Only arrays are carried
    over: whether strides, padding and activations are alike is for the caller to see.

    Raises ConversionError, before anything is copied, when a layer is of another kind, has no partner, or differs from
    it in shape, in having a bias, or in the epsilon of batch normalization (which would make another function of the
    same weights).
    """
    for variable, tensor, axes, order in list(_arrays(keras_model, torch_model)):
        array = np.asarray(variable)[order].transpose(np.argsort(axes))
        tensor.data.copy_(tensor.new_tensor(np.ascontiguousarray(array)))
    return torch_model


def pytorch_to_keras(torch_model: "nn.Module", keras_model: "keras.Model") -> "keras.Model":
    """Copy the weights and batch-normalization statistics of a PyTorch module into a Keras model, and return that.

    The reverse of `keras_to_pytorch`, with the same layers and errors. PyTorch also counts the batches that batch
    normalization has seen (`num_batches_tracked`); Keras does not, and the count is lost.
    """
    for variable, tensor, axes, order in list(_arrays(keras_model, torch_model)):
        array = tensor.detach().cpu().numpy().transpose(axes)
        variable.assign(array[np.argsort(order)])
    return keras_model


def pairs(keras_model: "keras.Model", torch_model: "nn.Module") -> list[tuple["keras.Layer", str, "nn.Module"]]:
    """Return the paired layers as a list of (Keras layer, name of the PyTorch submodule, PyTorch submodule).

    Raises ConversionError like `keras_to_pytorch`, but for what only the arrays show.
    """
    keras_layers = [layer for layer in _leaves(keras_model) if layer.weights]
    torch_layers = [
        (name, module)
        for name, module in torch_model.named_modules()
        if [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    ]
    about = [_about(layer) for layer in keras_layers], [_about(module, name) for name, module in torch_layers]
    kinds = [kind for partners, _ in LAYERS.values() for kind in partners]
    unknown = [f"{a} in Keras" for a, layer in zip(about[0], keras_layers, strict=True) if _kind(layer) not in LAYERS]
    unknown += [f"{a} in PyTorch" for a, (_, m) in zip(about[1], torch_layers, strict=True) if _kind(m) not in kinds]
    if unknown:
        raise ConversionError(f"{', '.join(unknown)}: this kind of layer cannot be converted.")
    if len(keras_layers) != len(torch_layers):
        raise ConversionError(
            f"Keras has {len(keras_layers)} layers with weights ({', '.join(about[0])}), "
            f"PyTorch {len(torch_layers)} ({', '.join(about[1])})."
        )
    for layer, (name, module) in zip(keras_layers, torch_layers, strict=True):
        both = f"{_about(layer)} in Keras and {_about(module, name)} in PyTorch"
        if _kind(module) not in LAYERS[_kind(layer)][0]:
            raise ConversionError(f"{both} come at the same place, but are different kinds of layer.")
        epsilons = getattr(layer, "epsilon", None), getattr(module, "eps", None)
        if epsilons[0] != epsilons[1]:
            raise ConversionError(f"{both} divide with different epsilons: {epsilons[0]:g} and {epsilons[1]:g}.")
        arrays = {variable.name for variable in layer.weights}, dict(module.named_parameters(recurse=False))
        unknown = [set(held) - {array[i] for array in LAYERS[_kind(layer)][1]} for i, held in enumerate(arrays)]
        if any(unknown):  # such as those of torch.nn.utils.prune, which make another weight for each forward pass
            raise ConversionError(f"{both}: {', '.join(sorted(set.union(*unknown)))} cannot be converted.")
    return [(layer, name, module) for layer, (name, module) in zip(keras_layers, torch_layers, strict=True)]


def gradients_in_keras_order(torch_model: "nn.Module", keras_model: "keras.Model") -> list[np.ndarray]:
    """Return the gradients of a PyTorch module in the order and the shapes of `keras_model.trainable_variables`.

    The module has gone backward, and both models are paired as in `pytorch_to_keras`, with the same errors.
    """
    arrays = _arrays(keras_model, torch_model)
    return [
        tensor.grad.numpy().transpose(axes)[np.argsort(order)]
        for _, tensor, axes, order in arrays
        if tensor.grad is not None
    ]


def flattened_order(shape: tuple[int, int, int]) -> np.ndarray:
    """Return where in Keras's order the values of flattened feature maps are that PyTorch has.

    `shape` is that of the maps in Keras: height, width, channels.
    """
    return np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1).ravel()


def is_mixed(is_convolution: bool, keras_name: str) -> bool:
    """Return whether an array behind flattened maps has their order: dense rows do, and all of a normalization."""
    return not is_convolution and keras_name != "bias"


def _arrays(keras_model, torch_model):
    """Yield (Keras variable, PyTorch tensor, PyTorch's axes as Keras has them, Keras's rows in PyTorch's order)."""
    partners = {id(layer): (name, module) for layer, name, module in pairs(keras_model, torch_model)}
    flattened = None
    for layer in _leaves(keras_model):
        other = getattr(layer, "data_format", "") == "channels_first" or _kind(layer) in ("Reshape", "Permute")
        if other or (_kind(layer) == "BatchNormalization" and layer.axis not in (-1, len(layer.input.shape) - 1)):
            raise ConversionError(f"{_about(layer)} in Keras has an order of axes that cannot be converted.")
        if _kind(layer) == "Flatten" and len(layer.input.shape) == 4:
            flattened = flattened_order(layer.input.shape[1:])
        if id(layer) not in partners:
            continue
        name, module = partners[id(layer)]
        both = f"{_about(layer)} in Keras and {_about(module, name)} in PyTorch"
        for keras_name, torch_name, axes in LAYERS[_kind(layer)][1]:
            variable, tensor = getattr(layer, keras_name), getattr(module, torch_name)
            if variable is None and tensor is None:
                continue
            if variable is None or tensor is None:
                raise ConversionError(f"{both}: only one of them has a {keras_name} (PyTorch: {torch_name}).")
            shapes = tuple(variable.shape), tuple(tensor.shape[axis] for axis in axes)
            if shapes[0] != shapes[1]:
                raise ConversionError(f"{both}: {keras_name} is {shapes[0]} in Keras, and would be {shapes[1]}.")
            mixed = flattened is not None and is_mixed(_kind(layer) == "Conv2D", keras_name)
            if mixed and len(flattened) != shapes[0][0]:
                raise ConversionError(f"{both} do not take in the maps that were flattened before them.")
            yield variable, tensor, axes, flattened if mixed else np.arange(shapes[0][0])
        if _kind(layer) == "Dense":
            flattened = None  # what goes out has the same order in both


def _leaves(model):
    """Yield the layers of a Keras model, with those of the models inside it, in order."""
    for layer in model.layers:
        yield from _leaves(layer) if hasattr(layer, "layers") else [layer]


def _kind(layer):
    return type(layer).__name__


def _about(layer, name=None):
    # Only its parent knows the name of a PyTorch layer.
    return f"{layer.name if name is None else name or 'the module itself'} ({_kind(layer)})"
