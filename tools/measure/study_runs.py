"""The runs of the study: each function trains one network from one seed and returns the scores that are recorded.

All take `parts`, which `prepared` returns, and `epochs`, None for as many as the study has.
"""

import base64
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from scipy.special import log_softmax

from tools.measure import chapter_01
from tools.measure.study_plan import ALIGNED, CHANGES, DEFAULTS_EPOCHS, DEFAULTS_LEARNING_RATE

if TYPE_CHECKING:
    import torch

Parts = dict[str, tuple[np.ndarray, np.ndarray]]
Scores = dict[str, float]


def prepared(count: int | None = None) -> Parts:
    """Return {"train" | "validation" | "test": (images float32 N x 28 x 28 in 0...1, labels int64 N)}.

    `count` takes only the first images of each part, for a quick look.
    """
    parts = chapter_01.load_parts("train", "validation", "test", count=count)
    return {name: (chapter_01.scaled(x), y.astype(np.int64)) for name, (x, y, _) in parts.items()}


def orders(seed: int, images: int, epochs: int) -> list[np.ndarray]:
    """Return the order of the training images in each epoch, a permutation: the same for both frameworks."""
    generator = np.random.default_rng(seed)
    return [generator.permutation(images) for _ in range(epochs)]


def scores(logits: np.ndarray, labels: np.ndarray) -> Scores:
    """Return "accuracy" (0 to 1) and "loss" (cross-entropy) of N x 10 logits and N labels."""
    true_class = log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]
    return {"accuracy": float((logits.argmax(axis=1) == labels).mean()), "loss": round(float(-true_class.mean()), 6)}


def packed(right: np.ndarray) -> str:
    """Return which images were classified correctly (N booleans) as text: one bit an image, base64."""
    return base64.b64encode(np.packbits(right)).decode("ascii")


def run_scores(logits: Mapping[str, np.ndarray], parts: Parts, curve: Sequence[float]) -> dict[str, Any]:
    """Return what is recorded of a run of chapter 01: scores of the three parts, and which test images it gets right.

    `logits` maps each part to N x 10 logits; `curve` is the running accuracy of each epoch.
    """
    found = {name: scores(logits[name], labels) for name, (_, labels) in parts.items()}
    right = logits["test"].argmax(axis=1) == parts["test"][1]
    return found | {"running_accuracy": list(curve), "test_right": packed(right)}


def _chapter(framework: str, epochs: int | None) -> chapter_01.Chapter01:
    chapter = chapter_01.from_notebook(framework)
    return dataclasses.replace(chapter, epochs=epochs or chapter.epochs)


def train_keras(network: str, seed: int, parts: Parts, epochs: int | None = None) -> dict[str, Any]:
    """Train one network of chapter 01 in Keras and return its scores."""
    import keras

    chapter = _chapter("keras", epochs)
    images = {name: x[..., None] for name, (x, _) in parts.items()}
    x, y = images["train"], parts["train"][1]
    keras.utils.set_random_seed(seed)
    model = chapter.networks[network]()
    chapter_01.keras_compile(model, chapter.steps(len(x)), chapter.learning_rate)
    curve = []
    for order in orders(seed, len(x), chapter.epochs):
        # The order is made outside, so that both frameworks meet the images in the same one.
        history = model.fit(x[order], y[order], batch_size=chapter.batch_size, shuffle=False, verbose=0).history
        curve.append(round(history["accuracy"][0], 6))
    logits = {name: model.predict(x, batch_size=1000, verbose=0) for name, x in images.items()}
    return run_scores(logits, parts, curve)


def train_pytorch(network: str, seed: int, parts: Parts, epochs: int | None = None) -> dict[str, Any]:
    """Train one network of chapter 01 in PyTorch and return its scores."""
    import torch

    chapter = _chapter("pytorch", epochs)
    tensors = {name: (torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)) for name, (x, y) in parts.items()}
    x, y = tensors["train"]
    torch.manual_seed(seed)
    model = chapter.networks[network]().to(memory_format=torch.channels_last)
    optimizer, schedule = chapter_01.pytorch_optimizer(model, chapter.steps(len(x)), chapter.learning_rate)
    curve = []
    for order in orders(seed, len(x), chapter.epochs):
        batches = torch.from_numpy(order).split(chapter.batch_size)
        _, accuracy = chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, batches)
        curve.append(round(accuracy, 6))
    logits = {name: pytorch_logits(model, images) for name, (images, _) in tensors.items()}
    return run_scores(logits, parts, curve)


