"""The standard figures: one look, one colour for each framework, one hue and one line style for each model.

Every function returns a matplotlib Figure that carries its alternative text; `save` writes it to figures/. The figures
of a training are in `plots_training`, those that only the introduction needs in `plots_intro`. The colours of the
frameworks are from the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with the common kinds
of colour blindness can tell apart.
"""

import re
import sys
import textwrap
from collections.abc import Sequence

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmnist import outputs
from fmnist.chapters import looks
from fmnist.data import CLASS_NAMES
from fmnist.records import DISPLAY

FRAMEWORK_COLOURS = {"keras": "#D55E00", "pytorch": "#0072B2"}
MODEL_COLOURS = {model: look["colour"] for model, look in looks().items()}
MODEL_LINES = {model: look["line"] for model, look in looks().items()}
# Dark blue and dark orange: apart for everybody, in grey print too, and dark enough for text.
RIGHT, WRONG, NEUTRAL = "#004488", "#B35C00", "#888888"
# Short enough to stand under a column of a matrix without turning.
SHORT_NAMES = ("T-shirt", *CLASS_NAMES[1:9], "Boot")
INK, EDGE = "#222222", "#444444"


def set_style() -> None:
    """Set matplotlib's defaults for the whole notebook, and let figures that are shown carry their alternative text."""
    # The font comes with matplotlib: the same picture on every machine, and one that has ✓, ✗ and ×.
    sns.set_theme(style="whitegrid", context="notebook", font="DejaVu Sans", font_scale=0.9)
    plt.rcParams.update({"figure.facecolor": "white", "savefig.facecolor": "white", "figure.dpi": 80})
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "image.cmap": "gray_r"})
    # Outside IPython nothing is shown, and it need not be installed.
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell:
        # This formatter adds to what the inline backend draws, so it does not matter which of them comes first.
        shell.display_formatter.mimebundle_formatter.for_type(Figure, _alternative_text)


