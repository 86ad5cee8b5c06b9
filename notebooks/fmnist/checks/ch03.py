"""The checks of the exercises to chapter 03: what each answer must do, and what the usual mistakes look like."""

from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from fmnist.checks.common import (
    Wrong,
    array,
    both,
    call,
    check,
    compare,
    describe,
    number,
    require,
    same,
    slack,
    whole_number,
)

_compare = partial(compare, tolerance=1e-5)
_same = partial(same, tolerance=1e-5)


def _untouched(before, now, what):
    require(np.array_equal(before, now), f"Your function has changed {what} it was given. Work on a copy.")


# Exercise 1


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
        require(found != other, f"The numbers are right, but this framework has its channels {channels}.")
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
            f"Found a side of {side}. Write down the side after each of the five layers: a convolution takes its size "
            "less one off, a pool halves and drops what is left over."
        )
    return "The filters of a layer decide how many maps there are, the layers before it how large they are."


@check
def receptive_field(field_side, field_corner):
    """`field_side`: of the square that one value of the last maps sees; `field_corner`: where that of (1, 2) begins."""
    found = whole_number(field_side, "the side")
    messages = {
        9: "You have added up the convolutions as if there were no pools. After a pool, a step to the neighbour is a "
        "step of two pixels.",
        11: "These are the sides of the three filters added up. Neighbours overlap, and a pool makes the steps larger.",
        3: "These are the numbers of the layer just before. Go on backwards to the image.",
        10: "This is what a number of the second convolution sees. The last one sees 3×3 numbers of the pool after it.",
        12: "This is what a number of the second pool sees, or you have left out the first pool.",
        14: "You have left out the second pool: the steps of the last convolution are twice as long.",
        16: "These are numbers of the first convolution, or you have left it out. Each of them sees 5×5 pixels.",
        17: "You have given each step its size in pixels, but a pool also looks at more than one number itself.",
        36: "You have placed the squares side by side. The squares of neighbours overlap.",
        28: "It does not see the whole image. Go backwards from one number, layer by layer.",
    }
    otherwise = (
        f"A side of {found} is not right. Go backwards from one number of the last maps, layer by layer: how many "
        "numbers in a row of the layer before does it need?"
    )
    require(found == 20, messages.get(found, otherwise))
    place = array(field_corner, (2,), "the corner (row and column)")
    slips = [
        ([8, 4], "Row and column are swapped: the number is in row 1, column 2."),
        ([20, 40], "You have placed the squares side by side. They overlap, so they begin closer together."),
        ([1, 2], "One step in the last maps is more than one pixel in the image."),
        ([2, 4], "You have counted one pool of the two: each doubles the step."),
        ([8, 16], "You have counted one pool too many: each doubles the step."),
    ]
    _compare(
        place, [4, 8], slips,
        f"The square does not begin at {place[0]:g}, {place[1]:g}. That of the number in row 0, column 0 begins at the "
        "image's own corner. How far does it move with each step in the last maps?",
    )  # fmt: skip
    return "Convolutions add to the receptive field, and each pool doubles the worth of all that comes after it."


# Exercise 2


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
        found.shape != (12, 30), "You return one number for each filter and patch; expected the best of them a filter."
    )
    require(found.shape != (30,), "You return one score for each patch; expected one for each filter.")
    require(found.size != 1, "You return one number for all filters; expected one for each.")
    require(found.shape == (12,), f"Expected 12 scores for 12 filters, found the shape {found.shape}.")
    slips = [
        ((unit(rows) @ unit(plain).T).max(axis=1), "The brightness of a patch is still in it. Take its mean off."),
        ((unit(rows) @ unit(plain - plain.mean()).T).max(axis=1),
         "You have taken off the mean of all patches together; each patch has its own."),
        ((rows @ even.T).max(axis=1), "These are sums of products. A cosine is divided by both lengths."),
        ((rows @ unit(even).T).max(axis=1), "A filter with numbers twice as large looks the same, but has twice "
         "your score: divide by its length, too."),
        ((unit(rows) @ even.T).max(axis=1), "The length of the filter is divided out, that of the patch is not."),
        ((unit(rows) @ (even / np.linalg.norm(plain, axis=1, keepdims=True)).T).max(axis=1),
         "The length to divide by is that of the patch without its mean: take the mean off first."),
        (centred.max(axis=1), "You have taken the mean off the filter, too. A filter that answers to even brightness "
         "is less of an edge for it, and should score less."),
        (np.abs(cosines).max(axis=1), "You have ignored the sign. The opposite of a patch is another patch: a filter "
         "that answers to it with -1 is not like it."),
        (cosines.mean(axis=1), "This is the average over all patches. Expected the one that is most alike."),
        (cosines.min(axis=1), "This is the patch that is least alike."),
    ]  # fmt: skip
    _compare(
        found, cosines.max(axis=1), slips,
        f"For the first of some random filters, expected {cosines.max(axis=1)[0]:.3f}, found {found[0]:.3f}. Go "
        "through the definition with one filter and one patch: mean off the patch, sum of products, two lengths.",
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
        f"A filter of zeros gives {zero[0]:g}, expected 0. Its length is 0, and that should not be divided by.",
    )
    return "A cosine asks what a filter looks like, whatever its strength, and random filters say what it is worth."


