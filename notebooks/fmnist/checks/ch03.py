"""The checks of the exercises to chapter 03: what each answer must do, and what the usual mistakes look like."""

from functools import partial

import numpy as np
from scipy import stats
from scipy.special import softmax

from fmnist.checks import networks
from fmnist.checks.common import Wrong, array, call, check, compare, describe, require, same, whole_number
from fmnist.checks.inside import filters_figure, grad_cam, top_images  # noqa: F401

_compare = partial(compare, tolerance=1e-5)
_same = partial(same, tolerance=1e-5)


def _untouched(before, now, what):
    require(np.array_equal(before, now), f"Your function has changed {what} it was given. Work on a copy.")


# Exercise 3.2


@check(given=("channels",))
def maps_shape(shape, channels):
    """`shape`: that of the last maps for 50 images; `channels`: where this framework has them, "first" or "last"."""
    axes = list(shape if np.iterable(shape) else array(shape, what="the shape").ravel())
    require(len(axes) > 1, f"Expected a shape such as (50, 10), found {describe(shape)}.")
    require(None not in axes, "There are 50 images here, so no axis is left open.")
    found = tuple(whole_number(n, "each axis") for n in axes)
    first, last = (50, 48, 3, 3), (50, 3, 3, 48)
    expected, other = (first, last) if channels == "first" else (last, first)
    if found != expected:
        require(found != other, f"The sizes are right, but this framework has its channels {channels}.")
        require(found != expected[1:], "Nearly: the 50 images are the first axis.")
        require(len(found) == 4, f"Expected four axes, found {len(found)}: {found}.")
        require(found[0] == 50, f"Expected the images as the first axis, found {found[0]}.")
        filters, side = (found[1], found[2]) if channels == "first" else (found[3], found[1])
        require(
            filters == 48,
            f"Found {filters} channels. Every filter of the last layer makes one map, whatever it gets.",
        )
        require(
            side not in (7, 28),
            f"Found a side of {side}, as if something were added around the image. Without that, at how many places "
            "does a filter of 5×5 fit into a row of 28?",
        )
        raise Wrong(
            f"Found a side of {side}. Write down the side after each of the five layers. A convolution takes off its "
            "size less one, and pooling halves and drops what is left over."
        )
    return "The filters of a layer decide how many feature maps there are, and the layers before it how large they are."


@check
def receptive_field(field_side, field_corner):
    """`field_side`: of the square that one value of the last maps sees; `field_corner`: where that of (1, 2) begins."""
    found = whole_number(field_side, "the side")
    messages = {
        9: "You have added up the convolutions as if there were no pooling. After pooling, a step to the neighbour is "
        "a step of two pixels.",
        11: "These are the sides of the three filters added up. Neighbours overlap, and pooling makes steps larger.",
        3: "These are the values of the layer just before. Go on backwards to the image.",
        10: "This is what a value of the second convolution sees. The last one sees 3×3 values of the pooling behind.",
        12: "This is what a value of the second pooling sees, or you have left out the first pooling.",
        14: "You have left out the second pooling. The steps of the last convolution are twice as long.",
        16: "These are values of the first convolution, or you have left it out. Each of them sees 5×5 pixels.",
        17: "You have given each step its size in pixels, but pooling also looks at more than one value itself.",
        36: "You have placed the squares side by side. The squares of neighbours overlap.",
        28: "It does not see the whole image. Go backwards from one value, layer by layer.",
    }
    otherwise = (
        f"A side of {found} is not right. Go backwards from one value of the last maps, layer by layer: how many "
        "values in a row of the layer before does it need?"
    )
    require(found == 20, messages.get(found, otherwise))
    place = array(field_corner, (2,), "the corner (row and column)")
    slips = [
        ([8, 4], "Row and column are swapped. The value is in row 1, column 2."),
        ([20, 40], "You have placed the squares side by side. They overlap, so they begin closer together."),
        ([1, 2], "One step in the last maps is more than one pixel in the image."),
        ([2, 4], "You have counted one pooling of the two. Each doubles the step."),
        ([8, 16], "You have counted one pooling too many. Each doubles the step."),
    ]
    _compare(
        place, [4, 8], slips,
        f"The square does not begin at {place[0]:g}, {place[1]:g}. That of the value in row 0, column 0 begins at the "
        "image's own corner. How far does it move with each step in the last maps?",
    )  # fmt: skip
    return "Convolutions add to the receptive field, and each pooling doubles the steps of all that comes after it."


