"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 03."""

import numpy as np
from scipy.signal import correlate2d
from scipy.stats import rankdata, spearmanr

from tests.cases import inside
from tests.cases.answers import Args, Tensor

# Exercise 3.3


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


# Exercise 3.4

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


# Exercise 3.6


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


# Exercise 3.8


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


# Exercise 3.9


def agreement_variant(*, one=lambda a, b: spearmanr(a.ravel(), b.ravel())[0], middle=np.mean, half=None):
    def answer(maps, others):
        each = np.array([one(a, b) for a, b in zip(maps, others, strict=True)])
        return middle(each), half(each) if half else 1.96 * each.std() / np.sqrt(len(each))

    return answer


def agreement_by_ranks(maps, others):
    ranks = [rankdata(rows.reshape(len(rows), -1), axis=1) for rows in (maps, others)]
    centred = [rows - rows.mean(axis=1, keepdims=True) for rows in ranks]
    squares = [(rows**2).sum(axis=1) for rows in centred]
    each = (centred[0] * centred[1]).sum(axis=1) / np.sqrt(squares[0] * squares[1])
    return Tensor([each.mean(), 1.96 * each.std(ddof=1) / np.sqrt(len(each))])


def all_in_one_list(maps, others):
    _, half = agreement_by_ranks(maps, others).values
    return spearmanr(maps.ravel(), others.ravel())[0], half


def averaged_first(maps, others):
    _, half = agreement_by_ranks(maps, others).values
    return spearmanr(maps.mean(axis=0).ravel(), others.mean(axis=0).ravel())[0], half


CASES = inside.CASES | {
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
            (Args((9, (4, 8))), "as if there were no pooling"),
            (Args((11, (4, 8))), "added up"),
            (Args((10, (4, 8))), "second convolution"),
            (Args((12, (4, 8))), "second pooling"),
            (Args((14, (4, 8))), "left out the second pooling"),
            (Args((16, (4, 8))), "sees 5×5 pixels"),
            (Args((17, (4, 8))), "more than one value itself"),
            (Args((36, (4, 8))), "side by side"),
            (Args((21, (4, 8))), "Go backwards from one value"),
            (Args((20, ...)), "Still missing: `field_corner`"),
            (Args((20, (8, 4))), "swapped"),
            (Args((20, (2, 4))), "one pooling of the two"),
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
            (scores_variant(patch_mean=False), "Subtract its mean"),
            (scores_variant(filter_mean=True), "from the filter, too"),
            (scores_variant(patch_length=False), "not by that of the patch"),
            (scores_variant(filter_length=False), "Divide by its norm"),
            (scores_variant(patch_length=False, filter_length=False), "sums of products"),
            (scores_variant(late=True), "the patch without its mean"),
            (scores_variant(reduce=np.mean), "average over all patches"),
            (scores_variant(reduce=lambda c, axis: np.abs(c).max(axis)), "ignored the sign"),
            (scores_variant(reduce=lambda c, axis: c), "the largest for each filter"),
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
            (one_by_one(side_off=1), "The values are not right"),
            (one_by_one(transpose=True), "Rows and columns are swapped"),
            (one_by_one(lambda falls: 100 * falls), "percentage points"),
            (one_by_one(lambda falls: np.maximum(falls, 0)), "Where the probability rises"),
            (one_by_one(flat=True), "expected a map of 22×22"),
            (spoils_the_image, "has changed the image"),
            (no_batch_axis, "also when N is 1"),
        ],
    },
    "nearest": {
        "right": [nearest, nearest_backwards, nearest_one_by_one, nearest_on_the_sphere],
        "wrong": [
            (lambda n, library, count: np.argsort(-n @ library.T, axis=1)[:, :count], "Rows with large values"),
            (by_distance, "Euclidean distance"),
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
    "agreement": {
        "right": [agreement_variant(), agreement_by_ranks, lambda *maps: list(agreement_variant()(*maps))],
        "wrong": [
            (agreement_variant(one=lambda a, b: np.corrcoef(a.ravel(), b.ravel())[0, 1]), "compares the orders"),
            (all_in_one_list, "one long list"),
            (averaged_first, "average the maps first"),
            (agreement_variant(middle=np.median), "This is the median"),
            (agreement_variant(middle=np.max), "The mean is not right"),
            (agreement_variant(half=lambda each: each.std() / np.sqrt(len(each))), "1.96 times as much"),
            (agreement_variant(half=lambda each: 1.96 * each.std()), "spread of single images"),
            (agreement_variant(half=np.std), "multiply by 1.96"),
            (agreement_variant(half=lambda each: 1.96 * each.std() / len(each)), "not by N"),
            (agreement_variant(half=lambda each: 3.92 * each.std() / np.sqrt(len(each))), "the whole interval"),
            (agreement_variant(half=lambda each: 1.96 * each.std() / 8), "not of places"),
            (agreement_variant(half=np.ptp), "Half of the interval is not right"),
            (lambda maps, others: 0.5, "in the shape (2,)"),
        ],
    },
}  # fmt: skip
