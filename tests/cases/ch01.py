"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 01."""

import numpy as np

from tests.cases.answers import Args, Tensor


class Shape:
    """Like TensorFlow's own kind of shape, which is neither a list nor a tuple."""

    def __init__(self, sizes):
        self.sizes = sizes

    def __iter__(self):
        return iter(self.sizes)


FIRST = [(32, 16, 26, 26), (32, 16, 13, 13), (32, 24, 9, 9), (32, 24, 4, 4), (32, 384), (32, 10)]
LAST = [(32, 26, 26, 16), (32, 13, 13, 16), (32, 9, 9, 24), (32, 4, 4, 24), (32, 384), (32, 10)]


def changed(shapes, **layers):
    """`shapes` with other ones at the layers `l1` to `l6`."""
    return [layers.get(f"l{i}", shape) for i, shape in enumerate(shapes, start=1)]


EDGES = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]
SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]) / 4
BOX = np.full((3, 3), 1 / 9)
GAUSS = np.outer([1, 2, 1], [1, 2, 1]) / 16


def by_pixel(photos):
    moved = np.empty((len(photos), 3, 28, 28))
    for channel in range(3):
        moved[:, channel] = photos[:, :, :, channel]
    return moved


def by_counting(one_hot):
    return [list(row).index(1) for row in one_hot]


def mean_of_batches(predictions, labels, batch_size):
    begins = range(0, len(labels), batch_size)
    return np.mean([np.mean(predictions[b : b + batch_size] == labels[b : b + batch_size]) for b in begins])


def weighted(predictions, labels, batch_size):
    total = 0.0
    for begin in range(0, len(labels), batch_size):
        part = labels[begin : begin + batch_size]
        total += np.mean(predictions[begin : begin + batch_size] == part) * len(part)
    return total / len(labels)


def full_batches_only(predictions, labels, batch_size):
    kept = len(labels) // batch_size * batch_size
    return np.mean(predictions[:kept] == labels[:kept])