# Exercise 3.3


@check
def pattern_scores(function):
    """`function`: of filters N×3×3 and patches M×3×3; returns N scores."""
    generator = np.random.default_rng(3)
    filters = generator.normal(0.3, 1, (12, 3, 3))
    patches = generator.uniform(0, 1, (30, 3, 3))
    found = array(call(function, filters.copy(), patches.copy()), what="the scores")
    rows, plain = filters.reshape(12, 9), patches.reshape(30, 9)
    even = plain - plain.mean(axis=1, keepdims=True)

    def unit(vectors):
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    cosines = unit(rows) @ unit(even).T
    centred = unit(rows - rows.mean(axis=1, keepdims=True)) @ unit(even).T
    require(
        found.shape != (12, 30), "You return one score for each filter and patch. Expected the largest for each filter."
    )
    require(found.shape != (30,), "You return one score for each patch. Expected one for each filter.")
    require(found.size != 1, "You return one score for all filters. Expected one for each.")
    require(found.shape == (12,), f"Expected 12 scores for 12 filters, found the shape {found.shape}.")
    slips = [
        ((unit(rows) @ unit(plain).T).max(axis=1), "The brightness of a patch is still in it. Subtract its mean."),
        ((unit(rows) @ unit(plain - plain.mean()).T).max(axis=1),
         "You have subtracted the mean of all patches together. Each patch has its own."),
        ((rows @ even.T).max(axis=1), "These are sums of products. A cosine is divided by both norms."),
        ((rows @ unit(even).T).max(axis=1), "A filter with weights twice as large looks the same, but has twice "
         "your score. Divide by its norm, too."),
        ((unit(rows) @ even.T).max(axis=1), "You have divided by the norm of the filter, not by that of the patch."),
        ((unit(rows) @ (even / np.linalg.norm(plain, axis=1, keepdims=True)).T).max(axis=1),
         "The norm to divide by is that of the patch without its mean. Subtract the mean first."),
        (centred.max(axis=1), "You have subtracted the mean from the filter, too. A filter that responds to a uniform "
         "area is less of an edge, and should score less."),
        (np.abs(cosines).max(axis=1), "You have ignored the sign. The opposite of a patch is another patch. A filter "
         "with a cosine of -1 is not like it."),
        (cosines.mean(axis=1), "This is the average over all patches. Expected the one that is most alike."),
        (cosines.min(axis=1), "This is the patch that is least alike."),
    ]  # fmt: skip
    _compare(
        found, cosines.max(axis=1), slips,
        f"For the first of some random filters, expected {cosines.max(axis=1)[0]:.3f}, found {found[0]:.3f}. Go "
        "through the definition with one filter and one patch: subtract the mean of "
        "the patch, sum the products, divide by two norms.",
    )  # fmt: skip
    first = array(call(function, filters.copy(), patches[:1].copy()), (12,), "the scores")
    require(
        _same(first, cosines[:, 0]),
        "With a single patch, some cosines are below 0, and so is the score of these filters. Where does your search "
        "for the largest one begin?",
    )
    with np.errstate(all="ignore"):
        zero = array(call(function, np.concatenate([np.zeros((1, 3, 3)), filters]), patches), (13,), "the scores")
    require(
        abs(zero[0]) < 1e-6,
        f"A filter of zeros gives {zero[0]:g}, expected 0. Its norm is 0, so do not divide by it.",
    )
    return "A cosine measures what a filter looks like, whatever its norm. Random filters show what a score is worth."


# Exercise 3.4

STAGES = ("conv 1", "pool 1", "conv 2", "pool 2")


