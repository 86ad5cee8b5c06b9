"""The runs of the study with the networks of chapter 01, and what all series of training runs share.

`parts` is what `prepared` returns. Both frameworks get the images in the same order.
"""

import base64
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax

from fmnist import study
from tools.measure import chapter_01
from tools.measure.study_plan import Run

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


def pytorch_logits(model: "torch.nn.Module", images: "torch.Tensor", training: bool = False) -> np.ndarray:
    """Return the N x 10 logits as an array, in evaluation mode or, with dropout drawn, in training mode."""
    import torch

    model.train(training)
    with torch.no_grad():
        return torch.cat([model(batch) for batch in images.split(1000)]).numpy()


def training_images(run: Run, parts: Parts) -> np.ndarray:
    """Return the training images of a run; those of a twin differ in the last digit of some pixels."""
    images, _ = parts["train"]
    if run["part"] != "twin":
        return images
    return np.rint(images * 255) * np.float32(1 / 255)


def found(logits: dict[str, np.ndarray], parts: Parts) -> dict[str, Any]:
    """Return what is recorded of a run: the scores of each part that has logits, and its predictions for the test."""
    labels = parts["test"][1]
    predictions = {"predictions": study.pack(logits["test"].argmax(axis=1), labels)}
    return {name: scores(values, parts[name][1]) for name, values in logits.items()} | predictions


def _chapter(framework: str, run: Run) -> chapter_01.Chapter01:
    return dataclasses.replace(chapter_01.from_notebook(framework), epochs=run["settings"]["epochs"])


def train_keras(run: Run, parts: Parts) -> dict[str, Any]:
    """Train a network of chapter 01 in Keras and return its scores."""
    import keras

    chapter = _chapter("keras", run)
    x, y = training_images(run, parts)[..., None], parts["train"][1]
    keras.utils.set_random_seed(run["seed"])
    model = chapter.networks[run["network"]]()
    chapter_01.keras_compile(model, chapter.steps(len(x)), chapter.learning_rate)
    for order in orders(run["seed"], len(x), chapter.epochs):
        # The order is made outside, so that both frameworks meet the images in the same one.
        model.fit(x[order], y[order], batch_size=chapter.batch_size, shuffle=False, verbose=0)
    names = ("validation", "test")
    return found({name: model.predict(parts[name][0][..., None], batch_size=1000, verbose=0) for name in names}, parts)


def train_pytorch(run: Run, parts: Parts) -> dict[str, Any]:
    """Train a network of chapter 01 in PyTorch and return its scores.

    Pooling comes before ReLU, which computes the same and takes half the time.
    """
    import torch

    from fmnist import torch_aligned

    chapter = _chapter("pytorch", run)
    x, y = (torch.from_numpy(array) for array in (training_images(run, parts)[:, None], parts["train"][1]))
    torch.manual_seed(run["seed"])
    model = chapter_01.pytorch_stack(chapter, run["network"], pool_first=True).to(memory_format=torch.channels_last)
    if run["part"] == "aligned":
        torch_aligned.draw_like_keras(model)
    optimizer, schedule = chapter_01.pytorch_optimizer(model, chapter.steps(len(x)), chapter.learning_rate)
    for order in orders(run["seed"], len(x), chapter.epochs):
        batches = torch.from_numpy(order).split(chapter.batch_size)
        chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, batches)
    tensors = {name: torch.from_numpy(parts[name][0][:, None]) for name in ("validation", "test")}
    return found({name: pytorch_logits(model, images) for name, images in tensors.items()}, parts)
