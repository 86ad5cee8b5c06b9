"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 01.

The networks are made in NumPy: what the checks look at, `values` and `logits_of`, comes from the notebook anyway.
"""

import itertools

import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax

from fmnist import data
from fmnist.checks import networks
from fmnist.checks.calls import Trained
from fmnist.data import CLASS_NAMES
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


# Networks: a list of parameters, and a function that computes the logits of images with pixels from 0 to 1


class Model:
    def __init__(self, parameters, function):
        self.arrays, self.function = parameters, function

    def __call__(self, images):
        return self.function(self.arrays, images)


def values(model):
    return model.arrays


def logits_of(model, images):
    return model(np.asarray(images) / 255)


generator = np.random.default_rng(0)


def arrays_of(*shapes):
    """Weights and biases of layers with weights of these shapes; of convolutions, the filters are the first axis."""
    found = []
    for shape in shapes:
        inputs = shape[0] if len(shape) == 2 else np.prod(shape[1:])
        units = shape[1] if len(shape) == 2 else shape[0]
        found += [generator.normal(0, np.sqrt(2 / inputs), shape), generator.normal(0, 0.1, units)]
    return found


def dense(*units, activation=networks.relu, end=lambda logits: logits, flat=True, biases=True, turned=False):
    """A function that builds a dense network, or one with a slip; `turned` keeps the weights as PyTorch does."""

    def function(arrays, images):
        rows = images.reshape(len(images), -1) if flat else images
        parts = [part.T if turned and part.ndim == 2 else part for part in arrays]
        parts = parts if biases else [each for part in parts for each in (part, 0)]
        return end(networks.dense(parts, rows, activation)[-1])

    def build():
        arrays = arrays_of(*itertools.pairwise(units))
        arrays = [part.T if turned and part.ndim == 2 else part for part in arrays]
        return Model(arrays if biases else arrays[::2], function)

    return build


def without_second_relu():
    def function(arrays, images):
        hidden = networks.relu(networks.dense(arrays[:2], images.reshape(len(images), -1))[-1])
        return (hidden @ arrays[2] + arrays[3]) @ arrays[4] + arrays[5]

    return Model(arrays_of((784, 256), (256, 128), (128, 10)), function)


ONE_MODEL = dense(784, 256, 128, 10)()


def shapes_that_do_not_fit():
    return dense(28, 256, 128, 10)()


def stopped_in_the_framework():
    """Return a network with a method of its framework, in which it stops: such a line is not the student's."""
    code = compile("def forward(self, images): return images @ 1", "/lib/site-packages/nn.py", "exec")
    defined = {}
    exec(code, defined)
    return type("Sequential", (Model,), {"forward": defined["forward"], "__call__": defined["forward"]})([], None)


def no_return():
    dense(784, 256, 128, 10)()


class WithMethods(Model):
    def parameters(self):
        return self.arrays


def small_cnn(
    first=networks.relu,
    second=networks.relu,
    end=lambda logits: logits,
    largest=True,
    channels="first",
    kernel=5,
    keras=False,
):
    """A function that builds the CNN of exercise 1.6, or one with a slip; `keras` keeps the filters as Keras does."""

    def function(arrays, images):
        kernel_1, bias_1, kernel_2, bias_2, weights, bias = networks.neutral(arrays)
        maps = networks.pooled(first(networks.convolved(images[:, None], kernel_1, bias_1)), largest)
        maps = networks.pooled(second(networks.convolved(maps, kernel_2, bias_2)), largest)
        return end(networks.flattened(maps, channels) @ weights + bias)

    def build():
        side = (14 - kernel) // 2
        arrays = arrays_of((16, 1, 3, 3), (24, 16, kernel, kernel), (24 * side**2, 10))
        if keras:
            arrays = [part.transpose(2, 3, 1, 0) if part.ndim == 4 else part for part in arrays]
        return Model(arrays, function)

    return build


def cnn(build, channels="first"):
    return Args((build, values, logits_of, channels))


def network(build):
    return Args((build, values, logits_of))


# Training, on real images


IMAGES, LABELS = (part[:1000] for part in data.load()[0])
ROWS = IMAGES.reshape(-1, 784) / 255