@check(given=("weights", "hooks"))
def activations(function, weights, hooks=None):
    """`function`: of images N×28×28; returns {stage: N×channels×height×width}.

    `weights`: kernel (out×in×3×3) and bias of both convolutions; `hooks`: counts what is left in the network.
    """
    generator = np.random.default_rng(3)
    images = generator.integers(0, 256, (3, 28, 28)).astype("uint8")
    images[:, 8:] //= 4
    (kernel_1, bias_1), (kernel_2, bias_2) = [[np.asarray(part, dtype=float) for part in pair] for pair in weights]

    before = hooks() if hooks else 0
    for batch in (images, images[:2, ::-1].copy()):
        found = call(function, batch)
        require(isinstance(found, dict), f"Expected a dict with the four stages, found {describe(found)}.")
        missing = [stage for stage in STAGES if stage not in found]
        require(not missing, f"The dict has no {', '.join(missing)}; expected the keys {', '.join(STAGES)}.")
        maps = {stage: array(found[stage], what=f"the maps of {stage}") for stage in STAGES}
        require(
            len({values.shape for values in maps.values()}) > 1,
            "All four stages still have maps of one shape. They are the maps of one stage.",
        )
        raw, scaled = {}, batch[:, None] / 255
        raw["conv 1"] = networks.convolved(scaled, kernel_1, bias_1)
        raw["pool 1"] = networks.pooled(raw["conv 1"])
        raw["conv 2"] = networks.convolved(np.maximum(raw["pool 1"], 0), kernel_2, bias_2)
        raw["pool 2"] = networks.pooled(raw["conv 2"])
        for stage in STAGES:
            _compare_maps(stage, maps[stage], raw)
    left = (hooks() if hooks else 0) - before
    require(left <= 0, f"The maps are right, but two calls have left {left} hooks in the network. Remove them.")
    if hooks:
        return "Each hook needs a place of its own to write to, and stays in the network until you remove it."
    return "Each stage needs a name of its own, because a function looks up its names when it runs."


def _compare_maps(stage, maps, raw):
    expected = np.maximum(raw[stage], 0)
    margin = 0.01 * np.abs(raw[stage]).max() + 1e-6
    require(
        maps.shape != np.moveaxis(expected, 1, -1).shape,
        f"{stage}: the channels are the last axis; expected N × channels × height × width.",
    )
    for other in STAGES:
        require(
            other == stage or maps.shape != raw[other].shape,
            f"{stage} has the shape of {other}. Does each stage keep what belongs to it?",
        )
    require(maps.shape == expected.shape, f"{stage}: expected maps in the shape {expected.shape}, found {maps.shape}.")
    negative = maps.min() < -1e-6 * np.abs(raw[stage]).max()
    if negative or not _same(maps, expected, tolerance=margin):
        require(
            not _same(maps, raw[stage], tolerance=margin),
            f"{stage}: these are the maps before the ReLU, because some values are below 0.",
        )
        require(
            not negative or not _same(maps, expected, tolerance=margin),
            f"{stage}: there are small values below 0. ReLU leaves none. Is yours another function?",
        )
        raise Wrong(
            f"{stage}: the shape is right, the values are not. Are the images those of this call, with pixels from 0 "
            "to 1, and does each layer before this one act once?"
        )


# Exercise 3.6


@check
def occlusion_map(function):
    """`function`: of predict, an image 28×28 and a side; returns how far the predicted class's probability falls."""
    generator = np.random.default_rng(3)
    evidence = generator.normal(0, 1, (28 * 28, 10)) * generator.uniform(0, 1, (28 * 28, 1)) ** 3
    image = generator.integers(1, 256, (28, 28)).astype("uint8")

    def predict(images):
        images = np.asarray(images)
        require(
            images.ndim == 3 and images.shape[1:] == (28, 28),
            f"`predict` takes N×28×28 images, also when N is 1. It was given the shape {images.shape}.",
        )
        # Most of what the whole image says is taken off, so that a square can change the prediction.
        return softmax((images.reshape(len(images), -1) - 0.9 * image.reshape(-1)) / 255 @ evidence / 3, axis=1)

    for side in (7, 10):
        given = image.copy()
        found = array(call(function, predict, given, side), what="the map")
        _untouched(image, given, "the image")
        places = 28 - side + 1
        require(
            found.shape != (places - 1, places - 1),
            f"With a side of {side} the square fits at one place more than your {places - 1} in a row: the last one "
            "ends with the image.",
        )
        require(
            found.shape == (places, places),
            f"With a side of {side}, expected a map of {places}×{places}, one value for each place where the square "
            f"fits into the image. Found the shape {found.shape}.",
        )
        _compare_occlusion(found, predict, image, side)
    return "Occlusion needs nothing but predictions, so it works with a network that you cannot open, too."


