"""The runs of the ablation: each function trains one network, and returns what is recorded.

`parts` are those of `study_runs.prepared`. Both frameworks get the images in the same order. The test images are not
used.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.measure import chapter_06
from tools.measure.ablation_plan import Run
from tools.measure.study_runs import Parts, orders, pytorch_logits, scores

CURVES = ("loss", "val_loss", "val_accuracy")


def recorded(curves: Sequence[Sequence[float]], seconds: Sequence[float], parameters: int) -> dict[str, Any]:
    """Return what is recorded of a run; `curves` holds the values of `CURVES` for each epoch."""
    columns = zip(CURVES, zip(*curves, strict=True), strict=True)
    return {
        "parameters": parameters,
        "curves": {name: [round(value, 6) for value in column] for name, column in columns},
        "seconds_per_epoch": round(float(np.median(seconds)), 2),
    }


def train_pytorch(run: Run, parts: Parts) -> dict[str, Any]:
    """Train the network of a run in PyTorch."""
    import torch

    settings = run["settings"]
    data, (x_validation, y_validation) = (
        (torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels))
        for images, labels in (parts["train"], parts["validation"])
    )
    torch.manual_seed(run["seed"])
    model = chapter_06.network("pytorch", settings).to(memory_format=torch.channels_last)
    optimizer, schedule = chapter_06.pytorch_optimizer(model, settings, chapter_06.steps(settings, len(data[0])))
    average = chapter_06.pytorch_average(model, settings)
    curves, seconds = [], []
    for order in orders(run["seed"], len(data[0]), settings["epochs"]):
        start = time.perf_counter()
        batches = torch.from_numpy(order).split(settings["batch_size"])
        loss, _ = chapter_06.pytorch_epoch(model, optimizer, schedule, average, settings, data, batches)
        seconds.append(time.perf_counter() - start)
        used = model if average is None else average.module
        found = scores(pytorch_logits(used, x_validation), y_validation.numpy())
        curves.append((loss, found["loss"], found["accuracy"]))
    return recorded(curves, seconds, sum(parameter.numel() for parameter in model.parameters()))


def train_keras(run: Run, parts: Parts) -> dict[str, Any]:
    """Train the network of a run in Keras."""
    import keras

    settings = run["settings"]
    (x, y), (x_validation, y_validation) = (
        (images[..., None], labels) for images, labels in (parts["train"], parts["validation"])
    )
    targets = chapter_06.keras_targets(y)
    keras.utils.set_random_seed(run["seed"])
    network = chapter_06.network("keras", settings)
    trainer = chapter_06.keras_trainer(network, settings, chapter_06.steps(settings, len(x)))
    curves, seconds = [], []
    for order in orders(run["seed"], len(x), settings["epochs"]):
        start = time.perf_counter()
        fit = trainer.fit(x[order], targets[order], batch_size=settings["batch_size"], shuffle=False, verbose=0)
        seconds.append(time.perf_counter() - start)
        found = scores(network.predict(x_validation, batch_size=1000, verbose=0), y_validation)
        curves.append((fit.history["loss"][0], found["loss"], found["accuracy"]))
    return recorded(curves, seconds, sum(int(np.prod(weight.shape)) for weight in network.trainable_weights))
