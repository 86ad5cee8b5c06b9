"""Right and wrong answers for those checks of chapter 04 that ask whom to trust; `ch04` takes them over."""

import numpy as np

from tests.cases.answers import Tensor


def own_probability(labels, probabilities):
    return probabilities[np.arange(len(labels)), labels]


def ranked(key):
    return lambda labels, probabilities, count: np.argsort(key(labels, probabilities))[:count]


def mistakes_as_they_come(labels, probabilities, count):
    return np.flatnonzero(probabilities.argmax(axis=1) != labels)[:count]


def abstaining(target=lambda t: t, refused=False, swapped=False, last=True):
    """The threshold that accepts most images, or with a slip."""

    def function(probabilities, labels, goal):
        confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        order = np.argsort(-confidence)
        good = np.flatnonzero(np.cumsum(correct[order]) / np.arange(1, len(order) + 1) >= target(goal))
        threshold = confidence[order][good[-1] if last else good[len(good) // 3]]
        share = np.mean(confidence >= threshold)
        share = 1 - share if refused else share
        return (share, threshold) if swapped else (threshold, share)

    return function


def abstaining_by_trying(probabilities, labels, goal):
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    for threshold in np.sort(confidence):
        if correct[confidence >= threshold].mean() >= goal:
            return Tensor([threshold, np.mean(confidence >= threshold)])


def one_by_one(labels, probabilities, count):
    pairs = [(1 - probabilities[i][labels[i]], i) for i in range(len(labels))]
    return [i for _, i in sorted(pairs, reverse=True)][:count]


BY_HAND = 0.1 * 0.1 + 0.2 * 0.1 + 0.7 * 0.03


CASES = {
    "error_by_hand": {
        "right": [BY_HAND, 0.051, "0.051", np.float32(BY_HAND)],
        "wrong": [
            (5.1, "not a percentage"),
            (51, "Divide it by the 1,000 images"),
            (0.031, "cancel out"),
            (-0.031, "cancel out"),
            (0.23 / 3, "counts alike"),
            (0.23, "the sum of the gaps"),
            (0.1, "the largest gap"),
            (0.00363, "squared gaps"),
            (0.05, "not right yet"),
        ],
    },
    "most_suspicious": {
        "right": [
            ranked(own_probability),
            one_by_one,
            lambda *all: Tensor(ranked(lambda y, p: np.log(own_probability(y, p) + 1e-12))(*all)),
            ranked(lambda y, p: own_probability(y, p) - p.max(axis=1)),
        ],
        "wrong": [
            (ranked(lambda y, p: -own_probability(y, p)), "Reverse the order"),
            (ranked(lambda y, p: p.max(axis=1)), "Hard images can have right labels"),
            (ranked(lambda y, p: -p.max(axis=1)), "whatever their label"),
            (mistakes_as_they_come, "in their order in the data"),
            (lambda y, p, count: np.arange(count), "how improbable"),
            (lambda y, p, count: ranked(own_probability)(y, p, count)[::-1], "should come first"),
            (lambda y, p, count: np.zeros(count), "is there twice"),
            (lambda y, p, count: np.sort(own_probability(y, p))[:count], "whole numbers"),
            (lambda y, p, count: ranked(own_probability)(y, p, 3), "expected the shape (40,)"),
        ],
    },
    "threshold_and_coverage": {
        "right": [abstaining(), abstaining_by_trying, lambda *all: list(np.float32(abstaining()(*all)))],
        "wrong": [
            (abstaining(refused=True), "the share that is refused"),
            (abstaining(swapped=True), "are swapped"),
            (abstaining(target=lambda t: t - 0.1), "A higher threshold"),
            (abstaining(last=False), "a lower threshold reaches the target too"),
            (lambda p, y, goal: (1.0, 0.0), "no image is predicted"),
            (lambda p, y, goal: (99, 50), "between 0 and 1"),
            (lambda p, y, goal: 0.9, "in the shape (2,)"),
        ],
    },
}
