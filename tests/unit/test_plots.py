"""The figures: what they show, whether it can be read, and what they say to somebody who cannot see them."""

import itertools
import re

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_rgb
from matplotlib.text import Text
from nbformat.v4 import new_code_cell, new_notebook

from fmnist import chapters, plots, plots_experiments, plots_inside, plots_intro, plots_residual, plots_training
from fmnist.data import CLASS_NAMES
from tests.helpers import NOTEBOOKS
from tools import runs
from tools.execution import execute

# Bright on black, as the data: a square in the middle.
GARMENT = np.zeros((28, 28))
GARMENT[8:20, 8:20] = 0.9
EDGES = np.array([[-1, 0, 1]] * 3)
PROBABILITIES = np.array([0.99868, 0, 0, 0.001, 0, 0, 0.0003, 0, 0, 0.00002])
ACCURACIES = {"dense": (0.8923, 0.0031), "cnn": (0.9162, 0.0028)}
CNN = [
    ("image", "1 × 28×28", 0), ("conv 3×3 + ReLU", "32 × 26×26", 320), ("max pool 2×2", "32 × 13×13", 0),
    ("conv 3×3 + ReLU", "64 × 11×11", 18_496), ("max pool 2×2", "64 × 5×5", 0), ("flatten", "1600", 0),
    ("dense + ReLU", "128", 204_928), ("dropout 25%", "128", 0), ("dense", "10 logits", 1290),
]  # fmt: skip
DENSE = [("pixels", "784", 0), ("dense, ReLU", "128", 100_480), ("dense", "10 logits", 1290)]


def curves(epochs, worst=0.6):
    falling = worst * 0.9 ** np.arange(epochs)
    return {"loss": falling, "val_loss": falling + 0.1, "accuracy": 1 - falling / 3, "val_accuracy": 0.97 - falling / 3}


def confused():
    """Labels and predictions: 30 shirts are taken for coats, 20 coats for pullovers, one bag for a dress."""
    labels = np.repeat(np.arange(10), 100)
    predictions = labels.copy()
    predictions[600:630], predictions[400:420], predictions[800] = 4, 2, 3
    return labels, predictions


def gallery(indices=range(20)):
    labels = np.arange(20) % 10
    probabilities = np.full((20, 10), 0.003)
    probabilities[np.arange(20), np.where(np.arange(20) < 8, labels, (labels + 1) % 10)] = 0.973
    return plots_intro.predictions_gallery([GARMENT] * 20, labels, probabilities, indices, "Predictions")


def maps():
    convolved = np.array([[(GARMENT[i : i + 3, j : j + 3] * EDGES).sum() for j in range(26)] for i in range(26)])
    rectified = np.maximum(convolved, 0)
    return [GARMENT, convolved, rectified, rectified.reshape(13, 2, 13, 2).max(axis=(1, 3))]


