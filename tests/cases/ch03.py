"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 03."""

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize_scalar
from scipy.signal import correlate2d
from scipy.special import log_softmax, softmax
from scipy.stats import bootstrap

from tests.cases.answers import Args, Tensor

# Exercise 2


def scores(filters, patches):
    filters, patches = filters.reshape(len(filters), 9), patches.reshape(len(patches), 9)
    patches = patches - patches.mean(axis=1, keepdims=True)
    patches = patches / np.linalg.norm(patches, axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(filters, axis=1, keepdims=True), 1e-12)
    return (filters / lengths @ patches.T).max(axis=1)


def scores_in_loops(filters, patches):
    best = []
    for one in filters:
        found = []
        for patch in patches:
            even = patch - np.mean(patch)
            both = np.sqrt(np.sum(one**2)) * np.sqrt(np.sum(even**2))
            found.append(np.sum(one * even) / both if both > 0 else 0.0)
        best.append(max(found))
    return best


def scores_by_einsum(filters, patches):
    even = patches - patches.mean((1, 2), keepdims=True)
    products = np.einsum("nij,mij->nm", filters, even)
    lengths = np.sqrt((filters**2).sum((1, 2)))[:, None] * np.sqrt((even**2).sum((1, 2)))
    return Tensor(np.clip(np.nan_to_num(products / lengths).max(axis=1), -1, 1))


def scores_variant(
    *, patch_mean=True, filter_mean=False, patch_length=True, filter_length=True, late=False, reduce=np.max
):
    def variant(filters, patches):
        rows, patches = filters.reshape(len(filters), 9), patches.reshape(len(patches), 9)
        even = patches - patches.mean(axis=1, keepdims=True) if patch_mean else patches
        rows = rows - rows.mean(axis=1, keepdims=True) if filter_mean else rows
        if patch_length:
            even = even / np.linalg.norm(patches if late else even, axis=1, keepdims=True)
        if filter_length:
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return reduce(rows @ even.T, axis=1)

    return variant


def nan_for_zero(filters, patches):
    rows, even = filters.reshape(-1, 9), patches.reshape(-1, 9) - patches.mean(axis=(1, 2))[:, None]
    return (rows / np.linalg.norm(rows, axis=1)[:, None] @ (even / np.linalg.norm(even, axis=1)[:, None]).T).max(axis=1)


# Exercise 3

generator = np.random.default_rng(0)
WEIGHTS = [
    (generator.normal(0, 0.3, (6, 1, 3, 3)), generator.normal(0, 0.1, 6)),
    (generator.normal(0, 0.2, (8, 6, 3, 3)), generator.normal(0, 0.1, 8)),
]


def conv(maps, kernel, bias):
    """As slow and as plain as can be, so that it is not the code of the check."""

    def one(image, filters, b):
        return sum(correlate2d(m, f, mode="valid") for m, f in zip(image, filters, strict=True)) + b

    return np.array([[one(image, *filter) for filter in zip(kernel, bias, strict=True)] for image in maps])


