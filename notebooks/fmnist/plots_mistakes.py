"""The figures of mistakes and confidence: rows of images, accuracy by class, calibration, coverage, perturbations.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fmnist.plots import MODEL_COLOURS, MODEL_LINES, NEUTRAL, describe, frame
from fmnist.records import DISPLAY, standard_error

MARKERS = {"dense": "s", "cnn": "o"}


def image_rows(rows: Mapping[str, tuple[Sequence[np.ndarray], Sequence[str]]], title: str) -> Figure:
    """Draw rows of images, dark on white; `rows` maps the name of a row to its images (H×W each) and their titles."""
    rows = {name: row for name, row in rows.items() if len(row[0])}
    columns = max(len(images) for images, _ in rows.values())
    lines = max(text.count("\n") + 1 for _, titles in rows.values() for text in titles)
    height = 1.3 + 0.19 * lines
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(1.3 * columns + 0.3, height * len(rows) + 0.45), squeeze=False
    )
    for line, (name, (images, titles)) in zip(axes, rows.items(), strict=True):
        for axis, image, text in zip(line, images, titles, strict=False):
            axis.imshow(image, cmap="gray_r", vmin=0, vmax=max(1, np.max(image)))
            axis.set_title(text, fontsize=9, pad=3)
            frame(axis)
        for axis in line[len(images) :]:
            axis.set_axis_off()
        line[0].set_ylabel(name, fontsize=10)
    figure.suptitle(title, fontsize=12)
    figure.tight_layout(pad=0.4, w_pad=0.5, h_pad=1.0, rect=(0, 0, 1, 1 - 0.12 / figure.get_figheight()))
    told = [f"{name}: {', '.join(' '.join(text.split()) for text in titles)}" for name, (_, titles) in rows.items()]
    describe(figure, f"{title}, in rows of small images. {'; '.join(told)}.")
    return figure


def class_accuracy(table: pd.DataFrame) -> Figure:
    """Draw the accuracy of each class with its 95% interval, which covers the choice of the images.

    `table` has a row for each class, the columns "dense" and "cnn" (0 to 1) and "images". The hardest class of the CNN
    is drawn on top.
    """
    table = table.sort_values("cnn")
    figure, axis = plt.subplots(figsize=(8, 4.2))
    told = []
    for model, offset in (("dense", 0.15), ("cnn", -0.15)):
        half = 196 * standard_error(table[model].to_numpy(), table["images"].to_numpy())
        half = half, np.minimum(half, 100 - 100 * table[model].to_numpy())
        axis.errorbar(
            100 * table[model], np.arange(len(table)) + offset, xerr=half, fmt=MARKERS[model], markersize=6, capsize=3,
            color=MODEL_COLOURS[model], label=DISPLAY[model],
        )  # fmt: skip
        told.append(f"{DISPLAY[model]}: {', '.join(f'{name} {value:.1%}' for name, value in table[model].items())}")
    axis.set_yticks(range(len(table)), list(table.index))
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.set(xlabel="correctly classified test images of the class (%), with 95% interval")
    axis.set_title("Accuracy by class")
    axis.legend(frameon=False, loc="lower left")
    figure.tight_layout()
    describe(figure, f"Accuracy by class, the hardest of the CNN first. {'; '.join(told)}.")
    return figure


def _groups(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> pd.DataFrame:
    """Return for each group of similar confidence: "confidence", "accuracy" (0 to 1) and "images"."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    group = np.minimum((confidence * bins).astype(int), bins - 1)
    table = pd.DataFrame({"confidence": confidence, "accuracy": correct}).groupby(group)
    return table.mean().assign(images=table.size())


def reliability(panels: Mapping[str, np.ndarray], labels: np.ndarray, bins: int) -> Figure:
    """Draw accuracy against confidence in `bins` groups, a panel for each N×10 probabilities.

    The grey band is where 95% of the groups of a perfectly calibrated network are. Groups of fewer than ten images are
    left out.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(5 * len(panels), 4.3), sharey=True, squeeze=False)
    told = []
    for axis, (name, probabilities) in zip(axes.flat, panels.items(), strict=True):
        table = _groups(probabilities, labels, bins).query("images >= 10")
        x = table["confidence"]
        chance = 1.96 * standard_error(x, table["images"])
        axis.plot([0.2, 1], [0.2, 1], color=NEUTRAL, linestyle=":", label="perfect calibration")
        axis.fill_between(x, x - chance, x + chance, color=NEUTRAL, alpha=0.25, label="95% by chance")
        axis.plot(x, table["accuracy"], "o-", color=MODEL_COLOURS["cnn"], label="CNN")
        for row in table.itertuples():
            axis.annotate(f"{row.images}", (row.confidence, row.accuracy), (5, -12), textcoords="offset points",
                          fontsize=9)  # fmt: skip
        axis.set(title=name, xlabel="confidence", xlim=(0.2, 1.12), ylim=(0, 1.04))
        pairs = ", ".join(f"{row.confidence:.2f} to {row.accuracy:.2f}" for row in table.itertuples())
        told.append(f"{name}, confidence to accuracy: {pairs}")
    axes.flat[0].set_ylabel("accuracy")
    axes.flat[0].legend(frameon=False, loc="upper left")
    figure.suptitle("Reliability diagram (numbers: images of the group; groups below ten are left out)", fontsize=12)
    figure.tight_layout()
    describe(figure, f"Reliability diagram. {'; '.join(told)}.")
    return figure


def _wilson(share: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95% intervals of shares of so many images by Wilson, which have a width at a share of 1, too."""
    squared = 1.96**2 / count
    half = 1.96 * np.sqrt(share * (1 - share) / count + squared / (4 * count))
    middle = share + squared / 2
    return (middle - half) / (1 + squared), (middle + half) / (1 + squared)