# Exercise 3

STAGES = ("conv 1", "pool 1", "conv 2", "pool 2")


def _convolved(maps, kernel, bias):
    windows = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), axis=(2, 3))
    return np.tensordot(windows, kernel, ([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2) + bias[:, None, None]


def _pooled(maps):
    side = maps.shape[2] // 2
    return maps[:, :, : 2 * side, : 2 * side].reshape(*maps.shape[:2], side, 2, side, 2).max(axis=(3, 5))


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
        require(not missing, f"The answer has no {', '.join(missing)}; expected the keys {', '.join(STAGES)}.")
        maps = {stage: array(found[stage], what=f"the maps of {stage}") for stage in STAGES}
        require(
            len({values.shape for values in maps.values()}) > 1,
            "All four stages still have maps of one shape: they are the maps of one stage.",
        )
        raw, scaled = {}, batch[:, None] / 255
        raw["conv 1"] = _convolved(scaled, kernel_1, bias_1)
        raw["pool 1"] = _pooled(raw["conv 1"])
        raw["conv 2"] = _convolved(np.maximum(raw["pool 1"], 0), kernel_2, bias_2)
        raw["pool 2"] = _pooled(raw["conv 2"])
        for stage in STAGES:
            _compare_maps(stage, maps[stage], raw)
    left = (hooks() if hooks else 0) - before
    require(left <= 0, f"The maps are right, but two calls have left {left} hooks in the network. Remove them.")
    if hooks:
        return "Each hook needs a place of its own to write to, and stays in the network until it is removed."
    return "Each stage needs a name of its own: a name inside a function is looked up when the function runs."


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
            f"{stage}: these are the maps before the ReLU; there are numbers below 0 among them.",
        )
        require(
            not negative or not _same(maps, expected, tolerance=margin),
            f"{stage}: there are small numbers below 0. ReLU leaves none; is yours another function?",
        )
        raise Wrong(
            f"{stage}: the shape is right, the numbers are not. Are the images those of this call, with pixels from 0 "
            "to 1, and is every layer before this one passed through once?"
        )


# Exercise 4


@check
def occlusion_map(function):
    """`function`: of predict, an image 28×28 and a side; returns how far the answered class's probability falls."""
    generator = np.random.default_rng(3)
    evidence = generator.normal(0, 1, (28 * 28, 10)) * generator.uniform(0, 1, (28 * 28, 1)) ** 3
    image = generator.integers(1, 256, (28, 28)).astype("uint8")

    def predict(images):
        images = np.asarray(images)
        require(
            images.ndim == 3 and images.shape[1:] == (28, 28),
            f"`predict` wants N×28×28 images, also when N is 1; it was given the shape {images.shape}.",
        )
        # Most of what the whole image says is taken off, so that a square can change the answer.
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
            f"With a side of {side}, expected a map of {places}×{places}, one number for each place where the square "
            f"fits into the image; found the shape {found.shape}.",
        )
        _compare_occlusion(found, predict, image, side)
    return "Occlusion needs nothing but predictions: it would work as well with a network that you cannot open."


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
    own_word = "This is the probability itself. Expected how far it falls from that of the uncovered image."
    slips = [
        (-expected, "The sign is the other way round: where the probability falls, the map should be above 0."),
        (after[:, answer], own_word),
        (start.max() - after.max(axis=1), "You follow whatever class is largest on the covered image. Follow one "
         "class, the one that is answered for the uncovered image."),
        (start[answer] - after_spoilt[:, answer], "The holes add up: each square is covered in an image that already "
         "has the squares before it. Start from a fresh copy each time."),
        (expected.reshape(places, places).T.ravel(), "Rows and columns are swapped: row i belongs to the squares that "
         "begin in row i of the image."),
        (100 * expected, "Expected shares, such as 0.1; these are percentage points."),
        (expected / start[answer], "You have divided by the probability before. Expected the plain difference."),
        (np.maximum(expected, 0), "Where the probability rises, you say 0. Expected a negative number there."),
    ]  # fmt: skip
    slips = [(value.reshape(places, places), message) for value, message in slips]
    at = np.abs(found - expected.reshape(places, places)).argmax()
    _compare(
        found, expected.reshape(places, places), slips,
        f"The numbers are not right: at row {at // places}, column {at % places} expected "
        f"{expected[at]:.3f}, found {found.ravel()[at]:.3f}. Is the square {side}×{side} pixels, is it 0, and does it "
        "begin there?",
        tolerance=1e-4,
    )  # fmt: skip


