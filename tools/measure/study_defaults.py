"""The runs of the study that change one default: a dense network in PyTorch, with and without batch normalization.

The test images are not used.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fmnist import study
from tools.measure import chapter_01
from tools.measure.study_plan import LEARNING_RATE, Run
from tools.measure.study_runs import Parts, orders, pytorch_logits, scores

if TYPE_CHECKING:
    import torch


def network(kind: str, seed: int, settings: Mapping[str, Any]) -> "torch.nn.Sequential":
    """Return a dense network in PyTorch with weights drawn by NumPy: the same draws, scaled as `settings` says.

    "dense" is that of chapter 01; "batch_norm" has batch normalization before each ReLU. Glorot-uniform weights lie
    within sqrt(6 / (inputs + outputs)); PyTorch's, for historical reasons called kaiming_uniform_(a=sqrt(5)), within
    1 / sqrt(inputs), and so do its biases.
    """
    import torch
    from torch import nn

    from fmnist import torch_aligned

    def after(width: int) -> list[nn.Module]:
        if kind == "dense":
            return [nn.ReLU()]
        layer = torch_aligned.BatchNorm1d if settings["bn_variance"] == "n" else nn.BatchNorm1d
        return [layer(width, eps=settings["bn_epsilon"], momentum=settings["bn_momentum"]), nn.ReLU()]

    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), *after(128), nn.Linear(128, 64), *after(64), nn.Linear(64, 10)
    )
    generator = np.random.default_rng(seed)
    for layer in (module for module in model if isinstance(module, nn.Linear)):
        inputs, outputs = layer.in_features, layer.out_features
        weights = math.sqrt(6 / (inputs + outputs)) if settings["weights"] == "glorot" else 1 / math.sqrt(inputs)
        bias = 0 if settings["bias"] == "zero" else 1 / math.sqrt(inputs)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights * generator.uniform(-1, 1, (outputs, inputs))))
            layer.bias.copy_(torch.from_numpy(bias * generator.uniform(-1, 1, outputs)))
    return model


def train_pytorch(run: Run, parts: Parts) -> dict[str, Any]:
    """Train a network with the settings of a run; return its validation scores after every epoch, and predictions."""
    import torch

    from fmnist import torch_aligned

    settings = run["settings"]
    (x, y), (x_validation, y_validation) = (
        (torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels))
        for images, labels in (parts["train"], parts["validation"])
    )
    model = network(run["network"], run["seed"], settings)
    size = settings["batch_size"]
    steps = settings["epochs"] * math.ceil(len(x) / size)
    optimizer, schedule = chapter_01.pytorch_optimizer(model, steps, LEARNING_RATE, settings["epsilon"])
    if settings["place"] == "keras":
        torch_aligned.place_epsilon_like_keras(optimizer)
    curve = []
    for order in orders(run["seed"], len(x), settings["epochs"]):
        rows = torch.from_numpy(order) if settings["shuffle"] else torch.arange(len(x))
        chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, rows.split(size))
        logits = pytorch_logits(model, x_validation)
        curve.append(scores(logits, y_validation.numpy()))
    return {"curve": curve, "predictions": study.pack(logits.argmax(axis=1), y_validation.numpy())}
