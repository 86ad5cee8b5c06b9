"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of trust."""

import numpy as np

from tests.cases.answers import Tensor


def ece(weigh=True, signed=False, factor=1.0, worst=False, single=False, over_bins=False):
    """The calibration error, or with a slip."""

    def function(probabilities, labels, bins):
        confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        if single:
            return np.abs(confidence - correct).mean()
        total, gaps = 0.0, []
        for k in range(bins):
            inside = (confidence >= k / bins) & ((confidence < (k + 1) / bins) | (k == bins - 1))
            if inside.any():
                gap = confidence[inside].mean() - correct[inside].mean()
                gaps.append(gap)
                total += inside.mean() * (gap if signed else abs(gap))
        if worst:
            return np.abs(gaps).max()
        if not weigh:
            return np.abs(gaps).mean()
        return factor * total * (len(gaps) / bins if over_bins else 1)

    return function


def ece_by_histogram(probabilities, labels, bins):
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    sums = [np.histogram(confidence, edges, weights=part)[0] for part in (confidence, correct.astype(float))]
    return np.abs(sums[0] - sums[1]).sum() / len(labels)


def own_probability(probabilities, labels):
    return probabilities[np.arange(len(labels)), labels]


def ranked(key):
    return lambda probabilities, labels, count: np.argsort(key(probabilities, labels))[:count]


def mistakes_as_they_come(probabilities, labels, count):
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


CASES = {
    "calibration_error": {
        "right": [ece(), ece_by_histogram, lambda *all: round(ece()(*all), 4)],
        "wrong": [
            (ece(weigh=False), "counts alike"),
            (ece(signed=True), "cancel out"),
            (ece(factor=100), "not per cent"),
            (ece(worst=True), "the largest gap"),
            (ece(single=True), "single images"),
            (ece(over_bins=True), "not by the intervals"),
            (lambda probabilities, labels, bins: 0.5, "the last interval"),
        ],
    },
    "suspects": {
        "right": [
            ranked(own_probability),
            lambda *all: Tensor(ranked(lambda p, y: np.log(own_probability(p, y) + 1e-12))(*all)),
            ranked(lambda p, y: own_probability(p, y) - p.max(axis=1)),
        ],
        "wrong": [
            (ranked(lambda p, y: -own_probability(p, y)), "Turn the order round"),
            (ranked(lambda p, y: p.max(axis=1)), "Hard images can have right labels"),
            (ranked(lambda p, y: -p.max(axis=1)), "whatever their label"),
            (mistakes_as_they_come, "in their order in the data"),
            (lambda p, y, count: np.arange(count), "how improbable"),
            (lambda p, y, count: ranked(own_probability)(p, y, count)[::-1], "should come first"),
            (lambda p, y, count: np.zeros(count), "is there twice"),
            (lambda p, y, count: ranked(own_probability)(p, y, 3), "expected (40,)"),
        ],
    },
    "abstain": {
        "right": [abstaining(), abstaining_by_trying, lambda *all: list(np.float32(abstaining()(*all)))],
        "wrong": [
            (abstaining(refused=True), "those that are refused"),
            (abstaining(swapped=True), "the target is 95%"),
            (abstaining(target=lambda t: t - 0.1), "A higher threshold"),
            (abstaining(last=False), "a lower one reaches the target too"),
            (lambda p, y, goal: (1.0, 0.0), "accepts no image"),
            (lambda p, y, goal: (99, 50), "between 0 and 1"),
            (lambda p, y, goal: 0.9, "in the shape (2,)"),
        ],
    },
}
