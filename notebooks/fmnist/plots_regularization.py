"""The figures of chapter 02: overfitting, what regularization does to learning curves, and what each method brings.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmnist.plots import FRAMEWORK_COLOURS, INK, NEUTRAL, RIGHT, WRONG, describe
from fmnist.records import DISPLAY
from fmnist.regularization import best_epoch

Curves = Mapping[str, Sequence[float]]


def overfitting(curves: Curves, framework: str) -> Figure:
    """Draw loss and accuracy of training and validation images over the epochs, and mark the lowest validation loss.

    `curves` has "loss", "accuracy", "val_loss" and "val_accuracy", a value for each epoch; accuracies are between 0 and
    1, and drawn in percent.
    """
    best, colour = int(np.argmin(curves["val_loss"])), FRAMEWORK_COLOURS[framework]
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6))
    for axis, quantity, factor in ((axes[0], "loss", 1), (axes[1], "accuracy", 100)):
        training, validation = (factor * np.asarray(curves[name]) for name in (quantity, f"val_{quantity}"))
        epochs = np.arange(1, len(training) + 1)
        axis.plot(epochs, training, color=NEUTRAL, linestyle="--", label="training images")
        axis.plot(epochs, validation, color=colour, linewidth=2, label="validation images")
        axis.axvline(best + 1, color=INK, linewidth=1, linestyle=":")
        axis.plot(best + 1, validation[best], "o", color=INK, markersize=6, zorder=3)
        unit = " (%)" if quantity == "accuracy" else ""
        axis.set(title=f"{DISPLAY[framework]}: {quantity}{unit}", xlabel="epoch")
        _whole_epochs(axis)
    axes[0].set_ylim(0, None)
    axes[0].annotate(
        f"lowest validation loss,\nepoch {best + 1}", (best + 1, curves["val_loss"][best]), (8, 34),
        textcoords="offset points", fontsize=9,
    )  # fmt: skip
    axes[1].legend(loc="lower right")
    figure.tight_layout()
    last = [curves[name][-1] for name in ("loss", "val_loss", "accuracy", "val_accuracy")]
    describe(
        figure,
        f"Learning curves in {DISPLAY[framework]}. The validation loss is lowest in epoch {best + 1}, "
        f"{curves['val_loss'][best]:.3f}, and ends at {last[1]:.3f}, while the training loss falls to {last[0]:.3f}. "
        f"The training accuracy ends at {last[2]:.1%}, the validation accuracy at {last[3]:.1%}.",
    )
    return figure


def against_bare(bare: Curves, methods: Mapping[str, Curves], framework: str) -> Figure:
    """Draw training and validation loss of each method in a panel, with those of the bare network in grey.

    All curves have "loss", "val_loss" and "val_accuracy", a value for each epoch.
    """
    figure, axes = plt.subplots(1, len(methods), figsize=(3.5 * len(methods), 3.5), sharey=True, squeeze=False)
    told = []
    for axis, (name, curves) in zip(axes[0], methods.items(), strict=True):
        for found, colour, width in ((bare, NEUTRAL, 1.2), (curves, FRAMEWORK_COLOURS[framework], 2)):
            epochs = np.arange(1, len(found["loss"]) + 1)
            axis.plot(epochs, found["loss"], color=colour, linewidth=1, linestyle="--")
            axis.plot(epochs, found["val_loss"], color=colour, linewidth=width)
        axis.set(title=f"{name}: accuracy {100 * curves['val_accuracy'][-1]:.1f}%", xlabel="epoch")
        axis.title.set_fontsize(10.5)
        _whole_epochs(axis)
        told.append(f"{name} ends at {curves['val_loss'][-1]:.3f} with an accuracy of {curves['val_accuracy'][-1]:.1%}")
    axes[0, 0].set(ylabel=f"{DISPLAY[framework]}: loss", ylim=(0, 1.1))
    for colour, line, label in (
        (FRAMEWORK_COLOURS[framework], "-", "validation"), (FRAMEWORK_COLOURS[framework], "--", "training"),
        (NEUTRAL, "-", "validation, no method"), (NEUTRAL, "--", "training, no method"),
    ):  # fmt: skip
        axes[0, 0].plot([], [], color=colour, linestyle=line, label=label)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=4, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    bare_end = f"{bare['val_loss'][-1]:.3f} with an accuracy of {bare['val_accuracy'][-1]:.1%}"
    describe(figure, f"Validation losses in {DISPLAY[framework]}. Without any method: {bare_end}. {'; '.join(told)}.")
    return figure


def callbacks(bare: Curves, stopped: Curves, plateau: pd.DataFrame, framework: str) -> Figure:
    """Draw where early stopping ends a training run, and the learning rates that a plateau callback chose.

    `plateau` has the columns "val_loss" and "learning_rate", a row for each epoch.
    """
    colour = FRAMEWORK_COLOURS[framework]
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6))
    restored, ended = best_epoch(stopped["val_loss"]) + 1, len(stopped["val_loss"])
    for axis in axes:
        axis.plot(np.arange(1, len(bare["val_loss"]) + 1), bare["val_loss"], color=NEUTRAL, label="no callback")
    axes[0].plot(np.arange(1, ended + 1), stopped["val_loss"], color=colour, linewidth=2, label="early stopping")
    axes[0].plot(restored, stopped["val_loss"][restored - 1], "o", color=INK, label=f"restored, epoch {restored}")
    axes[0].plot(ended, stopped["val_loss"][-1], "X", color=INK, markersize=8, label=f"stopped, epoch {ended}")
    epochs = np.arange(1, len(plateau) + 1)
    axes[1].plot(epochs, plateau["val_loss"], color=colour, linewidth=2, label="reduced on plateau")
    rates = plateau["learning_rate"].to_numpy()
    for change in np.flatnonzero(rates[1:] < rates[:-1]) + 2:
        axes[1].axvline(change, color=INK, linewidth=0.8, linestyle=":")
    axes[1].plot([], [], color=INK, linewidth=0.8, linestyle=":", label="the rate falls")
    low = min(min(bare["val_loss"]), plateau["val_loss"].min())
    for axis, title in zip(axes, ("early stopping", "learning rate reduced on a plateau"), strict=True):
        axis.set(title=f"{DISPLAY[framework]}: {title}", xlabel="epoch", ylabel="validation loss")
        axis.set_ylim(low - 0.02, low + 0.25)
        axis.legend(fontsize=9)
        _whole_epochs(axis)
    figure.tight_layout()
    falls = int((rates[1:] < rates[:-1]).sum())
    describe(
        figure,
        f"Two callbacks in {DISPLAY[framework]}. Early stopping ends the run after epoch {ended} and restores epoch "
        f"{restored}. On plateaus the learning rate falls {falls} times, and the loss ends at "
        f"{plateau['val_loss'].iloc[-1]:.3f}.",
    )
    return figure


def effects(found: pd.DataFrame, title: str) -> Figure:
    """Draw what each method changes in accuracy (points) and loss, with intervals: a table of `regularization.effects`.

    Effects whose interval excludes 0 are filled, blue for the better and orange for the worse; the others are hollow.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 0.3 * len(found) + 1.5), sharey=True)
    rows = np.arange(len(found))
    told = []
    for axis, quantity, unit in ((axes[0], "accuracy", "points"), (axes[1], "loss", "validation loss")):
        middle, low, high = (found[name].to_numpy() for name in (quantity, f"{quantity} low", f"{quantity} high"))
        better = middle > 0 if quantity == "accuracy" else middle < 0
        sure = (low > 0) | (high < 0)
        for row in rows:
            colour = INK if not sure[row] else RIGHT if better[row] else WRONG
            axis.plot([low[row], high[row]], [row, row], color=colour, linewidth=1.6)
            axis.plot(
                middle[row], row, "o", color=colour, markersize=6, markerfacecolor=colour if sure[row] else "white"
            )
            if quantity == "accuracy":
                told.append(f"{found.index[row]} {middle[row]:+.2f} ({low[row]:+.2f} to {high[row]:+.2f})")
        axis.axvline(0, color=NEUTRAL, linewidth=1)
        axis.set(title=f"{quantity}: change in {unit}")
    axes[0].set_yticks(rows, found.index)
    axes[0].invert_yaxis()
    figure.suptitle(title, y=1, fontsize=12)
    figure.tight_layout()
    describe(figure, f"{title}. Changes of the accuracy in points, with 95% intervals: {'; '.join(told)}.")
    return figure


def _whole_epochs(axis: Axes) -> None:
    axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