# Exercise 5


def _groups(parts, confidence, is_right):
    sizes = np.array([len(part) for part in parts])
    gaps = np.array([confidence[part].mean() - is_right[part].mean() for part in parts])
    return sizes, gaps


@check
def equal_groups_error(function):
    """`function`: of probabilities N×10, N labels and a number of groups; returns the calibration error."""
    generator = np.random.default_rng(3)
    # Skewed, as confidences are, and with a number of images that cannot be cut into groups of quite the same size.
    for images, groups in ((23, 4), (203, 7)):
        probabilities = softmax(generator.normal(0, 3, (images, 10)), axis=1)
        labels = np.where(
            generator.random(images) < 0.6, probabilities.argmax(axis=1), generator.integers(0, 10, images)
        )
        found = number(call(function, probabilities.copy(), labels.copy(), groups), "the calibration error")
        confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        sizes, gaps = _groups(np.array_split(np.argsort(confidence), groups), confidence, is_right)
        unsorted = _groups(np.array_split(np.arange(images), groups), confidence, is_right)
        apart = np.array_split(np.sort(confidence), groups), np.array_split(is_right, groups)
        half_sorted = np.array([one.mean() - other.mean() for one, other in zip(*apart, strict=True)])
        width = np.minimum((confidence * groups).astype(int), groups - 1)
        wide = _groups([np.flatnonzero(width == g) for g in np.unique(width)], confidence, is_right)
        expected = np.sum(sizes * np.abs(gaps)) / images
        # Which groups get the images that are left over is a matter of taste, and so is where the sorting begins.
        down = _groups(np.array_split(np.argsort(-confidence), groups), confidence, is_right)
        at = [i * images // groups for i in range(1, groups)]
        ways = [_groups(np.split(order, at), confidence, is_right) for order in _orders(confidence)]
        for other_sizes, other_gaps in (down, *ways):
            other = np.sum(other_sizes * np.abs(other_gaps)) / images
            expected = other if same(found, other, 1e-4) else expected
        slips = [
            (100 * expected, "Expected a share, such as 0.02; this is in per cent."),
            (np.sum(wide[0] * np.abs(wide[1])) / images, "These are the chapter's groups, intervals of equal width. "
             "Expected groups with equally many images."),
            (np.sum(unsorted[0] * np.abs(unsorted[1])) / images, "The groups are equal, but the images are not "
             "sorted by their confidence first."),
            (np.sum(sizes * np.abs(half_sorted)) / images, "The confidences are sorted, the right answers are not: "
             "they no longer belong to the same images."),
            (abs(np.sum(sizes * gaps)) / images, "Gaps above and below cancel out: take the absolute value in each "
             "group, not at the end."),
            (np.sum(sizes * gaps) / images, "Gaps above and below cancel out: take each without its sign."),
            (np.sum(sizes * np.abs(gaps)), "This is the sum over the images. Divide it by their number."),
            (np.abs(gaps).sum(), "This is the sum of the gaps. Expected their average, weighted by the images."),
            (np.abs(gaps).mean(), "Nearly: the groups differ by one image, and each should count by its number."),
            (np.abs(confidence - is_right).mean(), "This is the average over single images. The gap belongs to a "
             "group: first the averages, then the difference."),
        ]  # fmt: skip
        _compare(
            found, expected, slips,
            f"For {images} invented images in {groups} groups, {both(expected, found)}. Which images are in the first "
            "group, and what are its two averages?",
            tolerance=1e-4,
        )  # fmt: skip
    return "How the groups are cut is a choice, and a calibration error is only as good as its groups are filled."


def _orders(confidence):
    order = np.argsort(confidence)
    return order, order[::-1]


def _fitted(logits, labels):
    def cross_entropy(log_temperature):
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[np.arange(len(labels)), labels].mean()

    return np.exp(minimize_scalar(cross_entropy, bounds=(-3, 3), method="bounded").x)


def _calibration_data(images, temperature, generator):
    logits = generator.normal(0, 2, (images, 10)) * temperature
    chances = softmax(logits / temperature, axis=1)
    labels = (chances.cumsum(axis=1) < generator.random((images, 1))).sum(axis=1).clip(0, 9)
    return logits, labels


@check
def calibrated(function):
    """`function`: of logits M×10 and M labels to fit on, and logits N×10; returns N×10 probabilities."""
    generator = np.random.default_rng(3)
    for true_temperature in (2.5, 0.6):
        fit_logits, fit_labels = _calibration_data(1500, true_temperature, generator)
        logits = generator.normal(0, 2, (40, 10)) * true_temperature
        found = array(call(function, fit_logits.copy(), fit_labels.copy(), logits.copy()), what="the probabilities")
        require(found.size != 1, "Expected the probabilities of the new images; you return one number.")
        require(
            found.shape != fit_logits.shape,
            "These are as many as the images that the temperature was fitted on. Expected the new ones.",
        )
        require(found.shape == logits.shape, f"Expected probabilities in the shape (40, 10), found {found.shape}.")
        T = _fitted(fit_logits, fit_labels)
        expected = softmax(logits / T, axis=1)
        before = softmax(logits, axis=1)
        among_probabilities = _fitted(softmax(fit_logits, axis=1), fit_labels)
        slips = [
            (softmax(before / T, axis=1), "The softmax has been applied twice. The temperature divides the logits, and "
             "the softmax comes after it."),
            (softmax(before / among_probabilities, axis=1), "Both steps have been given probabilities. Fit and divide "
             "logits; the softmax comes at the end."),
            (softmax(logits / among_probabilities, axis=1), "The temperature was fitted on probabilities; "
             "`fit_temperature` wants logits."),
            (before / T, "Probabilities divided by a number no longer add up to 1. The temperature divides logits."),
            (logits / T, "These are logits still: they do not add up to 1. What turns them into probabilities?"),
            (softmax(logits * T, axis=1), "You have multiplied by the temperature; that makes it worse, not better."),
            (before, "This is what the network says without any temperature."),
            (softmax(logits / _fitted(logits, logits.argmax(axis=1)), axis=1), "You have fitted on the network's own "
             "answers to the new images. It is never wrong about those."),
        ]  # fmt: skip
        _compare(
            found, expected, slips,
            f"For invented logits that want a temperature of {T:.2f}, the probabilities are not those expected. Is it "
            "fitted on the first two arguments and applied to the third, before the softmax?",
            tolerance=0.03,
        )  # fmt: skip
    return "A temperature divides logits, and is fitted on images that it will not be judged by."


# Exercise 6


@check
def nearest(function):
    """`function`: of numbers N×D, a library M×D and a count; returns N×count positions, the nearest first."""
    generator = np.random.default_rng(3)
    library = np.maximum(generator.normal(0, 1, (60, 16)), 0) * generator.uniform(0.3, 3, (60, 1))
    numbers = np.maximum(generator.normal(0, 1, (9, 16)), 0)
    count = 5
    given = numbers.copy(), library.copy()
    found = array(call(function, *given, count), what="the positions")
    for kept, now in zip((numbers, library), given, strict=True):
        _untouched(kept, now, "the arrays")
    require(found.shape != (count, 9), "The axes are swapped: expected a row for each of `numbers`.")
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
        "Expected positions in the library, which are whole numbers; these may be the cosines themselves.",
    )
    slips = [
        (order[:, ::-1][:, :count], "These are the rows with the smallest cosines, the farthest of all."),
        (expected[:, ::-1], "The right rows, but the nearest comes last. Expected it first."),
        (order[:, 1 : count + 1], "You have left out the nearest. The images are not in the library themselves."),
        (np.argsort(-products, axis=1)[:, :count], "Rows with large numbers win everywhere: the products are not "
         "divided by the lengths of the library's rows."),
        (np.argsort(distances, axis=1)[:, :count], "These are the nearest by straight distance. Expected the cosine, "
         "for which lengths do not matter."),
        (expected + 1, "Positions in Python are counted from 0."),
    ]  # fmt: skip
    if np.array_equal(np.sort(found, axis=1), np.sort(expected, axis=1)) and not _same(found, expected[:, ::-1]):
        require(_same(found, expected), "The right rows, but not in order: the largest cosine should come first.")
    _compare(
        found, expected, slips,
        "These are not the rows with the largest cosines. Compute one by hand: sum of products, divided by both "
        "lengths (the roots of the sums of squares).",
    )  # fmt: skip
    require(
        array(call(function, numbers[:1], library, 1), what="the positions").shape == (1, 1),
        "For one row and a count of 1, expected the shape (1, 1).",
    )
    return "Divided by the lengths, a product of matrices is a table of cosines."


