"""The runs of chapter 04's further networks: each function trains one network, and returns what is recorded.

Networks and settings are those of chapter 01; how calibration is measured and images are perturbed is taken from
chapter 04. `parts` are those of `study_runs.prepared`.
"""

import base64
import functools
import math
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_digits

from fmnist import taught
from fmnist.mistakes import STEPS, folds
from tools.measure import chapter_01
from tools.measure.mistakes_plan import Run
from tools.measure.study_runs import Parts, orders, pytorch_logits

# The cells of chapter 04 that are taken over.
TAGS = ("calibration", "refuse", "perturb", "no_clothes")
TARGET = 0.98  # the accuracy that predictions must reach, in validation, to be given at all
ROOM = 4  # pixels that an image can be shifted by without losing any
SEED = 42  # of noise and places: the same perturbed images for every network

# Takes images float32 N x 28 x 28 in 0...255, returns N x 10 logits.
Predict = Callable[[np.ndarray], np.ndarray]
# Takes the name of a network, seed, epochs, images in 0...1 and labels.
Train = Callable[[str, int, int, np.ndarray, np.ndarray], Predict]


def notebook(framework: str) -> str:
    """Return the name of the notebook whose cells are taken over."""
    return f"{framework}/04_mistakes_and_confidence"


@functools.cache
def _taught(framework: str) -> SimpleNamespace:
    given = {"np": np, "ndimage": ndimage, "minimize_scalar": minimize_scalar, "log_softmax": log_softmax}
    given |= {"load_digits": load_digits, "SEED": SEED}
    return SimpleNamespace(**taught.run_tagged_cells(notebook(framework), *TAGS, **given))


def train_pytorch(name: str, seed: int, epochs: int, images: np.ndarray, labels: np.ndarray) -> Predict:
    """Train a network of chapter 01 in PyTorch on images in 0...1, and return how it predicts."""
    import torch

    chapter = chapter_01.from_notebook("pytorch")
    x, y = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)
    torch.manual_seed(seed)
    model = chapter_01.pytorch_stack(chapter, name, pool_first=True).to(memory_format=torch.channels_last)
    steps = epochs * math.ceil(len(x) / chapter.batch_size)
    optimizer, schedule = chapter_01.pytorch_optimizer(model, steps, chapter.learning_rate)
    for order in orders(seed, len(x), epochs):
        batches = torch.from_numpy(order).split(chapter.batch_size)
        chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, batches)

    def predict(images: np.ndarray) -> np.ndarray:
        return pytorch_logits(model, torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1))

    return predict


def train_keras(name: str, seed: int, epochs: int, images: np.ndarray, labels: np.ndarray) -> Predict:
    """Train a network of chapter 01 in Keras on images in 0...1, and return how it predicts."""
    import keras

    chapter = chapter_01.from_notebook("keras")
    x = images[..., None]
    keras.utils.set_random_seed(seed)
    model = chapter.networks[name]()
    chapter_01.keras_compile(model, epochs * math.ceil(len(x) / chapter.batch_size), chapter.learning_rate)
    for order in orders(seed, len(x), epochs):
        model.fit(x[order], labels[order], batch_size=chapter.batch_size, shuffle=False, verbose=0)

    def predict(images: np.ndarray) -> np.ndarray:
        return model.predict(images[..., None].astype(np.float32) / 255, batch_size=1000, verbose=0)

    return predict


def fold(framework: str, train: Train, run: Run, parts: Parts) -> dict[str, Any]:
    """Train the CNN on all training images but those of one fold; record its probabilities for these."""
    images, labels = parts["train"]
    left_out = folds(labels)[run["fold"]]
    kept = np.setdiff1d(np.arange(len(labels)), left_out)
    predict = train("cnn", run["seed"], run["epochs"], images[kept], labels[kept])
    logits = predict(255 * images[left_out])
    accuracy = float(np.mean(logits.argmax(axis=1) == labels[left_out]))
    # A byte for each logit, how far it is below the largest: as good as the probabilities, and a third of the size.
    below = np.minimum(np.round(STEPS * (logits.max(axis=1, keepdims=True) - logits)), 255)
    return {"accuracy": round(accuracy, 6), "logits_below": packed(below.astype(np.uint8))}


