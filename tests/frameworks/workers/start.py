"""Trains a step in each framework in one process, for test_start.py."""

import numpy as np


def answer(framework: str, question: None) -> list[float]:
    """Return the largest change of a weight that the fused optimizer of PyTorch and `fit` of Keras make."""
    import keras
    import tensorflow as tf
    import torch
    import torchvision  # noqa: F401
    from torch import nn

    model = nn.Linear(4, 2)
    before = model.weight.detach().clone()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    changes = [float((model.weight - before).abs().max().detach())]

    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    before = network.get_weights()[0]
    network.compile("adam", "mse")
    network.fit(tf.ones((8, 4)), tf.ones((8, 2)), verbose=0)
    return [*changes, float(np.abs(network.get_weights()[0] - before).max())]