def _compare_occlusion(found, predict, image, side):
    places = 28 - side + 1
    covered, spoilt = np.repeat(image[None], places**2, axis=0), np.empty((places**2, 28, 28), image.dtype)
    damaged = image.copy()
    for k, (top, left) in enumerate(np.ndindex(places, places)):
        covered[k, top : top + side, left : left + side] = 0
        damaged[top : top + side, left : left + side] = 0
        spoilt[k] = damaged
    start = predict(image[None])[0]
    answer = start.argmax()
    after, after_spoilt = predict(covered), predict(spoilt)
    expected = start[answer] - after[:, answer]
    own_word = "This is the probability itself. Expected how far it falls from that of the unchanged image."
    slips = [
        (-expected, "The sign is the other way round. Where the probability falls, the map should be above 0."),
        (after[:, answer], own_word),
        (start.max() - after.max(axis=1), "You follow whatever class is largest for the changed image. Follow one "
         "class, the one predicted for the unchanged image."),
        (start[answer] - after_spoilt[:, answer], "The holes add up. Each square is hidden in an image that already "
         "lacks the squares before it. Start from a fresh copy each time."),
        (expected.reshape(places, places).T.ravel(), "Rows and columns are swapped. Row i belongs to the squares that "
         "begin in row i of the image."),
        (100 * expected, "Expected shares, such as 0.1. These are percentage points."),
        (expected / start[answer], "You have divided by the probability before. Expected the plain difference."),
        (np.maximum(expected, 0), "Where the probability rises, you return 0. Expected a negative value there."),
    ]  # fmt: skip
    slips = [(value.reshape(places, places), message) for value, message in slips]
    at = np.abs(found - expected.reshape(places, places)).argmax()
    _compare(
        found, expected.reshape(places, places), slips,
        f"The values are not right: at row {at // places}, column {at % places} expected "
        f"{expected[at]:.3f}, found {found.ravel()[at]:.3f}. Is the square {side}×{side} pixels, is it 0, and does it "
        "begin there?",
        tolerance=1e-4,
    )  # fmt: skip


# Exercise 3.8


@check
def nearest(function):
    """`function`: of features N×D, a library M×D and a count; returns N×count positions, the nearest first."""
    generator = np.random.default_rng(3)
    library = np.maximum(generator.normal(0, 1, (60, 16)), 0) * generator.uniform(0.3, 3, (60, 1))
    numbers = np.maximum(generator.normal(0, 1, (9, 16)), 0)
    count = 5
    given = numbers.copy(), library.copy()
    found = array(call(function, *given, count), what="the positions")
    for kept, now in zip((numbers, library), given, strict=True):
        _untouched(kept, now, "the arrays")
    require(found.shape != (count, 9), "The axes are swapped. Expected a row for each row of `features`.")
    require(
        found.shape == (9, count),
        f"For 9 rows and a count of {count}, expected the shape (9, {count}), found {found.shape}.",
    )
    cosines = numbers @ library.T
    products = cosines.copy()
    cosines /= np.linalg.norm(numbers, axis=1, keepdims=True) * np.linalg.norm(library, axis=1)
    distances = ((numbers[:, None] - library[None]) ** 2).sum(axis=2)
    order = np.argsort(-cosines, axis=1)
    expected = order[:, :count]
    require(
        np.all(found == np.round(found)),
        "Expected positions in the library, which are whole numbers. These may be the cosines themselves.",
    )
    slips = [
        (order[:, ::-1][:, :count], "These are the rows with the smallest cosines, the farthest of all."),
        (expected[:, ::-1], "The right rows, but the nearest comes last. Expected it first."),
        (order[:, 1 : count + 1], "You have left out the nearest. The images are not in the library themselves."),
        (np.argsort(-products, axis=1)[:, :count], "Rows with large values win everywhere, because the products are "
         "not divided by the norms of the library's rows."),
        (np.argsort(distances, axis=1)[:, :count], "These are the nearest by Euclidean distance. Expected the cosine, "
         "for which norms do not matter."),
        (expected + 1, "Positions in Python are counted from 0."),
    ]  # fmt: skip
    if np.array_equal(np.sort(found, axis=1), np.sort(expected, axis=1)) and not _same(found, expected[:, ::-1]):
        require(_same(found, expected), "The right rows, but not in order. The largest cosine should come first.")
    _compare(
        found, expected, slips,
        "These are not the rows with the largest cosines. Compute one by hand: the sum of products, divided by both "
        "norms (the roots of the sums of squares).",
    )  # fmt: skip
    require(
        array(call(function, numbers[:1], library, 1), what="the positions").shape == (1, 1),
        "For one row and a count of 1, expected the shape (1, 1).",
    )
    return "With all rows divided by their norms, a matrix product is a table of cosines."


