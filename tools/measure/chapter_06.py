"""The residual network and the augmentation of chapter 06, taken from its notebooks, and its training, to be measured.

The functions import the framework that they work with where they need it. `settings` says how a network is built and
trained:

- "width", "blocks", "shortcut" and "batch_norm" are the arguments of `build_resnet`;
- "augmentations" are the names of functions of the chapter, in the order in which they are applied;
- "smoothing" is the label smoothing;
- "schedule": whether the learning rate follows one cycle; otherwise it is constant;
- "decay" is "decoupled", "L2" (added to the gradient, as it is where the loss contains it) or None;
- "average" is the share of the old value in the moving average of the parameters, None for no average;
- "epochs" and "batch_size".
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fmnist import taught

if TYPE_CHECKING:
    import keras
    import torch

# The cells of the chapter that are taken over, by their tags.
TAGS = ("convolution", "build_resnet", "augment")
# The highest learning rate of the schedule, the constant one without it, and the share of the steps in which it rises.
PEAK_RATE = 0.004
CONSTANT_RATE = 0.001
RISING = 0.3
# {kind of decay: its strength}. The decoupled one is multiplied by the learning rate.
DECAY = {"decoupled": 0.05, "L2": 0.0005}

Settings = Mapping[str, Any]


def notebook(framework: str) -> str:
    """Return the name of the notebook from which networks and augmentation are taken."""
    return f"{framework}/06_residual_network"


@functools.cache
def from_notebook(framework: str) -> dict[str, Callable[..., Any]]:
    """Return what the cells of the chapter define that build its network and augment its images."""
    if framework == "keras":
        import keras

        modules = {"keras": keras, "math": math}
    else:
        import torch

        modules = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "math": math}
    return taught.run_tagged_cells(notebook(framework), *TAGS, **modules)


def network(framework: str, settings: Settings) -> Any:
    """Build the network that the settings ask for."""
    names = ("width", "blocks", "shortcut", "batch_norm")
    return from_notebook(framework)["build_resnet"](**{name: settings[name] for name in names})


def steps(settings: Settings, images: int) -> int:
    """Return the number of steps of the whole training, for so many training images."""
    return settings["epochs"] * math.ceil(images / settings["batch_size"])


def pytorch_optimizer(
    model: "torch.nn.Module", settings: Settings, steps: int
) -> "tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]":
    """Return the optimizer that the settings ask for, and the schedule of its learning rate over so many steps."""
    import torch
    from torch.optim import lr_scheduler

    kind = torch.optim.AdamW if settings["decay"] == "decoupled" else torch.optim.Adam
    decay = DECAY.get(settings["decay"], 0)
    optimizer = kind(model.parameters(), lr=CONSTANT_RATE, weight_decay=decay, fused=True)
    if not settings["schedule"]:
        return optimizer, lr_scheduler.ConstantLR(optimizer, factor=1)
    schedule = lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=RISING, cycle_momentum=False)
    return optimizer, schedule


def pytorch_average(model: "torch.nn.Module", settings: Settings) -> "torch.optim.swa_utils.AveragedModel | None":
    """Return a copy of a network that keeps the moving averages of its parameters, None where none is asked for."""
    from torch.optim import swa_utils

    if settings["average"] is None:
        return None
    averages = swa_utils.get_ema_multi_avg_fn(settings["average"])
    return swa_utils.AveragedModel(model, multi_avg_fn=averages, use_buffers=True)


def pytorch_epoch(
    model: "torch.nn.Module",
    optimizer: "torch.optim.Optimizer",
    schedule: "torch.optim.lr_scheduler.LRScheduler",
    average: "torch.optim.swa_utils.AveragedModel | None",
    settings: Settings,
    data: "tuple[torch.Tensor, torch.Tensor]",
    batches: "Iterable[torch.Tensor]",
) -> tuple[float, float]:
    """Train for one epoch; return mean loss and accuracy of the augmented images, each before its step.

    `data` are images float32 N x 1 x 28 x 28 and labels int64 N, and each batch holds the rows of its images.
    """
    from torch.nn.functional import cross_entropy

    chapter = from_notebook("pytorch")
    augmentations = [chapter[name] for name in settings["augmentations"]]
    model.train()
    loss_sum = correct = seen = 0
    for rows in batches:
        x, y = (each[rows] for each in data)
        for augment in augmentations:
            x = augment(x)
        logits = model(x)
        loss = cross_entropy(logits, y, label_smoothing=settings["smoothing"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if average is not None:
            average.update_parameters(model)
        loss_sum += loss.detach() * len(rows)
        correct += (logits.argmax(dim=1) == y).sum()
        seen += len(rows)
    return float(loss_sum / seen), float(correct / seen)


def keras_optimizer(settings: Settings, steps: int) -> "keras.optimizers.Optimizer":
    """Return the optimizer that the settings ask for, with the schedule of its learning rate over so many steps.

    Raises ValueError for what is not made in Keras.
    """
    from keras import optimizers

    if settings["decay"] == "L2" or settings["average"] is not None:
        raise ValueError("L2 and averaged weights are not made in Keras.")
    rate = CONSTANT_RATE
    if settings["schedule"]:
        rising = round(RISING * steps)
        rate = optimizers.schedules.CosineDecay(
            PEAK_RATE / 25, decay_steps=steps - rising, warmup_target=PEAK_RATE, warmup_steps=rising
        )
    if settings["decay"] is None:
        return optimizers.Adam(rate)
    return optimizers.AdamW(rate, weight_decay=DECAY["decoupled"])


def keras_trainer(network: "keras.Model", settings: Settings, steps: int) -> "keras.Model":
    """Return a compiled model that augments its images in training and gives them to `network`.

    It takes images float32 N x 28 x 28 x 1 and labels as `keras_targets` returns them.
    """
    import keras

    chapter = from_notebook("keras")
    augmentations = [chapter[name]() for name in settings["augmentations"]]
    trainer = keras.Sequential([keras.Input((28, 28, 1)), *augmentations, network])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings["smoothing"])
    trainer.compile(keras_optimizer(settings, steps), loss, metrics=["accuracy"], steps_per_execution=200)
    return trainer


def keras_targets(labels: Any) -> Any:
    """Return labels (integers N) as N x 10 probabilities, which label smoothing needs in Keras."""
    import keras

    return keras.utils.to_categorical(labels, 10)
