"""Draw figures/model_comparison.png: the accuracy of every committed model against its size and its training time.

    python -m tools.model_comparison

Everything comes from the records in models/. The picture keeps a digest of the values that it shows, so that it can be
seen without drawing whether it is older than the records.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import seaborn as sns
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from PIL import Image

from fmnist import outputs, paths
from fmnist.plots import EDGE, FRAMEWORK_COLOURS, INK
from fmnist.records import DISPLAY, read_all, standard_error
from tools.stamp import digest

NAME = "model_comparison"
FILE = f"figures/{NAME}.png"
# The entry of the picture's metadata with the digest.
ENTRY = "Values"
MARKERS = "oDs^vP*Xhp<>d8H"
CAPTION = (
    "The bars are 95% intervals for the choice of the 10,000 test images. One training run per model, so they do not "
    "cover the seed.\nThe times are those of the machines on which the committed models were trained."
)


class Point(NamedTuple):
    """What is drawn of one model; accuracy and half of its 95% interval are in per cent."""

    label: str
    framework: str
    parameters: int
    seconds: float
    accuracy: float
    half: float


def points(records: Iterable[dict[str, Any]] | None = None) -> list[Point]:
    """Return a point for each record, by default for every one in models/."""
    found = []
    for record in read_all() if records is None else records:
        model = record["name"].removeprefix(f"{record['chapter']}_").removesuffix(f"_{record['framework']}")
        accuracy = record["test_accuracy"]
        half = 1.96 * standard_error(accuracy, record["test_images"])
        label = f"{record['chapter']} {DISPLAY.get(model, model)}"
        values = record["parameters"], record["train_seconds"], 100 * accuracy, round(100 * float(half), 6)
        found.append(Point(label, record["framework"], *values))
    return found


def draw(drawn: Sequence[Point]) -> Figure:
    """Draw the `drawn` points: accuracy against parameters on the left, against training time on the right."""
    labels = list(dict.fromkeys(point.label for point in drawn))
    markers = {label: MARKERS[number % len(MARKERS)] for number, label in enumerate(labels)}
    style = sns.axes_style("whitegrid") | {"axes.spines.top": False, "axes.spines.right": False, "font.size": 10}
    with rc_context(style | {"axes.edgecolor": EDGE, "grid.color": "#E2E2E2"}):
        figure = Figure(figsize=(11, 5.6), facecolor="white", layout="none")
        FigureCanvasAgg(figure)
        figure.subplots_adjust(left=0.065, right=0.985, top=0.85, bottom=0.21, wspace=0.06)
        axes = figure.subplots(1, 2, sharey=True)
        for axis, quantity in zip(axes, ("parameters", "seconds"), strict=True):
            places = _places(drawn, quantity)
            for label in labels:
                pair = [(x, point.accuracy) for point, x in places.items() if point.label == label]
                axis.plot(*zip(*pair, strict=True), color="#BBBBBB", linewidth=1, zorder=1)
            for point, x in places.items():
                axis.errorbar(
                    x, point.accuracy, yerr=point.half, color=FRAMEWORK_COLOURS[point.framework],
                    fmt=markers[point.label], markersize=7, capsize=3, linewidth=1.4,
                )  # fmt: skip
            axis.set_xscale("log")
            axis.margins(x=0.16, y=0.12)
            _label(axis, places, labels)
        axes[0].set(xlabel="parameters (logarithmic scale)", ylabel="accuracy on the test images (%)")
        axes[1].set(xlabel="training time in seconds (logarithmic scale)")
        for axis in axes:
            axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            _ticks(axis)
        figure.suptitle("Every trained model of the chapters: what accuracy costs in size and in training time", y=0.97)
        for number, (framework, colour) in enumerate(FRAMEWORK_COLOURS.items()):
            figure.text(0.44 + 0.07 * number, 0.885, DISPLAY[framework], color=colour, weight="bold", fontsize=11)
        figure.text(0.065, 0.035, CAPTION, fontsize=9, color=EDGE, linespacing=1.4)
    return figure


def save(drawn: Sequence[Point] | None = None) -> None:
    """Draw the points, by default those of the records, into figures/."""
    drawn = points() if drawn is None else drawn
    figure = draw(drawn)
    with outputs.saving("figures", f"{NAME}.png") as temporary:
        # Without the name of the software in it, the same picture is the same file.
        figure.savefig(temporary, dpi=110, metadata={"Software": None, ENTRY: values_digest(drawn)})


def is_stale() -> bool:
    """Return whether the figure is missing, or shows other values than the records, if there are any."""
    drawn = points()
    try:
        with Image.open(paths.ROOT / FILE) as image:
            return image.info.get(ENTRY) != values_digest(drawn) and bool(drawn)
    except OSError:  # there is none, or no picture
        return bool(drawn)


def values_digest(drawn: Sequence[Point]) -> str:
    """Return the digest of what is drawn, whichever version of matplotlib draws it."""
    return digest([CAPTION, [list(point) for point in drawn]])


def _places(drawn: Sequence[Point], quantity: str) -> dict[Point, float]:
    """Map each point to where it stands on the axis of `quantity`.

    Twins have the same number of parameters, so they stand a little beside each other there.
    """
    values = [getattr(point, quantity) for point in drawn]
    apart = (max(values) / min(values)) ** 0.012 if quantity == "parameters" else 1
    side = {"keras": -1, "pytorch": 1}
    return {point: value * apart ** side[point.framework] for point, value in zip(drawn, values, strict=True)}


def _ticks(axis: Axes) -> None:
    """Label 1, 2 and 5 of each power of ten, which are more than the powers alone and do not run into each other."""
    low, high = axis.get_xlim()
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    ticks = [factor * power for power in powers for factor in (1, 2, 5) if low <= factor * power <= high]
    axis.set_xticks(ticks if len(ticks) <= 8 else [tick for tick in powers if low <= tick <= high])
    axis.minorticks_off()


def _label(axis: Axes, places: dict[Point, float], labels: Sequence[str]) -> None:
    """Write each label once, beside its pair of points, where it covers no point, no line and no other label.

    It looks in eight directions around the pair and further and further away; a thin line leads to a label far away.
    """
    axis.figure.draw_without_rendering()
    renderer = axis.figure.canvas.get_renderer()
    taken = [_box(axis, x, point) for point, x in places.items()]
    for label in labels:
        taken += _along(axis, [(x, point.accuracy) for point, x in places.items() if point.label == label])
    inside = axis.get_window_extent(renderer)
    for label in labels:
        pair = [(point, x) for point, x in places.items() if point.label == label]
        spots = [
            (x, point.accuracy, far, angle) for far in range(14, 160, 6) for point, x in pair for angle in range(8)
        ]
        text = None
        for x, y, far, angle in spots:
            if text is not None:
                text.remove()
            text = _annotate(axis, label, (x, y), far, np.pi / 4 * angle)
            box = _text_box(text, renderer)
            if _within(inside, box) and not any(box.overlaps(other) for other in taken):
                break
        taken.append(_text_box(text, renderer).padded(2))


def _text_box(text: Annotation, renderer: RendererAgg) -> Bbox:
    """Return the rectangle of the text alone, without the line that leads to it."""
    text.update_positions(renderer)
    return Text.get_window_extent(text, renderer)


def _within(inside: Bbox, box: Bbox) -> bool:
    return all(inside.contains(*corner) for corner in box.corners())


def _annotate(axis: Axes, label: str, at: tuple[float, float], far: int, angle: float) -> Annotation:
    """Write `label` at `far` points from the place `at`, in the direction of `angle`."""
    right, up = np.cos(angle), np.sin(angle)
    horizontal = "center" if abs(right) < 0.1 else "left" if right > 0 else "right"
    vertical = "center" if abs(up) < 0.1 else "bottom" if up > 0 else "top"
    line = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4} if far > 20 else None
    return axis.annotate(
        label, at, (far * right, far * up), textcoords="offset points", ha=horizontal, va=vertical, fontsize=9.5,
        color=INK, arrowprops=line,
    )  # fmt: skip


def _along(axis: Axes, pair: Sequence[tuple[float, float]]) -> list[Bbox]:
    """Return small rectangles, in pixels, along the line between the two points of a pair."""
    ends = axis.transData.transform(pair)
    return [Bbox.from_bounds(*(np.array(place) - 2), 4, 4) for place in np.linspace(ends[0], ends[-1], 60)]


def _box(axis: Axes, x: float, point: Point) -> Bbox:
    """Return the rectangle that a point takes with its bar, in pixels."""
    low, high = (axis.transData.transform((x, point.accuracy + sign * point.half)) for sign in (-1, 1))
    return Bbox.from_extents(low[0] - 6, low[1] - 3, high[0] + 6, high[1] + 3)


if __name__ == "__main__":
    save()