def to_network(images, labels):
    return images.reshape(-1, 28, 28, 1) / 255, labels


BUILD = dense(784, 128, 64, 10)


def stepping(sign=-1, scale=lambda count, rate: rate, only=None, returned="before", kept=False, adam=False):
    """A training step, or one with a slip."""
    memory = []

    def function(model, images, labels, rate):
        rows, labels = np.asarray(images).reshape(-1, 784), np.asarray(labels)
        loss, slopes = networks.gradients(model.arrays, rows, labels)
        if kept:
            memory.append(slopes)
            slopes = [sum(parts) for parts in zip(*memory[-2:], strict=True)]
        if adam:
            slopes = [np.sign(slope) for slope in slopes]
        before = [part.copy() for part in model.arrays]
        for i, slope in enumerate(slopes):
            if only is None or i in only:
                model.arrays[i] = model.arrays[i] + sign * scale(len(rows), rate) * slope
        after, _ = networks.gradients(model.arrays, rows, labels)
        logits = networks.dense(before, rows)[-1]
        twice = networks.loss(softmax(logits, axis=1), labels)
        return {"before": loss, "after": after, "sum": loss * len(rows), "twice": twice, "tensor": Tensor(loss)}[
            returned
        ]

    return function


def step(function):
    return Args((function, BUILD, values, to_network(IMAGES, LABELS)[0][:128], LABELS[:128]))


def train_with(
    batch=128, rate=0.001, clear=True, shuffle=True, leave_out=False, adam=True, once=False, losses="mean", sign=1
):
    """A whole training run, or one with a slip."""

    def function(model, images, labels, epochs):
        rows = images.reshape(len(images), -1)
        first, second = ([np.zeros_like(part) for part in model.arrays] for _ in range(2))
        added, count, found = [np.zeros_like(part) for part in model.arrays], 0, []
        for _ in range(1 if once else epochs):
            order = generator.permutation(len(rows)) if shuffle else np.arange(len(rows))
            each, sizes = [], []
            for begin in range(0, len(rows), batch or len(rows)):
                part = order[begin : begin + (batch or len(rows))]
                if leave_out and len(part) < batch:
                    continue
                loss, slopes = networks.gradients(model.arrays, rows[part], labels[part])
                added = slopes if clear else [one + other for one, other in zip(added, slopes, strict=True)]
                count += 1
                for i, slope in enumerate(added):
                    first[i], second[i] = 0.9 * first[i] + 0.1 * slope, 0.999 * second[i] + 0.001 * slope**2
                    divisor = np.sqrt(second[i] / (1 - 0.999**count)) + 1e-7
                    change = first[i] / (1 - 0.9**count) / divisor if adam else 100 * slope
                    model.arrays[i] = model.arrays[i] - sign * rate * change
                each.append(loss)
                sizes.append(len(part))
            found.append((each, sizes))
        if losses == "steps":
            return [loss for each, _ in found for loss in each]
        if losses == "tensors":
            return [Tensor(np.average(each, weights=sizes)) for each, sizes in found]
        if losses == "none":
            return None
        make = {
            "mean": lambda each, sizes: np.average(each, weights=sizes),
            "batches": lambda each, sizes: np.mean(each),
            "sum": lambda each, sizes: np.sum(each),
            "last": lambda each, sizes: each[-1],
            "half": lambda each, sizes: np.mean(each) / 2,
        }[losses]
        return [make(each, sizes) for each, sizes in found]

    return function


def run(function):
    return Args((function, BUILD, values, logits_of, to_network, IMAGES, LABELS))


def doing_nothing(model, images, labels, epochs):
    return [2.3] * epochs


# Exercise 1.7


def by_pixel(photos):
    moved = np.empty((len(photos), 3, 28, 28))
    for channel in range(3):
        moved[:, channel] = photos[:, :, :, channel]
    return moved


# Exercise 1.8


def floor(accuracy, seconds=20.0, problem=None, columns=10):
    """What `timed` returned for a network of which this share is correct, and the rest of the arguments."""
    truth = np.arange(1000) % 10
    predicted = np.where(np.arange(1000) < round(1000 * accuracy), truth, (truth + 1) % 10)
    result = None if problem else np.eye(columns)[predicted % columns]
    return Args((Trained(result, seconds, problem), lambda model, images: model, IMAGES, truth, 0.87, 60))


