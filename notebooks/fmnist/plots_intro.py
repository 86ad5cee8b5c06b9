"""The figures of the introduction: how a convolution works, and what a trained network predicts.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text. Images are drawn dark on
white throughout: dark is what the data have as a high value.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix as count_confusions

from fmnist.data import CLASS_NAMES
from fmnist.plots import INK, MODEL_COLOURS, RIGHT, WRONG, describe, frame
from fmnist.records import DISPLAY

BOX = "#EE3377"  # seen on dark and on light pixels
SIGNED = "RdBu_r"  # blue below zero, white at zero, red above: told apart by all kinds of colour blindness


def filter_on_image(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> Figure:
    """Show one step of a convolution: nine pixels times nine weights, and the sum of the products.

    `image` is 28×28 (H×W) of floats in 0…1, `kernel` 3×3; `row` and `column` are the place of the kernel's top left
    corner in the image, from 0. The bias is not added. Raises ValueError where the kernel would leave the image.
    """
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    if kernel.shape != (3, 3) or image.ndim != 2 or image.min() < 0 or image.max() > 1:
        raise ValueError("This draws a kernel of 3×3 on an image of H×W floats between 0 and 1.")
    if not (0 <= row <= image.shape[0] - 3 and 0 <= column <= image.shape[1] - 3):
        raise ValueError(f"A kernel at row {row}, column {column} is not inside an image of {image.shape}.")
    pixels = image[row : row + 3, column : column + 3]
    products = pixels * kernel
    limit = np.abs([kernel, products]).max() or 1
    figure = plt.figure(figsize=(9.5, 2.75))
    whole = _axis(figure, 0.05, 0.1, 2.3, 2.3)
    whole.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    whole.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 3, 3, fill=False, edgecolor=BOX, linewidth=2.5))
    whole.set_title(f"image, {image.shape[0]}×{image.shape[1]}", fontsize=10)
    grids = []
    for left, values, title, cmap, low in (
        (2.8, pixels, "nine pixels", "gray_r", 0), (4.65, kernel, "the filter", SIGNED, -limit),
        (6.5, products, "nine products", SIGNED, -limit),
    ):  # fmt: skip
        grids.append(axis := _axis(figure, left, 0.5, 1.45, 1.45))
        drawn = axis.imshow(values, cmap=cmap, vmin=low, vmax=limit if low else 1)
        for (i, j), value in np.ndenumerate(values):
            axis.text(j, i, _signed(value), ha="center", va="center", fontsize=9.5, color=_on(drawn.to_rgba(value)))
        axis.hlines([0.5, 1.5], -0.5, 2.5, color="#999999", linewidth=0.8)
        axis.vlines([0.5, 1.5], -0.5, 2.5, color="#999999", linewidth=0.8)
        axis.set_title(title, fontsize=10)
    frame(grids[0], BOX, 2.5)
    for corner in (-0.5, 2.5):
        ends = (column + 2.5, row + corner), (-0.5, corner)
        line = ConnectionPatch(*ends, "data", "data", axesA=whole, axesB=grids[0], color=BOX, linewidth=1.2, zorder=5)
        figure.add_artist(line)
    for x, sign in ((4.45, "×"), (6.3, "="), (8.15, "→")):
        figure.text(x / 9.5, 1.225 / 2.75, sign, ha="center", va="center", fontsize=16)
    figure.text(8.9 / 9.5, 2.033 / 2.75, "their sum", ha="center", fontsize=10)
    look = {"fontsize": 20, "weight": "bold"}
    figure.text(8.9 / 9.5, 1.225 / 2.75, _signed(products.sum()), ha="center", va="center", **look)
    listed = ["; ".join(", ".join(map(_signed, line)) for line in values) for values in (pixels, kernel)]
    describe(
        figure,
        f"A filter on an image: the nine pixels from row {row}, column {column} ({listed[0]}), times the nine weights "
        f"({listed[1]}), give nine products, whose sum is {_signed(products.sum())}.",
    )
    return figure


def feature_maps(maps: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draw an image and the feature maps made from it, all with pixels of the same size.

    `maps` are H×W arrays of floats: first the image (bright on black, as in the data, drawn dark on white), then maps
    with a sign, which share one colour scale around zero. Each stands under its title, to which its size is added.
    Raises ValueError unless there are as many titles as maps, and two maps or more.
    """
    if len(maps) != len(titles) or len(maps) < 2:
        raise ValueError(
            f"An image and one map or more need a title each, and there are {len(titles)} for {len(maps)}."
        )
    limit = max(np.abs(values).max() for values in maps[1:]) or 1
    gap, bar = 0.25, 0.95
    scale = min(0.085, (9.3 - bar - gap * len(maps)) / sum(values.shape[1] for values in maps))  # inches for a pixel
    tallest = max(values.shape[0] for values in maps) * scale
    width, left = sum(values.shape[1] * scale + gap for values in maps) + bar, 0.05
    figure = plt.figure(figsize=(width, tallest + 0.6))
    for position, (values, title) in enumerate(zip(maps, titles, strict=True)):
        height = values.shape[0] * scale
        axis = _axis(figure, left, 0.05 + tallest - height, values.shape[1] * scale, height)
        look = {"cmap": SIGNED, "vmin": -limit, "vmax": limit} if position else {"cmap": "gray_r"}
        drawn = axis.imshow(values, **look)
        axis.set_title(f"{title}\n{values.shape[0]}×{values.shape[1]}", fontsize=10)
        left += values.shape[1] * scale + gap
    colours = figure.colorbar(drawn, cax=figure.add_axes((left / width, 0.05 / (tallest + 0.6), 0.16 / width,
                                                          tallest / (tallest + 0.6))))  # fmt: skip
    colours.outline.set_visible(False)
    colours.ax.tick_params(labelsize=9)
    colours.ax.set_title("value", fontsize=10, loc="left")
    told = [f"{title} {values.shape[0]}×{values.shape[1]}, values from {_signed(values.min())} to "
            f"{_signed(values.max())}" for values, title in zip(maps, titles, strict=True)]  # fmt: skip
    describe(figure, f"From left to right, drawn in proportion: {'; '.join(told)}.")
    return figure


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, title: str) -> Figure:
    """Draw the 10×10 counts of `predictions` (columns) for each true class in `labels` (rows); N integers 0-9 each.

    The colours belong to the wrong predictions, so that these are seen; the right ones, on the diagonal, are grey.
    """
    counts = count_confusions(labels, predictions, labels=range(len(CLASS_NAMES)))
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    figure, axis = plt.subplots(figsize=(8.2, 7))
    # White is no such prediction at all.
    colours = plt.get_cmap("Oranges").with_extremes(under="white")
    drawn = axis.imshow(wrong, cmap=colours, vmin=0.5, vmax=max(1, wrong.max()))
    for (i, j), count in np.ndenumerate(counts):
        look = {"color": _on(drawn.to_rgba(count)) if count else "#B0B0B0"}
        if i == j:
            axis.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, color="#DDDDDD", linewidth=0))
            look = {"color": "#555555", "weight": "bold"}
        axis.text(j, i, f"{count:,}", ha="center", va="center", fontsize=10.5, **look)
    axis.set_xticks(range(len(counts)), CLASS_NAMES, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(counts)), CLASS_NAMES)
    axis.grid(False)
    for place in np.arange(0.5, len(counts) - 1):
        axis.axhline(place, color="white", linewidth=1.5)
        axis.axvline(place, color="white", linewidth=1.5)
    axis.spines[:].set_visible(False)
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    figure.tight_layout()
    order = [place for place in np.argsort(-wrong, axis=None, kind="stable")[:3] if wrong.flat[place]]
    pairs = [f"{wrong.flat[place]:,} times {CLASS_NAMES[place // 10]} predicted as {CLASS_NAMES[place % 10]}"
             for place in order]  # fmt: skip
    text = f"{title}: {np.trace(counts):,} of {counts.sum():,} predictions are right."
    describe(figure, f"{text} Most frequent among the others: {', '.join(pairs)}." if pairs else text)
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

    `images` is N×28×28, `labels` N integers, `probabilities` N×10; `indices` says which of the N to draw. A right
    prediction has a ✓ and a blue frame, a wrong one a ✗ and an orange frame.
    """
    rows = -(-len(indices) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.19 * columns, 1.78 * rows + 0.4), squeeze=False)
    for axis in axes.flat[len(indices) :]:
        axis.set_visible(False)
    told = []
    for axis, index in zip(axes.flat, indices, strict=False):
        predicted, true = CLASS_NAMES[probabilities[index].argmax()], CLASS_NAMES[labels[index]]
        right = predicted == true
        axis.imshow(images[index], cmap="gray_r")
        axis.set_title(f"{'✓' if right else '✗'} {predicted}\n{_percent(probabilities[index].max(), 0)}", fontsize=9,
                       color="black", linespacing=1.15, pad=5)  # fmt: skip
        frame(axis, *((RIGHT, 1.5) if right else (WRONG, 3)))
        if not right:
            axis.set_xlabel(f"true: {true}", fontsize=9, color="black", labelpad=4)
            told.append(f"{true} predicted as {predicted}")
    figure.suptitle(title, fontsize=12)
    figure.tight_layout(w_pad=0.6, h_pad=0.9)
    text = f"{title}: {len(indices) - len(told)} right and {len(told)} wrong predictions."
    more = f"; and {len(told) - 4} more" if len(told) > 4 else ""
    describe(figure, f"{text} Wrong: {'; '.join(told[:4])}{more}." if told else text)
    return figure


def class_probabilities(image: np.ndarray, probabilities: np.ndarray, title: str) -> Figure:
    """Draw one image beside bars for the three most probable classes, and one for all others together.

    `image` is 28×28 (bright on black, as in the data, drawn dark on white), `probabilities` 10 floats that add up to 1.
    """
    figure = plt.figure(figsize=(8, 2.9))
    _draw_image(_axis(figure, 0.05, 0.1, 2.4, 2.4), image, title)
    bars = _axis(figure, 4.0, 0.25, 3.2, 2.1)
    told = _draw_bars(bars, probabilities, 2, others=True)
    describe(figure, f"{title}. Probabilities: {told}.")
    return figure


def result(
    image: np.ndarray, probabilities: np.ndarray, accuracies: dict[str, tuple[float, float]], framework: str
) -> Figure:
    """Draw what the first chapter arrives at: a picture, what the network predicts of it, and two test accuracies.

    `image` is 28×28 (bright on black, as in the data, drawn dark on white), `probabilities` 10 floats that add up to 1.
    `accuracies` maps "dense" and "cnn" to (accuracy, standard error), both between 0 and 1.
    """
    figure = plt.figure(figsize=(9.4, 2.9))
    _draw_image(_axis(figure, 0.05, 0.1, 2.3, 2.3), image, "a picture, 28×28")
    bars = _axis(figure, 3.5, 0.35, 1.7, 2.0)
    told = _draw_bars(bars, probabilities, 1, others=False)
    bars.set_title(f"{DISPLAY[framework]} predicts", fontsize=10)
    axis = _axis(figure, 6.75, 0.5, 2.5, 1.85)
    axis.spines[["left", "top", "right"]].set_visible(False)
    axis.grid(axis="x")
    for position, (model, (accuracy, error)) in enumerate(accuracies.items()):
        half = 196 * error  # percent, for a 95% interval
        axis.errorbar(100 * accuracy, position, xerr=half, color=MODEL_COLOURS[model], fmt="o", markersize=8, capsize=5)
        axis.annotate(f"{accuracy:.1%}", (100 * accuracy, position), (0, 9), textcoords="offset points", ha="center",
                      fontsize=12, weight="bold", color=MODEL_COLOURS[model])  # fmt: skip
        told += (
            f"; {DISPLAY[model]} test accuracy {accuracy:.1%} (95% interval {100 * accuracy - half:.1f}% to "
            f"{100 * accuracy + half:.1f}%)"
        )
    axis.set_yticks(range(len(accuracies)), [DISPLAY[model] for model in accuracies], fontsize=11)
    axis.set_ylim(len(accuracies) - 0.6, -0.75)
    axis.margins(x=0.12)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.xaxis.set_major_formatter("{x:.0f}%")
    axis.tick_params(labelsize=10)
    axis.set_title("test accuracy, with 95% interval", fontsize=10)
    describe(figure, f"A picture of 28×28 pixels, and what {DISPLAY[framework]} predicts: {told}.")
    return figure


def _axis(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes to `figure` at a place given in inches."""
    across, up = figure.get_size_inches()
    axis = figure.add_axes((left / across, bottom / up, width / across, height / up))
    frame(axis)
    return axis


