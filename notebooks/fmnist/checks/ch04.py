"""The checks of the exercises to chapter 04: what each answer must do, and what the usual mistakes look like."""

from functools import partial

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from fmnist.checks.common import Wrong, array, both, call, check, compare, number, require, same, slack
from fmnist.checks.trust import error_by_hand, most_suspicious, threshold_and_coverage  # noqa: F401

_compare = partial(compare, tolerance=1e-5)
_same = partial(same, tolerance=1e-5)


def _untouched(before, now, what):
    require(np.array_equal(before, now), f"Your function has changed {what} it was given. Work on a copy.")


# Exercise 4.2


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
    return "A calibration error depends on how the groups are cut, and needs groups with many images."


def _orders(confidence):
    order = np.argsort(confidence)
    return order, order[::-1]


# Exercise 4.3


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
    return "A temperature divides logits. Fit it on other images than those on which you measure the calibration."


# Exercise 4.4


def _judged(generator, images):
    """Return labels (N) of which some are wrong, and probabilities (N×3): the network is less sure of class 2."""
    true = generator.integers(0, 3, images)
    strength = np.array([5.0, 4.0, 1.5])[true][:, None]
    logits = generator.normal(0, 1, (images, 3)) + strength * np.eye(3)[true]
    labels = np.where(generator.random(images) < 0.15, generator.integers(0, 3, images), true)
    return labels, softmax(logits, axis=1)


def _suspected(labels, probabilities, thresholds):
    reached = probabilities >= thresholds
    best = np.where(reached, probabilities, -1).argmax(axis=1)
    return np.flatnonzero(reached.any(axis=1) & (best != labels))


@check
def suspected_labels(function):
    """`function`: of N labels and probabilities N×K; returns the rows of the suspected labels, in rising order."""
    generator = np.random.default_rng(3)
    for images in (300, 500):
        labels, probabilities = _judged(generator, images)
        given = labels.copy(), probabilities.copy()
        found = array(call(function, *given), what="the rows")
        for kept, now in zip((labels, probabilities), given, strict=True):
            _untouched(kept, now, "the arrays")
        own = [probabilities[labels == k, k].mean() for k in range(3)]
        expected = _suspected(labels, probabilities, own)
        mask = np.isin(np.arange(images), expected)
        require(not _same(found, mask), "This says for each image whether it is suspected. Expected the rows.")
        require(found.ndim == 1, f"Expected a list of rows, found an array in the shape {found.shape}.")
        largest = probabilities.argmax(axis=1)
        everywhere = [probabilities[:, k].mean() for k in range(3)]
        predicted = [probabilities[largest == k, k].mean() for k in range(3)]
        slips = [
            (np.flatnonzero(largest != labels), "These are all images whose most probable class is not the label. A "
             "class must also reach its threshold."),
            (_suspected(labels, probabilities, everywhere), "The thresholds are means over all images. For class k, "
             "take the images that are labelled k."),
            (_suspected(labels, probabilities, predicted), "The thresholds are means over the images that are "
             "predicted as the class. Take those that are labelled so."),
            (_suspected(labels, probabilities, np.mean(own)), "You have used one threshold for all classes. Each has "
             "its own."),
            (_suspected(labels, probabilities, 0.5), "The threshold is 0.5 for all classes. Each has its own, the "
             "mean probability that its images get for it."),
            (np.flatnonzero((largest != labels) & (probabilities.max(axis=1) >= np.array(own)[labels])), "You compare "
             "with the threshold of the label. Expected that of the class that the image may belong to."),
            (np.flatnonzero(probabilities[np.arange(images), labels] < np.array(own)[labels]), "These are the images "
             "that do not reach the threshold of their label. They must also reach that of another class."),
            (np.flatnonzero(_suspected_or_not(labels, probabilities, own)), "These are images that are confidently "
             "what their label says. Expected the others."),
        ]  # fmt: skip
        if np.array_equal(np.sort(found), expected):
            require(_same(found, expected), "The right images, but expected the rows in rising order.")
        _compare(
            found, expected, slips,
            f"For {images} invented images of three classes, expected {len(expected)} suspects, found {found.size} "
            "that are not the same. Which classes reach their threshold, and which of them is the most probable?",
        )  # fmt: skip
    return "A threshold for each class judges a doubtful class more mildly than one of which the network is sure."


def _suspected_or_not(labels, probabilities, thresholds):
    reached = probabilities >= thresholds
    return reached.any(axis=1) & (np.where(reached, probabilities, -1).argmax(axis=1) == labels)


# Exercise 4.7


def _cost(threshold, confidence, correct, price):
    given = confidence >= threshold
    return price * np.sum(given & ~correct) + np.sum(~given)


@check
def cheapest_threshold(function):
    """`function`: of N confidences, whether N predictions are correct, and a price; returns a threshold."""
    generator = np.random.default_rng(3)
    for images, price, power in ((400, 10, 2), (500, 4, 3), (300, 30, 1.5)):
        confidence = generator.uniform(0.3, 1, images)
        correct = generator.random(images) < confidence**power
        given = confidence.copy(), correct.copy()
        found = number(call(function, *given, price), "the threshold")
        for kept, now in zip((confidence, correct), given, strict=True):
            _untouched(kept, now, "the arrays")
        # Beyond the highest confidence everything is refused.
        tried = np.append(confidence, np.nextafter(confidence.max(), 2))
        costs = np.array([_cost(threshold, confidence, correct, price) for threshold in tried])
        cost = _cost(found, confidence, correct, price)
        if cost <= costs.min() + 1e-9:
            continue
        require(not any(_same(found, value) for value in (costs.min(), costs.min() / images)),
                "This is the lowest cost. Expected the threshold that has it.")  # fmt: skip
        require(found > confidence.min(), "This threshold predicts every image, as if a mistake cost no more than a "
                "refusal. Use the price.")  # fmt: skip
        accurate = np.array([correct[confidence >= threshold].mean() for threshold in confidence])
        require(not _same(found, confidence[accurate.argmax()]), "This threshold has the highest accuracy, whatever "
                "it refuses. Each refused image costs 1.")  # fmt: skip
        free = confidence[np.argmin([np.sum((confidence >= t) & ~correct) for t in confidence])]
        require(not _same(found, free), "Here refusing costs nothing. Each refused image costs 1.")
        require(not _same(found, 1 - 1 / price), "This is the best threshold of a perfectly calibrated network. Look "
                "for that of the images you are given.")  # fmt: skip
        raise Wrong(
            f"For {images} invented images and a price of {price}, your threshold costs {cost:.0f}, and there is one "
            f"that costs {costs.min():.0f}. Try every confidence as a threshold."
        )
    return (
        "The price of a mistake decides how confident a prediction must be. Choose the threshold on validation images."
    )


# Exercise 4.8


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
    return "A shift loses what moves out of the image. `np.roll` brings it back on the other side."


def _moved(images, down, right, mode="constant"):
    size = images.shape[1]
    reach = max(size, abs(down), abs(right))
    framed = np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode=mode)
    return framed[:, reach - down : reach - down + size, reach - right : reach - right + size]


# Exercise 4.9


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
    return "The average over all classes can hide that a few of them lose most. Look at each class."


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
    return "Compare two accuracies image by image. Images that both classify alike add no noise to the difference."
