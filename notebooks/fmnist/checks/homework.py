"""The checks of the homework to chapter 01: a report on a CNN, its confusions, and the class that is hardest for it.

The notebook and the script to hand in use the same ones.
"""

import re
from collections.abc import Mapping

import numpy as np

from fmnist.checks.common import Wrong, array, both, check, compare, describe, number, require, same
from fmnist.data import CLASS_NAMES

COLUMNS = ("precision", "recall", "f1-score")


def _predicted(predictions, labels):
    """Return the predicted class of each image as integers, from classes or from N×10 scores."""
    found = array(predictions, what="the predictions")
    if found.ndim == 2 and found.shape[1] == 10:
        found = found.argmax(axis=1)
    require(
        found.shape == (len(labels),),
        f"Expected a class for each of the {len(labels):,} images, found the shape {found.shape}.",
    )
    require(bool(np.isin(found, range(10)).all()), "The predictions should be classes from 0 to 9.")
    return found.astype(int)


def _counts(predicted, labels):
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (np.asarray(labels, dtype=int), predicted), 1)
    return counts


def _table(report):
    """Return precision, recall and F1 of the ten classes, 10×3, from any of the forms in which scikit-learn has it."""
    if isinstance(report, str):
        rows = re.findall(r"^\s*(.+?)\s+([01]\.\d+)\s+([01]\.\d+)\s+([01]\.\d+)\s+\d+\s*$", report, flags=re.M)
        require(len(rows) >= 10, f"Expected the report of ten classes, found {len(rows)} rows.")
        return np.array([row[1:] for row in rows[:10]], dtype=float)
    if hasattr(report, "columns") and hasattr(report, "to_numpy"):  # a table of pandas, either way round
        if set(COLUMNS) <= set(report.columns):
            report = report.T
        report = report.to_dict() if set(COLUMNS) <= set(report.index) else report.to_numpy()
    if isinstance(report, Mapping):
        names = [name for name in report if name not in ("accuracy", "macro avg", "weighted avg", "micro avg")]
        require(len(names) == 10, f"Expected the report of ten classes, found {len(names)}.")
        rows = [report[name] for name in names]
        require(
            all(isinstance(row, Mapping) and set(COLUMNS) <= set(row) for row in rows),
            f"Expected {', '.join(COLUMNS)} for each class.",
        )
        return np.array([[row[column] for column in COLUMNS] for row in rows], dtype=float)
    found = array(report, what="the report")
    require(
        found.shape in ((10, 3), (10, 4)),
        f"Expected ten rows with precision, recall and F1, found the shape {found.shape}.",
    )
    return found[:, :3]


@check(given=("labels", "target"))
def homework_report(predictions, accuracy, report, matrix, labels, target):
    """`predictions` for N images; their `accuracy`, per-class `report` and confusion `matrix`; the lowest accuracy."""
    labels = np.asarray(labels, dtype=int)
    predicted = _predicted(predictions, labels)
    right = float(np.mean(predicted == labels))
    require(right < 0.99, f"{right:.1%} is more than any published network reaches. Are these the labels themselves?")
    require(
        right >= target,
        f"Your CNN classifies {right:.1%} of the images correctly, and a trained one reaches at least {target:.0%}. "
        "Was it trained, and do the predictions belong to the validation images?",
    )
    found = number(accuracy, "the accuracy")
    compare(
        found, right,
        [
            (100 * right, "Give the accuracy as a share, between 0 and 1."),
            (1 - right, "This is the share of the misclassified images."),
            (right * len(labels), "This is the count of the correctly classified images. Divide it by all images."),
        ],
        f"The accuracy does not follow from your predictions: {both(right, found)}.",
        tolerance=6e-3 if found == round(found, 2) else 6e-4,
    )  # fmt: skip
    counts = _counts(predicted, labels)
    _compare_matrix(array(matrix, (10, 10), "the confusion matrix"), counts)
    _compare_report(_table(report), counts)
    worst = int((counts.diagonal() / np.maximum(counts.sum(axis=1), 1)).argmin())
    return f"{right:.1%} of {len(labels):,} images are correct. The lowest recall has class {CLASS_NAMES[worst]}."


def _compare_matrix(found, counts):
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    compare(
        found, counts,
        [
            (counts.T, "Rows and columns of your confusion matrix are swapped. A row is a true class."),
            (counts / np.maximum(rows, 1), "Your confusion matrix holds shares. Give the counts of images."),
            (counts / np.maximum(columns, 1), "Your confusion matrix holds shares. Give the counts of images."),
        ],
        f"The confusion matrix does not follow from your predictions. It adds up to {found.sum():g}, and there are "
        f"{counts.sum():,} images.",
        tolerance=0.01,
    )  # fmt: skip


def _compare_report(found, counts):
    right = counts.diagonal()
    precision, recall = right / np.maximum(counts.sum(axis=0), 1), right / np.maximum(counts.sum(axis=1), 1)
    f1 = 2 * right / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    expected = np.stack([precision, recall, f1], axis=1)
    compare(
        found, expected,
        [
            (expected[:, [1, 0, 2]], "Precision and recall are swapped in your report. Recall asks how many images of "
             "a class were found."),
            (100 * expected, "Give precision, recall and F1 as shares, between 0 and 1."),
        ],
        "The report does not follow from your predictions. In `classification_report`, the true labels come first.",
        tolerance=6e-3,
    )  # fmt: skip


def _class(value, what):
    """Return the number of a class that is given by its name or its number."""
    if isinstance(value, str):
        names = [name.lower() for name in CLASS_NAMES]
        require(value.strip().lower() in names, f"{what}: there is no class {value!r}. See CLASS_NAMES.")
        return names.index(value.strip().lower())
    found = number(value, what)
    require(found in range(10), f"{what}: expected a class from 0 to 9 or its name, found {found:g}.")
    return int(found)