def coverage(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], target: float) -> Figure:
    """Draw the accuracy on the most confident images against their share.

    `curves` maps a model to the confidence (N) and whether each of N images is correctly classified. The bands are 95%
    intervals that cover the choice of the images. A dotted line shows the accuracy `target` (0 to 1).
    """
    figure, axis = plt.subplots(figsize=(7.5, 4))
    axis.axhline(100 * target, color=NEUTRAL, linestyle=":", label=f"target, {100 * target:.0f}%")
    told = []
    for model, (confidence, correct) in curves.items():
        ordered = correct[np.argsort(-confidence, kind="stable")]
        count = np.arange(1, len(ordered) + 1)
        accuracy = np.cumsum(ordered) / count
        shown = count >= len(ordered) / 5
        low, high = (100 * bound[shown] for bound in _wilson(accuracy, count))
        x, y = 100 * count[shown] / len(ordered), 100 * accuracy[shown]
        look = {"color": MODEL_COLOURS[model]}
        axis.plot(x, y, linestyle=MODEL_LINES[model], linewidth=2, label=DISPLAY[model], **look)
        axis.fill_between(x, low, high, alpha=0.18, linewidth=0, **look)
        points = {share: accuracy[max(0, len(ordered) * share // 100 - 1)] for share in (50, 75, 90, 100)}
        told.append(f"{DISPLAY[model]}: {', '.join(f'{value:.1%} at {share}%' for share, value in points.items())}")
    axis.set(xlabel="coverage: share of the test images that the network predicts (%)", ylabel="accuracy on these (%)")
    axis.set_title("Accuracy against coverage (bands: 95%, other test images)")
    axis.legend(frameon=False, loc="lower left")
    figure.tight_layout()
    describe(figure, f"Accuracy on the most confident images against coverage. {'; '.join(told)}.")
    return figure


def robustness(measured: Mapping[str, Mapping[float, tuple[float, float]]], images: int) -> Figure:
    """Draw the accuracy of both networks on perturbed images, a panel for each perturbation.

    `measured` maps a perturbation to {size: (accuracy of the dense network, of the CNN)}. The bands are 95% intervals
    that cover the choice of so many images.
    """
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.2), sharey=True)
    told = []
    for axis, (kind, sizes) in zip(axes.flat, measured.items(), strict=True):
        x = np.array(list(sizes))
        for model, column in (("dense", 0), ("cnn", 1)):
            y = np.array([both[column] for both in sizes.values()])
            half = 1.96 * standard_error(y, images)
            look = {"color": MODEL_COLOURS[model]}
            axis.plot(x, 100 * y, linestyle=MODEL_LINES[model], marker=MARKERS[model], markersize=5, linewidth=1.8,
                      label=DISPLAY[model], **look)  # fmt: skip
            axis.fill_between(x, 100 * (y - half), 100 * (y + half), alpha=0.18, linewidth=0, **look)
        axis.axhline(10, color=NEUTRAL, linestyle=":", linewidth=1.2)
        axis.set(xlabel=kind, ylim=(0, 100))
        if x[0] > x[-1]:  # the contrast falls
            axis.invert_xaxis()
        pairs = ", ".join(f"{size}: {dense:.0%} and {cnn:.0%}" for size, (dense, cnn) in sizes.items())
        told.append(f"{kind}, dense and CNN, {pairs}")
    for axis in axes[:, 0]:
        axis.set_ylabel("test accuracy (%)")
    axes[0, 0].legend(frameon=False)
    figure.suptitle("Accuracy on perturbed images (bands: 95%, other test images; dotted: guessing)", fontsize=12)
    figure.tight_layout()
    describe(figure, f"Accuracy on perturbed images. {'; '.join(told)}.")
    return figure


def translation(curves: Mapping[str, Sequence[float]], images: int) -> Figure:
    """Draw the accuracy on images that are shifted by 0, 1, 2, … pixels without losing a part.

    `curves` maps a model to its accuracies, `images` is the number of different images. The bands are 95% intervals
    that cover their choice.
    """
    figure, axis = plt.subplots(figsize=(7, 3.8))
    told = []
    for model, values in curves.items():
        y, pixels = np.array(values), np.arange(len(values))
        half = 1.96 * standard_error(y, max(1, images))
        look = {"color": MODEL_COLOURS[model]}
        axis.plot(pixels, 100 * y, linestyle=MODEL_LINES[model], marker=MARKERS[model], linewidth=2,
                  label=DISPLAY[model], **look)  # fmt: skip
        axis.fill_between(pixels, 100 * (y - half), 100 * (y + half), alpha=0.18, linewidth=0, **look)
        told.append(f"{DISPLAY[model]}: {', '.join(f'{value:.0%}' for value in values)}")
    axis.axhline(100 * curves["cnn"][0], color=MODEL_COLOURS["cnn"], linestyle=":", linewidth=1.4)
    axis.annotate("an invariant CNN", (len(curves["cnn"]) - 1, 100 * curves["cnn"][0]), (0, 6),
                  textcoords="offset points", ha="right", fontsize=9.5, color=MODEL_COLOURS["cnn"])  # fmt: skip
    axis.set(
        xlabel=f"shift (pixels) of {images:,} images of which almost nothing is cut off",
        ylabel="test accuracy (%)",
        ylim=(0, 105),
    )
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_title("A CNN is not translation invariant (bands: 95%, other test images)")
    axis.legend(frameon=False, loc="lower left")
    figure.tight_layout()
    describe(figure, f"Accuracy after a shift by 0 to {len(curves['cnn']) - 1} pixels. {'; '.join(told)}.")
    return figure
