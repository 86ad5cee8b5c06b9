"""The standard figures: one look, one colour for each framework, one line style for each model.

Every function returns a matplotlib Figure; `save` writes it to figures/. The colours are those of Okabe and Ito
(https://jfly.uni-koeln.de/color/), which people with the common kinds of colour blindness can tell apart.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix as count_confusions

from fmnist import outputs
from fmnist.chapters import looks
from fmnist.data import CLASS_NAMES
from fmnist.records import DISPLAY

FRAMEWORK_COLOURS = {"keras": "#D55E00", "pytorch": "#0072B2"}
MODEL_LINES = {model: look["line"] for model, look in looks().items()}
RIGHT, WRONG, NEUTRAL = "#009E73", "#CC3311", "#888888"
# Short enough to stand under a column of a matrix without turning.
SHORT_NAMES = ("T-shirt", *CLASS_NAMES[1:9], "Boot")


def set_style() -> None:
    """Set matplotlib's defaults for the whole notebook: white background, readable sizes, light grid."""
    sns.set_theme(style="whitegrid", context="notebook", font_scale=0.9)
    plt.rcParams.update({"figure.facecolor": "white", "savefig.facecolor": "white", "figure.dpi": 80})
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "image.cmap": "gray_r"})


def save(figure: Figure, name: str) -> None:
    """Write `figure` to figures/`name`.png (see `outputs`), 110 dots per inch, white background."""
    with outputs.saving("figures", f"{name}.png") as temporary:
        # Without the name of the software in it, the same picture is the same file.
        figure.savefig(temporary, dpi=110, bbox_inches="tight", metadata={"Software": None})


def image_row(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    cmap: str | None = None,
    height: float = 1.6,
    value_range: tuple[float | None, float | None] = (None, None),
) -> Figure:
    """Draw images (a sequence of H×W arrays) in one row, each under its title.

    `height` is that of an image in inches; `value_range` are the values that are drawn white and black, or black and
    white, as `cmap` says.
    """
    figure, axes = plt.subplots(1, len(images), figsize=(height * len(images), height + 0.3), squeeze=False)
    for axis, image, title in zip(axes[0], images, titles or [""] * len(images), strict=True):
        axis.imshow(image, cmap=cmap, vmin=value_range[0], vmax=value_range[1])
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    figure.tight_layout()
    return figure


def class_grid(images: np.ndarray, labels: np.ndarray, columns: int = 12) -> Figure:
    """Draw the first `columns` images of every class: images N×28×28, labels N integers, one row a class."""
    side = 28 + 4
    sheet = np.zeros((len(CLASS_NAMES) * side, columns * side), images.dtype)
    for row in range(len(CLASS_NAMES)):
        for column, image in enumerate(images[labels == row][:columns]):
            sheet[row * side + 2 : row * side + 30, column * side + 2 : column * side + 30] = image
    figure, axis = plt.subplots(figsize=(9, 7.5))
    axis.imshow(sheet)
    axis.set_yticks(side / 2 + side * np.arange(len(CLASS_NAMES)), CLASS_NAMES)
    axis.set_xticks([])
    axis.grid(False)
    sns.despine(ax=axis, left=True, bottom=True)
    axis.set_title("Fashion-MNIST: the first training images of each class")
    figure.tight_layout()
    return figure


def network(layers: Sequence[tuple[str, str, int]], title: str) -> Figure:
    """Draw a network as a row of boxes: `layers` is a list of (what it is, what comes out, number of parameters)."""
    figure, axis = plt.subplots(figsize=(9.5, 2.1))
    for position, (kind, shape, parameters) in enumerate(layers):
        colour = "#DCE9F5" if parameters else "#F2F2F2"
        axis.add_patch(plt.Rectangle((position - 0.4, 0), 0.8, 1, facecolor=colour, edgecolor="#444444"))
        axis.text(position, 0.62, kind.replace(", ", ",\n"), ha="center", va="center", fontsize=8.5)
        axis.text(position, 0.26, shape, ha="center", va="center", fontsize=8.5, weight="bold")
        if parameters:
            axis.text(position, -0.12, f"{parameters:,}\nparameters", ha="center", va="top", fontsize=8)
        if position:
            axis.annotate(
                "", (position - 0.4, 0.5), (position - 0.6, 0.5), arrowprops={"arrowstyle": "->", "color": "#444444"}
            )
    axis.set(xlim=(-0.5, len(layers) - 0.5), ylim=(-0.6, 1.05), title=title)
    axis.axis("off")
    figure.tight_layout()
    return figure