def describe(figure: Figure, text: str) -> None:
    """Give `figure` its alternative text: one or two sentences that say what it shows to somebody who cannot see it."""
    figure.alternative_text = " ".join(text.split())


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
    columns: int | None = None,
) -> Figure:
    """Draw images (a sequence of H×W or, in colour, H×W×3 arrays), each under its title, in rows of `columns`.

    `height` is that of an image in inches. `value_range` are the values that are drawn white and black, or as `cmap`
    says; without them each image is spread from its least to its greatest value. `columns=None` makes one row of all.
    Raises ValueError unless there are as many titles as images.
    """
    names = list(titles) if titles else [""] * len(images)
    if len(names) != len(images):
        raise ValueError(f"{len(images)} images need as many titles, and there are {len(names)}.")
    columns = min(columns or len(images), len(images))
    rows = -(-len(images) // columns)
    lines = max(name.count("\n") + 1 for name in names)
    figure, axes = plt.subplots(
        rows, columns, figsize=(height * columns, (height + 0.08 + 0.19 * lines) * rows), squeeze=False
    )
    for axis in axes.flat[len(images) :]:
        axis.set_visible(False)
    for axis, image, name in zip(axes.flat, images, names, strict=False):
        axis.imshow(image, cmap=cmap or "gray_r", vmin=value_range[0], vmax=value_range[1])
        axis.set_title(name, fontsize=9.5 if height >= 1.2 else 9, pad=4)
        frame(axis)
    figure.tight_layout(pad=0.4, w_pad=0.6)
    place = "in a row" if rows == 1 else f"in {rows} rows of {columns}"
    text = f"{len(images)} images {place}" if len(images) > 1 else "An image"
    describe(figure, f"{text}: {', '.join(names)}." if any(names) else f"{text}.")
    return figure


def frame(axis: Axes, colour: str = "#CCCCCC", width: float = 0.8) -> None:
    """Leave nothing around the image in `axis` but a frame: a garment on white would have no edge on a white page."""
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set(visible=True, color=colour, linewidth=width)


def class_grid(images: np.ndarray, labels: np.ndarray, columns: int = 12) -> Figure:
    """Draw the first `columns` images of every class: images N×28×28, labels N integers, one row a class."""
    side = 28 + 4
    sheet = np.zeros((len(CLASS_NAMES) * side, columns * side), images.dtype)
    for row in range(len(CLASS_NAMES)):
        for column, image in enumerate(images[labels == row][:columns]):
            sheet[row * side + 2 : row * side + 30, column * side + 2 : column * side + 30] = image
    figure, axis = plt.subplots(figsize=(9, 7.5))
    axis.imshow(sheet, cmap="gray_r")
    axis.set_yticks(side / 2 + side * np.arange(len(CLASS_NAMES)), CLASS_NAMES)
    axis.set_xticks([])
    axis.grid(False)
    sns.despine(ax=axis, left=True, bottom=True)
    axis.set_title("Fashion-MNIST: the first training images of each class")
    figure.tight_layout()
    describe(figure, f"Ten rows of small grey pictures, {columns} of each class: {', '.join(CLASS_NAMES)}.")
    return figure


def network(layers: Sequence[tuple[str, str, int]], title: str, image: np.ndarray | None = None) -> Figure:
    """Draw a network from left to right: `layers` is a list of (what it is, what comes out, number of parameters).

    What comes out is written as it is drawn: "32 × 26×26" is a stack of feature maps, "28×28" is an image, "128" or
    "10 logits" is a vector. The sides of images and feature maps are in proportion to each other; the number of sheets
    in a stack, and the height of a vector, grow with the logarithm. Layers with parameters are darker.
    `image` (28×28, bright on black) is drawn in the first layer, if that is an image. Raises ValueError for an output
    with no number in it.
    """
    pitch = min(1.4, 9.4 / len(layers))  # inches from layer to layer
    words = [_wrapped(kind, columns=int(pitch / 0.085)) for kind, _, _ in layers]
    shapes = [_wrapped(shape, columns=int(pitch / 0.09)) for _, shape, _ in layers]
    first, second = (0.17 * max(text.count("\n") + 1 for text in texts) for texts in (words, shapes))
    under = 0.5 + first + second  # inches for the kinds, the shapes and the parameters
    width, height, middle = pitch * len(layers), under + 1.78, under + 0.76
    figure = plt.figure(figsize=(width, height))
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))  # everything in inches
    axis.axis("off")
    edge = None
    for position, (_, shape, parameters) in enumerate(layers):
        x = pitch * (position + 0.5)
        half = _draw_output(axis, (x, middle), shape, min(0.62 * pitch, 0.82) / 28, bool(parameters), image) / 2
        if edge is not None:
            arrow = {"arrowstyle": "->", "color": EDGE, "shrinkA": 0, "shrinkB": 0}
            axis.annotate("", (x - half - 0.03, middle), (edge + 0.03, middle), arrowprops=arrow)
        edge, image = x + half, None
        look = {"ha": "center", "va": "top", "fontsize": 9}
        axis.text(x, under, words[position], **look)
        axis.text(x, under - first, shapes[position], **look, weight="bold")
        if parameters:
            axis.text(x, under - first - second - 0.04, f"{parameters:,}\nparameters", **look)
    figure.suptitle(title, y=1 - 0.02 / height, va="top", fontsize=12)
    chain = "; ".join(f"{k} gives {s}" + (f" ({p:,} parameters)" if p else "") for k, s, p in layers)
    total = sum(parameters for _, _, parameters in layers)
    describe(figure, f"{title}, a chain of {len(layers)} steps: {chain}. It has {total:,} parameters in all.")
    return figure


def _wrapped(text: str, columns: int) -> str:
    """Break `text` before a "+", after a comma and where a line would be longer than `columns` characters."""
    parts = re.sub(r",\s+", ",\n", text.replace(" + ", "\n+ ")).split("\n")
    return "\n".join(line for part in parts for line in textwrap.wrap(part, columns, break_long_words=False))