def as_if_all_were_full(predictions, labels, batch_size):
    return np.sum(predictions == labels) / (-(-len(labels) // batch_size) * batch_size)


def recall_by_loop(counts):
    return [counts[k, k] / sum(counts[k]) for k in range(len(counts))]


def softmax(values):
    return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)


generator = np.random.default_rng(0)
LOGITS = generator.normal(size=(20, 10))

# Two made-up networks: the truth, mixed with noise, of which the second has less.
N = 2000
LABELS = generator.integers(0, 10, N)
DENSE = softmax(2.0 * np.eye(10)[LABELS] + generator.normal(size=(N, 10)))
CNN = softmax(2.6 * np.eye(10)[LABELS] + generator.normal(size=(N, 10)))
DENSE_RIGHT, CNN_RIGHT, PAIR_RIGHT = (p.argmax(axis=1) == LABELS for p in (DENSE, CNN, DENSE + CNN))
FEWER = int(PAIR_RIGHT.sum()) - int(CNN_RIGHT.sum())
ERROR = np.sqrt(np.sum(PAIR_RIGHT != CNN_RIGHT) - FEWER**2 / N)
SEPARATE = np.sqrt(sum(N * r.mean() * (1 - r.mean()) for r in (CNN_RIGHT, PAIR_RIGHT)))
RESAMPLED = (PAIR_RIGHT.astype(int) - CNN_RIGHT)[generator.integers(0, N, (2000, N))].sum(axis=1)
MEAN_CLASS = (DENSE.argmax(axis=1) + CNN.argmax(axis=1)) // 2 == LABELS


def interval(fewer, half):
    return (fewer, fewer - half, fewer + half)


def gain(answer):
    return Args((answer, DENSE, CNN, LABELS))


CASES = {
    "dense_parameters": {
        "right": [235146, 235146.0, np.int64(235146), Tensor([235146]), (784 + 1) * 256 + 257 * 128 + 129 * 10],
        "wrong": [
            (784 * 256 + 256 * 128 + 128 * 10, "the weights alone"),
            (784 * 256 + 256 * 128 + 128 * 10 + 3, "every unit has its own"),
            (235146 + 784, "they have no bias"),
            (235146 - 10, "the last layer is a dense layer like the others"),
            (109386, "the chapter's network"),
            (784 * 256 + 256, "one layer of the three"),
            (784 * 256 + 256 + 784 * 128 + 128 + 784 * 10 + 10, "the inputs of each"),
            (235.146, "whole number"),
            ("many", "Expected numbers"),
        ],
    },
    "cnn_shapes": {
        "right": [
            Args((FIRST, "first")),
            Args((LAST, "last")),
            Args(([list(shape) for shape in LAST], "last")),
            Args(([Shape(shape) for shape in LAST], "last")),
            Args((tuple(tuple(np.int64(n) for n in shape) for shape in FIRST), "first")),
        ],
        "wrong": [
            (Args((LAST, "first")), "channels first"),
            (Args((FIRST, "last")), "channels last"),
            (Args(([shape[1:] for shape in FIRST], "first")), "the images of the batch"),
            (Args(([(32, 28, 28, 1), *LAST], "last")), "Expected six shapes"),
            (Args((changed(LAST, l1=(32, 28, 28, 16)), "last")), "how many places"),
            (Args((changed(FIRST, l4=(32, 24, 5, 5)), "first")), "is dropped"),
            (Args((changed(FIRST, l5=(32, 16)), "first")), "in one row"),
            (Args((changed(LAST, l3=(32, 9, 9, 16)), "last")), "number of filters"),
            (Args(([(None, *shape[1:]) for shape in LAST], "last")), "no axis is left open"),
            (Args((changed(LAST, l5=384), "last")), "a shape such as"),
            (Args((384, "last")), "a list of six shapes"),
        ],
    },
    "filters": {
        "right": [
            Args((EDGES, BOX)),
            Args((SOBEL, GAUSS.tolist())),
            Args((Tensor(EDGES), Tensor(BOX))),
            Args(([[0, -1, 0], [0, 0, 0], [0, 1, 0]], [[0, 0.2, 0], [0.2, 0.2, 0.2], [0, 0.2, 0]])),
            Args(([[0, 0, 0], [-1, -1, -1], [1, 1, 1]], np.round(BOX, 3))),
        ],
        "wrong": [
            (Args((np.transpose(EDGES), BOX)), "compares left with right"),
            (Args((np.negative(EDGES), BOX)), "gets darker downwards"),
            (Args(([[1, 1, 1], [0, 0, 0], [1, 1, 1]], BOX)), "on an even area"),
            (Args(([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]], BOX)), "thin lines"),
            (Args(([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], BOX)), "also answers to vertical edges"),
            (Args((np.zeros((3, 3)), BOX)), "nothing but zeros"),
            (Args(([-1, 0, 1], BOX)), "in the shape (3, 3)"),
            (Args((EDGES, np.ones((3, 3)))), "multiplies the brightness of an even area by 9"),
            (Args((EDGES, [[0, 0, 0], [0, 1, 0], [0, 0, 0]])), "lets most of the picture through"),
            (Args((EDGES, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])), "should be negative"),
            (Args((EDGES, [[0.25, 0.25, 0], [0.25, 0.25, 0], [0, 0, 0]])), "shifts the picture"),
        ],
    },
    "channel_axis": {
        "right": [
            Args((lambda photos: np.transpose(photos, (0, 3, 1, 2)), "first")),
            Args((lambda photos: Tensor(np.moveaxis(photos, -1, 1)), "first")),
            Args((by_pixel, "first")),
            Args((lambda photos: np.moveaxis(photos, 1, -1), "last")),
            Args((lambda photos: np.stack([photos[:, channel] for channel in range(3)], axis=-1), "last")),
            Args((lambda photos: np.array([image.transpose(1, 2, 0) for image in photos]), "last")),
        ],
        "wrong": [
            (Args((lambda photos: photos.reshape(len(photos), 3, 28, 28), "first")), "cut up differently"),
            (Args((lambda photos: photos.reshape(len(photos), 28, 28, 3), "last")), "cut up differently"),
            (Args((lambda photos: photos.T, "first")), "images went in with the shape"),
            (Args((lambda photos: np.swapaxes(photos, 1, 3), "first")), "lies on its side"),
            (Args((lambda photos: np.swapaxes(photos, 1, 3), "last")), "lies on its side"),
            (Args((lambda photos: photos, "last")), "images went in with the shape"),
            (Args((lambda photos: np.moveaxis(photos, -1, 1)[:, ::-1], "first")), "reverse order"),
            (Args((lambda photos: np.moveaxis(photos, 1, -1)[:, ::-1], "last")), "not every pixel"),
            (Args((lambda photos: photos.permute(0, 3, 1, 2), "first")), "stopped with AttributeError"),
            (Args((np.zeros((5, 3, 28, 28)), "first")), "Expected a function"),
        ],
    },
    "class_numbers": {
        "right": [
            lambda one_hot: one_hot.argmax(axis=1),
            lambda one_hot: one_hot @ np.arange(one_hot.shape[1]),
            lambda one_hot: np.nonzero(one_hot)[1],
            lambda one_hot: Tensor(np.argmax(one_hot, -1).astype("uint8")),
            by_counting,
        ],
        "wrong": [
            (lambda one_hot: one_hot.max(axis=1), "came out as 1"),
            (lambda one_hot: one_hot.argmax(axis=0), "wrong axis"),
            (lambda one_hot: one_hot.argmax(axis=1) + 1, "counted from 0"),
            (lambda one_hot: one_hot.argmax(axis=1)[:, None], "in the shape (12,)"),
            (lambda one_hot: one_hot.argmax(), "in the shape (12,)"),
            (lambda one_hot: one_hot.astype("int64"), "still one-hot"),
            (lambda one_hot: one_hot[:, ::-1].argmax(axis=1), "wrong end"),
            (lambda one_hot: one_hot.argmin(axis=1), "the position of the 1 in each row"),
            (lambda one_hot: one_hot.argmax(axis=2), "stopped with AxisError"),
        ],
    },
    "lowest_loss": {
        "right": [-np.log(np.e / (np.e + 9)), 1.46, "1.461", np.array([1.4612]), Tensor(np.log1p(9 / np.e))],
        "wrong": [
            (0, "would need the probability 1"),
            (2.303, "that guesses"),
            (np.e / (np.e + 9), "This is the probability that the true class gets"),
            (1 - np.e / (np.e + 9), "the other classes"),
            (-1.461, "cannot be below 0"),
            (-np.log10(np.e / (np.e + 9)), "base 10"),
            (2.461, "the highest value"),
            (np.log(1 + 10 / np.e), "ten classes in all"),
            (1.7, "by hand"),
            ([1, 2], "Expected one number"),
        ],
    },
    "logits": {
        "right": [LOGITS, Tensor(5 * LOGITS - 3), LOGITS.tolist(), np.log(softmax(LOGITS)), LOGITS / 100],
        "wrong": [
            (softmax(LOGITS), "there is a softmax at the end"),
            (Tensor(softmax(9 * LOGITS).astype("float32")), "there is a softmax at the end"),
            (1 / (1 + np.exp(-LOGITS)), "between 0 and 1"),
            (np.maximum(3 * LOGITS, 0), "No output is negative"),
            (generator.normal(size=(20, 64)), "found 64"),
            (LOGITS[0], "found the shape (10,)"),
            (np.zeros((20, 10)), "does not look at the images"),
            (np.full((20, 10), np.nan), "not finite"),
        ],
    },
    "batched_accuracy": {
        "right": [
            weighted,
            lambda predictions, labels, batch_size: np.mean(predictions == labels),
            lambda predictions, labels, batch_size: Tensor([sum(predictions == labels) / len(labels)]),
            lambda predictions, labels, batch_size: (
                sum(
                    np.sum(predictions[b : b + batch_size] == labels[b : b + batch_size])
                    for b in range(0, len(labels), batch_size)
                )
                / len(labels)
            ),
        ],
        "wrong": [
            (mean_of_batches, "still the average of the batches"),
            (full_batches_only, "left out"),
            (as_if_all_were_full, "as if every batch were full"),
            (lambda p, labels, size: np.sum(p == labels) / (len(labels) // size * size), "the full batches only"),
            (lambda p, labels, size: 100 * np.mean(p == labels), "not per cent"),
            (lambda p, labels, size: np.sum(p == labels), "how many are right"),
            (lambda p, labels, size: np.mean((p == labels)[(len(p) - 1) // size * size :]), "last batch alone"),
            (lambda p, labels, size: np.mean(p != labels), "wrong answers"),
            (lambda p, labels, size: np.sum(p == labels) / size, "divide once"),
            (lambda p, labels, size: p == labels, "Expected one number"),
            (0.9, "Expected a function"),
        ],
    },
    "recall_per_class": {
        "right": [
            lambda counts: counts.diagonal() / counts.sum(axis=1),
            lambda counts: Tensor(np.diag(counts) / np.sum(counts, 1)),
            lambda counts: (counts / counts.sum(axis=1, keepdims=True)).diagonal(),
            recall_by_loop,
        ],
        "wrong": [
            (lambda counts: counts.diagonal() / counts.sum(axis=0), "This is precision"),
            (lambda counts: counts.diagonal(), "numbers of right answers"),
            (lambda counts: counts.diagonal() / counts.sum(), "by all images"),
            (lambda counts: 100 * counts.diagonal() / counts.sum(axis=1), "per cent"),
            (lambda counts: 1 - counts.diagonal() / counts.sum(axis=1), "was missed"),
            (lambda counts: counts.trace() / counts.sum(), "a single number"),
            (lambda counts: 2 * counts.diagonal() / (counts.sum(axis=0) + counts.sum(axis=1)), "F1"),
            (lambda counts: counts / counts.sum(axis=1, keepdims=True), "10 numbers for 10 classes"),
            (lambda counts: np.array([counts[k, k] / counts[k].sum() for k in range(10)]), "stopped with IndexError"),
            (lambda counts: counts.max(axis=0) / counts.max(), "the sum of the row"),
        ],
    },
    "average_of_two": {
        "right": [
            gain(interval(FEWER, 1.96 * ERROR)),
            gain(list(interval(FEWER, 2 * ERROR))),
            gain(np.round(interval(FEWER, 1.96 * ERROR))),
            gain(Tensor(interval(FEWER, 1.96 * np.sqrt(np.sum(PAIR_RIGHT != CNN_RIGHT))))),
            gain((FEWER, *np.percentile(RESAMPLED, [2.5, 97.5]))),
            Args(((0, 0, 0), CNN, CNN, LABELS)),
        ],
        "wrong": [
            (gain(interval(-FEWER, 1.96 * ERROR)), "not the sign"),
            (gain(np.divide(interval(FEWER, 1.96 * ERROR), N)), "a share of the images"),
            (gain(100 * np.divide(interval(FEWER, 1.96 * ERROR), N)), "in per cent"),
            (gain(interval(int(PAIR_RIGHT.sum()) - int(DENSE_RIGHT.sum()), 30)), "with the dense network"),
            (gain(interval(int(CNN_RIGHT.sum()) - int(DENSE_RIGHT.sum()), 30)), "no part in it"),
            (gain(interval(int(MEAN_CLASS.sum()) - int(CNN_RIGHT.sum()), 30)), "Class numbers were averaged"),
            (gain(interval(int(PAIR_RIGHT.sum()), 30)), "how many images the pair gets right"),
            (gain(interval(FEWER + 5, 1.96 * ERROR)), "take the largest, and count"),
            (gain(interval(FEWER, ERROR)), "one standard error wide"),
            (gain(interval(FEWER, 1.96 * SEPARATE)), "from different images"),
            (gain(interval(FEWER, 1.96 * ERROR / N)), "Expected numbers of images"),
            (gain(interval(FEWER, 5 * ERROR)), "1.96 standard errors"),
            (gain((FEWER, FEWER + 1.96 * ERROR, FEWER - 1.96 * ERROR)), "lower end"),
            (gain((FEWER, 0, 2 * 1.96 * ERROR)), "in the middle"),
            (gain(FEWER), "in the shape (3,)"),
        ],
    },
}