# Exercise 7


@check
def shifted(function):
    """`function`: of images N×28×28, down and right; returns the images shifted."""
    generator = np.random.default_rng(3)
    images = generator.integers(1, 256, (4, 28, 28)).astype("uint8")
    for down, right in (
        (4, 6),
        (0, 5),
        (3, 0),
        (0, 0),
        (0, -5),
        (-3, 0),
        (-2, 9),
        (0, 28),
        (-28, 0),
        (30, 0),
        (0, -41),
    ):
        given = images.copy()
        found = array(call(function, given, down, right), what="the shifted images")
        _untouched(images, given, "the images")
        where = f"Shifted by {down} down and {right} to the right:"
        require(
            found.shape == images.shape,
            f"{where} expected images in the shape {images.shape}, found {found.shape}.",
        )
        slips = [
            (np.roll(images, (down, right), axis=(1, 2)), f"{where} what goes out on one side comes in on the other. "
             "Expected 0 there."),
            (_moved(images, right, down), f"{where} your images have moved by {right} down and {down} to the right."),
            (_moved(images, -down, -right), f"{where} your images have moved the other way."),
            (_moved(images, -down, right), f"{where} rows are counted downwards: down is towards larger row numbers."),
            (_moved(images, down, -right), f"{where} your images have moved to the left instead."),
        ]  # fmt: skip
        if (down, right) != (0, 0):
            slips.append((images, f"{where} your images have not moved."))
            slips.append((_moved(images, down, right, mode="edge"),
                          f"{where} the last row or column is repeated. Expected 0 where nothing was."))  # fmt: skip
        otherwise = f"{where} the pixels are not those expected. What stays in the picture, and what comes in as 0?"
        if not np.any(found):
            otherwise = f"{where} everything is 0. A slice such as [:-0] is empty."
            if min(down, right) < 0:
                otherwise = f"{where} everything is 0. Negative numbers mean upwards and to the left."
        if max(abs(down), abs(right)) >= 28:
            otherwise = f"{where} expected nothing but 0, since all of the image has left the picture."
        _compare(found, _moved(images, down, right), slips, otherwise)
    return "What leaves the picture is gone. A roll keeps every pixel, so at 28 nothing has happened at all."


