"""Checks for chapter 03: the filters in a figure, the images that excite a unit most, Grad-CAM for another class."""

import numpy as np

from fmnist.checks.common import Wrong, array, call, check, compare, describe, require


@check(given=("filters",))
def filters_figure(figure, filters):
    """`figure`: a figure of matplotlib that shows all `filters` (N×3×3), each as an image, with one scale for all."""
    require(hasattr(figure, "axes"), f"Expected a figure of matplotlib, found {describe(figure)}.")
    filters = array(filters)
    pictures = [image for axis in figure.axes for image in axis.images]
    require(len(pictures) > 0, "The figure shows no images. Draw each filter with `imshow`.")
    shown = [np.asarray(image.get_array(), dtype=float) for image in pictures]
    require(
        len(shown) >= len(filters),
        f"The figure shows {len(shown)} images, and there are {len(filters)} filters.",
    )
    turned = [np.any([np.array_equal(np.round(each.T, 5), np.round(f, 5)) for f in filters]) for each in shown]
    for k, one in enumerate(filters):
        require(
            any(each.shape == one.shape and np.allclose(each, one, atol=1e-5) for each in shown),
            f"Filter {k} is not in the figure"
            + (". Yours are transposed: rows and columns are swapped." if all(turned) else " with its own values."),
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


@check
def most_exciting(most_exciting):
    """`most_exciting(values, unit, count)`: positions of the images (N×units) that excite `unit` most."""
    generator = np.random.default_rng(8)
    for images, units, unit, count in ((40, 6, 2, 4), (25, 3, 0, 1), (60, 9, 8, 6)):
        values = generator.normal(0, 1, (images, units)) * generator.uniform(0.5, 3, units)
        given = values.copy()
        found = array(call(most_exciting, given, unit, count), what="the positions")
        require(np.array_equal(given, values), "Your function changes the values that it is given.")
        order = np.argsort(-values[:, unit])
        require(found.shape == (count,), f"For a count of {count}, expected the shape ({count},), found {found.shape}.")
        if count > 1 and np.array_equal(found, order[:count][::-1]):
            raise Wrong("The right images, but the strongest comes last. Put it first.")
        slips = [
            (order[::-1][:count], "These are the images that excite the unit least."),
            (np.argsort(-np.abs(values[:, unit]))[:count], "You ignore the sign. A large negative value is the "
             "opposite of excitement."),
            (np.argsort(-values.max(axis=1))[:count], "You look at the strongest of all units. Look at one column."),
            (np.argsort(-values[unit])[:count], "You took a row. A row is an image, a column is a unit."),
            (np.sort(-values[:, unit])[:count] * -1, "These are the values. Expected the positions of the images."),
            (order[1 : count + 1], "The strongest image is missing. Positions count from 0."),
        ]  # fmt: skip
        compare(
            found, order[:count], [slip for slip in slips if not np.array_equal(slip[0], order[:count])],
            f"For {images} images and unit {unit}, these are not the images with the largest values in its column.",
        )  # fmt: skip
    return "A unit is described by what excites it. Look at the images it prefers, and at those just below."


@check
def grad_cam(grad_cam):
    """`grad_cam(maps, gradient_of, class_index)`: the map, scaled to 0…1, for the class that is asked for.

    `maps` are C×H×W feature maps, and `gradient_of(class_index)` is the gradient of that class's logit, C×H×W.
    """
    generator = np.random.default_rng(6)
    for side, channels in ((5, 7), (4, 3)):
        maps = generator.random((channels, side, side))
        weights = generator.normal(0, 1, (10, channels, side, side))
        logits = (weights * maps).sum(axis=(1, 2, 3))
        predicted = int(logits.argmax())
        # The two classes that come next: a map for them is not empty.
        for asked in (int(k) for k in np.argsort(logits)[-3:-1]):
            found = array(call(grad_cam, maps.copy(), lambda k, w=weights: w[k].copy(), asked), what="the map")
            require(found.shape == (side, side), f"Expected a map of {side}×{side}, found the shape {found.shape}.")
            slopes = weights[asked]
            expected = _scaled(np.tensordot(slopes.mean(axis=(1, 2)), maps, 1))
            of_predicted = weights[predicted].mean(axis=(1, 2))
            raw = np.tensordot(slopes.mean(axis=(1, 2)), maps, 1)
            slips = [
                (_scaled(np.tensordot(of_predicted, maps, 1)), "This is the map of the predicted class. Use the class "
                 "that is asked for."),
                (raw / np.abs(raw).max(), "There are values below 0. ReLU keeps what speaks for the class."),
                (np.maximum(raw, 0), "Divide the map by its largest value, so that it goes from 0 to 1."),
                (_scaled((slopes * maps).sum(axis=0)), "You multiply place by place. Average the gradient of each "
                 "channel over all places first."),
                (_scaled(np.tensordot(np.abs(slopes).mean(axis=(1, 2)), maps, 1)), "You take gradients without their "
                 "sign. A negative one speaks against the class."),
                (_scaled(maps.mean(axis=0)), "This is the mean of the maps. Weigh each with its gradient."),
            ]  # fmt: skip
            compare(
                found, expected, slips,
                "The map is not right. Weight of a channel: mean of its gradient. Then weighted sum, ReLU, and divide "
                "by the largest value.",
                tolerance=1e-4,
            )  # fmt: skip
    return "Grad-CAM explains any class, not only the predicted one. Compare what speaks for each of two classes."


def _scaled(values):
    positive = np.maximum(values, 0)
    return positive / max(positive.max(), 1e-12)
