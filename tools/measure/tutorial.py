"""What most tutorials write, to be measured beside chapter 01: the usual data pipeline, optimizer and order of layers.

The layers themselves, with their sizes and their dropout, are those of chapter 01, so that both ways train the same
network and only the way differs. In Keras that is a softmax in the last layer, no schedule, and float64 arrays; in
PyTorch a DataLoader that prepares each image anew, ReLU before pooling, and an optimizer that is not fused.
"""

import itertools
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from fmnist import data
from tools.measure.chapter_01 import Chapter01, Epoch

if TYPE_CHECKING:
    import keras
    import torch

BATCH_SIZE = {"keras": 128, "pytorch": 64}


def pytorch_network(chapter: Chapter01, name: str) -> "torch.nn.Sequential":
    """Build a network of chapter 01 as one stack of layers, with ReLU before pooling; N x 1 x 28 x 28 to N x 10.

    The largest of four values is the same before and after ReLU, so both orders compute the same. Chapter 01 pools
    first, which leaves ReLU a quarter of the work.
    """
    from torch import nn

    layers = [module for module in chapter.networks[name]().modules() if not list(module.children())]
    for place, (first, second) in enumerate(itertools.pairwise(layers)):
        if isinstance(first, nn.MaxPool2d) and isinstance(second, nn.ReLU):
            layers[place : place + 2] = second, first
    return nn.Sequential(*layers)


def pytorch_loader(rows: np.ndarray) -> "torch.utils.data.DataLoader":
    """Return the usual DataLoader of the training images in `rows`: each becomes a tensor when it is asked for."""
    from torch.utils.data import DataLoader, Subset
    from torchvision import transforms
    from torchvision.datasets import FashionMNIST

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    with data.torchvision_root() as folder:
        dataset = FashionMNIST(folder, train=True, download=True, transform=transform)
    return DataLoader(Subset(dataset, rows.tolist()), batch_size=BATCH_SIZE["pytorch"], shuffle=True)


def pytorch_training(network: "torch.nn.Module", loader: "Iterable[tuple[torch.Tensor, torch.Tensor]]") -> Epoch:
    """Return the timed epoch that most tutorials write."""
    import torch

    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters())

    def epoch() -> tuple[float, float]:
        start = time.perf_counter()
        network.train()
        running_loss = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(network(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        return time.perf_counter() - start, running_loss / len(loader)

    return epoch


def keras_network(chapter: Chapter01, name: str) -> "keras.Sequential":
    """Build a network of chapter 01 with softmax in its last layer, and compile it; N x 28 x 28 x 1 to N x 10."""
    import keras

    *layers, last = chapter.networks[name]().layers
    output = keras.layers.Dense(last.units, activation="softmax")
    network = keras.Sequential([keras.Input((28, 28, 1)), *layers, output])
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return network
