"""What most tutorials write, to be measured beside chapter 01: the usual import, data pipeline and training.

The layers themselves, with their sizes and their dropout, are those of chapter 01, so that both ways train the same
network and only the way differs. In Keras that is a plain import, a softmax in the last layer, no schedule, float64
arrays and one step an execution; in PyTorch a DataLoader that prepares each image anew, batches of 64, ReLU before
pooling, the usual memory format, no schedule, and a loss that Python asks for after every step.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from fmnist import data
from fmnist.quiet import quiet_start
from tools.measure.chapter_01 import Chapter01, Epoch

if TYPE_CHECKING:
    import keras
    import torch

BATCH_SIZE = {"keras": 128, "pytorch": 64}


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


@contextlib.contextmanager
def keras_start() -> Iterator[None]:
    """Import Keras in the `with` block as most tutorials do: whether oneDNN computes is left to TensorFlow.

    Only what would make it another measurement is kept away: another backend, the user's keras.json, and messages.
    The environment stays as it is set here: this is the start of a process that ends with the measurement.
    """
    surroundings = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    # Keras reads keras.json once, when it is imported; in an empty folder it finds none.
    with tempfile.TemporaryDirectory() as empty, quiet_start():
        os.environ.update(surroundings, KERAS_HOME=empty)
        yield


def keras_network(chapter: Chapter01, name: str) -> "keras.Sequential":
    """Build a network of chapter 01 with softmax in its last layer, and compile it; N x 28 x 28 x 1 to N x 10."""
    import keras

    *layers, last = chapter.networks[name]().layers
    output = keras.layers.Dense(last.units, activation="softmax")
    network = keras.Sequential([keras.Input((28, 28, 1)), *layers, output])
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return network
