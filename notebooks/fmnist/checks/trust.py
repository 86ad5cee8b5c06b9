"""Checks for chapter 04: a calibration error, suspicious labels, and a threshold below which a network abstains."""

import numpy as np
from scipy.special import softmax

from fmnist.checks.common import array, both, call, check, compare, number, require


def _made_up(images, generator, strength=3.0, chance=0.75):
    """Return probabilities N×10 and labels, of which about the share `chance` is what the network predicts."""
    probabilities = softmax(generator.normal(0, strength, (images, 10)), axis=1)
    predicted = probabilities.argmax(axis=1)
    labels = np.where(generator.random(images) < chance, predicted, generator.integers(0, 10, images))
    return probabilities, labels


@check
def calibration_error(calibration_error):
    """`calibration_error(probabilities, labels, bins)`: the ECE with `bins` intervals of equal width, a share."""
    generator = np.random.default_rng(14)
    for images, bins in ((400, 10), (37, 5)):
        probabilities, labels = _made_up(images, generator)
        found = number(call(calibration_error, probabilities.copy(), labels.copy(), bins), "the calibration error")
        confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        place = np.minimum((confidence * bins).astype(int), bins - 1)
        parts = [place == k for k in range(bins) if np.any(place == k)]
        gaps = np.array([confidence[part].mean() - correct[part].mean() for part in parts])
        sizes = np.array([part.sum() for part in parts])
        expected = np.sum(sizes * np.abs(gaps)) / images
        slips = [
            (100 * expected, "Give a share, such as 0.02, not per cent."),
            (np.abs(gaps).mean(), "Each interval counts alike here. Weigh its gap with its number of images."),
            (np.sum(sizes * np.abs(gaps)) / images * len(parts) / bins, "Divide by the images, not by the intervals."),
            (abs(np.sum(sizes * gaps)) / images, "Gaps above and below cancel out. Take each without its sign."),
            (np.sum(sizes * gaps) / images, "Gaps above and below cancel out. Take each without its sign."),
            (np.abs(gaps).max(), "This is the largest gap. Expected the weighted mean."),
            (np.mean((confidence - correct) ** 2), "This is a squared error of single images. Form groups first."),
            (np.abs(confidence - correct).mean(), "These are gaps of single images. Average within an interval first."),
        ]
        compare(
            found, expected, [slip for slip in slips if not np.isclose(slip[0], expected, atol=1e-4)],
            f"For {images} made-up images and {bins} intervals, {both(expected, found)}. Does a confidence of 1 fall "
            "into the last interval, and are empty intervals left out?",
            tolerance=1e-4,
        )  # fmt: skip
    return "A calibration error compares what a network promises with what it keeps, group by group."


@check
def suspects(suspects):
    """`suspects(probabilities, labels, count)`: positions of the labels that are most likely wrong, the first most."""
    generator = np.random.default_rng(15)
    images, planted = 500, 40
    true = generator.integers(0, 10, images)
    logits = generator.normal(0, 1, (images, 10)) + 4 * np.eye(10)[true]
    unsure = generator.choice(images, 120, replace=False)
    logits[unsure] *= 0.3  # images that are hard, with labels that are right
    probabilities, labels = softmax(logits, axis=1), true.copy()
    wrong = generator.choice(np.setdiff1d(np.arange(images), unsure), planted, replace=False)
    labels[wrong] = (labels[wrong] + generator.integers(1, 10, planted)) % 10
    found = array(call(suspects, probabilities.copy(), labels.copy(), planted), what="the positions")
    require(found.shape == (planted,), f"For a count of {planted}, expected ({planted},), found {found.shape}.")
    places = found.astype(int)
    require(
        np.array_equal(places, found) and found.min() >= 0 and found.max() < images, "Expected positions of images."
    )
    require(len(set(places)) == planted, "The same image is there twice.")
    share = np.isin(places, wrong).mean()
    own = probabilities[np.arange(images), labels]
    orders = [
        (np.argsort(-own), "These are the labels that the network agrees with most. Turn the order round."),
        (np.argsort(probabilities.max(axis=1)), "These are the images of which the network is unsure. Hard images can "
         "have right labels. Look at the probability of the label itself."),
        (np.argsort(-probabilities.max(axis=1)), "These are the images of which the network is sure, whatever their "
         "label is."),
        (np.flatnonzero(probabilities.argmax(axis=1) != labels), "These are mistakes in their order in the data. Begin "
         "with those of which the network is surest."),
    ]  # fmt: skip
    for order, message in orders:
        require(not np.array_equal(order[:planted], places), message)
    require(
        share > 0.8,
        f"Of {planted} labels that we made wrong, your first {planted} suspects hold {share:.0%}. Rank the images by "
        "how improbable the network finds their label.",
    )
    require(own[places[0]] <= np.quantile(own[places], 0.2), "The most suspicious label should come first.")
    return (
        f"Of {planted} planted errors, {share:.0%} are among the first {planted} suspects. Look at them before you act."
    )


@check
def abstain(abstain):
    """`abstain(probabilities, labels, target)`: the lowest confidence to accept, and the share of images accepted."""
    generator = np.random.default_rng(16)
    for images, target in ((900, 0.95), (600, 0.9)):
        logits = generator.normal(0, 3, (images, 10))
        chances = softmax(logits, axis=1)
        labels = (chances.cumsum(axis=1) < generator.random((images, 1))).sum(axis=1).clip(0, 9)
        probabilities = softmax(1.6 * logits, axis=1)
        pair = call(abstain, probabilities.copy(), labels.copy(), target)
        threshold, share = array(pair, (2,), "the answer (threshold, share)")
        confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        order = np.argsort(-confidence)
        accuracies = np.cumsum(correct[order]) / np.arange(1, images + 1)
        enough = np.flatnonzero(accuracies >= target)
        most = enough[-1] + 1 if enough.size else 0
        require(0 <= threshold <= 1 and 0 <= share <= 1, "Both values should be between 0 and 1.")
        accepted = confidence >= threshold - 1e-9
        require(
            abs(share - accepted.mean()) < 2e-3,
            f"With your threshold, {accepted.mean():.1%} of the images are accepted, and you say {share:.1%}."
            + (" That is the share of those that are refused." if abs(1 - share - accepted.mean()) < 2e-3 else ""),
        )
        require(bool(np.any(accepted)), "Your threshold accepts no image.")
        require(
            correct[accepted].mean() >= target - 1e-9,
            f"Of the accepted images, {correct[accepted].mean():.1%} are correct, and the target is {target:.0%}. A "
            "higher threshold accepts fewer.",
        )
        require(
            share >= most / images - 0.03,
            f"Your threshold accepts {share:.1%} of the images, and a lower one reaches the target too. Find the one "
            "that accepts most.",
        )
    return (
        "With a threshold, you buy accuracy with images that somebody else must decide. Choose it on validation images."
    )