def _moved(images, down, right, mode="constant"):
    size = images.shape[1]
    reach = max(size, abs(down), abs(right))
    framed = np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode=mode)
    return framed[:, reach - down : reach - down + size, reach - right : reach - right + size]


# Exercise 8


@check(given=("plain", "mirrored", "labels"))
def class_losses(losses, plain, mirrored, labels):
    """`losses`: how much each true class loses by mirroring; the others: probabilities N×10, twice, and N labels."""
    found = array(losses, (10,), "the losses of the ten classes")
    answers, other = np.argmax(plain, axis=1), np.argmax(mirrored, axis=1)
    right, right_mirrored = answers == labels, other == labels
    true = [labels == k for k in range(10)]
    expected = _shares(right, true) - _shares(right_mirrored, true)
    by_answer = _shares(right, [answers == k for k in range(10)]) - _shares(
        right_mirrored, [other == k for k in range(10)]
    )
    in_all = np.array([right[k].sum() - right_mirrored[k].sum() for k in true])
    slips = [
        (100 * expected, "Expected shares, such as 0.1 for ten points; these are in per cent."),
        (-expected, "The sign is the other way round: a class that loses should have a number above 0."),
        (by_answer, "These are the shares among the images that were answered so. Take the images whose true class "
         "it is."),
        (np.full(10, right.mean() - right_mirrored.mean()), "This is the loss over all images, ten times."),
        (in_all / len(labels), "You have divided by the number of all images; expected by that of the class."),
        (in_all, "These are numbers of images. Divide them by the images of each class."),
        (_shares(right, true), "These are the shares of right answers on the plain images; what is left when they are "
         "mirrored has to be taken off."),
        (_shares(right_mirrored, true), "These are the shares of right answers on the mirrored images. How much was "
         "lost?"),
        (np.sort(expected)[::-1], "The numbers are right, but sorted. Expected them in the order of the classes."),
    ]  # fmt: skip
    _compare(
        found, expected, slips,
        f"For {int(np.abs(found - expected).argmax())}, the class that is farthest off, expected another number than "
        f"{found[np.abs(found - expected).argmax()]:.3f}. Take the images of one true class and compare the shares of "
        "right answers.",
        tolerance=slack(found, most=5),
    )  # fmt: skip
    return "An average hides who pays: one number over all classes would not have told."


