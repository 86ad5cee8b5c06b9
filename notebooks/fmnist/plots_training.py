"""The figures of a training: its learning curves, and what a schedule of the learning rate does to them.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fmnist.plots import FRAMEWORK_COLOURS, MODEL_COLOURS, MODEL_LINES, describe
from fmnist.records import DISPLAY


def learning_curves(histories: dict[str, dict[str, Sequence[float]]], framework: str) -> Figure:
    """Draw loss and accuracy over the epochs: strong on the validation images, pale and thin on the training images.

    `histories` maps "dense", "cnn" or "regularized" to a dict of four curves, "loss", "accuracy", "val_loss" and
    "val_accuracy", which have a number for each epoch; accuracies are between 0 and 1, and drawn in percent.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.7))
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        ends = []
        for model, curves in histories.items():
            colour = MODEL_COLOURS[model]
            for kind, prefix in (("training", ""), ("validation", "val_")):
                values = np.asarray(curves[prefix + quantity], float) * (100 if quantity == "accuracy" else 1)
                look = {"linewidth": 2, "marker": "o", "markersize": 4} if prefix else {"linewidth": 1.2, "alpha": 0.5}
                look |= {} if len(values) > 1 else {"marker": "o", "markersize": 4}
                epochs = np.arange(1, len(values) + 1)
                axis.plot(epochs, values, color=colour, linestyle=MODEL_LINES[model], **look)
                ends.append((len(values), values[-1], f"{DISPLAY[model]}, {kind}", colour, bool(prefix)))
        longest = max(len(curves[quantity]) for curves in histories.values())
        axis.set(title=f"{DISPLAY[framework]}: {quantity}", xlabel="epoch", xlim=(0.5, longest + 0.5))
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # one epoch has one tick
        if quantity == "accuracy":
            low, high = axis.get_ylim()
            axis.set_ylim(np.floor(low), np.ceil(high))
            axis.yaxis.set_major_locator(MaxNLocator(7, integer=True))
            axis.yaxis.set_major_formatter("{x:.0f}%")
        _label_ends(axis, ends)
    figure.tight_layout()
    told = [_told(model, curves) for model, curves in histories.items()]
    describe(figure, f"Loss and accuracy over the epochs in {DISPLAY[framework]}. {' '.join(told)}")
    return figure


def learning_rates(
    rates: dict[str, Sequence[float]], curves: dict[str, Sequence[float] | Sequence[Sequence[float]]], framework: str
) -> Figure:
    """Draw schedules of the learning rate, and beside them the validation losses to which they led.

    `rates` maps a label, such as "constant", to the learning rate of each step of the training; `curves` maps the same
    labels to the validation loss of each epoch, or to several such curves of the same length, one for each seed, which
    are drawn thin, and their mean thick. Raises ValueError for other labels in one than in the other.
    """
    if list(rates) != list(curves):
        raise ValueError(f"The labels of the rates are {list(rates)}, those of the curves {list(curves)}.")
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.7))
    colours, lines, told = (FRAMEWORK_COLOURS[framework], "#555555", "#AA3377", "#997700"), ("-", "--", "-.", ":"), []
    for k, (label, steps) in enumerate(rates.items()):
        runs = np.atleast_2d(np.asarray(curves[label], float))
        epochs, mean = np.arange(1, runs.shape[1] + 1), runs.mean(axis=0)
        look = {"color": colours[k % 4], "linestyle": lines[k % 4]}
        left.plot(np.arange(len(steps)) * runs.shape[1] / len(steps), steps, **look, linewidth=2, label=label)
        if len(runs) > 1:
            right.plot(epochs, runs.T, color=colours[k % 4], linewidth=0.8, alpha=0.45)
        right.plot(epochs, mean, **look, linewidth=2, marker="o", markersize=4)
        first, last = (f"{round(float(rate), 6):g}" for rate in (steps[0], steps[-1]))
        seeds = f" (mean of {len(runs)} runs)" if len(runs) > 1 else ""
        told.append(f"{label}: learning rate from {first} to {last}, validation loss {mean[-1]:.3f} at the end{seeds}")
    left.set(title=f"{DISPLAY[framework]}: learning rate", xlabel="epoch", ylim=(0, None))
    right.set(title=f"{DISPLAY[framework]}: validation loss", xlabel="epoch")
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    figure.legend(loc="lower center", ncols=len(rates), frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    describe(figure, f"Learning rates over the epochs in {DISPLAY[framework]}. {'; '.join(told)}.")
    return figure


def _told(model: str, curves: dict[str, Sequence[float]]) -> str:
    """Say in a sentence how the curves of one model begin and end."""
    epochs, loss, accuracy = len(curves["loss"]), curves["val_loss"], curves["val_accuracy"]
    last = curves["accuracy"][-1]
    if epochs == 1:
        return (
            f"{DISPLAY[model]}: after one epoch the validation loss is {loss[0]:.2f}, the validation accuracy "
            f"{accuracy[0]:.1%} and the training accuracy {last:.1%}."
        )
    return (
        f"{DISPLAY[model]}: in {epochs} epochs the validation loss goes from {loss[0]:.2f} to {loss[-1]:.2f} and the "
        f"validation accuracy from {accuracy[0]:.1%} to {accuracy[-1]:.1%}; the training accuracy ends at {last:.1%}."
    )


def _label_ends(axis: Axes, ends: Sequence[tuple[float, float, str, str, bool]]) -> None:
    """Write beside the last point of each line what it is: `ends` are (x, y, text, colour, whether it is strong)."""
    low, high = axis.get_ylim()
    ends = sorted((end for end in ends if np.isfinite(end[1])), key=lambda end: end[1])
    gap = 0.085 * (high - low)  # a line of text
    heights = [end[1] for end in ends]
    for _ in range(100):  # push apart what is too near, each by half
        for i in range(len(ends) - 1):
            lack = max(0, gap - (heights[i + 1] - heights[i])) / 2
            heights[i], heights[i + 1] = heights[i] - lack, heights[i + 1] + lack
    right = max((end[0] for end in ends), default=1)
    for (x, y, text, colour, strong), height in zip(ends, heights, strict=True):
        axis.annotate(
            text,
            (x, y),
            (right + 0.06 * max(right - 1, 1), height),
            annotation_clip=False,
            va="center",
            fontsize=9,
            color=colour,
            weight="bold" if strong else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
        )
