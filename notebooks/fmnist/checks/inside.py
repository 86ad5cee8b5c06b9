"""Checks for chapter 03 of what is looked at: filters in a figure, images with the largest values, Grad-CAM."""

import numpy as np

from fmnist.checks.common import Wrong, array, call, check, compare, describe, require, same


@check(given=("filters",))
def filters_figure(figure, filters):
    """`figure`: a figure of matplotlib that shows all `filters` (N×3×3), each as an image, with one scale for all."""
    require(hasattr(figure, "axes"), f"Expected a figure of matplotlib, found {describe(figure)}.")
    filters = array(filters)
    pictures = [image for axis in figure.axes for image in axis.images]
    if not any(axis.has_data() for axis in figure.axes):
        raise NotImplementedError  # the empty figure of the exercise
    require(len(pictures) > 0, "The figure shows no images. Draw each filter with `imshow`.")
    shown = [np.asarray(image.get_array(), dtype=float) for image in pictures]
    require(
        len(shown) >= len(filters),
        f"The figure shows {len(shown)} images, and there are {len(filters)} filters.",
    )
    for k, one in enumerate(filters):
        transposed = any(_is_drawn(one.T, each) for each in shown)
        require(
            any(_is_drawn(one, each) for each in shown),
            f"Filter {k} is not in the figure"
            + (". Yours are transposed, with rows and columns swapped." if transposed else " with its own values."),
        )
    limits = {tuple(np.round(image.get_clim(), 6)) for image in pictures}
    require(
        len(limits) == 1,
        "Each image has a scale of its own, so the same colour means different weights. Set `vmin` and `vmax`.",
    )
    low, high = limits.pop()
    require(abs(low + high) < 0.02 * (high - low), "Put 0 in the middle of the colours: vmin = -vmax.")
    require(high >= 0.98 * np.abs(filters).max(), "The scale cuts off the largest weights.")
    return "With one scale around 0, colour tells the sign and the strength of a weight, and filters can be compared."


def _is_drawn(one, picture):
    return picture.shape == one.shape and np.allclose(picture, one, atol=1e-5)


@check
def top_images(top_images):
    """`top_images(features, unit, count)`: positions of the images (N×units) with the largest values of `unit`."""
    generator = np.random.default_rng(8)
    for images, units, unit, count in ((40, 6, 2, 4), (25, 3, 0, 1), (60, 9, 8, 6)):
        values = generator.normal(0, 1, (images, units)) * generator.uniform(0.5, 3, units)
        given = values.copy()
        found = array(call(top_images, given, unit, count), what="the positions")
        require(np.array_equal(given, values), "Your function changes the values that it is given.")
        order = np.argsort(-values[:, unit])
        require(found.shape == (count,), f"For a count of {count}, expected the shape ({count},), found {found.shape}.")
        if count > 1 and np.array_equal(found, order[:count][::-1]):
            raise Wrong("The right images, but the one with the largest value comes last. Put it first.")
        slips = [
            (order[::-1][:count], "These are the images with the smallest values."),
            (np.argsort(-np.abs(values[:, unit]))[:count], "You ignore the sign. A large negative value is "
             "among the smallest."),
            (np.argsort(-values.max(axis=1))[:count], "You take the largest value of all units. Look at one "
             "column."),
            (np.argsort(-values[unit])[:count], "You took a row. A row is an image, a column is a unit."),
            (np.sort(-values[:, unit])[:count] * -1, "These are the values. Expected the positions of the images."),
            (order[1 : count + 1], "The image with the largest value is missing. Positions "
             "count from 0."),
        ]  # fmt: skip
        compare(
            found, order[:count], [slip for slip in slips if not np.array_equal(slip[0], order[:count])],
            f"For {images} images and unit {unit}, these are not the images with the largest values in its column.",
        )  # fmt: skip
    return "Before you name a unit, look at images further down its list too. The name should fit them as well."


@check
def grad_cam(grad_cam):
    """`grad_cam(maps, gradient_of, class_index)`: the map of H×W for the class that is asked for, at least 0.

    `maps` are C×H×W feature maps, and `gradient_of(class_index)` is the gradient of that class's logit, C×H×W.
    """
    generator = np.random.default_rng(6)
    for side, channels in ((5, 7), (4, 3)):
        maps = generator.random((channels, side, side))
        weights = generator.normal(0, 1, (10, channels, side, side))
        logits = (weights * maps).sum(axis=(1, 2, 3))
        # The two classes that come after the predicted one, because a map for them is not empty.
        for asked in (int(k) for k in np.argsort(logits)[-3:-1]):
            found = array(call(grad_cam, maps.copy(), lambda k, w=weights: w[k].copy(), asked), what="the map")
            require(found.shape == (side, side), f"Expected a map of {side}×{side}, found the shape {found.shape}.")
            _compare_cam(found, maps, weights, asked, int(logits.argmax()))
    return "Grad-CAM can ask about any of the ten classes. Compare the maps of the two that are most probable."


def _compare_cam(found, maps, weights, asked, predicted):
    slopes = weights[asked]
    means = slopes.mean(axis=(1, 2))
    total = np.tensordot(means, maps, 1)
    if _alike(found, np.maximum(total, 0)):
        return
    require(not _alike(found, total), "There are values below 0. ReLU sets them to 0.")
    require(not _alike(found, np.abs(total)), "You drop the sign. ReLU sets what is below 0 to 0.")
    slips = [
        (np.tensordot(weights[predicted].mean(axis=(1, 2)), maps, 1), "This is the map of the predicted class. Use the "
         "class that is asked for."),
        ((slopes * maps).sum(axis=0), "You multiply each value by its own gradient. Average the gradient of each "
         "feature map over all positions first."),
        (np.tensordot(np.abs(means), maps, 1), "You take weights without their sign. A negative one speaks against "
         "the class."),
        (np.tensordot(np.abs(slopes).mean(axis=(1, 2)), maps, 1), "You take gradients without their sign. A negative "
         "one speaks against the class."),
        (np.tensordot(np.maximum(means, 0), maps, 1), "You leave out negative weights. Apply the ReLU to the sum, at "
         "the end."),
        (maps.mean(axis=0), "This is the mean of the maps. Multiply each by its weight."),
        (np.tensordot(slopes.sum(axis=(1, 2)), maps, 1), "Your weights are sums of gradients. Take their means."),
    ]  # fmt: skip
    for value, message in slips:
        require(not _alike(found, value) and not _alike(found, np.maximum(value, 0)), message)
    raise Wrong(
        "The map is not right. The weight of a feature map is the mean of its gradient. Add up the weighted maps, and "
        "set what is below 0 to 0."
    )


def _alike(found, value):
    """Return whether two maps are the same, or become so when `value` is divided by its largest value."""
    return same(found, value, 1e-4) or same(found, value / max(np.abs(value).max(), 1e-12), 1e-4)
