"""Builds the networks of chapter 05 in both frameworks, gives both the same weights, and compares their logits."""

import numpy as np

from fmnist import taught
from tools.measure import experiments_plan, experiments_runs

CHAPTER = "05_architecture_experiments"


def answer(framework: str, question: None) -> dict:
    """Return for each network of the plan its parameters in both, their largest difference, and PyTorch's count."""
    import keras
    import torch
    from torch import nn

    tags = "build_dense", "build_cnn", "build_local"
    in_keras = taught.run_tagged_cells(f"keras/{CHAPTER}", *tags, keras=keras)
    in_pytorch = taught.run_tagged_cells(f"pytorch/{CHAPTER}", *tags, torch=torch, nn=nn)
    networks = {(run["build"], str(run["options"])): run for run in experiments_plan.fixed() if "build" in run}
    images = np.random.default_rng(0).random((4, 28, 28), dtype="float32")
    found = {}
    for key, run in networks.items():
        one = in_keras[run["build"]](**run["options"])
        other = in_pytorch[run["build"]](**run["options"]).eval()
        generator = np.random.default_rng(1)
        one.set_weights([generator.uniform(0.01, 0.2, w.shape) * generator.choice([-1, 1], w.shape) ** (w.ndim > 1)
                         for w in one.get_weights()])  # fmt: skip
        copy_weights(one, other)
        expected = np.asarray(one(images[..., None], training=False))
        faster = experiments_runs.pool_first(other)
        with torch.no_grad():
            logits, sooner = (model(torch.from_numpy(images)[:, None]).numpy() for model in (other, faster))
        found[key] = {
            "keras": sum(int(np.prod(weight.shape)) for weight in one.trainable_weights),
            "pytorch": sum(weight.numel() for weight in other.parameters()),
            "difference": float(np.abs(logits - expected).max() / np.abs(expected).max()),
            "pooled sooner": float(np.abs(logits - sooner).max()),
            "multiplications": experiments_runs.multiplications(other),
        }
    return found


def copy_weights(source, target):
    """Give the modules of a PyTorch network the weights of a Keras network of the same layers."""
    import torch

    modules = iter([module for module in target.modules() if list(module.parameters(recurse=False))])
    side = None  # of the feature maps in front of the first dense layer
    for layer in source.layers:
        weights, kind = layer.get_weights(), type(layer).__name__
        if kind == "Flatten":
            side = layer.input.shape[1:]
        if not weights:
            continue
        if kind == "SeparableConv2D":
            given = {next(modules): [weights[0].transpose(2, 3, 0, 1)]}
            given[next(modules)] = [weights[1].transpose(3, 2, 0, 1), weights[2]]
        elif kind == "Conv2D":
            given = {next(modules): [weights[0].transpose(3, 2, 0, 1), weights[1]]}
        elif kind == "BatchNormalization":
            norm = next(modules)
            given = {norm: weights[:2]}
            norm.running_mean.copy_(torch.tensor(weights[2]))
            norm.running_var.copy_(torch.tensor(weights[3]))
        elif kind == "LocallyConnected":
            height, width, values, filters = weights[0].shape
            by_channel = weights[0].reshape(height * width, 9, values // 9, filters).swapaxes(1, 2)
            given = {next(modules): [by_channel.reshape(height * width, values, filters),
                                     weights[1].reshape(-1, filters).T]}  # fmt: skip
        else:
            matrix = weights[0]
            if side is not None and len(side) == 3:
                matrix = matrix.reshape(*side, -1).transpose(2, 0, 1, 3).reshape(len(matrix), -1)
            given, side = {next(modules): [matrix.T, weights[1]]}, None
        for module, arrays in given.items():
            with torch.no_grad():
                for parameter, array in zip(module.parameters(recurse=False), arrays, strict=True):
                    parameter.copy_(torch.tensor(np.ascontiguousarray(array)))
