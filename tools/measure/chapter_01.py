"""The networks of chapter 01 with its settings, taken from its notebooks, and its way of training them, to be measured.

The functions import the framework that they work with where they need it.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fmnist import chapters, data, taught

if TYPE_CHECKING:
    import keras
    import torch

STEPS_PER_EXECUTION = 200  # batches that Keras trains on before Python takes over again

# Trains for one epoch; returns its seconds and its mean loss.
Epoch = Callable[[], tuple[float, float]]


@dataclass(frozen=True)
class Chapter01:
    """The settings of chapter 01, and {name: function or class that builds the network}."""

    epochs: int
    batch_size: int
    learning_rate: float
    dropout: float
    networks: dict[str, Callable[[], Any]]

    def settings(self) -> dict[str, float]:
        """Return everything but the networks, such as {"epochs": 20, ...}."""
        return {name: value for name, value in vars(self).items() if name != "networks"}

    def steps(self, images: int) -> int:
        """Return the number of steps over which the learning rate falls to 0, for so many training images."""
        return self.epochs * math.ceil(images / self.batch_size)


def notebook(framework: str) -> str:
    """Return the name of the notebook from which networks and settings are taken."""
    return f"{framework}/01_dense_and_cnn"


def from_notebook(framework: str) -> Chapter01:
    """Run the cells of chapter 01 that hold its settings and build its networks.

    In Keras a network takes N x 28 x 28 x 1, in PyTorch N x 1 x 28 x 28; both return N x 10 logits.
    """
    if framework == "keras":
        import keras

        modules = {"keras": keras}
    else:
        from torch import nn

        modules = {"nn": nn}
    given = taught.run_tagged_cells(notebook(framework), "parameters", "model", **modules)
    chapter, _ = chapters.of_notebook(notebook(framework))
    settings = (given[name] for name in ("EPOCHS", "BATCH_SIZE", "LEARNING_RATE", "DROPOUT"))
    return Chapter01(*settings, {model.name: given[model.builder[framework]] for model in chapter.models})


def load_parts(*names: str, count: int | None = None) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return {name: (images uint8 N x 28 x 28, labels uint8 N, their rows in the published file N)}.

    `names` are some of "train", "validation" and "test"; `count` takes only the first images of each.
    """
    training, test = data.load()
    train, validation = data.split(training[1])
    found = {}
    for name in names:
        images, labels = test if name == "test" else training
        rows = {"train": train, "validation": validation, "test": np.arange(len(test[0]))}[name][:count]
        found[name] = images[rows], labels[rows], rows
    return found


def scaled(images: np.ndarray) -> np.ndarray:
    """Return pixels of 0...255 as float32 in 0...1, in one copy: a second one would be the peak of the memory."""
    result = images.astype(np.float32)
    result /= 255
    return result


def pytorch_optimizer(
    network: "torch.nn.Module", steps: int, learning_rate: float, epsilon: float = 1e-8
) -> "tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]":
    """Return fused Adam and the schedule that lets its learning rate fall to 0 over so many steps.

    The study trains with it. What Adam computes is the same with and without `fused`, but for the last digits.
    """
    import torch

    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, eps=epsilon, fused=True)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)


def pytorch_epoch(
    network: "torch.nn.Module",
    optimizer: "torch.optim.Optimizer",
    schedule: "torch.optim.lr_scheduler.LRScheduler",
    images: "torch.Tensor",
    labels: "torch.Tensor",
    batches: "Iterable[torch.Tensor]",
) -> tuple[float, float]:
    """Train for one epoch, the loop of chapter 01; return mean loss and accuracy, each image's before its step.

    `images` are float32 N x 1 x 28 x 28, `labels` int64 N, and each batch holds the rows of its images.
    """
    import torch

    network.train()
    loss_sum = correct = seen = 0
    for rows in batches:
        x, y = images[rows], labels[rows]
        logits = network(x)
        loss = torch.nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        loss_sum += loss.detach() * len(rows)
        correct += (logits.argmax(dim=1) == y).sum()
        seen += len(rows)
    return float(loss_sum / seen), float(correct / seen)


def pytorch_stack(chapter: Chapter01, name: str, pool_first: bool) -> "torch.nn.Sequential":
    """Build a network of chapter 01 as one stack of layers, with pooling before each ReLU or after it.

    The order is that asked for, whichever the notebook has. ReLU never reverses the order of two values, so both
    compute the same: N x 1 x 28 x 28 to N x 10. Pooling first leaves ReLU a quarter of the work.
    """
    from torch import nn

    order = (nn.MaxPool2d, nn.ReLU) if pool_first else (nn.ReLU, nn.MaxPool2d)
    layers = [module for module in chapter.networks[name]().modules() if not list(module.children())]
    for place, (first, second) in enumerate(itertools.pairwise(layers)):
        if isinstance(first, order[1]) and isinstance(second, order[0]):
            layers[place : place + 2] = second, first
    return nn.Sequential(*layers)


def pytorch_training(
    chapter: Chapter01,
    network: "torch.nn.Module",
    images: "torch.Tensor",
    labels: "torch.Tensor",
    fused: bool | None = None,
) -> Epoch:
    """Return the timed epoch of chapter 01: images in memory, batches by index, channels last, plain Adam.

    `fused` is what Adam is told; None is its default, as the chapter trains.
    """
    import torch

    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=chapter.learning_rate, fused=fused)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=chapter.steps(len(images)))

    def epoch() -> tuple[float, float]:
        start = time.perf_counter()
        batches = torch.randperm(len(images)).split(chapter.batch_size)
        loss, _ = pytorch_epoch(network, optimizer, schedule, images, labels, batches)
        return time.perf_counter() - start, loss

    return epoch


def keras_compile(network: "keras.Model", steps: int, learning_rate: float) -> None:
    """Compile a network as chapter 01 does; its learning rate falls to 0 over so many steps."""
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=steps)
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
    )


def keras_training(network: "keras.Model", images: np.ndarray, labels: np.ndarray, batch_size: int) -> Epoch:
    """Return the timed epoch of a compiled network: a `fit` of one epoch, so that it can take turns with others.

    What `fit` does before its first epoch would not be repeated in a longer one: it belongs to the first epoch
    (tracing, compilation, copying the arrays into the graph), and the later ones are timed from their own beginning.
    `images` are float N x 28 x 28 x 1, `labels` integers N.
    """
    import keras

    def epoch() -> tuple[float, float]:
        first = int(network.optimizer.iterations) == 0
        marks = [time.perf_counter()]
        clock = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: marks.append(time.perf_counter()),
            on_epoch_end=lambda *_: marks.append(time.perf_counter()),
        )
        history = network.fit(images, labels, batch_size=batch_size, epochs=1, verbose=0, callbacks=[clock])
        return marks[2] - marks[0 if first else 1], history.history["loss"][0]

    return epoch
