"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 04."""

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import bootstrap

from tests.cases import trust
from tests.cases.answers import Args, Tensor

# Exercise 4.2


def equal_groups(probabilities, labels, groups):
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    parts = np.array_split(np.argsort(confidence), groups)
    return sum(len(part) * abs(confidence[part].mean() - is_right[part].mean()) for part in parts) / len(labels)


def equal_groups_by_sums(probabilities, labels, groups):
    confidence = probabilities.max(axis=1)
    order = confidence.argsort()
    surplus = (confidence - (probabilities.argmax(axis=1) == labels))[order]
    return float(np.sum([abs(part.sum()) for part in np.array_split(surplus, groups)]) / len(surplus))


def equal_groups_averaged(probabilities, labels, groups):
    pairs = sorted(zip(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, strict=True))
    parts = np.array_split(np.array(pairs, dtype=float), groups)
    gaps, weights = [abs(np.subtract(*part.mean(axis=0))) for part in parts], [len(part) for part in parts]
    return Tensor(np.average(gaps, weights=weights))


def equal_groups_variant(*, order=np.argsort, signed=False, weigh=True, sort_labels=True, factor=1.0):
    def variant(probabilities, labels, groups):
        confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        order_ = order(confidence)
        confidence, is_right = confidence[order_], is_right[order_] if sort_labels else is_right
        parts = list(zip(np.array_split(confidence, groups), np.array_split(is_right, groups), strict=True))
        gaps = np.array([c.mean() - r.mean() for c, r in parts])
        gaps = gaps if signed else np.abs(gaps)
        return factor * (np.average(gaps, weights=[len(c) for c, _ in parts]) if weigh else gaps.mean())

    return variant