# Exercise 1.9


def slopes_by(up=1, down=1, factor=1.0, keep=False, flat=False):
    """Measured slopes, with a slip."""

    def function(function, values, step):
        slopes = np.zeros(values.shape)
        for place in np.ndindex(values.shape):
            higher, lower = values.copy(), values.copy()
            higher[place] += up * step
            lower[place] -= down * step
            slopes[place] = factor * (function(higher) - function(lower)) / ((up + down) * step)
            if keep:
                values[place] += step
        return slopes.ravel() if flat else slopes

    return function


def slopes_in_place(function, values, step):
    slopes = np.empty_like(values)
    for place in np.ndindex(values.shape):
        kept = values[place]
        values[place] = kept + step
        above = function(values)
        values[place] = kept - step
        slopes[place] = (above - function(values)) / (2 * step)
        values[place] = kept
    return slopes


def all_at_once(function, values, step):
    return np.full(values.shape, (function(values + step) - function(values - step)) / (2 * step))


def gradients(mask=True, mean=True, sign=1, one_hot=1, softmaxed=True, turned=False, tuples=False, short=False):
    """The gradients of a dense network, or with a slip."""

    def function(parameters, rows, labels):
        W1, b1, W2, b2, W3, b3 = parameters
        first = np.maximum(rows @ W1 + b1, 0)
        second = np.maximum(first @ W2 + b2, 0)
        logits = second @ W3 + b3
        slope = softmax(logits, axis=1) if softmaxed else logits
        slope[np.arange(len(labels)), labels] -= one_hot
        slope = sign * slope / (len(labels) if mean else 1)
        back = (slope @ W3.T) * ((second > 0) if mask else 1)
        further = (back @ W2.T) * ((first > 0) if mask else 1)
        found = []
        for inputs, part in ((rows, further), (first, back), (second, slope)):
            weights = inputs.T @ part
            found += [weights.T if turned else weights, part.sum(axis=0)]
        if short:
            return found[::2]
        return tuple(Tensor(part) for part in found) if tuples else found

    return function


def measured_gradients(parameters, rows, labels):
    """By finite differences, for small networks only; the large one by formula."""
    if parameters[0].size > 100:
        return gradients()(parameters, rows, labels)
    found = []
    for i in range(6):

        def loss(values, i=i):
            return networks.loss(networks.dense([*parameters[:i], values, *parameters[i + 1 :]], rows)[-1], labels)

        found.append(slopes_by()(loss, parameters[i], 1e-5))
    return found


def framework_gradients():
    """As from PyTorch: weights as units × inputs, in float32."""
    arrays = BUILD().arrays
    _, slopes = networks.gradients(arrays, ROWS[:64], LABELS[:64])
    turned = [[part.T.astype("float32") for part in parts] for parts in (arrays, slopes)]
    return turned[0], ROWS[:64], LABELS[:64], turned[1]


def gradient(function):
    return Args((function, framework_gradients))


def changing_its_input(parameters, rows, labels):
    found = gradients()(parameters, rows, labels)
    parameters[0] += 1
    return found


# Exercise 1.10: made-up predictions, in which shirts are confused with T-shirts, pullovers and coats

TRUE = np.repeat(np.arange(10), 100)
PREDICTED = TRUE.copy()
for true, predicted, count in (
    (6, 0, 15),
    (0, 6, 8),
    (6, 2, 7),
    (2, 6, 9),
    (4, 6, 13),
    (6, 4, 1),
    (9, 7, 6),
    (2, 4, 11),
):
    PREDICTED[np.flatnonzero((true == TRUE) & (PREDICTED == TRUE))[:count]] = predicted