TABLE = pd.DataFrame(
    [("dense", "keras", 89.23, 0.31), ("cnn", "keras", 91.62, 0.28), ("cnn", "pytorch", 91.41, 0.28)],
    columns=["model", "framework", "accuracy", "error"],
)
NETWORKS = pd.DataFrame(
    {
        "accuracy": [87.0, 89.2, 91.0, 92.3], "spread": [0.2, 0.3, np.nan, 0.1], "parameters": [1e4, 5e4, 4e5, 2e5],
        "multiplications": [1e4, 5e4, 4e5, 2e6], "training": [10.0, 12, 60, 150], "kind": [*["dense"] * 3, "CNN"],
    },
    index=["1 × 16", "1 × 64", "1 × 512", "32-64"],
)  # fmt: skip
GRID = pd.DataFrame(
    [(name, rate, 0.8 + 0.1 * rate) for name in ("SGD", "Adam") for rate in (0.001, 0.01, 0.1) for _ in range(2)],
    columns=["optimizer", "rate", "accuracy"],
)
EFFECTS = pd.DataFrame(
    {"effect": [-0.4, 0.1, 1.9], "low": [-0.7, -0.2, 1.6], "high": [-0.1, 0.4, 2.2]},
    index=pd.MultiIndex.from_tuples([("left out", "flips"), ("left out", "decay"), ("added", "batch norm")]),
)
RACE = {
    "target": 0.915,
    "rows": [
        {"framework": framework, "way": way, "median": median, "runs": [
            {"seed": 1, "seconds": [20.0, 40.0], "accuracy": [0.88, 0.92], "reached": median},
            {"seed": 2, "seconds": [21.0, 44.0], "accuracy": [0.87, 0.91], "reached": None},
        ]}
        for framework in ("pytorch", "keras") for way, median in {"chapter": 40.0, "residual": None}.items()
    ],
}  # fmt: skip
FILTERS = np.random.default_rng(0).normal(size=(32, 3, 3))
SCORES = np.linspace(0.05, 0.9, 32)
DEAD = np.isin(np.arange(32), [11, 13])
GARMENTS = np.stack([255 * GARMENT] * 6)
HEAT = np.random.default_rng(0).uniform(0, 1, (6, 22, 22))
CLOUD = 40 * np.array([[k % 4, k // 4] for k in np.arange(200) % 10]) + np.random.default_rng(0).normal(size=(200, 2))
BOTH = {"dense": curves(20), "cnn": curves(20, 0.5)}
FIGURES = {
    "image_row": lambda: plots.image_row([GARMENT] * 10, CLASS_NAMES, columns=5, height=1.75),
    "class_grid": lambda: plots.class_grid(np.stack([GARMENT] * 120), np.arange(120) % 10),
    "network": lambda: plots.network(CNN, "The convolutional network", GARMENT),
    "network_dense": lambda: plots.network([("image", "28×28", 0), *DENSE], "The dense network"),
    "model_comparison": lambda: plots.model_comparison(TABLE),
    "learning_curves": lambda: plots_training.learning_curves(BOTH, "keras"),
    "learning_curves_1": lambda: plots_training.learning_curves({"dense": curves(1), "cnn": curves(1, 0.6)}, "pytorch"),
    "learning_rates": lambda: plots_training.learning_rates(
        {"falling along a cosine": np.linspace(1e-3, 0, 50), "constant": [1e-3] * 50},
        {"falling along a cosine": [[0.5, 0.3], [0.4, 0.2]], "constant": [0.5, 0.4]},
        "keras",
    ),
    "filter_on_image": lambda: plots_intro.filter_on_image(GARMENT, -EDGES * 0.77, 7, 6),
    "feature_maps": lambda: plots_intro.feature_maps(maps(), ["shirt", "convolution", "after ReLU", "max pool"]),
    "confusion_matrix": lambda: plots_intro.confusion_matrix(*confused(), "The CNN"),
    "predictions_gallery": gallery,
    "class_probabilities": lambda: plots_intro.class_probabilities(GARMENT, PROBABILITIES, "your picture"),
    "result": lambda: plots_intro.result(GARMENT, PROBABILITIES, ACCURACIES, "keras"),
    "seeds": lambda: plots_experiments.seeds({"32-64": [0.9, 0.91], "16": [0.88, 0.89]}, "Networks", {"16": 0.87}),
    "widths": lambda: plots_experiments.widths({"1 layer": NETWORKS, "2 layers": NETWORKS[:3]}, "Dense networks"),
    "epochs": lambda: plots_experiments.epochs(
        pd.DataFrame({"curves": [curves(30), curves(30, 0.5)]}), {1: [0.8, 0.81], 5: [0.86]}, "Epochs"
    ),
    "range_test": lambda: plots_experiments.range_test(
        {"CNN": (np.logspace(-5, 0, 50), [2.3] * 20 + [1.0] * 20 + [9.0] * 10)}, "Range test"
    ),
    "grid": lambda: plots_experiments.grid({"dense": GRID, "CNN": GRID}),
    "frontier": lambda: plots_experiments.frontier(NETWORKS, "Accuracy against cost"),
    "progress": lambda: plots_experiments.progress(
        {"random": [[np.nan, 0.8, 0.85]] * 2, "TPE": [[0.7, 0.8, 0.86], [0.8, 0.8, 0.84]]}, "Searches"
    ),
    "luck": lambda: plots_experiments.luck(
        {"CNN": (None, [0.86, 0.87]), "TPE 1": (0.9, [0.88, 0.89]), "random 1": (0.89, [0.87, 0.89])}, "Winners"
    ),
    "choices": lambda: plots_experiments.effects({"batch norm": (0.4, 0.3), "pooling": (-0.2, 0.3)}, "Choices"),
    "depth": lambda: plots_residual.depth(
        {(count, shortcut): curves(20)["loss"] for count in (8, 20) for shortcut in (False, True)}
    ),
    "gradients": lambda: plots_residual.gradients({"batch norm": np.logspace(1, -1, 12)}, "Gradients"),
    "augmented": lambda: plots_residual.augmented({"flip": np.stack([GARMENT] * 16), "move": np.stack([GARMENT] * 16)}),
    "effects": lambda: plots_residual.effects(EFFECTS, {"left out": "without", "added": "with"}),
    "accuracies": lambda: plots_residual.accuracies({"CNN": (9138, 10_000), "residual": (9354, 10_000)}, "Test", 0.95),
    "filters": lambda: plots_inside.filters(FILTERS),
    "filters_with_scores": lambda: plots_inside.filters(FILTERS, SCORES, 10 * np.arange(32), 0.5, DEAD),
    "maps_of_garments": lambda: plots_inside.feature_maps(
        GARMENTS, CLASS_NAMES[:6], {f"conv {k}, filter 23\nmore for shoes": HEAT for k in range(4)}
    ),
    "journey": lambda: plots_inside.journey(
        GARMENTS[0], {f"{kind}, filter 51": HEAT[0] for kind in ("conv 1", "pool 1", "conv 2", "pool 2")},
        np.linspace(0, 1, 128), np.linspace(-9, 9, 10),
    ),
    "top_images": lambda: plots_inside.top_images(
        {f"conv {k}\nfilter 1": (GARMENTS, np.arange(12).reshape(6, 2), 8) for k in (1, 2)}
    ),
    "patterns": lambda: plots_inside.patterns(
        [f"filter {k}" for k in range(6)], {"largest\nvalue": (HEAT, range(6)), "optimized": (HEAT, [1] * 6)}
    ),
    "where_it_looks": lambda: plots_inside.where_it_looks(
        GARMENTS, CLASS_NAMES[:6], {"occlusion": HEAT - 0.5, "Grad-CAM": HEAT}
    ),
    "intervals": lambda: plots_inside.intervals(
        {name: {"Grad-CAM": [(0.1, 0.05)] * 5, "brightness": [(0.4, 0.1)]} for name in "ab"}, "x", "Agreement"
    ),
    "feature_space": lambda: plots_inside.feature_space({"PCA": CLOUD, "t-SNE": CLOUD}, np.arange(200) % 10),
    "neighbours": lambda: plots_inside.neighbours(
        GARMENTS[0], 5, {name: (GARMENTS, np.arange(6)) for name in ("by pixels", "by features")}, "Sandal"
    ),
    "time_to_accuracy": lambda: plots_residual.time_to_accuracy(RACE, {"chapter": "chapter 01", "residual": "half"}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def style():
    """The style of the notebooks, and no figure left over."""
    with matplotlib.rc_context():
        plots.set_style()
        yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def pixel(axis, x, y):
    """The colour (0…255) that is drawn at a place of the data."""
    figure = axis.figure
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())
    column, row = axis.transData.transform((x, y))
    return picture[picture.shape[0] - 1 - round(row), round(column), :3].astype(int)


@pytest.mark.parametrize("name", FIGURES)
def test_texts_can_be_read(name, monkeypatch):
    """Those that are drawn are large enough, and none lies upon another."""
    drawn = []
    draw = Text.draw

    def noted(self, renderer, *args, **kwargs):
        if self.get_text().strip() and self.get_visible():
            drawn.append((self, self.get_window_extent(renderer).padded(-1)))
        draw(self, renderer, *args, **kwargs)

    figure = FIGURES[name]()
    with monkeypatch.context() as patched:
        patched.setattr(Text, "draw", noted)
        figure.canvas.draw()
    assert drawn
    small = [text.get_text() for text, _ in drawn if text.get_fontsize() < 9]
    assert not small
    level = {text: Text.get_window_extent(text).padded(-1) for text, _ in drawn if not text.get_rotation()}
    for (one, box), (other, its_box) in itertools.combinations(level.items(), 2):
        assert not box.overlaps(its_box), (one.get_text(), other.get_text())


@pytest.mark.parametrize("name", FIGURES)
def test_a_saved_figure_fits_a_page_and_is_white(name, root):
    plots.save(FIGURES[name](), name)
    file = root / "figures" / f"{name}.png"
    picture = plt.imread(file)
    height, width = picture.shape[:2]
    assert 500 <= width <= 1400 and 150 <= height <= 1200
    assert file.stat().st_size < 600_000
    assert (picture[0, 0, :3] == 1).all()


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_says_what_it_shows(name):
    text = FIGURES[name]().alternative_text
    assert len(text) > 30 and text.endswith(".") and "\n" not in text


def test_a_text_of_ones_own_is_one_line():
    figure = plt.figure()
    plots.describe(figure, "The loss\n    falls.")
    assert figure.alternative_text == "The loss falls."


def test_each_kind_of_model_has_a_hue_of_its_own():
    assert plots.MODEL_COLOURS.keys() == chapters.looks().keys()
    hues = [to_rgb(colour) for colour in [*plots.MODEL_COLOURS.values(), *plots.FRAMEWORK_COLOURS.values()]]
    assert all(np.linalg.norm(np.subtract(*pair)) > 0.3 for pair in itertools.combinations(hues, 2))


@pytest.mark.parametrize(
    ("name", "axis"),
    [("image_row", 3), ("predictions_gallery", 0), ("class_probabilities", 0), ("result", 0), ("feature_maps", 0),
     ("filter_on_image", 0), ("maps_of_garments", 0), ("journey", 0), ("top_images", 1), ("where_it_looks", 0),
     ("neighbours", 0)],
)  # fmt: skip
def test_a_garment_is_dark_on_white(name, axis):
    axis = FIGURES[name]().axes[axis]
    assert pixel(axis, 14, 14).max() < 80
    assert pixel(axis, 2, 25).min() > 240


def test_a_garment_in_a_network_is_dark_on_white():
    (axis,) = FIGURES["network"]().axes
    left, right, bottom, top = axis.images[0].get_extent()
    assert pixel(axis, (left + right) / 2, (bottom + top) / 2).max() < 80
    assert pixel(axis, left + (right - left) / 10, bottom + (top - bottom) / 10).min() > 240
    assert not plots.network(DENSE, "A vector", GARMENT).axes[0].images


def test_rows_of_images():
    figure = plots.image_row([GARMENT] * 7, list("abcdefg"), columns=5)
    places = [axis.get_position() for axis in figure.axes if axis.get_visible()]
    assert len(places) == 7
    assert [round(place.y0, 3) for place in places[:5]] == [round(places[0].y0, 3)] * 5
    assert places[5].y1 < places[0].y0 and places[5].x0 == pytest.approx(places[0].x0)
    assert figure.alternative_text == "7 images in 2 rows of 5: a, b, c, d, e, f, g."
    assert plots.image_row([GARMENT] * 3).alternative_text == "3 images in a row."
    with pytest.raises(ValueError, match="2 images need as many titles"):
        plots.image_row([GARMENT] * 2, ["one"])


def test_feature_maps_shrink_in_proportion_and_stacks_grow():
    (axis,) = plots.network(CNN, "The CNN").axes
    squares = [patch for patch in axis.patches if patch.get_width() == pytest.approx(patch.get_height())]
    sides = [side for side, _ in itertools.groupby(round(patch.get_width(), 6) for patch in squares)]
    assert np.array(sides) / sides[0] == pytest.approx(np.array([28, 26, 13, 11, 5]) / 28, rel=1e-3)
    counts = [sum(patch.get_width() == pytest.approx(side, rel=1e-4) for patch in squares) for side in sides]
    assert counts[0] == 1 < counts[1] == counts[2] < counts[3] == counts[4]
    heights = [patch.get_height() for patch in axis.patches if patch not in squares]
    assert heights[0] > heights[1] == heights[2] > heights[3]
    assert heights[0] / heights[3] == pytest.approx(np.log(1600) / np.log(10))


def test_a_network_says_its_parameters():
    figure = plots.network(CNN, "The CNN")
    assert {"18,496\nparameters", "conv 3×3\n+ ReLU", "64 × 11×11"} <= set(texts(figure))
    assert not [text for text in texts(figure) if text.startswith("0\n")]
    assert "225,034 parameters in all" in figure.alternative_text
    with pytest.raises(ValueError, match="does not say how many"):
        plots.network([("image", "a few", 0)], "?")


@pytest.mark.parametrize("shapes", [["1 × 28×28", "32 × 26×26"], ["28×28 × 1", "26×26 × 32"]])
def test_channels_stand_first_or_last(shapes):
    (axis,) = plots.network([("", shape, 0) for shape in shapes], "?").axes
    first, *others = axis.patches
    assert len(others) == 6
    assert others[0].get_width() / first.get_width() == pytest.approx(26 / 28)


def test_learning_curves_tell_the_models_apart():
    figure = plots_training.learning_curves(BOTH, "keras")
    for axis in figure.axes:
        looks = [(line.get_color(), line.get_linestyle()) for line in axis.lines]
        assert looks == [(plots.MODEL_COLOURS[m], plots.MODEL_LINES[m]) for m in ("dense", "dense", "cnn", "cnn")]
        pale, strong = axis.lines[:2]
        assert pale.get_linewidth() < strong.get_linewidth() and pale.get_alpha() < 1
    assert "dense: in 20 epochs the validation loss goes from 0.70 to 0.18" in figure.alternative_text
    assert "the validation accuracy from 77.0% to 94.3%" in figure.alternative_text


@pytest.mark.parametrize("epochs", [1, 2, 20])
def test_epochs_and_percents_are_whole(epochs):
    figure = plots_training.learning_curves({"cnn": curves(epochs)}, "keras")
    figure.canvas.draw()
    for axis in figure.axes:
        low, high = axis.get_xlim()
        ticks = [tick for tick in axis.get_xticks() if low <= tick <= high]
        assert ticks and all(tick == round(tick) for tick in ticks)
    low, high = figure.axes[1].get_ylim()
    ticks = [tick for tick in figure.axes[1].get_yticks() if low <= tick <= high]
    assert len(ticks) >= 2 and all(tick == round(tick) for tick in ticks)
    assert all(re.fullmatch(r"\d+%", label.get_text()) for label in figure.axes[1].get_yticklabels())


def test_a_loss_that_is_no_number_is_drawn_without_a_label():
    broken = curves(2) | {"loss": [1.0, np.nan]}
    loss, accuracy = plots_training.learning_curves({"dense": broken}, "pytorch").axes
    assert [text.get_text() for text in loss.texts] == ["dense, validation"]
    assert {text.get_text() for text in accuracy.texts} == {"dense, training", "dense, validation"}


def test_learning_rates_are_drawn_over_epochs_and_seeds_averaged():
    figure = FIGURES["learning_rates"]()
    left, right = figure.axes
    assert left.lines[0].get_xdata()[-1] == pytest.approx(2 * 49 / 50)
    thick = [line for line in right.lines if line.get_linewidth() == 2]
    assert len(right.lines) == 4 and len(thick) == 2
    assert thick[0].get_ydata() == pytest.approx([0.45, 0.25])
    assert "from 0.001 to 0, validation loss 0.250 at the end (mean of 2 runs)" in figure.alternative_text
    with pytest.raises(ValueError, match="labels"):
        plots_training.learning_rates({"a": [1]}, {"b": [1]}, "keras")


def test_a_step_of_a_convolution_adds_up():
    image = GARMENT.copy()
    image[7, 6:9] = 0.5, 0.25, 1
    figure = plots_intro.filter_on_image(image, [[2, 0, -1], [0, 0, 0], [0, 1, 0.5]], 7, 6)
    # 2·0.5 - 1·1 + 1·0 + 0.5·0.9
    assert "0.45" in texts(figure) and figure.alternative_text.endswith("sum is 0.45.")
    assert "−1" in texts(figure) and not [text for text in texts(figure) if "-" in text]
    box = figure.axes[0].patches[0]
    assert (box.get_x(), box.get_y(), box.get_width()) == (5.5, 6.5, 3)


def test_edge_detectors_are_marked_and_dead_filters_come_last():
    figure = FIGURES["filters_with_scores"]()
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[0] == "31: 0.90" and titles[-2:] == ["13: dead", "11: dead"]
    marked = [axis for axis in figure.axes if axis.texts]
    assert len(marked) == np.sum(SCORES[~DEAD] > 0.5)
    assert f"{len(marked)} of them marked as edge detectors, 2 as dead" in figure.alternative_text


def test_an_arrow_points_to_the_larger_values():
    weights = np.array([[[-1, 0, 1]] * 3, [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]], float)
    figure = plots_inside.filters(weights, np.array([0.9, 0.8]), np.array([0, 90]), 0.5)
    right, up = (axis.texts[0] for axis in figure.axes[:2])
    assert right.xy[0] > right.xyann[0] and right.xy[1] == right.xyann[1]
    assert up.xy[1] < up.xyann[1] and up.xy[0] == pytest.approx(up.xyann[0])


def test_where_the_network_looks_is_drawn_where_it_belongs():
    """A map of 22×22 lies on the middle of the image, and only a row with values below 0 has two colours."""
    heat = np.zeros((1, 22, 22))
    heat[0, 0, 0] = 1
    figure = plots_inside.where_it_looks(GARMENTS[:1], ["Bag"], {"Grad-CAM": heat})
    above = next(axis for axis in figure.axes if axis.get_ylabel() == "Grad-CAM")
    assert above.images[1].get_extent() == [2.5, 24.5, 24.5, 2.5]
    colour = pixel(above, 3, 3)
    assert colour[0] > 80 and colour[1:].max() < 60, "dark red at the pixel in row 3, column 3"
    assert pixel(above, 1, 1).min() > 240
    signed = plots_inside.where_it_looks(GARMENTS[:1], ["Bag"], {"occlusion": -heat})
    below = next(axis for axis in signed.axes if axis.get_ylabel() == "occlusion")
    assert pixel(below, 3, 3)[2] > pixel(below, 3, 3)[0], "blue where a value is below 0"


def test_a_name_that_would_hide_another_is_left_out():
    points = np.zeros((20, 2)) + np.random.default_rng(0).normal(0, 1e-3, (20, 2))
    points[0] = 1, 1
    (axis,) = plots_inside.feature_space({"PCA": points}, np.arange(20) % 2).axes
    assert [text.get_text() for text in axis.texts] == ["T-shirt"]


@pytest.mark.parametrize(
    ("image", "kernel", "place", "said"),
    [
        (GARMENT, EDGES, (26, 0), "row 26, column 0 is not inside"),
        (GARMENT, EDGES, (0, -1), "row 0, column -1 is not inside"),
        (GARMENT * 255, EDGES, (0, 0), "between 0 and 1"),
        (GARMENT, EDGES[:2], (0, 0), "3×3"),
    ],
)
def test_a_convolution_that_cannot_be_drawn(image, kernel, place, said):
    with pytest.raises(ValueError, match=said):
        plots_intro.filter_on_image(image, kernel, *place)


def test_feature_maps_share_a_scale_of_colours_around_zero():
    figure = FIGURES["feature_maps"]()
    shirt, *others, bar = figure.axes
    assert shirt.images[0].get_cmap().name == "gray_r"
    assert [axis.images[0].get_clim() for axis in others] == [pytest.approx((-2.7, 2.7))] * 3
    assert all(same_color(axis.images[0].to_rgba(0), axis.images[0].cmap(0.5)) for axis in others)
    widths = [axis.get_position().width for axis in (shirt, *others)]
    assert np.array(widths) / widths[0] == pytest.approx(np.array([28, 26, 26, 13]) / 28)
    assert bar.get_title(loc="left") == "value"
    assert "convolution 26×26, values from −2.70 to 2.70" in figure.alternative_text
    with pytest.raises(ValueError, match="1 for 2"):
        plots_intro.feature_maps(maps()[:2], ["one"])


def test_the_wrong_predictions_are_seen():
    figure = FIGURES["confusion_matrix"]()
    (axis,) = figure.axes
    corner = 0.4  # beside the number
    assert (pixel(axis, 7 + corner, corner) == 255).all()
    grey = pixel(axis, corner, corner)
    assert np.ptp(grey) == 0 and grey[0] < 255
    most, second, one = (pixel(axis, x + corner, y + corner) for x, y in ((4, 6), (2, 4), (3, 8)))
    assert most.sum() < second.sum() - 60 < one.sum() - 120 < 3 * 255 - 120
    assert [label.get_text() for label in axis.get_xticklabels()] == list(CLASS_NAMES)
    assert figure.alternative_text == (
        "The CNN: 949 of 1,000 predictions are right. Most frequent among the others: 30 times Shirt predicted as "
        "Coat, 20 times Coat predicted as Pullover, 1 times Bag predicted as Dress."
    )


def test_no_wrong_prediction_at_all():
    labels = np.arange(10)
    figure = plots_intro.confusion_matrix(labels, labels, "Perfect")
    assert figure.alternative_text == "Perfect: 10 of 10 predictions are right."


def test_right_and_wrong_differ_in_sign_and_frame():
    figure = gallery()
    right, wrong = figure.axes[0], figure.axes[8]
    assert right.get_title() == "✓ T-shirt/top\n97%" and right.get_xlabel() == ""
    assert wrong.get_title() == "✗ Ankle boot\n97%" and wrong.get_xlabel() == "true: Bag"
    assert all(same_color(axis.title.get_color(), "black") for axis in figure.axes[:20])
    frames = [axis.spines["left"] for axis in (right, wrong)]
    assert [spine.get_edgecolor()[:3] for spine in frames] == [to_rgb(plots.RIGHT), to_rgb(plots.WRONG)]
    assert frames[0].get_linewidth() < frames[1].get_linewidth()
    assert "8 right and 12 wrong predictions. Wrong: Bag predicted as Ankle boot" in figure.alternative_text
    assert len([axis for axis in figure.axes if axis.get_visible()]) == 20
    assert "Wrong" not in gallery(range(3)).alternative_text


def test_the_three_most_probable_classes_and_the_others():
    figure = FIGURES["class_probabilities"]()
    bars = figure.axes[1]
    names = [label.get_text() for label in bars.get_yticklabels()]
    assert names == ["T-shirt/top", "Dress", "Shirt", "other 7 classes"]
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([0.99868, 0.001, 0.0003, 0.00002])
    assert [text.get_text() for text in bars.texts] == ["99.87%", "0.10%", "0.03%", "<0.01%"]
    assert "T-shirt/top 99.87%, Dress 0.10%" in figure.alternative_text


@pytest.mark.parametrize(
    ("share", "decimals", "written"),
    [(0.5, 0, "50%"), (0, 2, "0.00%"), (1, 2, ">99.99%"), (0.99999, 2, ">99.99%"), (0.00001, 2, "<0.01%"),
     (0.998, 0, ">99%"), (0.9987, 2, "99.87%"), (0.0001, 2, "0.01%")],
)  # fmt: skip
def test_percent(share, decimals, written):
    assert plots_intro._percent(share, decimals) == written


def test_the_result_has_two_accuracies_with_intervals():
    figure = FIGURES["result"]()
    axis = figure.axes[2]
    assert [text.get_text() for text in axis.texts] == ["89.2%", "91.6%"]
    assert [text.get_color() for text in axis.texts] == [plots.MODEL_COLOURS["dense"], plots.MODEL_COLOURS["cnn"]]
    (segment,) = axis.containers[0].lines[2][0].get_segments()
    assert segment[:, 0] == pytest.approx([89.23 - 0.6076, 89.23 + 0.6076])
    assert "dense test accuracy 89.2% (95% interval 88.6% to 89.8%)" in figure.alternative_text
    assert "Keras predicts: T-shirt/top 99.9%, Dress 0.1%, Shirt <0.1%;" in figure.alternative_text


def test_an_effect_has_the_colour_of_its_sign_and_ink_where_its_interval_holds_0():
    """Besides, the place of its interval beside the line at 0 says it."""
    figure = FIGURES["effects"]()
    colours = [line.get_color() for axis in figure.axes for line in axis.lines if line.get_marker() == "o"]
    assert len(set(colours)) == 3 and colours[1] == plots.INK
    assert [axis.get_title("left") for axis in figure.axes] == ["without", "with"]
    assert "flips: -0.40 (-0.70 to -0.10)" in figure.alternative_text


def test_a_race_that_nobody_wins_is_told():
    figure = FIGURES["time_to_accuracy"]()
    assert [axis.get_title() for axis in figure.axes] == ["PyTorch", "Keras"]
    assert "PyTorch, chapter 01: 40 s; PyTorch, half: not reached" in figure.alternative_text
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [tuple(line.get_xydata()[0]) for line in dots] == [(40.0, 92.0)]


def test_augmented_images_are_dark_on_white():
    figure = FIGURES["augmented"]()
    assert len(figure.axes) == 32
    assert pixel(figure.axes[3], 14, 14).max() < 80 and pixel(figure.axes[3], 2, 25).min() > 240


@pytest.mark.slow
def test_a_notebook_holds_the_alternative_texts_and_each_figure_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS))
    sources = [
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",  # the backend is there before the style
        "import numpy as np\nfrom fmnist import plots\nplots.set_style()",
        "plots.image_row([np.eye(3)], ['at the end <\"&\">']);",
        "figure = plots.image_row([np.eye(3)], ['asked for'])\ndisplay(figure)\nprint('then')",
        "plots.image_row([np.eye(3)], ['the last value'])",
        "own, axis = plt.subplots()\naxis.plot([1]);",
        "own, axis = plt.subplots()\naxis.plot([1])\nplots.describe(own, 'A point.')",
    ]
    path = tmp_path / "one.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    node = execute(path, path)
    said = [[runs.alternative_text(output) for output in cell.outputs if "data" in output] for cell in node.cells]
    expected = ['An image: at the end <"&">.', "An image: asked for.", "An image: the last value."]
    assert said == [[None], [], *([text] for text in expected), [None], ["A point."]]
    assert {
        str(o.metadata) for cell in node.cells for o in cell.outputs if "data" in o and not runs.alternative_text(o)
    } == {"{}"}

    from bs4 import BeautifulSoup
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter(template_name="classic").from_notebook_node(node)
    found = [image["alt"] for image in BeautifulSoup(html, "html.parser").select("img")]
    assert [text for text in found if not text.startswith("No description")] == [*expected, "A point."]

    node = nbformat.read(path, as_version=4)
    assert not runs.faults(node, tmp_path)
    node.cells[2].outputs[0].metadata["image/png"]["alt"] = "another"
    assert [fault.what for fault in runs.faults(node, tmp_path)] == ["its outputs are not those of its run"]