def _shares(is_right, groups):
    """Return the share of right answers in each group; 0 in one that is empty."""
    return np.array([is_right[group].mean() if np.any(group) else 0 for group in groups])


@check(given=("plain", "mirrored", "labels"))
def averaging(gain_and_error, plain, mirrored, labels):
    """`gain_and_error`: two numbers; the others: probabilities N×10, twice, and N labels."""
    gain, error = array(gain_and_error, (2,), "the gain and its standard error")
    right = np.argmax(plain, axis=1) == labels
    n = len(labels)
    right_after = np.argmax(np.asarray(plain) + np.asarray(mirrored), axis=1) == labels
    right_mirrored = np.argmax(mirrored, axis=1) == labels
    difference = right_after.astype(int) - right
    expected, spread = difference.mean(), difference.std()
    slips = [
        (100 * expected, "Expected shares, such as 0.01 for one point; the gain is in per cent."),
        (-expected, "The sign of the gain is the other way round: a fall in accuracy should be below 0."),
        (right_after.mean(), "The first number is the accuracy with averaging. Expected how much larger it is than "
         "without."),
        (right_mirrored.mean() - right.mean(), "This compares the mirrored images alone with the plain ones. Average "
         "the probabilities of both."),
        (difference.sum(), "The first number counts images. Expected a share of all of them."),
    ]  # fmt: skip
    _compare(
        gain, expected, slips,
        f"The gain is not {gain:.4f}. Add the two arrays of probabilities, take the largest class of each image, and "
        "compare the accuracy with that of the plain images.",
        tolerance=slack(gain, least=3, most=5),
    )  # fmt: skip
    changed = np.count_nonzero(difference)
    p, q = right.mean(), right_after.mean()
    # The variance of the difference may also be taken as if there were none (McNemar), or be found by resampling.
    close = [
        value
        for value in (spread / np.sqrt(n), np.sqrt(changed) / n)
        if abs(error - value) <= 0.05 * value + slack(error, least=3, most=5)
    ]
    if not close:
        slips = [
            (spread, "The second number is the standard deviation of the differences. How much less does their mean "
             "vary?"),
            (np.sqrt(p * (1 - p) / n + q * (1 - q) / n), "This is the error for two accuracies from different images. "
             "Here they come from the same, in pairs: use the differences."),
            (np.sqrt(q * (1 - q) / n), "This is the standard error of one accuracy. Expected that of the difference."),
            (np.sqrt(p * (1 - p) / n), "This is the standard error of one accuracy. Expected that of the difference."),
            (100 * spread / np.sqrt(n), "The standard error is in per cent; expected shares."),
            (spread**2 / n, "This is the square of the standard error."),
            (spread / n, "Divide by the root of the number of images."),
            (1.96 * spread / np.sqrt(n), "This is half of a 95 % interval. Expected one standard error."),
        ]  # fmt: skip
        for value, message in slips:
            require(abs(error - value) > 0.02 * value, message)
        raise Wrong(
            f"The gain is right, its standard error is not {error:.4f}. Take for each image +1, 0 or -1, the standard "
            "deviation of these numbers, and the root of how many they are."
        )
    return "Differences in pairs are surer than two accuracies apart: images answered alike add no noise."