CORRECT = np.mean(PREDICTED == TRUE)
COUNTS = np.zeros((10, 10), int)
np.add.at(COUNTS, (TRUE, PREDICTED), 1)
PRECISION, RECALL = COUNTS.diagonal() / COUNTS.sum(axis=0), COUNTS.diagonal() / COUNTS.sum(axis=1)
TABLE = np.stack([PRECISION, RECALL, 2 * PRECISION * RECALL / (PRECISION + RECALL)], axis=1)
COLUMNS = ("precision", "recall", "f1-score")
REPORT = {name: dict(zip(COLUMNS, row, strict=True)) for name, row in zip(CLASS_NAMES, TABLE, strict=True)}
IN_WORDS = "precision recall f1-score support\n" + "\n".join(
    f"{name:>12} {row[0]:.2f} {row[1]:.2f} {row[2]:.2f} 100" for name, row in zip(CLASS_NAMES, TABLE, strict=True)
)


def report(predictions=PREDICTED, accuracy=CORRECT, report=TABLE, matrix=COUNTS, target=0.8):
    return Args((predictions, accuracy, report, matrix, TRUE, target))


def confused(true, predicted, k=0):
    """The position of an image of the class `true` that was classified as `predicted`."""
    return np.flatnonzero((true == TRUE) & (predicted == PREDICTED))[k]


SHIRT_TSHIRT, SHIRT_PULLOVER, SHIRT_COAT = (6, 0, confused(6, 0)), (6, 2, confused(2, 6)), (4, 6, confused(4, 6))


def pairs(*rows):
    return Args((list(rows), PREDICTED, TRUE))


def hardest(name, places):
    return Args((name, places, PREDICTED, TRUE))


SHIRTS = [confused(6, 0), confused(6, 2), confused(6, 4), confused(6, 0, 3)]


