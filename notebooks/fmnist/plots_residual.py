"""The figures of the residual network: depth, gradients, augmentation, what helped, and the time to an accuracy.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fmnist.plots import INK, NEUTRAL, describe, frame
from fmnist.plots_experiments import HUES, LINES
from fmnist.records import DISPLAY, standard_error


def depth(losses: Mapping[tuple[int, bool], Sequence[float]]) -> Figure:
    """Draw the loss over the first steps, without shortcuts on the left and with them on the right.

    `losses` maps (convolutions, whether there are shortcuts) to the loss of each step. The lines are smoothed.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
    told, highest = [], 0.0
    for axis, shortcut in zip(axes, (False, True), strict=True):
        title = "with shortcuts" if shortcut else "without shortcuts"
        chosen = {count: values for (count, has), values in losses.items() if has == shortcut}
        for k, (count, values) in enumerate(chosen.items()):
            smooth = pd.Series(values).ewm(span=20).mean()
            steps = range(1, len(smooth) + 1)
            axis.plot(steps, smooth, color=HUES[k], linestyle=LINES[k], linewidth=2, label=f"{count} convolutions")
            told.append(f"{title}, {count} convolutions: {smooth.iloc[-1]:.2f} after {len(smooth)} steps")
            highest = max(highest, smooth.max())
        axis.set(title=title, xlabel="step")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False, loc="upper right")
    axes[0].set(ylim=(0, 1.05 * highest), ylabel="loss on the training images")
    figure.tight_layout()
    describe(figure, f"The loss over the first steps. {'; '.join(told)}.")
    return figure


