"""Single layers and optimizers in PyTorch, for the matrix of the comparison: what `keras_proofs` returns for Keras."""

import numpy as np
import torch
from torch import nn

from fmnist import convert, convert_model, proofs, torch_aligned

# {kind of layer: for each array its names in Keras and in PyTorch, and PyTorch's axes as Keras has them}
_ARRAYS = {kind: arrays for kind, (_, arrays) in convert.LAYERS.items()}
_ARRAYS["LayerNormalization"] = convert_model.ARRAYS["layer_norm"]


def layer(name: str, dtype: str, mask: np.ndarray | None = None, like_keras: bool = False) -> proofs.Arrays:
    """Return what `keras_proofs.layer` does, in Keras's names and order of axes.

    `mask` says which outputs a dropout keeps: it is multiplied with, because `nn.Dropout` draws its own. `like_keras`
    takes the batch normalization of `torch_aligned`.
    """
    about, given = proofs.LAYERS[name], proofs.inputs(name, dtype)
    x = _channels_first(torch.from_numpy(given["inputs"])).clone().requires_grad_()
    factors = _channels_first(torch.from_numpy(given["factors"]))
    tensors = {"inputs": x}
    if about.torch == "CrossEntropyLoss":
        outputs = nn.CrossEntropyLoss(reduction="none")(x, torch.from_numpy(proofs.labels(name)))
        made = None
    elif mask is not None:
        outputs, made = x * torch.from_numpy(mask.astype(dtype)) / (1 - about.torch_settings["p"]), None
    else:
        package = torch_aligned if like_keras and hasattr(torch_aligned, about.torch) else nn
        made = getattr(package, about.torch)(**about.torch_settings)
        made = made.to(x.dtype)
        for keras_name, torch_name, axes in _ARRAYS.get(about.keras, ()):
            if keras_name in given:
                tensor = getattr(made, torch_name)
                tensor.data.copy_(torch.from_numpy(given[keras_name].transpose(np.argsort(axes)).copy()))
                tensors[keras_name] = tensor
        outputs = made(x)
    found = torch.autograd.grad((outputs * factors).sum(), list(tensors.values()))
    axes = {keras_name: axes for keras_name, _, axes in _ARRAYS.get(about.keras, ())}
    arrays = {
        key: _channels_last(value) if key == "inputs" else value.permute(axes[key]).numpy()
        for key, value in zip(tensors, found, strict=True)
    }
    running = {
        keras_name: getattr(made, torch_name).numpy()
        for keras_name, torch_name, _ in _ARRAYS.get(about.keras, ())
        if torch_name.startswith("running")
    }
    return {"outputs": _channels_last(outputs.detach())} | arrays | running


def optimizer(name: str, dtype: str) -> np.ndarray:
    """Return the weights after the steps of an optimizer."""
    about, (start, gradients, rates) = proofs.OPTIMIZERS[name], proofs.path(name, dtype)
    weights = nn.Parameter(torch.from_numpy(start.copy()))
    made = getattr(torch.optim, about.keras)([weights], lr=rates[0], **about.torch_settings)
    if about.aligned:
        getattr(torch_aligned, about.aligned)(made)
    for gradient, rate in zip(gradients, rates, strict=True):
        made.param_groups[0]["lr"] = rate
        weights.grad = torch.from_numpy(gradient)
        made.step()
    return weights.detach().numpy()


def _channels_first(tensor):
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor


def _channels_last(tensor):
    return (tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).numpy()