# Exercise 3.9


def _rank_correlations(maps, others):
    return np.array([stats.spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(maps, others, strict=True)])


@check
def agreement(function):
    """`function`: of two arrays N×8×8; returns (mean rank correlation, half of its 95% interval)."""
    generator = np.random.default_rng(3)
    maps = generator.normal(0, 1, (12, 8, 8)) ** 3
    strengths = generator.uniform(0.2, 2, (12, 1, 1))
    others = maps * strengths + generator.normal(0, 1, maps.shape) + 5 * generator.normal(0, 1, (12, 1, 1))
    found = array(call(function, maps.copy(), others.copy()), (2,), "the mean and half of the interval")
    each = _rank_correlations(maps, others)
    mean, error = each.mean(), each.std() / np.sqrt(12)
    pearson = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(maps, others, strict=True)]
    slips = [
        (np.mean(pearson), "This is the mean of the ordinary correlations. A rank correlation compares the orders."),
        (stats.spearmanr(maps.ravel(), others.ravel())[0], "You correlate all maps as one long list. Correlate each "
         "pair, then take the mean."),
        (stats.spearmanr(maps.mean(axis=0).ravel(), others.mean(axis=0).ravel())[0], "You average the maps first. "
         "Correlate each pair, then take the mean."),
        (np.median(each), "This is the median. Expected the mean."),
    ]  # fmt: skip
    _compare(
        found[0], mean, slips,
        f"The mean is not right: for 12 invented pairs, expected {mean:.3f}, found {found[0]:.3f}. Begin with the rank "
        "correlation of a single pair.",
    )  # fmt: skip
    unbiased = each.std(ddof=1) / np.sqrt(12)
    if not any(abs(found[1] - 1.96 * value) < 1e-5 + 0.02 * error for value in (error, unbiased)):
        slips = [
            (error, "This is the standard error. Half of the 95% interval is 1.96 times as much."),
            (unbiased, "This is the standard error. Half of the 95% interval is 1.96 times as much."),
            (1.96 * each.std(), "This is the spread of single images. The mean of N images varies less, by the root "
             "of N."),
            (each.std(), "This is the standard deviation. Divide by the root of N, and multiply by 1.96."),
            (1.96 * each.std() / 12, "Divide by the root of N, not by N."),
            (2 * 1.96 * error, "This is the whole interval. Expected half of it."),
            (1.96 * each.std() / np.sqrt(64), "N is the number of images, not of places in a map."),
        ]  # fmt: skip
        _compare(
            found[1], 1.96 * error, slips,
            f"Half of the interval is not right: expected {1.96 * error:.4f}, found {found[1]:.4f}.",
        )  # fmt: skip
    return "One correlation per image, then a mean with its interval: that says how sure you can be about other images."
