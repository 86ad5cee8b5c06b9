"""The figures of chapter 03: filters, feature maps, what filters respond to, where the network looks, its features.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text. Images are N×28×28 with
values from 0 to 255, bright on black, and are drawn dark on white.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmnist.data import CLASS_NAMES
from fmnist.plots import INK, NEUTRAL, RIGHT, SHORT_NAMES, describe, frame
from fmnist.plots_experiments import HUES

# Paul Tol's scheme "muted" (https://sronpersonalpages.nl/~pault/) and a dark grey: ten hues for the ten classes.
CLASS_COLOURS = (
    "#88CCEE", "#DDCC77", "#117733", "#CC6677", "#44AA99", "#AA4499", "#332288", "#882255", "#999933", "#777777",
)  # fmt: skip


def filters(
    weights: np.ndarray,
    edges: np.ndarray | None = None,
    angles: np.ndarray | None = None,
    threshold: float = 1.0,
    dead: np.ndarray | None = None,
) -> Figure:
    """Draw filters (N×3×3), positive weights red and negative ones blue, each in its own scale.

    With the edge score of each filter in `edges`, they are sorted by it, and those above `threshold` get an arrow in
    the direction of `angles` (degrees, counterclockwise from the right). Filters that are True in `dead` come last,
    faded.
    """
    order = list(range(len(weights)))
    dead = np.zeros(len(weights), bool) if dead is None else dead
    if edges is not None:
        order.sort(key=lambda k: (dead[k], -edges[k]))
    figure, axes = plt.subplots(-(-len(weights) // 8), 8, figsize=(8.4, 1.22 * -(-len(weights) // 8)))
    for axis, k in zip(axes.flat, order, strict=False):
        limit = max(np.abs(weights[k]).max(), 1e-12)
        axis.imshow(weights[k], cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.25 if dead[k] else 1)
        frame(axis, NEUTRAL)
        title = f"{k}" if edges is None else f"{k}: dead" if dead[k] else f"{k}: {edges[k]:.2f}"
        found = edges is not None and not dead[k] and edges[k] > threshold
        axis.set_title(title, fontsize=9, pad=3, weight="bold" if found else "normal")
        if found:
            step = 0.9 * np.array([np.cos(np.radians(angles[k])), -np.sin(np.radians(angles[k]))])
            axis.annotate("", 1 + step, 1 - step, arrowprops={"arrowstyle": "->", "lw": 2, "color": "black"})
    figure.tight_layout(pad=0.4)
    text = f"{len(weights)} small squares of 3×3 coloured cells, the filters of the first convolution"
    if edges is not None:
        live = [k for k in order if not dead[k]]
        text += f", {sum(edges[k] > threshold for k in live)} of them marked as edge detectors, {dead.sum()} as dead"
    describe(figure, f"{text}.")
    return figure


def feature_maps(images: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> Figure:
    """Draw a row for each image and a column for each filter: `columns` maps its title to feature maps (N×H×W)."""
    figure, axes = plt.subplots(
        len(images), 1 + len(columns), figsize=(1.45 * (1 + len(columns)), 1.28 * len(images)), squeeze=False
    )
    for row, image, name in zip(axes, images, names, strict=True):
        row[0].imshow(image)
        row[0].set_ylabel(name, fontsize=10)
    for place, (title, maps) in enumerate(columns.items(), start=1):
        for axis, one in zip(axes[:, place], maps, strict=True):
            axis.imshow(one, cmap="magma", vmin=0, vmax=max(maps.max(), 1e-12))
        axes[0, place].set_title(title, fontsize=10)
    for axis in axes.flat:
        frame(axis)
    figure.tight_layout(pad=0.5)
    describe(figure, f"Images of {', '.join(names)}, and beside each its feature maps: {', '.join(columns)}.")
    return figure


def journey(image: np.ndarray, maps: Mapping[str, np.ndarray], features: np.ndarray, logits: np.ndarray) -> Figure:
    """Draw what becomes of an image: one feature map of each stage, the 128 features (8 rows of 16), ten logits."""
    figure, axes = plt.subplots(
        1, len(maps) + 3, figsize=(12.5, 2.25), layout="constrained",
        width_ratios=[1] * (len(maps) + 1) + [1.9, 1.3],
    )  # fmt: skip
    panels = {"image\n28×28": image, **{f"{name}\n{one.shape[0]}×{one.shape[1]}": one for name, one in maps.items()}}
    panels["128 features"] = features.reshape(8, 16)
    for axis, (title, values) in zip(axes, panels.items(), strict=False):
        axis.imshow(values, cmap="gray_r" if values is image else "magma", vmin=0)
        axis.set_title(title, fontsize=10)
        frame(axis)
    bars = axes[-1]
    colours = [HUES[1] if k == logits.argmax() else NEUTRAL for k in range(len(logits))]
    bars.barh(range(len(logits)), logits, color=colours)
    bars.set_yticks(range(len(logits)), SHORT_NAMES, fontsize=9)
    bars.invert_yaxis()
    bars.grid(axis="y", visible=False)
    bars.set_title("10 logits", fontsize=10)
    describe(
        figure,
        f"From left to right: an image, one feature map each of {', '.join(maps)}, the 128 features, and the ten "
        f"logits as bars, of which {CLASS_NAMES[int(logits.argmax())]} is the longest.",
    )
    return figure


def top_images(rows: Mapping[str, tuple[np.ndarray, np.ndarray, int]]) -> Figure:
    """Draw the images to which filters respond most, a row for each filter, and frame what it responds to.

    `rows` maps a title to (K images, the upper left pixel of each patch (K×2, row and column), the side of the patch).
    """
    count = max(len(images) for images, _, _ in rows.values())
    figure, axes = plt.subplots(len(rows), count, figsize=(1.15 * count + 0.9, 1.2 * len(rows)), squeeze=False)
    for line, (title, (images, corners, side)) in zip(axes, rows.items(), strict=True):
        for axis, image, (top, left) in zip(line, images, corners, strict=True):
            axis.imshow(image, vmin=0, vmax=255)
            frame(axis)
            axis.add_patch(plt.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=HUES[1], lw=2))
        line[0].set_ylabel(title, fontsize=10, rotation=0, ha="right", va="center", labelpad=6)
    figure.tight_layout(pad=0.4)
    describe(figure, f"Rows of {count} images with a framed patch in each: {', '.join(rows)}.")
    return figure


def patterns(titles: Sequence[str], rows: Mapping[str, tuple[np.ndarray, Sequence[float]]]) -> Figure:
    """Draw rows of small images with a value above each; `rows` maps a name to (N×H×W from 0 to 1, N values)."""
    figure, axes = plt.subplots(
        len(rows), len(titles), figsize=(1.2 * len(titles) + 0.6, 1.42 * len(rows) + 0.2), squeeze=False
    )
    for number, (line, (name, (images, values))) in enumerate(zip(axes, rows.items(), strict=True)):
        for axis, image, value, title in zip(line, images, values, titles, strict=True):
            axis.imshow(image, vmin=0, vmax=1)
            axis.set_title(f"{value:.1f}" if number else f"{title}\n{value:.1f}", fontsize=9.5, pad=3)
            frame(axis)
        line[0].set_ylabel(name, fontsize=9.5)
    figure.tight_layout(pad=0.4)
    told = "; ".join(
        f"{name.replace(chr(10), ' ')}: {', '.join(f'{value:.1f}' for value in values)}"
        for name, (_, values) in rows.items()
    )
    describe(figure, f"Rows of small images for {', '.join(titles)}, with the value of the filter. {told}.")
    return figure


def where_it_looks(images: np.ndarray, titles: Sequence[str], rows: Mapping[str, np.ndarray]) -> Figure:
    """Draw images and, below each, maps of where the network looks, over a pale copy of the image.

    `rows` maps the name of a method to its maps (N×side×side, centred on the image, a value a pixel). A row with
    negative values is drawn from blue to red, with white for 0, and one without from white to red. Each row has one
    scale, unless its maps are divided by their greatest value.
    """
    figure, grid = plt.subplots(
        len(rows) + 1, len(images) + 1, figsize=(1.5 * len(images) + 1.1, 1.62 * (len(rows) + 1)), squeeze=False,
        layout="constrained", width_ratios=[1] * len(images) + [0.07],
    )  # fmt: skip
    axes, bars = grid[:, :-1], grid[:, -1]
    bars[0].set_visible(False)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        axis.imshow(image, vmin=0, vmax=255)
        axis.set_title(title, fontsize=9.5)
    for line, bar, (name, maps) in zip(axes[1:], bars[1:], rows.items(), strict=True):
        signed = maps.min() < 0
        limit = max(np.abs(maps).max(), 1e-12)
        for axis, image, values in zip(line, images, maps, strict=True):
            drawn = _overlay(axis, image, values, limit, signed)
        line[0].set_ylabel(name, fontsize=10)
        figure.colorbar(drawn, cax=bar)
    for axis in axes.flat:
        frame(axis)
    told = ", ".join(title.replace("\n", ", ") for title in titles)
    describe(figure, f"Images ({told}) and below each where the network looks, by these methods: {', '.join(rows)}.")
    return figure


def _overlay(axis: Axes, image: np.ndarray, values: np.ndarray, limit: float, signed: bool):
    """Draw `values` over the outline and a pale copy of `image`, and return what a colour bar needs."""
    axis.imshow(image, vmin=0, vmax=700)
    margin = (len(image) - len(values)) / 2
    extent = (margin - 0.5, len(image) - margin - 0.5, len(image) - margin - 0.5, margin - 0.5)
    # Where a map is near 0 it lets the garment through.
    opacity = np.clip(1.5 * np.abs(values) / limit, 0, 0.9)
    colours, low = ("RdBu_r", -limit) if signed else ("Reds", 0)
    axis.imshow(values, cmap=colours, vmin=low, vmax=limit, alpha=opacity, extent=extent)
    axis.contour(image > 25, levels=[0.5], colors=INK, linewidths=0.7)
    axis.set(xlim=(-0.5, len(image) - 0.5), ylim=(len(image) - 0.5, -0.5))
    return plt.cm.ScalarMappable(plt.Normalize(low, limit), colours)


def intervals(rows: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], xlabel: str, title: str) -> Figure:
    """Draw means with their 95% intervals.

    `rows` maps a name to {series: a list of (mean, half of the interval)}; each series has a colour and a marker.
    """
    names = list(next(iter(rows.values())))
    figure, axis = plt.subplots(figsize=(9, 0.62 * len(rows) + 1.3))
    axis.axvline(0, color=NEUTRAL, linewidth=1)
    told = []
    for place, (name, series) in enumerate(rows.items()):
        for k, (which, found) in enumerate(series.items()):
            middle = place + 0.8 * ((k + 0.5) / len(names) - 0.5)
            offsets = (np.arange(len(found)) - (len(found) - 1) / 2) * min(0.07, 0.5 / len(names) / len(found))
            means, halves = np.transpose(found)
            axis.errorbar(means, middle + offsets, xerr=halves, color=HUES[k], fmt="osD^"[k], markersize=5, capsize=2,
                          linewidth=1.2, label=which if place == 0 else None)  # fmt: skip
            told.append(f"{name}, {which}: {', '.join(f'{m:.2f} ± {h:.2f}' for m, h in found)}")
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set(ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel)
    axis.set_title(title, fontsize=11)
    axis.grid(axis="y", visible=False)
    axis.legend(frameon=False, fontsize=9.5, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    describe(figure, f"Means with intervals: {title} {'; '.join(told)}.")
    return figure


def feature_space(maps: Mapping[str, np.ndarray], labels: np.ndarray) -> Figure:
    """Draw maps of images (N×2 each) side by side, coloured by class, with a name where most of a class lies."""
    figure, axes = plt.subplots(1, len(maps), figsize=(5.2 * len(maps) + 1.5, 5.2), squeeze=False)
    for axis, (name, points) in zip(axes.flat, maps.items(), strict=True):
        placed, size = [], np.ptp(points, axis=0) * (0.17, 0.06)  # of a name, about
        for k in np.unique(labels):
            own = points[labels == k]
            axis.scatter(*own.T, s=6, color=CLASS_COLOURS[k], linewidths=0, label=CLASS_NAMES[k])
            place = _densest(own)
            # A name that would hide another is left out.
            if all((np.abs(place - other) > size).any() for other in placed):
                box = {"facecolor": "white", "alpha": 0.8, "edgecolor": CLASS_COLOURS[k], "pad": 1.5}
                axis.text(*place, SHORT_NAMES[k], fontsize=9, ha="center", va="center", bbox=box)
                placed.append(place)
        axis.set(title=name, xticks=[], yticks=[])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=4, fontsize=9.5)
    figure.tight_layout()
    describe(figure, f"Clouds of points, one point an image, coloured by class, as {' and '.join(maps)} place them.")
    return figure


def _densest(points: np.ndarray) -> np.ndarray:
    """Return the one of the points (N×2) around which most of the others lie."""
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    return points[np.sort(distances, axis=1)[:, len(points) // 4].argmin()]


def neighbours(image: np.ndarray, label: int, rows: Mapping[str, tuple[np.ndarray, np.ndarray]], title: str) -> Figure:
    """Draw an image and its neighbours: `rows` maps where they were looked up to (K images, their K labels)."""
    count = max(len(images) for images, _ in rows.values())
    figure, axes = plt.subplots(len(rows), 1 + count, figsize=(1.12 * (1 + count), 1.42 * len(rows)), squeeze=False)
    for line, (name, (images, labels)) in zip(axes, rows.items(), strict=True):
        line[0].imshow(image, vmin=0, vmax=255)
        line[0].set_ylabel(name, fontsize=10)
        for axis, other, k in zip(line[1:], images, labels, strict=True):
            axis.imshow(other, vmin=0, vmax=255)
            same = k == label
            axis.set_title(SHORT_NAMES[k], fontsize=9, pad=3, color=RIGHT if same else INK,
                           weight="bold" if same else "normal")  # fmt: skip
    axes[0, 0].set_title(title, fontsize=9, pad=3)
    for axis in axes.flat:
        frame(axis)
    figure.tight_layout(pad=0.4)
    told = "; ".join(f"{name}: {', '.join(SHORT_NAMES[k] for k in labels)}" for name, (_, labels) in rows.items())
    describe(figure, f"An image ({title}) and its nearest neighbours. {told}.")
    return figure