def learning_curves(histories: dict[str, dict[str, Sequence[float]]], framework: str) -> Figure:
    """Draw loss and accuracy over the epochs: `histories` maps "dense" or "cnn" to a dict of four curves."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8))
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for model, curves in histories.items():
            epochs = range(1, len(curves[quantity]) + 1)
            look = {"linestyle": MODEL_LINES[model], "color": FRAMEWORK_COLOURS[framework]}
            axis.plot(epochs, curves[quantity], **look, alpha=0.45, linewidth=1.5, label=f"{DISPLAY[model]}, training")
            axis.plot(
                epochs,
                curves[f"val_{quantity}"],
                **look,
                marker="o",
                markersize=3.5,
                label=f"{DISPLAY[model]}, validation",
            )
        axis.set(title=f"{DISPLAY[framework]}: {quantity}", xlabel="epoch", ylabel=quantity)
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # one epoch has one tick
        axis.legend(fontsize=8)
    figure.tight_layout()
    return figure


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, title: str) -> Figure:
    """Draw the 10×10 counts of `predictions` (columns) for each true class in `labels` (rows); N integers 0-9 each."""
    counts = count_confusions(labels, predictions, labels=range(len(CLASS_NAMES)))
    figure, axis = plt.subplots(figsize=(8, 6.6))
    sns.heatmap(
        counts, annot=True, fmt="d", cmap="Blues", cbar=False, square=True, linewidths=0.5,
        xticklabels=SHORT_NAMES, yticklabels=CLASS_NAMES, annot_kws={"size": 9}, robust=True, ax=axis,
    )  # fmt: skip
    axis.set(title=title, xlabel="predicted class", ylabel="true class")
    axis.tick_params(axis="x", rotation=35)
    figure.tight_layout()
    return figure


def predictions_gallery(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    indices: Sequence[int],
    title: str,
    columns: int = 8,
) -> Figure:
    """Draw chosen images with the predicted class, its probability and, where it is wrong, the true class.

    `images` is N×28×28, `labels` N integers, `probabilities` N×10; `indices` says which of the N to draw.
    """
    rows = -(-len(indices) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.35 * columns, 1.85 * rows + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, index in zip(axes.flat, indices, strict=False):
        predicted = probabilities[index].argmax()
        right = predicted == labels[index]
        text = f"{CLASS_NAMES[predicted]}\n{probabilities[index].max():.0%}"
        if not right:
            text += f"\nis: {CLASS_NAMES[labels[index]]}"
        axis.imshow(images[index])
        axis.set_title(text, fontsize=8.5, color=RIGHT if right else WRONG, linespacing=1.15)
    figure.suptitle(title)
    figure.tight_layout()
    return figure


def class_probabilities(image: np.ndarray, probabilities: np.ndarray, title: str) -> Figure:
    """Draw one image (28×28, bright on black) beside a bar for each of its 10 class probabilities."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.9), width_ratios=(1, 2))
    left.imshow(image, cmap="gray")
    left.axis("off")
    left.set_title(title, fontsize=10)
    best = probabilities.argmax()
    right.barh(CLASS_NAMES, probabilities, color=[RIGHT if i == best else NEUTRAL for i in range(len(CLASS_NAMES))])
    right.set(xlim=(0, 1), xlabel="probability")
    right.invert_yaxis()
    figure.tight_layout()
    return figure


def dense_against_cnn(table: pd.DataFrame, framework: str) -> Figure:
    """Draw parameters, test errors and seconds per epoch of two models side by side.

    `table` is a DataFrame with the index "dense", "cnn" and the columns "parameters", "test errors" and
    "seconds per epoch".
    """
    figure, axes = plt.subplots(1, len(table.columns), figsize=(10, 2.3))
    for axis, column in zip(axes, table.columns, strict=True):
        for position, (model, value) in enumerate(table[column].items()):
            axis.barh(
                position, value, color="white", edgecolor=FRAMEWORK_COLOURS[framework],
                linestyle=MODEL_LINES[model], linewidth=2,
            )  # fmt: skip
            axis.text(value, position, f" {value:,.4g}" if value < 1000 else f" {value:,.0f}", va="center", fontsize=9)
        axis.set_yticks(range(len(table)), [DISPLAY[model] for model in table.index])
        axis.set(title=column, xlim=(0, 1.3 * table[column].max()), xticks=[])
        axis.grid(False)
        axis.invert_yaxis()
    figure.suptitle(f"{DISPLAY[framework]}: what the CNN costs and what it brings")
    figure.tight_layout()
    return figure


def model_comparison(table: pd.DataFrame) -> Figure:
    """Draw test accuracies with 95 % intervals, a row a model.

    `table` is a DataFrame with the columns "model" ("dense" or "cnn"), "framework", "accuracy" and "error" (the
    standard error), both in per cent.
    """
    figure, axis = plt.subplots(figsize=(8, 0.55 * len(table) + 1.3))
    for position, row in enumerate(table.itertuples()):
        container = axis.errorbar(
            row.accuracy, position, xerr=1.96 * row.error, color=FRAMEWORK_COLOURS[row.framework], fmt="o", capsize=4
        )
        container.lines[2][0].set_linestyle(MODEL_LINES[row.model])
        axis.annotate(f"{row.accuracy:.2f} %", (row.accuracy, position), (0, 7), textcoords="offset points",
                      ha="center", fontsize=9)  # fmt: skip
    axis.set_yticks(range(len(table)), [f"{DISPLAY[r.model]}, {DISPLAY[r.framework]}" for r in table.itertuples()])
    axis.set(ylim=(len(table) - 0.4, -0.7), xlabel="accuracy on the 10,000 test images, with 95 % interval (%)")
    axis.set_title("Four models, two frameworks")
    figure.tight_layout()
    return figure