def _draw_output(
    axis: Axes, centre: tuple[float, float], shape: str, scale: float, dark: bool, image: np.ndarray | None
) -> float:
    """Draw what comes out of a layer around `centre` and return its width in inches; `scale` is inches for a pixel."""
    sizes = [int(number) for number in re.findall(r"\d+", shape)]
    if not sizes:
        raise ValueError(f"{shape!r} does not say how many values come out, as '128' or '32 × 26×26' do.")
    look = {"facecolor": "#B9C6D3" if dark else "#F3F3F3", "edgecolor": EDGE, "linewidth": 0.8}
    if len(sizes) == 1:
        width, height = 0.14, 0.115 * np.log2(max(2, sizes[0]))
        left, bottom = centre[0] - width / 2, centre[1] - height / 2
        axis.add_patch(plt.Rectangle((left, bottom), width, height, **look))
        units = min(sizes[0], round(height / 0.0375))
        axis.hlines(bottom + height / units * np.arange(1, units), left, left + width, color=EDGE, linewidth=0.4)
        return width
    # Keras writes the channels last, "26×26 × 32".
    channels = 1 if len(sizes) == 2 else sizes[2] if sizes[0] == sizes[1] else sizes[0]
    side, sheets = scale * sizes[1], 1 + round(np.log2(channels))
    step = 0.022 + 0.03 * side
    left, bottom = (middle - (side + step * (sheets - 1)) / 2 for middle in centre)
    if image is not None:
        axis.imshow(image, cmap="gray_r", extent=(left, left + side, bottom, bottom + side), aspect="auto")
        look["facecolor"] = "none"
    for sheet in reversed(range(sheets)):
        axis.add_patch(plt.Rectangle((left + step * sheet, bottom + step * sheet), side, side, **look))
    return side + step * (sheets - 1)


def model_comparison(table: pd.DataFrame) -> Figure:
    """Draw test accuracies with 95% intervals, a row a model.

    `table` is a DataFrame with the columns "model" ("dense" or "cnn"), "framework", "accuracy" and "error" (the
    standard error), both in percent.
    """
    figure, axis = plt.subplots(figsize=(8, 0.55 * len(table) + 1.3))
    names = [f"{DISPLAY[row.model]}, {DISPLAY[row.framework]}" for row in table.itertuples()]
    for position, row in enumerate(table.itertuples()):
        container = axis.errorbar(
            row.accuracy, position, xerr=1.96 * row.error, color=FRAMEWORK_COLOURS[row.framework], fmt="o", capsize=4
        )
        container.lines[2][0].set_linestyle(MODEL_LINES[row.model])
        axis.annotate(f"{row.accuracy:.2f}%", (row.accuracy, position), (0, 7), textcoords="offset points",
                      ha="center", fontsize=9)  # fmt: skip
    axis.set_yticks(range(len(table)), names)
    axis.set(ylim=(len(table) - 0.4, -0.7), xlabel="accuracy on the 10,000 test images, with 95% interval (%)")
    axis.set_title("Four models, two frameworks")
    figure.tight_layout()
    told = [
        f"{name} {row.accuracy:.2f}% ± {1.96 * row.error:.2f}"
        for name, row in zip(names, table.itertuples(), strict=True)
    ]
    describe(figure, f"Accuracies on the test images with 95% intervals: {'; '.join(told)}.")
    return figure


def _alternative_text(figure: Figure) -> tuple[dict, dict]:
    """Return no data, and the metadata from which nbconvert takes the alternative text of the PNG."""
    # The inline backend shows at the end of a cell what pyplot still holds; what is being shown is not shown twice.
    if matplotlib.get_backend() in ("inline", "module://matplotlib_inline.backend_inline"):
        plt.close(figure)
    text = getattr(figure, "alternative_text", None)
    return {}, {"image/png": {"alt": text}} if text else {}