def pool(maps):
    side = maps.shape[2] // 2 * 2
    cut = maps[:, :, :side, :side]
    return np.max([cut[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=0)


def stages(images, relu=True, scale=255):
    cut = (lambda maps: np.maximum(maps, 0)) if relu else (lambda maps: maps)
    first = conv(images[:, None] / scale, *WEIGHTS[0])
    second = conv(np.maximum(pool(first), 0), *WEIGHTS[1])
    return {"conv 1": cut(first), "pool 1": cut(pool(first)), "conv 2": cut(second), "pool 2": cut(pool(second))}


def relu_before_pool(images):
    first = np.maximum(conv(images[:, None] / 255, *WEIGHTS[0]), 0)
    second = np.maximum(conv(pool(first), *WEIGHTS[1]), 0)
    return {"pool 2": pool(second), "conv 2": second, "pool 1": pool(first), "conv 1": first, "more": first}


def leaky(images):
    return {stage: np.maximum(maps, 0.01 * maps) for stage, maps in stages(images, relu=False).items()}


class Leaky:
    """A network that counts what is hung into it."""

    def __init__(self, before=0, leak=4):
        self.count, self.leak = before, leak

    def hooks(self):
        return self.count

    def activations(self, images):
        self.count += self.leak
        return stages(images)


LEAKY, TIDY = Leaky(), Leaky(before=4, leak=0)


def only_first_images():
    kept = {}

    def activations(images):
        return kept.setdefault("maps", stages(images)) | {}

    return activations


def stale(images, first=only_first_images()):  # noqa: B008
    return {stage: maps[: len(images)] for stage, maps in first(images).items()}


# Exercise 4


def occlusion(predict, image, side):
    before = predict(image[np.newaxis])[0]
    places = len(image) - side + 1
    covered = np.repeat(image[np.newaxis], places**2, axis=0)
    for number, (top, left) in enumerate(np.ndindex(places, places)):
        covered[number, top : top + side, left : left + side] = 0
    return before[before.argmax()] - predict(covered)[:, before.argmax()].reshape(places, places)


def one_by_one(change=lambda fall: fall, *, copy=True, follow=True, last=1, side_off=0, transpose=False, flat=False):
    def variant(predict, image, side):
        before = predict(image[None])[0]
        places = len(image) - side + last
        result, covered = np.zeros((places, places)), image.copy()
        for top in range(places):
            for left in range(places):
                covered = image.copy() if copy else covered
                covered[top : top + side + side_off, left : left + side + side_off] = 0
                after = predict(covered.reshape(1, 28, 28))[0]
                result[top, left] = before.max() - (after[before.argmax()] if follow else after.max())
        result = change(result.T if transpose else result)
        return result.ravel() if flat else result

    return variant


def by_rows_of_images(predict, image, side):
    answer = int(np.argmax(predict(image[None, :, :])[0]))
    falls = []
    for top in range(29 - side):
        batch = []
        for left in range(29 - side):
            mask = np.ones((28, 28))
            mask[top : top + side, left : left + side] = 0
            batch.append(image * mask)
        falls.append(predict(np.array([image, *batch]))[:, answer])
    falls = np.array(falls)
    return Tensor(falls[:, :1] - falls[:, 1:])


def spoils_the_image(predict, image, side):
    result = occlusion(predict, image, side)
    image[:side, :side] = 0
    return result


def no_batch_axis(predict, image, side):
    return predict(image).max() * np.ones((29 - side, 29 - side))


# Exercise 5


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


# Exercise 6


def cosines(numbers, library):
    lengths = np.linalg.norm(numbers, axis=1)[:, None] * np.linalg.norm(library, axis=1)
    return numbers @ library.T / np.maximum(lengths, 1e-12)


def nearest(numbers, library, count):
    return np.argsort(-cosines(numbers, library), axis=1)[:, :count]


def nearest_backwards(numbers, library, count):
    return Tensor(np.argsort(cosines(numbers, library), axis=1)[:, ::-1][:, :count])


def nearest_one_by_one(numbers, library, count):
    rows = []
    for one in numbers:
        found = [(float(one @ other / np.sqrt((one @ one) * (other @ other))), k) for k, other in enumerate(library)]
        rows.append([k for _, k in sorted(found, reverse=True)[:count]])
    return rows


def nearest_on_the_sphere(numbers, library, count):
    one, other = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (numbers, library))
    return ((one[:, None] - other) ** 2).sum(axis=2).argsort(axis=1)[:, :count]


def in_any_order(numbers, library, count):
    return np.sort(nearest(numbers, library, count), axis=1)


def by_distance(numbers, library, count):
    return ((numbers[:, None] - library) ** 2).sum(axis=2).argsort(axis=1)[:, :count]


def in_place(numbers, library, count):
    library /= np.linalg.norm(library, axis=1, keepdims=True)
    return nearest(numbers, library, count)


# Exercise 7


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


# Exercise 8

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


CASES = {
    "maps_shape": {
        "right": [
            Args(((50, 48, 3, 3), "first")),
            Args(([50, 3, 3, 48], "last")),
            Args((np.array([50, 48, 3, 3]), "first")),
            Args((Tensor([50.0, 3.0, 3.0, 48.0]).values, "last")),
        ],
        "wrong": [
            (Args(((50, 3, 3, 48), "first")), "has its channels first"),
            (Args(((50, 48, 3, 3), "last")), "has its channels last"),
            (Args(((48, 3, 3), "first")), "the 50 images are the first axis"),
            (Args(((None, 3, 3, 48), "last")), "no axis is left open"),
            (Args(((50, 24, 3, 3), "first")), "Found 24 channels"),
            (Args(((50, 48, 7, 7), "first")), "as if something were added"),
            (Args(((50, 4, 4, 48), "last")), "Found a side of 4"),
            (Args(((50, 432), "last")), "Expected four axes"),
            (Args((50, "last")), "Expected a shape"),
        ],
    },
    "receptive_field": {
        "right": [Args((20, (4, 8))), Args((20.0, [4, 8])), Args((np.int64(20), np.array([4.0, 8.0]))),
                  Args((Tensor([20]), Tensor([4, 8])))],
        "wrong": [
            (Args((9, (4, 8))), "as if there were no pools"),
            (Args((11, (4, 8))), "added up"),
            (Args((10, (4, 8))), "second convolution"),
            (Args((12, (4, 8))), "second pool"),
            (Args((14, (4, 8))), "left out the second pool"),
            (Args((16, (4, 8))), "sees 5×5 pixels"),
            (Args((17, (4, 8))), "more than one number itself"),
            (Args((36, (4, 8))), "side by side"),
            (Args((21, (4, 8))), "Go backwards from one number"),
            (Args((20, ...)), "Still missing: `field_corner`"),
            (Args((20, (8, 4))), "swapped"),
            (Args((20, (2, 4))), "one pool of the two"),
            (Args((20, (1, 2))), "more than one pixel"),
            (Args((20, (20, 40))), "side by side"),
            (Args((20, (5, 9))), "does not begin at 5, 9"),
            (Args((20, 4)), "the corner"),
        ],
    },
    "pattern_scores": {
        "right": [scores, scores_in_loops, scores_by_einsum, scores_variant()],
        "wrong": [
            (lambda filters, patches: np.maximum(scores(filters, patches), 0), "Where does your search"),
            (scores_variant(patch_mean=False), "Take its mean off"),
            (scores_variant(filter_mean=True), "off the filter, too"),
            (scores_variant(patch_length=False), "that of the patch is not"),
            (scores_variant(filter_length=False), "divide by its length"),
            (scores_variant(patch_length=False, filter_length=False), "sums of products"),
            (scores_variant(late=True), "the patch without its mean"),
            (scores_variant(reduce=np.mean), "average over all patches"),
            (scores_variant(reduce=lambda c, axis: np.abs(c).max(axis)), "ignored the sign"),
            (scores_variant(reduce=lambda c, axis: c), "the best of them"),
            (scores_variant(reduce=lambda c, axis: c.max(axis=0)), "one for each filter"),
            (nan_for_zero, "A filter of zeros"),
            (lambda filters, patches: np.ones(len(filters)), "Go through the definition"),
        ],
    },
    "activations": {
        "right": [
            Args((stages, WEIGHTS)),
            Args((relu_before_pool, WEIGHTS)),
            Args((lambda images: {k: Tensor(v.astype("float32")) for k, v in stages(images).items()}, WEIGHTS)),
            Args((TIDY.activations, WEIGHTS, TIDY.hooks)),
        ],
        "wrong": [
            (Args((lambda images: dict.fromkeys(stages(images), stages(images)["pool 2"]), WEIGHTS)), "one shape"),
            (Args((lambda images: {"pool 2": stages(images)["pool 2"]}, WEIGHTS)), "has no conv 1"),
            (Args((lambda images: {k: np.moveaxis(v, 1, -1) for k, v in stages(images).items()}, WEIGHTS)),
             "channels are the last axis"),
            (Args((lambda images: stages(images, relu=False), WEIGHTS)), "before the ReLU"),
            (Args((leaky, WEIGHTS)), "ReLU leaves none"),
            (Args((lambda images: stages(images, scale=1), WEIGHTS)), "from 0 to 1"),
            (Args((lambda images: stages(images) | {"pool 1": stages(images)["conv 1"]}, WEIGHTS)),
             "the shape of conv 1"),
            (Args((stale, WEIGHTS)), "those of this call"),
            (Args((LEAKY.activations, WEIGHTS, LEAKY.hooks)), "left 8 hooks"),
            (Args((lambda images: list(stages(images).values()), WEIGHTS)), "Expected a dict"),
        ],
    },
    "occlusion_map": {
        "right": [occlusion, by_rows_of_images, one_by_one(), one_by_one(lambda falls: falls.astype("float32"))],
        "wrong": [
            (one_by_one(lambda falls: -falls), "The sign"),
            (one_by_one(copy=False), "The holes add up"),
            (one_by_one(follow=False), "Follow one class"),
            (one_by_one(last=0), "one place more"),
            (one_by_one(side_off=1), "The numbers are not right"),
            (one_by_one(transpose=True), "Rows and columns are swapped"),
            (one_by_one(lambda falls: 100 * falls), "percentage points"),
            (one_by_one(lambda falls: np.maximum(falls, 0)), "Where the probability rises"),
            (one_by_one(flat=True), "expected a map of 22×22"),
            (spoils_the_image, "has changed the image"),
            (no_batch_axis, "also when N is 1"),
        ],
    },
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
    "nearest": {
        "right": [nearest, nearest_backwards, nearest_one_by_one, nearest_on_the_sphere],
        "wrong": [
            (lambda n, library, count: np.argsort(-n @ library.T, axis=1)[:, :count], "Rows with large numbers"),
            (by_distance, "straight distance"),
            (lambda n, library, count: np.argsort(cosines(n, library), axis=1)[:, :count], "smallest cosines"),
            (lambda n, library, count: np.argsort(cosines(n, library), axis=1)[:, -count:], "the nearest comes last"),
            (in_any_order, "not in order"),
            (lambda n, library, count: np.sort(cosines(n, library), axis=1)[:, ::-1][:, :count], "whole numbers"),
            (lambda n, library, count: nearest(n, library, count + 1)[:, 1:], "left out the nearest"),
            (lambda n, library, count: nearest(n, library, count).T, "The axes are swapped"),
            (lambda n, library, count: nearest(n, library, len(library)), "expected the shape (9, 5)"),
            (in_place, "has changed the arrays"),
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