CASES = {
    "dense_parameters": {
        "right": [235146, 235146.0, np.int64(235146), Tensor([235146]), (784 + 1) * 256 + 257 * 128 + 129 * 10],
        "wrong": [
            (784 * 256 + 256 * 128 + 128 * 10, "the weights alone"),
            (784 * 256 + 256 * 128 + 128 * 10 + 3, "Every unit has its own"),
            (235146 + 784, "they have no bias"),
            (235146 - 10, "The last layer is a dense layer like the others"),
            (109386, "the chapter's network"),
            (784 * 256 + 256, "one layer of three"),
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
    "channel_axis": {
        "right": [
            Args((lambda photos: np.transpose(photos, (0, 3, 1, 2)), "first")),
            Args((lambda photos: Tensor(np.moveaxis(photos, -1, 1)), "first")),
            Args((by_pixel, "first")),
            Args((lambda photos: photos.transpose(0, 3, 1, 2).astype("uint8"), "first")),
            Args((lambda photos: photos.transpose(0, 2, 3, 1).astype("float32").tolist(), "last")),
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
            (Args((lambda photos: photos.permute(0, 3, 1, 2), "first")), "with AttributeError"),
            (Args((np.zeros((5, 3, 28, 28)), "first")), "Expected a function"),
            (Args((lambda photos: photos.transpose(0, 3, 1, 2) / 255, "first")), "from 0 to 255"),
            (Args((lambda photos: print(end=""), "last")), "returned None"),
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
    "dense_network": {
        "right": [
            network(dense(784, 256, 128, 10)),
            network(dense(784, 256, 128, 10, turned=True)),
            network(dense(784, 256, 128, 10, end=Tensor)),
            network(dense(784, 256, 128, 10, end=lambda logits: logits.astype("float32").tolist())),
        ],
        "wrong": [
            (network(dense(784, 256, 128, 10, activation=np.tanh)), "use tanh"),
            (network(dense(784, 256, 128, 10, activation=lambda x: np.maximum(x, 0.01 * x))), "leaky ReLU"),
            (network(dense(784, 256, 128, 10, activation=lambda x: 1 / (1 + np.exp(-x)))), "use the sigmoid"),
            (network(dense(784, 256, 128, 10, activation=lambda x: x)), "There is no ReLU between"),
            (network(without_second_relu), "After dense layer 2 there is no ReLU"),
            (network(dense(784, 256, 128, 10, activation=lambda x: x * np.abs(x))), "ReLU after each hidden layer"),
            (network(dense(784, 10)), "Expected 3 layers"),
            (network(dense(784, 128, 64, 10)), "Dense layer 1: expected 784 inputs and 256 units"),
            (network(dense(784, 256, 128, 10, biases=False)), "no biases"),
            (network(dense(784, 256, 128, 10, end=lambda x: softmax(x, axis=1))), "There is a softmax at the end"),
            (network(dense(784, 256, 128, 10, end=networks.relu)), "There is a ReLU at the end"),
            (network(dense(784, 256, 128, 10, end=lambda x: log_softmax(x, axis=1))), "log-softmax"),
            (network(dense(784, 256, 128, 10, end=lambda x: x[0])), "found the shape (10,)"),
            (network(dense(784, 256, 128, 10, flat=False)), "something must flatten"),
            (network(shapes_that_do_not_fit), "Your network stopped"),
            (network(stopped_in_the_framework), "Your network stopped when it got"),
            (network(no_return), "Is there a `return`?"),
            (network(lambda: ONE_MODEL), "anew in each call"),
            (network(WithMethods([], None)), "not the network"),
            (network(dense), "with"),
        ],
    },
    "repaired": {
        "right": [
            network(dense(784, 128, 64, 10)),
            network(dense(784, 128, 64, 10, turned=True)),
            network(dense(784, 128, 64, 10, end=lambda x: log_softmax(x, axis=1))),
        ],
        "wrong": [
            (network(dense(784, 128, 64, 10, end=lambda x: softmax(x, axis=1))), "There is a softmax at the end"),
            (network(dense(784, 128, 64, 10, end=lambda x: 1 / (1 + np.exp(-x)))), "There is a sigmoid at the end"),
            (network(dense(784, 128, 10)), "Expected 3 layers"),
            (network(dense(784, 128, 64, 10, activation=np.tanh)), "use tanh"),
            (network(dense(784, 128, 64, 64)), "Dense layer 3"),
        ],
    },
    "training_step": {
        "right": [step(stepping()), step(stepping(returned="tensor")), step(lambda *all: np.float32(stepping()(*all)))],
        "wrong": [
            (step(stepping(sign=1)), "against it"),
            (step(stepping(sign=0)), "as they are"),
            (step(stepping(only=(0, 2, 4))), "weights and biases"),
            (step(stepping(scale=lambda count, rate: rate * count)), "not the sum"),
            (step(stepping(scale=lambda count, rate: 1)), "learning rate is missing"),
            (step(stepping(kept=True)), "Clear them"),
            (step(stepping(adam=True)), "as with Adam"),
            (step(stepping(scale=lambda count, rate: 0.7 * rate)), "-rate × gradient"),
            (step(stepping(returned="after")), "the loss after the step"),
            (step(stepping(returned="sum")), "the sum over the batch"),
            (step(stepping(returned="twice")), "Softmax was applied twice"),
            (step(lambda *all: [stepping()(*all)][1:]), "Expected one number"),
            (step(lambda *all: print(end="")), "returned None"),
            (step(lambda model, images, labels: 0), "with TypeError"),
        ],
    },
    "training": {
        "right": [run(train_with()), run(train_with(losses="tensors")), run(lambda *all: np.array(train_with()(*all)))],
        "wrong": [
            (run(doing_nothing), "as it was before"),
            (run(train_with(batch=0)), "all images at once"),
            (run(train_with(batch=1)), "smaller than 128"),
            (run(train_with(batch=32)), "the batches hold 32"),
            (run(train_with(batch=64)), "the batches hold 64"),
            (run(train_with(leave_out=True)), "is left out"),
            (run(train_with(once=True)), "one epoch only"),
            (run(train_with(clear=False)), "Clear them"),
            (run(train_with(rate=0.01)), "higher than 0.001"),
            (run(train_with(adam=False)), "plain gradient descent"),
            (run(train_with(sign=-1)), "The loss rises"),
            (run(train_with(losses="steps")), "the losses of all steps"),
            (run(train_with(losses="batches")), "divide once"),
            (run(train_with(losses="sum")), "sums over the batches"),
            (run(train_with(losses="last")), "the last batch"),
            (run(train_with(losses="half")), "the losses are not"),
            (run(train_with(losses="none")), "returned None"),
            (run(train_with(shuffle=False)), "shuffled"),
        ],
    },
    "small_cnn": {
        "right": [
            cnn(small_cnn()),
            cnn(small_cnn(keras=True, channels="last"), "last"),
            cnn(small_cnn(end=lambda logits: Tensor(logits.astype("float32")))),
        ],
        "wrong": [
            (cnn(small_cnn(first=lambda x: x)), "after the first convolution"),
            (cnn(small_cnn(second=lambda x: x)), "after the second convolution"),
            (cnn(small_cnn(first=lambda x: x, second=lambda x: x)), "no ReLU after the convolutions"),
            (cnn(small_cnn(largest=False)), "the mean of a square"),
            (cnn(small_cnn(end=lambda x: softmax(x, axis=1))), "a softmax at the end"),
            (cnn(small_cnn(end=networks.relu)), "a ReLU at the end"),
            (cnn(small_cnn(first=np.tanh, second=np.tanh)), "ReLU after each"),
            (cnn(small_cnn(kernel=3)), "expected 24 filters of 5×5 over 16 channels"),
            (cnn(dense(784, 10)), "Expected 3 layers"),
            (cnn(no_return), "Is there a `return`?"),
        ],
    },
    "floor": {
        "right": [floor(0.87), floor(0.9, seconds=59.9), floor(0.93, seconds=1)],
        "wrong": [
            (floor(0.869), "the target is 87.0%"),
            (floor(0.9, seconds=75), "the limit is 60"),
            (floor(0.995), "more than any published network"),
            (floor(0.9, columns=5), "ten logits"),
            (floor(0, problem="Your code stopped in line 3."), "stopped in line 3"),
        ],
    },
    "central_difference": {
        "right": [slopes_by(), slopes_in_place, lambda *all: Tensor(slopes_by()(*all))],
        "wrong": [
            (slopes_by(down=0), "differences to one side"),
            (slopes_by(up=0), "differences to one side"),
            (slopes_by(factor=2), "twice too large"),
            (slopes_by(factor=0.02), "This is the difference itself"),
            (slopes_by(factor=-1), "The sign is reversed"),
            (slopes_by(keep=True), "Restore each value"),
            (slopes_by(flat=True), "Expected slopes in the shape (2, 3)"),
            (all_at_once, "one value at a time"),
            (lambda function, values, step: function(values), "Expected slopes in the shape (4,)"),
            (lambda function, values: values, "with TypeError"),
        ],
    },
    "dense_gradients": {
        "right": [gradient(gradients()), gradient(gradients(tuples=True)), gradient(measured_gradients)],
        "wrong": [
            (gradient(gradients(mask=False)), "ignores ReLU"),
            (gradient(gradients(mean=False)), "sum over the images"),
            (gradient(gradients(sign=-1)), "wrong sign"),
            (gradient(gradients(one_hot=0)), "lacks the label"),
            (gradient(gradients(softmaxed=False)), "in place of the probabilities"),
            (gradient(gradients(turned=True)), "should have the shape of W3"),
            (gradient(gradients(short=True)), "a list of six gradients"),
            (gradient(changing_its_input), "changes the parameters"),
            (gradient(lambda parameters, rows, labels: parameters), "probability minus one-hot"),
            (gradient(lambda parameters, rows, labels: rows @ parameters[1]), "with ValueError"),
        ],
    },
    "homework_report": {
        "right": [
            report(),
            report(np.eye(10)[PREDICTED], round(CORRECT, 2), REPORT, COUNTS.tolist()),
            report(PREDICTED.tolist(), Tensor(CORRECT), IN_WORDS, Tensor(COUNTS)),
            report(pd.Series(PREDICTED), pd.Series([CORRECT]), pd.DataFrame(REPORT), pd.DataFrame(COUNTS)),
            report(report=pd.DataFrame(REPORT).T),
            report(report=np.column_stack([np.round(TABLE, 2), np.full(10, 100)])),
            report(report={**REPORT, "accuracy": CORRECT, "macro avg": {}}),
        ],
        "wrong": [
            (report(accuracy=100 * CORRECT), "as a share"),
            (report(accuracy=1 - CORRECT), "misclassified"),
            (report(accuracy=CORRECT * 1000), "Divide it by all images"),
            (report(accuracy=0.9), "does not follow"),
            (report(matrix=COUNTS.T), "are swapped"),
            (report(matrix=COUNTS / 100), "holds shares"),
            (report(matrix=COUNTS[:9, :9]), "(10, 10)"),
            (report(matrix=2 * COUNTS), "adds up to 2000"),
            (report(report=TABLE[:, [1, 0, 2]]), "Precision and recall are swapped"),
            (report(report=100 * TABLE), "Give precision, recall and F1 as shares"),
            (report(report=TABLE[:, :1]), "ten rows with precision"),
            (report(report={"Shirt": {}}), "the report of ten classes"),
            (report(report="accuracy 0.9"), "found 0 rows"),
            (report(predictions=PREDICTED[:10]), "a class for each of the 1,000 images"),
            (report(predictions=TRUE, accuracy=1), "the labels themselves"),
            (report(target=0.97), "Was it trained"),
            (report(matrix=...), "Still missing: `matrix`"),
        ],
    },
    "confused_pairs": {
        "right": [
            pairs(SHIRT_TSHIRT, SHIRT_PULLOVER, SHIRT_COAT),
            pairs(("Shirt", "T-shirt/top", confused(0, 6)), ("pullover", "Shirt", confused(6, 2)), SHIRT_COAT),
            Args((np.array([SHIRT_TSHIRT, SHIRT_PULLOVER, SHIRT_COAT]), PREDICTED, TRUE)),
            Args((pd.DataFrame([SHIRT_TSHIRT, SHIRT_PULLOVER, SHIRT_COAT]), PREDICTED.tolist(), TRUE)),
        ],
        "wrong": [
            (pairs(SHIRT_PULLOVER, SHIRT_TSHIRT, SHIRT_COAT), "the most frequent first"),
            (pairs(SHIRT_TSHIRT, SHIRT_COAT), "Expected three pairs"),
            (pairs(SHIRT_TSHIRT, SHIRT_COAT, (2, 4, confused(2, 4))), "largest in one direction"),
            (pairs(SHIRT_TSHIRT, SHIRT_PULLOVER, (9, 7, confused(9, 7))), "a pair with more"),
            (pairs(SHIRT_TSHIRT, (0, 6, confused(0, 6)), SHIRT_COAT), "is there twice"),
            (pairs((6, 0, 650), SHIRT_PULLOVER, SHIRT_COAT), "classified correctly"),
            (pairs((6, 0, confused(6, 2)), SHIRT_PULLOVER, SHIRT_COAT), "of another pair"),
            (pairs((6, 6, 600), SHIRT_PULLOVER, SHIRT_COAT), "are the same"),
            (pairs(("Blouse", 0, 600), SHIRT_PULLOVER, SHIRT_COAT), "there is no class"),
            (pairs((6, 0), (6, 2), (6, 4)), "found 2 values"),
            (pairs((6, 0, 5000), SHIRT_PULLOVER, SHIRT_COAT), "there are 1,000 images"),
            (Args((3, PREDICTED, TRUE)), "Expected a list"),
        ],
    },
    "hardest_class": {
        "right": [
            hardest("Shirt", SHIRTS),
            hardest(6, np.array(SHIRTS)),
            hardest(np.int64(6), Tensor(SHIRTS)),
            hardest("shirt", pd.Series(SHIRTS)),
        ],
        "wrong": [
            (hardest("Coat", SHIRTS), "For another class it is less"),
            (hardest("Shirt", SHIRTS[:3]), "positions of 4 images"),
            (hardest("Shirt", [*SHIRTS[:3], SHIRTS[0]]), "there twice"),
            (hardest("Shirt", [*SHIRTS[:3], 699]), "classified correctly"),
            (hardest("Shirt", [*SHIRTS[:3], confused(0, 6)]), "classified so by mistake"),
            (hardest("Shirt", [*SHIRTS[:3], 950]), "is not of the class Shirt"),
            (hardest("Hat", SHIRTS), "there is no class"),
            (hardest("Shirt", [1.5, 2, 3, 4]), "the position of an image"),
            (hardest("Shirt", ...), "Still missing: `mistakes`"),
        ],
    },
}
