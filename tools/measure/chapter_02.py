"""The networks, the training and the augmentation of chapter 02, taken from its notebooks, to be measured.

The functions import the framework that they work with where they need it. `settings` says how a network is built and
trained:

- "network" is "large" (`build_network` with "units", "dropout" and "batch_norm") or "published" (`build_published` with
  "dropout");
- "augment" is a list of "flip" and ["shift", pixels];
- "smoothing" is the label smoothing;
- "schedule" of the learning rate is None for a constant one, or the name of the chapter's function;
- "decay" is ["decoupled", strength], ["L2", strength], which is added to the gradient, or None;
- "patience" stops after so many epochs without a validation loss lower by `MIN_DELTA` and restores the best parameters;
- "images" are drawn from the training images, None for all; "epochs" and "batch_size".
"""

import copy
import functools
import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from fmnist import taught

if TYPE_CHECKING:
    import keras
    import torch

# The cells of the chapter that are taken over, by their tags; Keras brings its own callbacks.
TAGS = {
    "keras": ("model", "train", "cosine", "augment", "modes", "schedules"),
    "pytorch": ("model", "train", "callbacks", "cosine", "augment", "modes", "schedules"),
}
LEARNING_RATE = 0.001
BATCH_SIZE = 128
MIN_DELTA = 0.001

Settings = Mapping[str, Any]


def notebook(framework: str) -> str:
    """Return the name of the notebook from which networks and training are taken."""
    return f"{framework}/02_regularization_and_callbacks"


@functools.cache
def from_notebook(framework: str) -> dict[str, Callable[..., Any]]:
    """Return what the cells of the chapter define that build its networks and train them."""
    given = {"np": np, "math": math, "copy": copy, "LEARNING_RATE": LEARNING_RATE, "BATCH_SIZE": BATCH_SIZE}
    if framework == "keras":
        import keras

        given |= {"keras": keras}
    else:
        import torch
        from torch import nn
        from torch.nn import functional

        given |= {"torch": torch, "nn": nn, "F": functional, "SimpleNamespace": SimpleNamespace}
    return taught.run_tagged_cells(notebook(framework), *TAGS[framework], **given)


def network(framework: str, settings: Settings) -> Any:
    """Build the network that the settings ask for."""
    chapter = from_notebook(framework)
    if settings["network"] == "published":
        return chapter["build_published"](settings["dropout"])
    return chapter["build_network"](settings["units"], settings["dropout"], settings["batch_norm"])


def steps(settings: Settings, images: int) -> int:
    """Return the number of steps of the whole training, for so many training images."""
    return settings["epochs"] * math.ceil(images / settings["batch_size"])


def pytorch_optimizer(model: "torch.nn.Module", settings: Settings) -> "torch.optim.Optimizer":
    """Return the optimizer that the settings ask for."""
    import torch

    kind, strength = settings["decay"] or ("decoupled", 0)
    optimizer = torch.optim.AdamW if kind == "decoupled" else torch.optim.Adam
    return optimizer(model.parameters(), lr=LEARNING_RATE, weight_decay=strength, fused=True)


def pytorch_augment(settings: Settings) -> "Callable[[torch.Tensor], torch.Tensor] | None":
    """Return the function that changes a batch of images, None where they stay as they are."""
    chapter = from_notebook("pytorch")

    def augment(images: "torch.Tensor") -> "torch.Tensor":
        for name in settings["augment"]:
            images = chapter["flip"](images) if name == "flip" else chapter["shift"](images, name[1])
        return images

    return augment if settings["augment"] else None


def pytorch_fit(
    model: "torch.nn.Module",
    settings: Settings,
    train: "tuple[torch.Tensor, torch.Tensor]",
    validation: "tuple[torch.Tensor, torch.Tensor]",
) -> list[dict[str, float]]:
    """Train a network as the settings say; return loss and accuracy of each epoch, of training and validation images.

    Images are float32 N x 1 x 28 x 28 and labels int64 N.
    """
    chapter = from_notebook("pytorch")

    class Kept(chapter["Callback"]):
        def on_epoch_end(self, run: SimpleNamespace, epoch: int, logs: dict[str, float]) -> None:
            found.append(logs)

    found: list[dict[str, float]] = []
    callbacks = [Kept()]
    if settings["patience"] is not None:
        callbacks.append(chapter["EarlyStopping"](settings["patience"], MIN_DELTA))
    optimizer = pytorch_optimizer(model, settings)
    schedule = None
    if settings["schedule"]:
        schedule = chapter[settings["schedule"]](optimizer, steps(settings, len(train[0])))
    options = {"schedule": schedule, "augment": pytorch_augment(settings), "smoothing": settings["smoothing"]}
    chapter["fit"](
        model, optimizer, train, validation, settings["epochs"], callbacks, settings["batch_size"], **options
    )
    return found


def keras_fit(
    network: "keras.Model",
    settings: Settings,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
) -> list[dict[str, float]]:
    """Train a network as the settings say; return loss and accuracy of each epoch, of training and validation images.

    Images are float32 N x 28 x 28 x 1 and labels int64 N. Raises ValueError for what is not made in Keras.
    """
    import keras

    chapter = from_notebook("keras")
    kind, strength = settings["decay"] or ("decoupled", 0)
    if kind != "decoupled" or settings["smoothing"]:
        raise ValueError("L2 and label smoothing are not made in Keras.")
    layers = [chapter["flip"]() if name == "flip" else chapter["RandomShift"](name[1]) for name in settings["augment"]]
    trainer = chapter["with_augmentation"](network, *layers) if layers else network
    name = settings["schedule"]
    rate = chapter[name](steps(settings, len(train[0]))) if name else LEARNING_RATE
    chapter["compile_model"](trainer, rate, strength)
    callbacks: list[keras.callbacks.Callback] = []
    if settings["patience"] is not None:
        options = {"patience": settings["patience"], "min_delta": MIN_DELTA, "restore_best_weights": True}
        callbacks.append(keras.callbacks.EarlyStopping("val_loss", **options))
    chapter["fit"](trainer, train, validation, settings["epochs"], callbacks, settings["batch_size"])
    columns = trainer.history.history
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
