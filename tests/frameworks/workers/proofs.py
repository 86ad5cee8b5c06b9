"""What the modules of the comparison's proofs compute, for test_proofs.py; the process has both frameworks."""

import keras
import numpy as np
import torch
from torch import nn

from fmnist import keras_on_torch, keras_proofs, proofs, torch_aligned, torch_proofs


def answer(framework: str, question: tuple):
    """Answer (name, None): each name has a function of its own below."""
    name, _ = question
    return {"precision": _precision, "batch_norm": _batch_norm, "draw": _draw, "on_torch": _on_torch}[name]()


def _precision():
    """The precision and the policy before, within and after a block that fails."""
    seen = [(keras.config.floatx(), keras.config.dtype_policy().name)]
    try:
        with keras_proofs.precision("float64"):
            seen.append((keras.config.floatx(), keras.config.dtype_policy().name))
            raise ZeroDivisionError
    except ZeroDivisionError:
        seen.append((keras.config.floatx(), keras.config.dtype_policy().name))
    return seen


def _batch_norm():
    """Outputs and running statistics after a batch, of torch_aligned and of PyTorch; and its mean and variance."""
    batch = torch.from_numpy(np.random.default_rng(0).normal(size=(7, 3)))
    found = []
    for kind in (torch_aligned.BatchNorm1d, nn.BatchNorm1d):
        layer = kind(3, momentum=1.0).double()
        outputs = layer(batch)
        found.append([each.detach().numpy() for each in (outputs, layer.running_mean, layer.running_var)])
    return *found, (batch.mean(0).numpy(), batch.var(0, correction=0).numpy())


def _draw():
    """The largest weight and the largest bias of layers that are drawn like Keras's, by layer."""
    model = torch_aligned.draw_like_keras(nn.Sequential(nn.Conv2d(3, 8, 5), nn.Linear(300, 40), nn.ReLU()))
    return [(layer.weight.abs().max().item(), layer.bias.abs().max().item()) for layer in model[:2]]


def _on_torch():
    """What Keras on PyTorch finds of a layer, and what is said when the other process fails."""
    (found,) = keras_on_torch.run("keras_vs_pytorch", "keras_side", [("layer", ("Dense", "float64"))])
    difference = proofs.largest(torch_proofs.layer("Dense", "float64"), found)
    try:
        keras_on_torch.run("keras_vs_pytorch", "keras_side", [("layer", ("no such layer", "float64"))])
    except RuntimeError as error:
        return difference, str(error)