def _draw_image(axis: Axes, image: np.ndarray, title: str) -> None:
    axis.imshow(image, cmap="gray_r")
    axis.set_title(title, fontsize=10)


def _draw_bars(axis: Axes, probabilities: np.ndarray, decimals: int, others: bool) -> str:
    """Draw bars for the three most probable of 10 classes, and for the others together; say them in words."""
    probabilities = np.asarray(probabilities, float)
    best = np.argsort(-probabilities, kind="stable")[:3]
    names, values = [CLASS_NAMES[k] for k in best], list(probabilities[best])
    if others:
        names.append(f"other {len(probabilities) - 3} classes")
        values.append(np.delete(probabilities, best).sum())
    axis.barh(names, values, color=["#44546A", "#8D99A8", "#8D99A8", "#D0D5DB"][: len(names)], height=0.62)
    for position, value in enumerate(values):
        look = {"fontsize": 11} if position else {"fontsize": 12, "weight": "bold"}
        axis.text(value + 0.03, position, _percent(value, decimals), va="center_baseline", **look)
    axis.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    axis.set_yticks(range(len(names)), names, fontsize=11)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return ", ".join(f"{name} {_percent(value, decimals)}" for name, value in zip(names, values, strict=True))


def _percent(share: float, decimals: int) -> str:
    """Write a share of 1 in percent, and never as 0% or 100% what is only near: "<0.01%", ">99.99%".

    A probability of 1 is near, too: a softmax in float32 is rounded to it.
    """
    least = 10.0**-decimals
    if 0 < share < least / 200:
        return f"<{least:.{decimals}f}%"
    if share > 1 - least / 200:
        return f">{100 - least:.{decimals}f}%"
    return f"{share:.{decimals}%}"


def _signed(value: float) -> str:
    """Write a number with two decimals, a whole one without, and with a true minus sign."""
    value = round(float(value), 2) + 0.0  # no minus before a zero
    return (f"{value:.0f}" if value == round(value) else f"{value:.2f}").replace("-", "−")


def _on(colour: Sequence[float]) -> str:
    """Return the colour for text on `colour` (RGBA, 0…1): white where that is dark."""
    return "white" if np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5 else INK
