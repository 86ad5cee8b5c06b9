"""The runs of the series: each function trains one network of chapter 02, and returns what is recorded.

`parts` are those of `study_runs.prepared`. The test images are not used.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tools.measure import chapter_02
from tools.measure.regularization_plan import Run
from tools.measure.study_runs import Parts, packed, pytorch_logits, scores

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
HELD_OUT = 900  # images each for validation and test in the published experiment


def data_for(run: Run, parts: Parts) -> Parts:
    """Return the "train", "validation" and, of the published experiment, "test" images of a run, drawn from its seed.

    Its "test" images are 900 of the 60,000 training images.
    """
    generator = np.random.default_rng(run["seed"])
    images, labels = parts["train"]
    if run["settings"]["network"] == "published":
        images, labels = (np.concatenate(each) for each in zip(parts["train"], parts["validation"], strict=True))
        held_out = min(HELD_OUT, len(images) // 4)
        order = np.split(generator.permutation(len(images)), [held_out, 2 * held_out])
        names = ("test", "validation", "train")
        return {name: (images[rows], labels[rows]) for name, rows in zip(names, order, strict=True)}
    count = run["settings"]["images"]
    if count is None or count >= len(images):
        return {name: parts[name] for name in ("train", "validation")}
    rows = generator.choice(len(images), count, replace=False)
    return {"train": (images[rows], labels[rows]), "validation": parts["validation"]}


def recorded(
    epochs: Sequence[dict[str, float]], parameters: int, data: Parts, logits: Callable[[np.ndarray], np.ndarray]
) -> dict[str, Any]:
    """Return what is recorded of a run: its curves, and the scores of the network at its end in evaluation mode.

    `epochs` holds the values of `CURVES` for each epoch, `logits` returns N x 10 logits for N images of `data`.
    """
    found: dict[str, Any] = {"parameters": parameters}
    found["curves"] = {name: [round(epoch[name], 5) for epoch in epochs] for name in CURVES}
    for name, (images, labels) in data.items():
        predicted = logits(images)
        found[name] = scores(predicted, labels)
        if name == "validation":
            found["right"] = packed(predicted.argmax(axis=1) == labels)
    return found


def train_pytorch(run: Run, parts: Parts) -> dict[str, Any]:
    """Train the network of a run in PyTorch."""
    import torch

    def tensor(images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(images).unsqueeze(1)

    settings, data = run["settings"], data_for(run, parts)
    train, validation = ((tensor(x), torch.from_numpy(y)) for x, y in (data["train"], data["validation"]))
    torch.manual_seed(run["seed"])
    model = chapter_02.network("pytorch", settings)
    epochs = chapter_02.pytorch_fit(model, settings, train, validation)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    found = recorded(epochs, parameters, data, lambda images: pytorch_logits(model, tensor(images)))
    if settings["network"] == "published":
        found["in_training_mode"] = chapter_02.from_notebook("pytorch")["accuracy_in_training_mode"](model, *train)
    return found


def train_keras(run: Run, parts: Parts) -> dict[str, Any]:
    """Train the network of a run in Keras."""
    import keras

    settings, data = run["settings"], data_for(run, parts)
    train, validation = ((x[..., None], y) for x, y in (data["train"], data["validation"]))
    keras.utils.set_random_seed(run["seed"])
    model = chapter_02.network("keras", settings)
    epochs = chapter_02.keras_fit(model, settings, train, validation)
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    predict = chapter_02.from_notebook("keras")["predict_logits"]
    found = recorded(epochs, parameters, data, lambda images: predict(model, images[..., None]))
    if settings["network"] == "published":
        in_mode = chapter_02.from_notebook("keras")["accuracy_in_training_mode"](model, *train)
        found["in_training_mode"] = float(in_mode)
    return found
