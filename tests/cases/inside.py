"""Right and wrong answers for those checks of chapter 03 that look inside the network; `ch03` takes them over."""

import numpy as np
from matplotlib.figure import Figure

from tests.cases.answers import Args, Tensor

generator = np.random.default_rng(0)
FILTERS = generator.normal(0, 0.3, (32, 3, 3))
LARGEST = np.abs(FILTERS).max()


def drawn(filters=FILTERS, low=-LARGEST, high=LARGEST, own_scale=False):
    """A figure with the filters, or with a slip."""
    figure = Figure()
    for axis, one in zip(figure.subplots(4, 8).flat, filters, strict=False):
        axis.imshow(one, cmap="RdBu_r", **({} if own_scale else {"vmin": low, "vmax": high}))
    return Args((figure, FILTERS))


def plotted():
    figure = Figure()
    figure.subplots().plot(FILTERS[0].ravel())
    return Args((figure, FILTERS))


def strongest(key=lambda values, unit: -values[:, unit], first=0):
    return lambda values, unit, count: np.argsort(key(values, unit))[first : first + count]


def in_a_loop(values, unit, count):
    column = [float(value) for value in values[:, unit]]
    return sorted(range(len(column)), key=lambda i: column[i], reverse=True)[:count]


def cam(relu="sum", scale=False, mean=True, absolute=None, weigh=True, asked=True, reduce=np.mean):
    """Grad-CAM, or with a slip."""

    def function(maps, gradient_of, class_index):
        if not asked:
            class_index = max(range(10), key=lambda k: (gradient_of(k) * maps).sum())
        slopes = gradient_of(class_index)
        slopes = np.abs(slopes) if absolute == "slopes" else slopes
        weights = reduce(slopes, axis=(1, 2), keepdims=True) if mean else slopes
        weights = np.abs(weights) if absolute == "weights" else weights
        weights = np.maximum(weights, 0) if relu == "weights" else weights
        found = (weights * maps).sum(axis=0) if weigh else maps.mean(axis=0)
        found = np.maximum(found, 0) if relu == "sum" else np.abs(found) if relu == "absolute" else found
        return found / np.abs(found).max() if scale else found

    return function


def cam_in_a_loop(maps, gradient_of, class_index):
    gradient, total = gradient_of(class_index), np.zeros(maps.shape[1:])
    for k in range(len(maps)):
        total += gradient[k].sum() / gradient[k].size * maps[k]
    total[total < 0] = 0
    return total


CASES = {
    "filters_figure": {
        "right": [drawn(), drawn(FILTERS[::-1]), drawn(FILTERS.astype("float32"), -1, 1)],
        "wrong": [
            (drawn(own_scale=True), "a scale of its own"),
            (drawn(low=0), "0 in the middle"),
            (drawn(low=-0.1, high=0.1), "cuts off the largest"),
            (drawn(FILTERS[:31]), "shows 31 images"),
            (drawn(FILTERS.transpose(0, 2, 1)), "transposed"),
            (drawn(FILTERS + 1), "with its own values"),
            (plotted(), "shows no images"),
            (Args((3, FILTERS)), "Expected a figure"),
        ],
    },
    "top_images": {
        "right": [strongest(), in_a_loop, lambda *all: Tensor(strongest()(*all))],
        "wrong": [
            (strongest(lambda values, unit: values[:, unit]), "the smallest values"),
            (strongest(lambda values, unit: -np.abs(values[:, unit])), "ignore the sign"),
            (strongest(lambda values, unit: -values.max(axis=1)), "the largest value of all units"),
            (strongest(lambda values, unit: -values[unit]), "a column is a unit"),
            (strongest(first=1), "largest value is missing"),
            (lambda values, unit, count: strongest()(values, unit, count)[::-1], "comes last"),
            (lambda values, unit, count: np.sort(values[:, unit])[::-1][:count], "the values"),
            (lambda values, unit, count: strongest()(values, unit, count + 1), "expected the shape (4,)"),
            (lambda values, unit, count: np.arange(count), "the largest values in its column"),
        ],
    },
    "grad_cam": {
        "right": [
            cam(),
            cam_in_a_loop,
            cam(scale=True),
            lambda *all: Tensor(cam()(*all)),
            lambda *all: cam()(*all).astype("float32").tolist(),
        ],
        "wrong": [
            (cam(asked=False), "the predicted class"),
            (cam(relu=None), "below 0"),
            (cam(relu=None, scale=True), "below 0"),
            (cam(relu="absolute"), "drop the sign"),
            (cam(relu="weights"), "leave out negative weights"),
            (cam(mean=False), "by its own gradient"),
            (cam(absolute="slopes"), "gradients without their sign"),
            (cam(absolute="weights"), "weights without their sign"),
            (cam(weigh=False), "the mean of the maps"),
            (cam(reduce=np.sum), "sums of gradients"),
            (lambda maps, gradient_of, k: maps, "Expected a map of 5×5"),
            (lambda maps, gradient_of, k: np.ones(maps.shape[1:]), "The map is not right"),
        ],
    },
}