def gradients(norms: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Draw the norm of the gradient of each convolution, from the first to the last; `norms` maps a network to them."""
    figure, axis = plt.subplots(figsize=(8, 3.6))
    told = []
    for k, (name, values) in enumerate(norms.items()):
        places = range(1, len(values) + 1)
        axis.plot(places, values, color=HUES[k], linestyle=LINES[k], linewidth=2, marker="o", markersize=3, label=name)
        told.append(f"{name}: {values[0]:.1g} in the first convolution, {values[-1]:.1g} in the last")
    axis.set(yscale="log", xlabel="convolution, from the input to the output", ylabel="norm of the gradient")
    axis.set_title(title)
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    describe(figure, f"{title}. {'; '.join(told)}.")
    return figure


def augmented(rows: Mapping[str, np.ndarray]) -> Figure:
    """Draw rows of images (N×28×28 each, bright on black, drawn dark on white), each under its name."""
    count = max(len(images) for images in rows.values())
    width = 11.5 / count
    figure, axes = plt.subplots(len(rows), count, figsize=(11.5, (width + 0.26) * len(rows)), squeeze=False)
    for (name, images), line in zip(rows.items(), axes, strict=True):
        for axis, image in zip(line, images, strict=False):
            axis.imshow(image, cmap="gray_r", vmin=0, vmax=max(1, np.max(image)))
            frame(axis)
        for axis in line[len(images) :]:
            axis.set_visible(False)
        line[0].set_title(name, fontsize=10, loc="left", pad=3)
    figure.tight_layout(pad=0.3, w_pad=0.25, h_pad=0.5)
    described = "; ".join(f"{name}, {len(images)} images" for name, images in rows.items())
    describe(figure, f"Rows of small images of clothes, from top to bottom: {described}.")
    return figure


def effects(found: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Draw the effect of each change with its 95% interval, a panel for each part in `titles`.

    `found` is a table of `ablation.effects`.
    """
    heights = [len(found.loc[part]) for part in titles]
    figure, axes = plt.subplots(
        len(titles), 1, figsize=(8.5, 0.34 * sum(heights) + 0.75 * len(titles)), sharex=True, squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    told = []
    for axis, (part, title) in zip(axes.flat, titles.items(), strict=True):
        rows = found.loc[part]
        axis.axvline(0, color=NEUTRAL, linewidth=1)
        for place, (name, row) in enumerate(rows.iterrows()):
            colour = HUES[0] if row["low"] > 0 else HUES[1] if row["high"] < 0 else INK
            axis.plot([row["low"], row["high"]], [place] * 2, color=colour, linewidth=2)
            axis.plot(row["effect"], place, "o", color=colour, markersize=6)
            told.append(f"{title}, {name}: {row['effect']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})")
        axis.set_yticks(range(len(rows)), list(rows.index))
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.grid(axis="y", visible=False)
        axis.set_title(title, loc="left", fontsize=10.5)
    axes.flat[-1].set_xlabel("difference of the validation accuracy in percentage points, with 95% interval")
    figure.tight_layout()
    describe(figure, f"Effects in percentage points. {'; '.join(told)}.")
    return figure


def accuracies(right: Mapping[str, tuple[int, int]], title: str, aim: float | None = None) -> Figure:
    """Draw test accuracies with their 95% intervals, a row for each model.

    `right` maps what it is to (correctly classified images, images); `aim` (0 to 1) is drawn as a line. An interval
    covers the choice of the images.
    """
    figure, axis = plt.subplots(figsize=(8.5, 0.42 * len(right) + 1.1))
    told = []
    for row, (name, (correct, images)) in enumerate(right.items()):
        accuracy = correct / images
        half = 196 * standard_error(accuracy, images)
        axis.errorbar(100 * accuracy, row, xerr=half, color=HUES[0], fmt="o", markersize=6, capsize=4)
        axis.annotate(f"{accuracy:.2%}", (100 * accuracy, row), (0, 6), textcoords="offset points", ha="center",
                      fontsize=9.5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})  # fmt: skip
        told.append(f"{name} {accuracy:.2%} ± {half:.2f} points")
    if aim is not None:
        axis.axvline(100 * aim, color=NEUTRAL, linewidth=1.2, linestyle="--")
        axis.annotate(f"aim: {aim:.0%}", (100 * aim, -0.7), (-4, -3), textcoords="offset points", ha="right", va="top",
                      fontsize=9.5)  # fmt: skip
    axis.set_yticks(range(len(right)), list(right))
    axis.set(ylim=(len(right) - 0.5, -0.7), xlabel="test accuracy (%), with 95% interval", title=title)
    axis.grid(axis="y", visible=False)
    figure.tight_layout()
    describe(figure, f"{title}: {'; '.join(told)}.")
    return figure


def time_to_accuracy(found: Mapping[str, Any], titles: Mapping[str, str]) -> Figure:
    """Draw the validation accuracy over the seconds of training, a panel for each framework.

    `found` is the part of models/benchmark.json with this name, `titles` maps its ways to what they are called. Thin
    lines are single seeds, and a dot is where a run first reaches the target.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 4), sharey=True)
    target, told = found["target"], []
    frameworks = sorted({row["framework"] for row in found["rows"]}, reverse=True)
    for axis, framework in zip(axes, frameworks, strict=False):
        axis.axhline(100 * target, color=NEUTRAL, linewidth=1.2, linestyle="--")
        rows = [row for row in found["rows"] if row["framework"] == framework]
        for k, row in enumerate(rows):
            name = titles[row["way"]]
            for number, run in enumerate(row["runs"]):
                accuracy = 100 * np.asarray(run["accuracy"])
                label = None if number else name
                axis.plot(run["seconds"], accuracy, color=HUES[k], linestyle=LINES[k], linewidth=1.2, label=label)
                if run["reached"] is not None:
                    axis.plot(run["reached"], accuracy[-1], "o", color=HUES[k], markersize=6)
            reached = "not reached" if row["median"] is None else f"{row['median']:.0f} s"
            told.append(f"{DISPLAY[framework]}, {name}: {reached}")
        axis.set(xlabel="seconds of training", title=DISPLAY[framework])
        axis.legend(frameon=False, fontsize=9, loc="lower right")
    axes[0].set_ylabel("validation accuracy (%)")
    figure.tight_layout()
    describe(figure, f"Accuracy over the seconds of training. Median time to {target:.1%}: {'; '.join(told)}.")
    return figure