def network(framework: str, train: Train, run: Run, parts: Parts) -> dict[str, Any]:
    """Train a network as chapter 01 does; record how well it is calibrated, and its accuracy on perturbed images."""
    predict = train(run["name"], run["seed"], run["epochs"], *parts["train"])
    chapter = _taught(framework)
    (validation_images, validation_labels), (images, labels) = parts["validation"], parts["test"]
    validation, test = predict(255 * validation_images), predict(255 * images)
    temperature = chapter.fit_temperature(validation, validation_labels)
    probabilities, scaled = softmax(test, axis=1), softmax(test / temperature, axis=1)
    confidence, predictions = probabilities.max(axis=1), probabilities.argmax(axis=1)
    found = {
        "test_accuracy": float(np.mean(predictions == labels)),
        "temperature": temperature,
        "calibration_error": {
            "before": chapter.calibration_error(probabilities, labels),
            "after": chapter.calibration_error(scaled, labels),
        },
        "cross_entropy": {
            "before": chapter.cross_entropy(test, labels),
            "after": chapter.cross_entropy(test / temperature, labels),
        },
        "refusing": _refusing(chapter, validation, validation_labels, confidence, predictions == labels),
        "perturbed": _perturbed(chapter, predict, 255 * images, labels),
        "with_room": _with_room(chapter, predict, 255 * images, labels),
        "no_clothes": _no_clothes(chapter, predict, 255 * images, labels),
        "predictions": packed(predictions.astype(np.uint8)),
        "confidence": packed(confidence.astype(np.float16)),
    }
    return _rounded(found)


def packed(values: np.ndarray) -> str:
    """Return an array as text: its bytes, compressed, base64."""
    return base64.b64encode(zlib.compress(values.tobytes(), 9)).decode("ascii")


def _refusing(
    chapter: SimpleNamespace, validation: np.ndarray, labels: np.ndarray, confidence: np.ndarray, correct: np.ndarray
) -> dict[str, float]:
    probabilities = softmax(validation, axis=1)
    right = probabilities.argmax(axis=1) == labels
    threshold = float(chapter.choose_threshold(probabilities.max(axis=1), right, TARGET))
    given = confidence >= threshold
    accuracy = float(correct[given].mean()) if given.any() else 1.0
    return {"target": TARGET, "threshold": threshold, "coverage": float(given.mean()), "accuracy": accuracy}


def _perturbed(
    chapter: SimpleNamespace, predict: Predict, images: np.ndarray, labels: np.ndarray
) -> dict[str, dict[str, float]]:
    def accuracy(versions: list[np.ndarray]) -> float:
        return float(np.mean([np.mean(predict(version).argmax(axis=1) == labels) for version in versions]))

    return {
        kind: {str(size): accuracy(change(images, size)) for size in sizes}
        for kind, (change, sizes) in chapter.PERTURBATIONS.items()
    }


def _with_room(
    chapter: SimpleNamespace, predict: Predict, images: np.ndarray, labels: np.ndarray
) -> dict[str, float | None]:
    rooms = chapter.room_to_move(images, ROOM)
    found = {}
    for pixels in range(ROOM + 1):
        correct = [
            predict(version[room]).argmax(axis=1) == labels[room]
            for version, room in zip(chapter.shifts(images, pixels), rooms, strict=True)
            if room.any()
        ]
        found[str(pixels)] = float(np.concatenate(correct).mean()) if correct else None
    return found


def _no_clothes(
    chapter: SimpleNamespace, predict: Predict, images: np.ndarray, labels: np.ndarray
) -> dict[str, dict[str, float]]:
    found = {}
    for kind, strange in chapter.no_clothes(images, labels).items():
        probabilities = softmax(predict(strange), axis=1)
        confidence = probabilities.max(axis=1)
        most = int(np.bincount(probabilities.argmax(axis=1), minlength=10).argmax())
        found[kind] = {"mean": float(confidence.mean()), "above 90%": float(np.mean(confidence > 0.9)), "most": most}
    return found


def _rounded(value: Any) -> Any:
    """Return nested dictionaries with their fractions rounded to six digits."""
    if isinstance(value, dict):
        return {name: _rounded(entry) for name, entry in value.items()}
    return round(float(value), 6) if isinstance(value, float | np.floating) else value