def equal_groups_cut_at_shares(probabilities, labels, groups):
    order, n = np.argsort(probabilities.max(axis=1)), len(labels)
    is_right = probabilities.argmax(axis=1) == labels
    total = 0
    for g in range(groups):
        part = order[g * n // groups : (g + 1) * n // groups]
        total += len(part) * abs(probabilities.max(axis=1)[part].mean() - is_right[part].mean())
    return total / n


def equal_width(probabilities, labels, groups):
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    group = np.minimum((confidence * groups).astype(int), groups - 1)
    return sum(abs((confidence - is_right)[group == g].sum()) for g in range(groups)) / len(labels)


def image_by_image(probabilities, labels, groups):
    return np.abs(probabilities.max(axis=1) - (probabilities.argmax(axis=1) == labels)).mean()


# Exercise 4.3


def fitted(logits, labels):
    def cross_entropy(t):
        return -log_softmax(logits / t, axis=1)[np.arange(len(labels)), labels].mean()

    return minimize_scalar(cross_entropy, bounds=(0.05, 20), method="bounded").x


def calibrated(fit_logits, fit_labels, logits):
    return softmax(logits / fitted(fit_logits, fit_labels), axis=1)


def calibrated_on_a_grid(fit_logits, fit_labels, logits):
    def loss(t):
        return -log_softmax(fit_logits / t, axis=1)[np.arange(len(fit_labels)), fit_labels].mean()

    best = min(np.linspace(0.1, 5, 491), key=loss)
    scaled = np.exp(logits / best - np.max(logits / best, axis=1, keepdims=True))
    return Tensor(scaled / scaled.sum(axis=1, keepdims=True))


def calibrated_on_a_coarse_grid(fit_logits, fit_labels, logits):
    grid = np.arange(0.05, 5, 0.05)
    rows = np.arange(len(fit_labels))
    T = min(grid, key=lambda t: -np.log(softmax(fit_logits / t, axis=1)[rows, fit_labels] + 1e-300).mean())
    return softmax(logits / T, axis=1)


def calibrated_by_log(fit_logits, fit_labels, logits):
    return np.exp(log_softmax(np.divide(logits, fitted(fit_logits, fit_labels)), axis=-1)).tolist()


# Exercise 4.4


def judged(labels, probabilities, *, rows=None, of=None, thresholds=None):
    """The rows in which a class that reaches its threshold is not the label; the thresholds from `rows`."""
    if thresholds is None:
        chosen = labels if of is None else of(probabilities)
        thresholds = [probabilities[(chosen == k) if rows is None else rows(labels), k].mean() for k in range(3)]
    reached = probabilities >= thresholds
    best = np.where(reached, probabilities, -1).argmax(axis=1)
    return np.flatnonzero(reached.any(axis=1) & (best != labels))


def suspects_in_a_loop(labels, probabilities):
    classes = range(probabilities.shape[1])
    thresholds = [
        np.mean([p[k] for p, label in zip(probabilities, labels, strict=True) if label == k]) for k in classes
    ]
    found = []
    for row, (p, label) in enumerate(zip(probabilities, labels, strict=True)):
        reached = [k for k in classes if p[k] >= thresholds[k]]
        if reached and max(reached, key=lambda k: p[k]) != label:
            found.append(row)
    return found


def suspects_by_masking(labels, probabilities):
    thresholds = np.array([probabilities[labels == k].mean(axis=0)[k] for k in range(probabilities.shape[1])])
    masked = np.ma.masked_array(probabilities, probabilities < thresholds)
    best = np.where(masked.mask.all(axis=1), labels, masked.filled(0).argmax(axis=1))
    return Tensor((best != labels).nonzero()[0])


def not_own(labels, probabilities):
    own = np.array([probabilities[labels == k, k].mean() for k in range(3)])
    return np.flatnonzero(probabilities[np.arange(len(labels)), labels] < own[labels])


def of_the_label(labels, probabilities):
    own = np.array([probabilities[labels == k, k].mean() for k in range(3)])
    return np.flatnonzero((probabilities.argmax(axis=1) != labels) & (probabilities.max(axis=1) >= own[labels]))


def erases_labels(labels, probabilities):
    found = judged(labels, probabilities)
    labels[:] = 0
    return found


# Exercise 4.7


def cost(threshold, confidence, correct, price):
    given = confidence >= threshold
    return price * np.sum(given & ~correct) + np.sum(~given)


def cheapest(confidence, correct, price):
    tried = np.append(np.unique(confidence), 2)
    return tried[np.argmin([cost(threshold, confidence, correct, price) for threshold in tried])]


def cheapest_by_sums(confidence, correct, price):
    order = np.argsort(-confidence)
    costs = np.cumsum(np.where(correct[order], 0, price)) + np.arange(len(order))[::-1]
    best = costs.argmin()
    return 1.5 if costs[best] >= len(order) else Tensor(confidence[order][best])


def cheapest_between(confidence, correct, price):
    values = np.sort(confidence)
    tried = [0, *(values[1:] + values[:-1]) / 2, 1.1]
    return float(min(tried, key=lambda threshold: cost(threshold, confidence, correct, price)))


def most_accurate(confidence, correct, price):
    return confidence[np.argmax([correct[confidence >= threshold].mean() for threshold in confidence])]


def never_wrong(confidence, correct, price):
    return confidence[np.argmin([np.sum((confidence >= threshold) & ~correct) for threshold in confidence])]


def lowest_cost(confidence, correct, price):
    return cost(cheapest(confidence, correct, price), confidence, correct, price)


def erases_confidence(confidence, correct, price):
    found = cheapest(confidence, correct, price)
    confidence[:] = 0
    return found


# Exercise 4.8


def by_frame(images, down, right):
    size = images.shape[1]
    down, right = np.clip([down, right], -size, size)
    framed = np.pad(images, ((0, 0), (size, size), (size, size)))
    return framed[:, size - down : 2 * size - down, size - right : 2 * size - right]


def by_slices(images, down, right):
    result = np.zeros_like(images)
    if abs(down) < 28 and abs(right) < 28:
        here = [slice(max(0, step), 28 + min(0, step)) for step in (down, right)]
        there = [slice(max(0, -step), 28 + min(0, -step)) for step in (down, right)]
        result[:, here[0], here[1]] = images[:, there[0], there[1]]
    return result


def by_scipy(images, down, right):
    return ndimage.shift(images, (0, down, right), order=0, cval=0)


def by_roll_and_erase(images, down, right):
    result = np.roll(images, (down, right), axis=(1, 2)).astype(float)
    rows, columns = np.arange(28) - down, np.arange(28) - right
    result[:, (rows < 0) | (rows > 27)] = 0
    result[:, :, (columns < 0) | (columns > 27)] = 0
    return Tensor(result)


def by_roll(images, down, right):
    return np.roll(images, (down, right), axis=(1, 2))


def only_forwards(images, down, right):
    result = np.zeros_like(images)
    if 0 <= down < 28 and 0 <= right < 28:
        result[:, down:, right:] = images[:, : 28 - down, : 28 - right]
    return result


def empty_slices(images, down, right):
    result = np.zeros_like(images)
    result[:, down:, right:][:, : 28 - down, : 28 - right] = 0
    part = images[:, :-down, :-right]
    result[:, 28 - part.shape[1] :, 28 - part.shape[2] :][:, : part.shape[1], : part.shape[2]] = (
        part if part.size else 0
    )
    return result


def erases_in_place(images, down, right):
    result = by_frame(images, down, right)
    images[:] = 0
    return result


# Exercise 4.9

LABELS = np.repeat(np.arange(10), 60)


def invented(strength, seed):
    noise = np.random.default_rng(seed).normal(0, 1, (600, 10))
    return softmax(noise + strength * np.eye(10)[LABELS], axis=1)


PLAIN = invented(2.5, 1)
MIRRORED = invented(np.where(LABELS > 6, 0.2, 2.0)[:, None], 2)
RIGHT, RIGHT_MIRRORED = PLAIN.argmax(axis=1) == LABELS, MIRRORED.argmax(axis=1) == LABELS
OF_CLASS = np.arange(600).reshape(10, 60)  # rows
LOSSES = np.array([RIGHT[rows].mean() - RIGHT_MIRRORED[rows].mean() for rows in OF_CLASS])
BY_COUNTS = (np.bincount(LABELS[RIGHT], minlength=10) - np.bincount(LABELS[RIGHT_MIRRORED], minlength=10)) / 60
ANSWERED = [
    RIGHT[PLAIN.argmax(axis=1) == k].mean() - RIGHT_MIRRORED[MIRRORED.argmax(axis=1) == k].mean() for k in range(10)
]
RIGHT_AVERAGE = (PLAIN + MIRRORED).argmax(axis=1) == LABELS
DIFFERENCE = RIGHT_AVERAGE.astype(int) - RIGHT
GAIN, ERROR = DIFFERENCE.mean(), DIFFERENCE.std() / np.sqrt(600)
UNPAIRED = np.sqrt((RIGHT.var() + RIGHT_AVERAGE.var()) / 600)
RESAMPLED = bootstrap((DIFFERENCE,), np.mean, n_resamples=4000, method="basic", rng=np.random.default_rng(5))


def losses(answer):
    return Args((answer, PLAIN, MIRRORED, LABELS))


def average(gain, error):
    return Args(((gain, error), PLAIN, MIRRORED, LABELS))


CASES = trust.CASES | {
    "equal_groups_error": {
        "right": [
            equal_groups,
            equal_groups_by_sums,
            equal_groups_averaged,
            equal_groups_variant(),
            equal_groups_variant(order=lambda c: np.argsort(-c)),
            equal_groups_cut_at_shares,
            lambda *all: round(equal_groups(*all), 4),
        ],
        "wrong": [
            (equal_groups_variant(order=lambda c: np.arange(len(c))), "not sorted by their confidence"),
            (equal_groups_variant(sort_labels=False), "the right answers are not"),
            (equal_groups_variant(signed=True), "cancel out"),
            (equal_groups_variant(weigh=False), "differ by one image"),
            (equal_groups_variant(factor=100), "in per cent"),
            (equal_width, "intervals of equal width"),
            (image_by_image, "single images"),
            (lambda probabilities, labels, groups: 0.05, "For 23 invented images"),
            (lambda probabilities, labels, groups: [0.1, 0.2], "Expected one number"),
        ],
    },
    "calibrated": {
        "right": [calibrated, calibrated_on_a_grid, calibrated_by_log, calibrated_on_a_coarse_grid],
        "wrong": [
            (lambda a, b, new: softmax(softmax(new, axis=1) / fitted(a, b), axis=1), "applied twice"),
            (lambda a, b, new: softmax(new, axis=1) / fitted(a, b), "no longer add up to 1"),
            (lambda a, b, new: new / fitted(a, b), "logits still"),
            (lambda a, b, new: softmax(new * fitted(a, b), axis=1), "multiplied"),
            (lambda a, b, new: softmax(new, axis=1), "without any temperature"),
            (lambda a, b, new: calibrated(a, b, a), "as many as the images"),
            (lambda a, b, new: calibrated(new, new.argmax(axis=1), new), "network's own answers"),
            (lambda a, b, new: fitted(a, b), "one number"),
            (lambda a, b, new: softmax(new / 1.5, axis=1), "not those expected"),
        ],
    },
    "suspected_labels": {
        "right": [judged, suspects_in_a_loop, suspects_by_masking],
        "wrong": [
            (lambda labels, p: np.flatnonzero(p.argmax(axis=1) != labels), "must also reach its threshold"),
            (lambda labels, p: judged(labels, p, rows=lambda labels: slice(None)), "means over all images"),
            (lambda labels, p: judged(labels, p, of=lambda p: p.argmax(axis=1)), "predicted as the class"),
            (lambda labels, p: judged(labels, p, thresholds=0.5), "The threshold is 0.5"),
            (lambda labels, p: judged(labels, p, thresholds=np.mean([p[labels == k, k].mean() for k in range(3)])),
             "one threshold for all"),
            (of_the_label, "the threshold of the label"),
            (not_own, "They must also reach"),
            (lambda labels, p: np.isin(np.arange(len(labels)), judged(labels, p)), "Expected the rows"),
            (lambda labels, p: judged(labels, p)[::-1], "in rising order"),
            (lambda labels, p: [3, 5], "that are not the same"),
            (erases_labels, "has changed the arrays"),
        ],
    },
    "cheapest_threshold": {
        "right": [cheapest, cheapest_by_sums, cheapest_between],
        "wrong": [
            (lowest_cost, "the lowest cost"),
            (never_wrong, "Each refused image costs 1"),
            (most_accurate, "the highest accuracy"),
            (lambda confidence, correct, price: cheapest(confidence, correct, 1), "predicts every image"),
            (lambda confidence, correct, price: 1 - 1 / price, "perfectly calibrated"),
            (lambda confidence, correct, price: 0.35, "Try every confidence"),
            (lambda confidence, correct, price: confidence, "Expected one number"),
            (erases_confidence, "has changed the arrays"),
        ],
    },
    "shifted": {
        "right": [by_frame, by_slices, by_scipy, by_roll_and_erase],
        "wrong": [
            (by_roll, "comes in on the other"),
            (lambda images, down, right: by_frame(images, right, down), "have moved by 6 down"),
            (lambda images, down, right: by_frame(images, -down, -right), "the other way"),
            (lambda images, down, right: by_frame(images, down, -right), "to the left instead"),
            (lambda images, down, right: by_frame(images, -down, right), "counted downwards"),
            (lambda images, down, right: images.copy(), "have not moved"),
            (lambda images, *by: ndimage.shift(images, (0, *by), order=0, mode="nearest"), "is repeated"),
            (only_forwards, "upwards and to the left"),
            (empty_slices, "[:-0]"),
            (erases_in_place, "has changed the images"),
            (lambda images, down, right: images[:, : 28 - abs(down), : 28 - abs(right)], "the shape"),
        ],
    },
    "class_losses": {
        "right": [losses(LOSSES), losses(list(BY_COUNTS)), losses(Tensor(LOSSES)), losses(LOSSES.round(3)),
                  losses(LOSSES.round(2))],
        "wrong": [
            (losses(100 * LOSSES), "in per cent"),
            (losses(-LOSSES), "The sign"),
            (losses(ANSWERED), "answered so"),
            (losses(np.full(10, LOSSES.mean())), "ten times"),
            (losses(LOSSES / 10), "by the number of all images"),
            (losses(LOSSES * 60), "numbers of images"),
            (losses(np.sort(LOSSES)[::-1]), "order of the classes"),
            (losses([RIGHT_MIRRORED[rows].mean() for rows in OF_CLASS]), "on the mirrored images"),
            (losses(LOSSES.mean()), "in the shape (10,)"),
            (losses(np.r_[LOSSES[:3], 0.9, LOSSES[4:]]), "For 3, the class"),
        ],
    },
    "averaging": {
        "right": [average(GAIN, ERROR), average(round(GAIN, 4), round(ERROR, 4)),
                  average(round(GAIN, 3), round(ERROR, 3)),
                  average(GAIN, DIFFERENCE.std(ddof=1) / np.sqrt(600)),
                  average(GAIN, np.sqrt(np.count_nonzero(DIFFERENCE)) / 600), average(GAIN, RESAMPLED.standard_error)],
        "wrong": [
            (average(100 * GAIN, 100 * ERROR), "the gain is in per cent"),
            (average(-GAIN, ERROR), "The sign of the gain"),
            (average(RIGHT_AVERAGE.mean(), ERROR), "is the accuracy"),
            (average(RIGHT_MIRRORED.mean() - RIGHT.mean(), ERROR), "mirrored images alone"),
            (average(0.5, ERROR), "The gain is not 0.5"),
            (average(GAIN, UNPAIRED), "from different images"),
            (average(GAIN, RIGHT_AVERAGE.std() / np.sqrt(600)), "of one accuracy"),
            (average(GAIN, DIFFERENCE.std()), "standard deviation of the differences"),
            (average(GAIN, DIFFERENCE.std() / 600), "the root"),
            (average(GAIN, 100 * ERROR), "error is in per cent"),
            (average(GAIN, 1.96 * ERROR), "95 % interval"),
            (Args((GAIN, PLAIN, MIRRORED, LABELS)), "in the shape (2,)"),
        ],
    },
}  # fmt: skip
