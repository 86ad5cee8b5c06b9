"""Checks for chapter 04: a calibration error by hand, a ranking of suspected labels, and a threshold for refusing."""

import numpy as np
from scipy.special import softmax

from fmnist.checks.common import array, call, check, compare, number, require


@check
def error_by_hand(error_by_hand):
    """`error_by_hand`: the ECE of the three groups in the exercise, as a share."""
    images = np.array([100, 200, 700])
    confidence, accuracy = np.array([0.6, 0.8, 0.96]), np.array([70, 140, 651]) / images
    gaps = confidence - accuracy
    expected = float(np.sum(images * np.abs(gaps)) / 1000)
    signed = float(np.sum(images * gaps) / 1000)
    slips = [
        (100 * expected, "Give a share between 0 and 1, not a percentage."),
        (1000 * expected, "This is the sum over the images. Divide it by the 1,000 images."),
        (signed, "Gaps in both directions cancel out here. Take each without its sign."),
        (-signed, "Gaps in both directions cancel out here. Take each without its sign."),
        (np.abs(gaps).mean(), "Each group counts alike here. Weight its gap by its images."),
        (np.abs(gaps).sum(), "This is the sum of the gaps. Expected their mean, weighted by the images."),
        (np.abs(gaps).max(), "This is the largest gap. Expected the weighted mean."),
        (np.sum(images * gaps**2) / 1000, "These are squared gaps. Take their absolute values."),
    ]
    compare(
        number(error_by_hand, "the calibration error"), expected, slips,
        "The calibration error is not right yet. Write the accuracy of each group, its gap, and its share of the "
        "images, one below the other.",
        tolerance=6e-4,
    )  # fmt: skip
    return "An ECE adds up gaps without their sign, so overconfident and underconfident groups do not cancel out."


@check
def most_suspicious(most_suspicious):
    """`most_suspicious(labels, probabilities, count)`: positions of the most suspicious labels, the clearest first."""
    generator = np.random.default_rng(15)
    images, planted = 500, 40
    true = generator.integers(0, 10, images)
    logits = generator.normal(0, 1, (images, 10)) + 4 * np.eye(10)[true]
    unsure = generator.choice(images, 120, replace=False)
    logits[unsure] *= 0.3  # images that are hard, with labels that are right
    probabilities, labels = softmax(logits, axis=1), true.copy()
    wrong = generator.choice(np.setdiff1d(np.arange(images), unsure), planted, replace=False)
    labels[wrong] = (labels[wrong] + generator.integers(1, 10, planted)) % 10
    found = array(call(most_suspicious, labels.copy(), probabilities.copy(), planted), what="the positions")
    require(
        found.shape == (planted,), f"For a count of {planted}, expected the shape ({planted},), found {found.shape}."
    )
    places = found.astype(int)
    require(
        np.array_equal(places, found) and found.min() >= 0 and found.max() < images,
        "Expected positions of images, which are whole numbers from 0 on.",
    )
    require(len(set(places)) == planted, "The same image is there twice.")
    own = probabilities[np.arange(images), labels]
    orders = [
        (np.argsort(-own), "These are the labels that the network agrees with most. Reverse the order."),
        (np.argsort(probabilities.max(axis=1)), "These are the images of which the network is unsure. Hard images can "
         "have right labels. Look at the probability of the label itself."),
        (np.argsort(-probabilities.max(axis=1)), "These are the images of which the network is sure, whatever their "
         "label is."),
        (np.flatnonzero(probabilities.argmax(axis=1) != labels), "These are misclassified images in their order in the "
         "data. Rank them, and begin with the clearest."),
    ]  # fmt: skip
    for order, message in orders:
        require(not np.array_equal(order[:planted], places), message)
    hits = int(np.isin(places, wrong).sum())
    require(
        hits >= 33,
        f"Of {planted} labels that we made wrong, {hits} are among your first {planted} positions. Rank the images by "
        "how improbable the network finds their label.",
    )
    require(own[places[0]] <= np.quantile(own[places], 0.2), "The most suspicious label should come first.")
    return f"{hits} of {planted} planted errors are among the first {planted}. On real data, a person must still look."


@check
def threshold_and_coverage(threshold_and_coverage):
    """`threshold_and_coverage(probabilities, labels, target)`: the lowest confidence to predict, the coverage."""
    generator = np.random.default_rng(16)
    for images, target in ((900, 0.95), (600, 0.9)):
        logits = generator.normal(0, 3, (images, 10))
        chances = softmax(logits, axis=1)
        labels = (chances.cumsum(axis=1) < generator.random((images, 1))).sum(axis=1).clip(0, 9)
        probabilities = softmax(1.6 * logits, axis=1)
        pair = call(threshold_and_coverage, probabilities.copy(), labels.copy(), target)
        _check_pair(*array(pair, (2,), "the answer (threshold, coverage)"), probabilities, labels, target)
    return "A threshold buys accuracy with images that a person must sort. Choose it on validation images."


def _check_pair(threshold, coverage, probabilities, labels, target):
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    images = len(labels)
    accuracies = np.cumsum(correct[np.argsort(-confidence)]) / np.arange(1, images + 1)
    most = np.flatnonzero(accuracies >= target)[-1] + 1
    require(0 <= threshold <= 1 and 0 <= coverage <= 1, "Both values should be between 0 and 1.")
    predicted = confidence >= threshold - 1e-9
    require(bool(np.any(predicted)), "With your threshold, no image is predicted.")
    other = confidence >= coverage - 1e-9
    swapped = np.any(other) and correct[other].mean() >= target and abs(threshold - other.mean()) < 2e-3
    reached = correct[predicted].mean() >= target - 1e-9
    require(reached or not swapped, "The two values are swapped. The threshold comes first.")
    require(
        abs(coverage - predicted.mean()) < 2e-3,
        f"With your threshold {threshold:.3f}, {predicted.mean():.1%} of the images are predicted, and you return a "
        f"coverage of {coverage:.1%}."
        + (" This is the share that is refused." if abs(1 - coverage - predicted.mean()) < 2e-3 else ""),
    )
    require(
        reached,
        f"Of the predicted images, {correct[predicted].mean():.1%} are correct, and the target is {target:.0%}. A "
        "higher threshold predicts fewer.",
    )
    require(
        coverage >= most / images - 0.03,
        f"With your threshold, the coverage is {coverage:.1%}, and a lower threshold reaches the target too. Find the "
        "one with the largest coverage.",
    )