def train_pytorch_aligned(network: str, seed: int, parts: Parts, epochs: int | None = None) -> dict[str, Any]:
    """Do as `train_pytorch`, but from weights drawn as Keras draws them: Glorot-uniform, and biases of zero."""
    from torch import nn

    def reset(layer: nn.Module) -> None:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)

    # Where every layer draws its weights when it is made.
    linear, convolution = nn.Linear, nn.modules.conv._ConvNd
    with patch.object(linear, "reset_parameters", reset), patch.object(convolution, "reset_parameters", reset):
        return train_pytorch(network, seed, parts, epochs)


def pytorch_logits(model: "torch.nn.Module", images: "torch.Tensor", training: bool = False) -> np.ndarray:
    """Return the N x 10 logits as an array, in evaluation mode or, with dropout drawn, in training mode."""
    import torch

    model.train(training)
    with torch.no_grad():
        return torch.cat([model(batch) for batch in images.split(1000)]).numpy()


def defaults_network(network: str, seed: int, settings: Mapping[str, Any]) -> "torch.nn.Sequential":
    """Return the network in PyTorch with weights drawn by NumPy: the same draws, scaled as `settings` says.

    "dense" is that of chapter 01; "batch_norm" has batch normalization before each ReLU and dropout 0.2 after it.
    Glorot-uniform weights lie within sqrt(6 / (inputs + outputs)); PyTorch's, for historical reasons called
    kaiming_uniform_(a=sqrt(5)), within 1 / sqrt(inputs), and so do its biases.
    """
    import torch
    from torch import nn

    def after(width: int) -> list[nn.Module]:
        if network == "dense":
            return [nn.ReLU()]
        options = {"eps": settings["bn_epsilon"], "momentum": settings["bn_momentum"]}
        return [nn.BatchNorm1d(width, **options), nn.ReLU(), nn.Dropout(0.2)]

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


def train_with_change(
    network: str, change: str, seed: int, parts: Parts, epochs: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Train one network in PyTorch with one change of the defaults; return the scores after every epoch.

    "validation" holds the validation scores, "training" three accuracies of the training images: running (each image's
    before its step), and after the epoch with the layers in evaluation and in training mode.
    """
    import torch

    settings = ALIGNED | CHANGES[network][change]
    epochs = epochs or DEFAULTS_EPOCHS
    low = settings["lowest_pixel"]
    tensors = {
        name: (torch.from_numpy(low + (1 - low) * x).float().unsqueeze(1), torch.from_numpy(y))
        for name, (x, y) in parts.items()
    }
    (x, y), (x_validation, y_validation) = tensors["train"], tensors["validation"]
    model = defaults_network(network, seed, settings)
    torch.manual_seed(seed)  # for dropout
    batch_size = settings["batch_size"]
    used = len(x) // batch_size * batch_size if settings["drop_last"] else len(x)
    steps = epochs * math.ceil(used / batch_size)
    optimizer, schedule = chapter_01.pytorch_optimizer(model, steps, DEFAULTS_LEARNING_RATE, settings["adam_epsilon"])
    validation, training = [], []
    for order in orders(seed, len(x), epochs):
        batches = torch.from_numpy(order[:used]).split(batch_size)
        _, running = chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, batches)
        validation.append(scores(pytorch_logits(model, x_validation), y_validation.numpy()))
        # The same images with the weights as they are now, dropout and batch statistics first off, then on. In
        # training mode the batches that are looked at move the averages of batch normalization, which are put back.
        kept = {name: value.clone() for name, value in model.state_dict().items()}
        modes = {mode: scores(pytorch_logits(model, x, mode == "train"), y.numpy()) for mode in ("eval", "train")}
        model.load_state_dict(kept)
        accuracies = {mode: found["accuracy"] for mode, found in modes.items()}
        training.append({"running": round(running, 6)} | accuracies)
    return {"validation": validation, "training": training}


# {framework: {study: the function that makes one of its runs}}
TRAIN = {
    "keras": {"verdict": train_keras},
    "pytorch": {"verdict": train_pytorch, "aligned": train_pytorch_aligned, "defaults": train_with_change},
}