def _place(value, count, what):
    """Return the position of an image, an integer from 0 to `count` - 1."""
    found = number(value, what)
    require(found == round(found), f"{what}: expected the position of an image, found {found:g}.")
    require(0 <= found < count, f"{what}: there are {count:,} images, counted from 0, so none at {found:.0f}.")
    return int(found)


def _plain(values):
    """Return a table or a tensor as a NumPy array, and anything else as it is."""
    if hasattr(values, "to_numpy"):
        return values.to_numpy()
    return array(values, what="the pairs") if hasattr(values, "__array__") else values


@check(given=("predictions", "labels"))
def confused_pairs(pairs, predictions, labels):
    """`pairs`: three times (class, class, position of an image that was confused so), the most frequent pair first."""
    labels = np.asarray(labels, dtype=int)
    predicted = _predicted(predictions, labels)
    pairs = _plain(pairs)
    require(np.iterable(pairs) and not isinstance(pairs, str | Mapping), f"Expected a list, found {describe(pairs)}.")
    rows = [list(row) if np.iterable(row) and not isinstance(row, str) else [row] for row in map(_plain, pairs)]
    require(len(rows) == 3, f"Expected three pairs, found {len(rows)}.")
    counts = _counts(predicted, labels)
    both_ways = counts + counts.T
    upper = np.triu(both_ways, 1)
    largest = np.sort(upper[np.triu_indices(10, 1)])[::-1]
    seen, frequencies = set(), []
    for i, row in enumerate(rows, start=1):
        require(len(row) == 3, f"Pair {i}: expected (class, class, position of an image), found {len(row)} values.")
        first, second = (_class(value, f"Pair {i}") for value in row[:2])
        require(first != second, f"Pair {i}: the two classes are the same.")
        pair = frozenset((first, second))
        require(pair not in seen, f"Pair {i} is there twice. Add up both directions of a confusion.")
        seen.add(pair)
        frequencies.append(both_ways[first, second])
        image = _place(row[2], len(labels), f"Pair {i}")
        _require_mistake(image, labels, predicted, f"Pair {i}: image {image}")
        require(
            {labels[image], predicted[image]} == pair,
            f"Pair {i}: image {image} is a mistake, but of another pair: {CLASS_NAMES[labels[image]]}, classified as "
            f"{CLASS_NAMES[predicted[image]]}.",
        )
    if list(frequencies) != list(largest[:3]):
        one_way = np.sort(counts[~np.eye(10, dtype=bool)])[::-1][:3]
        require(
            sorted(frequencies, reverse=True) != list(largest[:3]),
            "These are the right pairs. Put the most frequent first.",
        )
        require(
            not set(_one_way(counts, one_way)) <= seen or len(seen) < 3,
            "These pairs are the largest in one direction. Add up both, for example the shirts classified as coats and "
            "the coats classified as shirts.",
        )
        raise Wrong(
            f"Your pairs have {', '.join(map(str, frequencies))} confusions, and there is a pair with more that is "
            "missing. Add `matrix` and its transpose, and look above the diagonal."
        )
    return f"The three pairs hold {sum(frequencies) / max(1, upper.sum()):.0%} of all mistakes."


def _one_way(counts, largest):
    """The pairs of classes with the largest counts in one direction."""
    return [frozenset(map(int, place)) for value in set(largest) for place in np.argwhere(counts == value) if value > 0]


def _require_mistake(image, labels, predicted, what):
    require(
        labels[image] != predicted[image],
        f"{what} is classified correctly, as {CLASS_NAMES[labels[image]]}. Choose among the misclassified images.",
    )


@check(given=("predictions", "labels"))
def hardest_class(hardest, mistakes, predictions, labels):
    """`hardest`: the class with the lowest recall; `mistakes`: the positions of four of its misclassified images."""
    labels = np.asarray(labels, dtype=int)
    predicted = _predicted(predictions, labels)
    counts = _counts(predicted, labels)
    present = counts.sum(axis=1) > 0
    recall = np.where(present, counts.diagonal() / np.maximum(counts.sum(axis=1), 1), 1)
    precision = counts.diagonal() / np.maximum(counts.sum(axis=0), 1)
    found = _class(hardest, "The hardest class")
    require(
        same(recall[found], recall.min()) or found != int(precision.argmin()),
        f"{CLASS_NAMES[found]} has the lowest precision. The hardest class is the one of whose images the fewest are "
        "found, so the one with the lowest recall.",
    )
    require(
        same(recall[found], recall.min()),
        f"Of the class {CLASS_NAMES[found]}, {recall[found]:.1%} of the images are classified correctly. For another "
        "class it is less.",
    )
    places = array(mistakes, what="the mistakes").ravel()
    wrong = int(np.sum((labels == found) & (predicted != labels)))
    wanted = min(4, wrong)
    require(places.size == wanted, f"Expected the positions of {wanted} images, found {places.size}.")
    images = [_place(value, len(labels), f"Mistake {i}") for i, value in enumerate(places, start=1)]
    require(len(set(images)) == len(images), "The same image is there twice. Choose different ones.")
    for image in images:
        require(
            labels[image] == found,
            f"Image {image} is not of the class {CLASS_NAMES[found]}, but of {CLASS_NAMES[labels[image]]}"
            + (", and was classified so by mistake." if predicted[image] == found else "."),
        )
        _require_mistake(image, labels, predicted, f"Image {image}")
    taken = ", ".join(sorted({CLASS_NAMES[predicted[image]] for image in images}))
    return f"The hardest class is {CLASS_NAMES[found]} ({recall[found]:.0%} found). Yours were classified as {taken}."
