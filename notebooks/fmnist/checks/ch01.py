"""The checks of the exercises to chapter 01: what each answer must do, and what the usual mistakes look like."""

import itertools

import numpy as np
from scipy.special import log_softmax, softmax

from fmnist.checks import networks
from fmnist.checks.calls import where_it_stopped
from fmnist.checks.common import Wrong, array, both, call, check, compare, describe, number, require, same, whole_number
from fmnist.checks.homework import confused_pairs, hardest_class, homework_report  # noqa: F401

# Exercise 1.1


@check
def dense_parameters(dense_parameters):
    """`dense_parameters`: how many parameters a dense network 784-256-128-10 has."""
    layers = [(784, 256), (256, 128), (128, 10)]
    weights, biases = sum(inputs * units for inputs, units in layers), sum(units for _, units in layers)
    first = layers[0][0] * layers[0][1]
    units_only = "You counted one layer of three. The inputs of the next layer are the units of this one."
    slips = [
        (weights, "These are the weights alone. Every unit adds a bias to its weighted sum."),
        (weights + 3, "The weights are all there, but a layer has more than one bias. Every unit has its own."),
        (weights + 784 + biases, "The 784 pixels are inputs, not units, so they have no bias."),
        (weights + biases - 10, "Nearly. The last layer is a dense layer like the others, with biases of its own."),
        (109_386, "This is the chapter's network. Here the hidden layers are larger, with 256 and 128 units."),
        (first, units_only),
        (first + 256, units_only),
    ]
    compare(
        whole_number(dense_parameters, "the number of parameters"), weights + biases, slips,
        "The count is not right yet. Write one term per layer, inputs × units + units, and look at the inputs of each.",
    )  # fmt: skip
    return "A dense layer has inputs × units weights and one bias per unit, and the first layer is the expensive one."


# Exercises 1.2 and 1.5

HALF_UP = "The last layer should have no activation, because a logit can be any value."


def _built(build):
    """Return the network that the student's `build` makes."""
    network = hasattr(build, "parameters") or hasattr(build, "layers")
    require(not network or isinstance(build, type), "Give the function that builds the network, not the network.")
    return call(build)


def _outputs(model, logits_of, images):
    """Return the outputs of the student's network for `images`, N×28×28."""
    try:
        return array(logits_of(model, images.copy()), what="the outputs")
    except Wrong:
        raise
    except Exception as error:  # whatever a network may raise that does not fit
        lines = " ".join(str(error).split())
        methods = (getattr(type(model), name, None) for name in ("forward", "call"))
        # Those of a plain `Sequential` belong to the framework, and its lines say nothing to a student.
        own = [each for each in methods if "site-packages" not in str(getattr(each, "__code__", ""))]
        where = where_it_stopped(error, own)
        raise Wrong(
            f"Your network stopped{where} when it got a batch of images. A dense layer needs rows of values, so "
            f"something must flatten the image first, and each layer must fit the one before it. The framework says: "
            f"{type(error).__name__}: {lines[:110]}"
        ) from error


def _noise(count):
    """Return images of noise, mostly dark, for which an untrained network has different outputs."""
    generator = np.random.default_rng(5)
    images = generator.integers(0, 256, (count, 28, 28))
    return (images * (generator.random((count, 1, 1)) ** 2)).astype("uint8")


def _close(found, expected):
    # A GPU may compute convolutions and products with a precision of about a thousandth.
    return same(found, expected, 3e-3 * np.abs(expected).max() + 1e-6)


def _check_dense(model, values, logits_of, units, log_probabilities=False):
    """Refuse a network that is not a dense one with these `units`, ReLU between the layers, and logits at the end."""
    sizes = [(units[i], units[i + 1]) for i in range(len(units) - 1)]
    parameters = networks.neutral(values(model))
    images = _noise(40)
    found = _outputs(model, logits_of, images)
    networks.require_shapes(
        parameters, [shape for inputs, outputs in sizes for shape in ((inputs, outputs), (outputs,))],
        [f"Dense layer {i + 1}" for i in range(len(sizes))],
    )  # fmt: skip
    rows = images.reshape(len(images), -1) / 255
    require(found.shape == (len(images), 10), f"Expected {len(images)}×10 logits, found the shape {found.shape}.")
    expected = networks.dense(parameters, rows)[-1]
    if _close(found, expected) or (log_probabilities and _close(found, log_softmax(expected, axis=1))):
        return
    require(
        not _close(found, softmax(expected, axis=1)),
        "Each row is ten probabilities that add up to 1. There is a softmax at the end, and the loss does another.",
    )
    require(not _close(found, log_softmax(expected, axis=1)), "There is a log-softmax at the end. Return plain logits.")
    require(not _close(found, networks.relu(expected)), f"There is a ReLU at the end. {HALF_UP}")
    require(not _close(found, 1 / (1 + np.exp(-expected))), f"There is a sigmoid at the end. {HALF_UP}")
    for activation, message in (
        (lambda x: x, "There is no ReLU between your layers. Then the whole network is one weighted sum."),
        (np.tanh, "The hidden layers use tanh. Use ReLU."),
        (lambda x: 1 / (1 + np.exp(-x)), "The hidden layers use the sigmoid. Use ReLU."),
        (lambda x: np.maximum(x, 0.01 * x), "The hidden layers use a leaky ReLU. Use ReLU, which returns 0 below 0."),
        (lambda x: np.maximum(x, 0.3 * x), "The hidden layers use a leaky ReLU. Use ReLU, which returns 0 below 0."),
        (lambda x: np.maximum(x, 0.2 * x), "The hidden layers use a leaky ReLU. Use ReLU, which returns 0 below 0."),
    ):
        require(not _close(found, networks.dense(parameters, rows, activation)[-1]), message)
    for i in range(len(units) - 2):
        hidden = networks.dense(parameters[: 2 * i + 2], rows)[-1]
        without = networks.dense(parameters[2 * i + 2 :], hidden)[-1]
        require(not _close(found, without), f"After dense layer {i + 1} there is no ReLU.")
    raise Wrong(
        "The layers have the right sizes, but the outputs are not those of a network with ReLU after each hidden layer "
        "and nothing after the last one."
    )


@check(given=("values", "logits_of"))
def dense_network(build_my_network, values, logits_of):
    """`build_my_network()`: a dense network 784-256-128-10; `values(model)`, `logits_of(model, images)`: given code."""
    _check_dense(_built(build_my_network), values, logits_of, (784, 256, 128, 10))
    first, second = (networks.neutral(values(call(build_my_network)))[0] for _ in range(2))
    require(
        not same(first, second),
        "Two calls return networks with the same weights. Build the layers inside the function, anew in each call.",
    )
    return "A network is a list of layers. ReLU stands between them, and nothing follows the last one."


@check
def lowest_loss(lowest_loss):
    """`lowest_loss`: the lowest cross-entropy of ten classes when softmax is applied to probabilities once more."""
    found = number(lowest_loss, "the lowest loss")
    highest_share = np.e / (np.e + 9)
    slips = [
        (0.0, "0 would need the probability 1 for the true class. What does softmax make of a 1 and nine zeros?"),
        (np.log(10), "This is the loss of a network that guesses. The lowest is that of one that is sure, and right."),
        (highest_share, "This is the probability that the true class gets. The loss is its negative logarithm."),
        (1 - highest_share, "This is the probability that the other classes get. The loss has a logarithm in it."),
        (np.log(highest_share), "The size is right, but a loss is the negative logarithm, so it cannot be below 0."),
        (-np.log10(highest_share), "This is the logarithm to base 10. The loss uses the natural one, np.log."),
        (np.log(np.e + 9), "This is the highest value, when the network is sure and wrong. Find the lowest."),
        (np.log(1 + 10 / np.e), "There are ten classes in all. How many zeros stand beside the 1?"),
        (np.log(1 + 9 / np.e**2), "Softmax gets values from 0 to 1. What power of e does the 1 become?"),
    ]
    compare(
        found, -np.log(highest_share), slips,
        "The loss is not right yet. Apply softmax to the ten values 1, 0, 0, … 0 by hand, and take the negative "
        "logarithm of the first result.",
        tolerance=0.006,
    )  # fmt: skip
    return "After a second softmax, a perfect network still has this loss, and the worst possible one only 1 more."


@check(given=("values", "logits_of"))
def repaired(build_repaired, values, logits_of):
    """`build_repaired()`: the dense network 784-128-64-10 that returns logits; `values`, `logits_of`: given code."""
    _check_dense(_built(build_repaired), values, logits_of, (784, 128, 64, 10), log_probabilities=True)
    return "Logits are plain weighted sums of any sign and size. The loss applies the one softmax that is needed."


# Exercise 1.3


@check(given=("build", "values", "images", "labels"))
def training_step(training_step, build, values, images, labels):
    """`training_step(model, images, labels, rate)`: one step of gradient descent; returns the loss before the step.

    `build()` makes the chapter's network, `values(model)` lists its parameters; `images`, `labels`: as the network
    takes them, 128 or more.
    """
    model, rate = build(), 0.1
    truth = array(labels).astype(int)
    for step, part in enumerate((slice(0, 48), slice(48, 128)), start=1):
        before = networks.neutral(values(model))
        rows = array(images[part]).reshape(-1, 784)
        wanted, slopes = networks.gradients(before, rows, truth[part])
        if step == 1:
            earlier = slopes
        found = number(call(training_step, model, images[part], labels[part], rate), "the loss")
        after = networks.neutral(values(model))
        _compare_moves([new - old for new, old in zip(after, before, strict=True)], slopes, earlier, rate, len(rows))
        later, _ = networks.gradients(after, rows, truth[part])
        compare(
            found, wanted,
            [
                (later, "This is the loss after the step. Return the loss from before it."),
                (wanted * len(rows), "This is the sum over the batch. The loss is the mean over its images."),
                (loss_of_probabilities(before, rows, truth[part]), "Softmax was applied twice. The loss takes logits."),
            ],
            f"The step is right, but the loss is not: {both(wanted, found)}.",
            tolerance=2e-3,
        )  # fmt: skip
    return "Forward pass, loss, gradients, update: these four lines are what training repeats thousands of times."


def loss_of_probabilities(parameters, rows, labels):
    """Return the loss of a dense network whose outputs go through softmax twice."""
    return networks.loss(softmax(networks.dense(parameters, rows)[-1], axis=1), labels)


def _compare_moves(moves, slopes, earlier, rate, count):
    """Refuse `moves` of the parameters that are not -`rate` times the `slopes`."""

    def like(others, share=0.01):
        gaps = [np.abs(one - other).max() for one, other in zip(moves, others, strict=True)]
        sizes = [np.abs(other).max() + 1e-9 for other in others]
        return all(gap <= share * size for gap, size in zip(gaps, sizes, strict=True))

    right = [-rate * slope for slope in slopes]
    if like(right):
        return
    require(any(np.any(move) for move in moves), "Your function leaves the parameters as they are.")
    still = [i for i, move in enumerate(moves) if not np.any(move)]
    require(not still, "Some of the parameters do not move. Update weights and biases of every layer.")
    require(not like([-move for move in right]), "The parameters move along the gradient. Move them against it.")
    require(not like([count * move for move in right]), "The steps are too long by the size of the batch. The loss is "
            "the mean over the images, not the sum.")  # fmt: skip
    require(not like([move / rate for move in right]), "The learning rate is missing. Multiply the gradient by it.")
    together = [-rate * (one + other) for one, other in zip(slopes, earlier, strict=True)]
    require(
        not like(together),
        "The first step is right. In the second step, the gradients of the first are still there and are added. "
        "Clear them before or after each step.",
    )
    sizes = np.concatenate([np.abs(move).ravel() for move in moves])
    require(
        np.ptp(sizes[sizes > 0.3 * sizes.max()]) > 0.2 * sizes.max(),
        "All parameters move by about the same distance, as with Adam. Here, move each by the learning rate times its "
        "gradient.",
    )
    raise Wrong(
        "The parameters do not move by -rate × gradient. Is it the gradient of the mean cross-entropy of this batch, "
        "taken before any parameter has moved?"
    )


# Exercise 1.4


@check(given=("build", "values", "logits_of", "to_network", "images", "labels"))
def training(train_network, build, values, logits_of, to_network, images, labels):
    """`train_network(model, images, labels, epochs)`: trains with Adam in batches of 128, returns a loss per epoch.

    `to_network(images, labels)` makes of N×28×28 images and N labels what the network takes; the rest as above.
    """
    # Copies of one image: whatever their order, the right training gives the same parameters.
    copies, count = np.repeat(images[:1], 300, axis=0), 2
    model = build()
    before = networks.neutral(values(model))
    losses = array(
        call(train_network, model, *to_network(copies, np.repeat(labels[:1], 300)), count), what="the losses"
    )
    after = networks.neutral(values(model))
    rows, truth = copies[:1].reshape(1, 784) / 255, np.asarray(labels[:1]).astype(int)

    def slope(parameters):
        return networks.gradients(parameters, rows, truth)

    moved = _length(after, before)
    require(moved > 0, "The network is as it was before the training. Does an optimizer change its parameters?")
    expected, step_losses = networks.adam(before, slope, 6)
    if not _near(after, expected, before):
        _training_slips(after, before, slope, moved)
    require(losses.size != 6, "These are the losses of all steps. Return one per epoch, the mean over its images.")
    require(losses.shape == (count,), f"For {count} epochs, expected {count} losses, found the shape {losses.shape}.")
    weights = np.array([128, 128, 44]) / 300
    steps = np.array(step_losses).reshape(2, 3)
    compare(
        losses, steps @ weights,
        [
            (steps.mean(axis=1), "Your losses are means over the batches, so a smaller last batch counts too much. "
             "Multiply each loss by its number of images, add up, and divide once."),
            (steps.sum(axis=1), "Your losses are sums over the batches. Return the mean over the images."),
            (steps[:, -1], "Your losses are those of the last batch. Return the mean over the images of the epoch."),
        ],
        f"The training is right, but the losses are not: for epoch 1 {both((steps @ weights)[0], losses[0])}.",
        tolerance=2e-3,
    )  # fmt: skip
    order = np.argsort(labels, kind="stable")
    images, labels = images[order], np.asarray(labels[order]).astype(int)
    model = build()
    start = networks.neutral(values(model))
    call(train_network, model, *to_network(images, labels), 3)
    share = np.mean(array(logits_of(model, images)).argmax(axis=1) == labels)
    # Without shuffling, the last batches hold nothing but boots and bags, and the network forgets the rest.
    require(
        share > np.mean([_share_learned(start, images, labels, shuffled) for shuffled in (False, True)]),
        f"Trained for 3 epochs on {len(images):,} images that come sorted by class, your network classifies only "
        f"{share:.0%} of them correctly. Are they shuffled in each epoch?",
    )
    return (
        f"After 3 epochs on {len(images):,} images, {share:.0%} of them are correct. Training is a step in two loops."
    )


def _length(one, other):
    return np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(one, other, strict=True)))


def _near(after, expected, before, share=0.05):
    return _length(after, expected) <= share * _length(expected, before)


def _training_slips(after, before, slope, moved):
    """Say which known mistake leads from `before` to `after`, or that it is another."""
    for steps, message in (
        (1, "The network takes one step in two epochs. Does the loop over the epochs go round?"),
        (2, "Each epoch is a single step, on all images at once. Cut them into batches of 128."),
        (3, "The network takes the steps of one epoch only. Repeat them for each epoch."),
        (4, "The last, smaller batch of each epoch is left out. Use all images."),
        (10, "Each epoch has five steps, so the batches hold 64 images. Make them 128."),
        (20, "Each epoch has ten steps, so the batches hold 32 images, the default of Keras. Make them 128."),
    ):
        require(not _near(after, networks.adam(before, slope, steps)[0], before), message)
    require(
        not _near(after, networks.adam(before, slope, 6, cleared=False)[0], before, 0.02),
        "The gradients of all steps are added up. Clear them in every step.",
    )
    expected = _length(networks.adam(before, slope, 6)[0], before)
    _, first = slope(before)
    straight = sum(np.sum((a - b) * gradient) for a, b, gradient in zip(after, before, first, strict=True))
    require(straight < 0, "The loss rises. The parameters should move against the gradient.")
    sizes = np.abs(after[0] - before[0]).ravel()
    sizes = sizes[sizes > 0]
    # Adam moves all parameters by about the same distance, so the mean is nearly the root mean square.
    require(
        sizes.mean() > 0.75 * np.sqrt(np.mean(sizes**2)),
        "The parameters move as in plain gradient descent, in proportion to their gradients. Use Adam.",
    )
    require(
        moved < 1.3 * expected,
        f"The parameters move {moved / expected:.1f} times as far as they should. Are the batches smaller than 128, or "
        "is the learning rate higher than 0.001?",
    )
    raise Wrong(
        f"With 300 copies of one image and 2 epochs, the parameters should move by {expected:.3f} in all, and move by "
        f"{moved:.3f}. Use Adam with a learning rate of 0.001, batches of 128, and the cross-entropy of logits."
    )


def _share_learned(parameters, images, labels, shuffled):
    """Return which share of `images` a dense network with these parameters gets right after three epochs of Adam."""
    rows, generator = images.reshape(len(images), -1) / 255, np.random.default_rng(4)
    orders = [generator.permutation(len(rows)) if shuffled else np.arange(len(rows)) for _ in range(3)]
    parts = [order[begin : begin + 128] for order in orders for begin in range(0, len(rows), 128)]
    steps = iter(parts)

    def slope(now):
        part = next(steps)
        return networks.gradients(now, rows[part], labels[part])

    after, _ = networks.adam(parameters, slope, len(parts))
    return np.mean(networks.dense(after, rows)[-1].argmax(axis=1) == labels)


# Exercise 1.6

LAYERS = ("convolution 3×3", "max pool", "convolution 5×5", "max pool", "flatten", "dense")


@check(given=("channels",))
def cnn_shapes(cnn_shapes, channels):
    """`cnn_shapes`: six output shapes, in order, for 32 images; `channels`: where they stand, "first" or "last"."""
    require(isinstance(cnn_shapes, list | tuple), f"Expected a list of six shapes, found {describe(cnn_shapes)}.")
    require(len(cnn_shapes) == 6, f"Expected six shapes, one per layer, without the input. Found {len(cnn_shapes)}.")
    maps = [(26, 16), (13, 16), (9, 24), (4, 24)]
    first = [*((32, filters, side, side) for side, filters in maps), (32, 24 * 4 * 4), (32, 10)]
    last = [*((32, side, side, filters) for side, filters in maps), (32, 24 * 4 * 4), (32, 10)]
    right, other = (first, last) if channels == "first" else (last, first)
    for i, (shape, expected, swapped) in enumerate(zip(cnn_shapes, right, other, strict=True)):
        where = f"Layer {i + 1}, {LAYERS[i]}:"
        require(shape is not ..., f"{where} its shape is still missing.")
        # A framework's own kind of shape will do, too.
        require(np.iterable(shape), f"{where} expected a shape such as (32, 10), found {describe(shape)}.")
        axes = list(shape)
        require(None not in axes, f"{where} here the batch has 32 images, so no axis is left open.")
        found = tuple(whole_number(n, "each axis") for n in axes)
        if found == expected:
            continue
        require(found != expected[1:], f"{where} the images of the batch are the first axis of every shape.")
        require(found != swapped, f"{where} the sizes are right, but this framework has its channels {channels}.")
        require(len(found) == len(expected), f"{where} expected {len(expected)} axes, found {len(found)}.")
        if LAYERS[i].startswith("convolution"):
            require(
                found[2] <= expected[2],
                f"{where} found a side of {found[2]}. Nothing is added around the image, so at how many places does "
                "the filter fit into it?",
            )
        if LAYERS[i] == "max pool":
            require(
                found[2] != expected[2] + 1,
                f"{where} found a side of {found[2]}. A square of 2×2 that is not complete is dropped, not filled up.",
            )
        require(
            LAYERS[i] != "flatten" or found[0] != 32,
            f"{where} found {found[-1]} values per image. It lays all channels of the last pool in one row: "
            "channels × height × width.",
        )
        raise Wrong(f"{where} found {found}. Look at its number of filters or units, and at the shape before it.")
    return (
        "A convolution with a filter of size k and without padding makes each side k - 1 shorter. A pool halves it and "
        "drops the rest. The filters become the channels."
    )


@check(given=("values", "logits_of", "channels"))
def small_cnn(build_small_cnn, values, logits_of, channels):
    """`build_small_cnn()`: the CNN of the table, which returns logits; `channels`: "first" or "last"."""
    model = _built(build_small_cnn)
    parameters, images = networks.neutral(values(model)), _noise(12)
    found = _outputs(model, logits_of, images)
    shapes = [(16, 1, 3, 3), (16,), (24, 16, 5, 5), (24,), (384, 10), (10,)]
    names = ["Layer 1, the first convolution", "Layer 3, the second convolution", "Layer 6, the dense layer"]
    networks.require_shapes(parameters, shapes, names)
    require(found.shape == (len(images), 10), f"Expected {len(images)}×10 logits, found the shape {found.shape}.")

    def logits(first=networks.relu, second=networks.relu, largest=True):
        kernel_1, bias_1, kernel_2, bias_2, weights, bias = parameters
        maps = networks.pooled(first(networks.convolved(images[:, None] / 255, kernel_1, bias_1)), largest)
        maps = networks.pooled(second(networks.convolved(maps, kernel_2, bias_2)), largest)
        return networks.flattened(maps, channels) @ weights + bias

    expected = logits()
    if _close(found, expected):
        return "This network has about a seventeenth of the parameters of your dense network."
    plain = lambda x: x  # noqa: E731
    for other, message in (
        (softmax(expected, axis=1), "There is a softmax at the end. Return logits."),
        (networks.relu(expected), f"There is a ReLU at the end. {HALF_UP}"),
        (logits(plain, plain), "There is no ReLU after the convolutions."),
        (logits(plain, networks.relu), "There is no ReLU after the first convolution."),
        (logits(networks.relu, plain), "There is no ReLU after the second convolution."),
        (logits(largest=False), "The pools take the mean of a square. Max pooling takes the largest value."),
    ):
        require(not _close(found, other), message)
    raise Wrong(
        "The layers have the right sizes, but the outputs are not those of the network in the table, with a ReLU after "
        "each convolution."
    )


# Exercise 1.7


@check(given=("channels",))
def channel_axis(move_channels, channels):
    """`move_channels(photos)`: uint8 colour images with their channels moved; `channels`: to where."""
    generator = np.random.default_rng(1)
    for n in (5, 2):
        pixels = generator.integers(0, 256, (n, 28, 28, 3)).astype("uint8")
        first, last = np.moveaxis(pixels, -1, 1), pixels
        given, expected = (last, first) if channels == "first" else (first, last)
        found = array(call(move_channels, given.copy()), what="the images")
        require(
            found.shape == expected.shape,
            f"{n} images went in with the shape {given.shape}; expected {expected.shape}, found {found.shape}.",
        )
        turned = np.swapaxes(expected, -1, -2) if channels == "first" else np.swapaxes(expected, 1, 2)
        slips = [
            (given.reshape(expected.shape),
             "The shape is right, but the pixels are mixed up: the same values in the same order were cut up "
             "differently. An axis has to move and take its values along."),
            (turned,
             "The channels are where they should be, but every image now lies on its side: height and width have "
             "changed places."),
            (expected[:, ::-1] if channels == "first" else expected[..., ::-1],
             "The axis is right, but the channels come in the reverse order."),
            (expected / 255, "The channels are right. Leave the pixels as they are, from 0 to 255."),
        ]  # fmt: skip
        compare(
            found, expected, slips,
            "The shape is right, but not every pixel is where it was. Compare one pixel of one channel before and "
            "after.",
        )  # fmt: skip
    return "Reshaping keeps the order of the values and cuts them up anew. Moving an axis takes the values along."


# Exercise 1.8


@check(given=("logits_of", "images", "labels", "target", "limit"))
def floor(trained, logits_of, images, labels, target, limit):
    """`trained`: what `timed` made of the student's function; validation `images` and `labels`, `limit` in seconds."""
    require(not getattr(trained, "problem", None), getattr(trained, "problem", None) or "")
    logits = _outputs(trained.result, logits_of, images)
    require(logits.shape == (len(images), 10), f"Expected ten logits per image, found the shape {logits.shape}.")
    accuracy = float(np.mean(logits.argmax(axis=1) == labels))
    took = f"It took {trained.seconds:.0f} seconds"
    require(accuracy < 0.99, f"{accuracy:.1%} is more than any published network reaches. Were these images used?")
    if accuracy < target:
        raise Wrong(
            f"The validation accuracy is {accuracy:.1%}, the target is {target:.1%}. {took} of {limit:g}. What would "
            "help: more epochs, another network, or another learning rate? Change one at a time."
        )
    require(
        trained.seconds <= limit,
        f"The validation accuracy is {accuracy:.1%}, which is enough. {took}, and the limit is {limit:g}. Could fewer "
        "epochs or a smaller network do?",
    )
    error = np.sqrt(accuracy * (1 - accuracy) / len(labels))
    return f"{accuracy:.1%} ± {error:.1%} (standard error) on the validation images in {trained.seconds:.0f} seconds."


# Exercise 1.9


@check
def central_difference(central_difference):
    """`central_difference(function, values, step)`: the slopes of `function(values)`, an array like `values`."""
    generator = np.random.default_rng(9)
    cases = [
        ("the sum of cubes", lambda x: np.sum(x**3), lambda x: 3 * x**2, generator.normal(size=4)),
        ("a table's entries, weighted", lambda x: np.sum(x * [[1, 2, 3], [4, 5, 6]]),
         lambda x: np.array([[1.0, 2, 3], [4, 5, 6]]), generator.normal(size=(2, 3))),
        ("a product", lambda x: np.prod(x), lambda x: np.prod(x) / x, generator.normal(size=(3, 1))),
    ]  # fmt: skip
    for name, function, slopes, values in cases:
        given, step = values.copy(), 0.01
        found = array(call(central_difference, function, given, step), what="the slopes")
        require(same(given, values, 1e-12), "The array that your function is given has changed. Restore each value.")
        require(found.shape == values.shape, f"Expected slopes in the shape {values.shape}, found {found.shape}.")
        central, forward = _differences(function, values, step, 1, 1), _differences(function, values, step, 1, 0)
        slips = [
            (forward, "These are differences to one side. A central difference compares a step up with a step down, "
             "which is far more accurate."),
            (_differences(function, values, step, 0, 1), "These are differences to one side. Compare a step up with a "
             "step down."),
            (2 * central, "Your slopes are twice too large. From a step down to a step up it is 2 steps."),
            (central * 2 * step, "This is the difference itself. Divide it by the distance, 2 × step."),
            (-central, "The sign is reversed."),
        ]  # fmt: skip
        compare(
            found, central, [slip for slip in slips if not same(slip[0], central)],
            f"For {name}, the slopes are not right. Change one value at a time by +step and by -step, and leave the "
            "others as they are.",
        )  # fmt: skip
        require(same(found, slopes(values), 1e-3), f"For {name}, the slopes are off by more than 0.001.")
    return "A central difference needs no calculus and is correct to about the square of its step, but it is slow."


def _differences(function, values, step, up, down):
    found = np.zeros(values.shape)
    for place in np.ndindex(values.shape):
        move = np.zeros(values.shape)
        move[place] = step
        found[place] = (function(values + up * move) - function(values - down * move)) / ((up + down) * step)
    return found


@check(given=("framework_gradients",))
def dense_gradients(dense_gradients, framework_gradients):
    """`dense_gradients(parameters, rows, labels)`: the gradients of the mean cross-entropy of a dense network.

    `framework_gradients()`: parameters, rows, labels and the gradients that the framework finds for a trained network.
    """
    generator = np.random.default_rng(12)
    for count, sizes in ((6, (5, 4, 3, 10)), (1, (7, 6, 5, 10))):
        parameters = [generator.normal(0, 1, shape) for a, b in itertools.pairwise(sizes) for shape in ((a, b), (b,))]
        rows, labels = generator.uniform(0, 1, (count, sizes[0])), generator.integers(0, 10, count)
        _compare_gradients(dense_gradients, parameters, rows, labels)
    parameters, rows, labels, expected = framework_gradients()
    _compare_gradients(dense_gradients, networks.neutral(parameters), array(rows), np.asarray(labels).astype(int))
    found = call(dense_gradients, networks.neutral(parameters), array(rows), np.asarray(labels).astype(int))
    worst = max(np.abs(array(one) - other).max() for one, other in zip(found, networks.neutral(expected), strict=True))
    require(worst < 1e-3, f"Your gradients and those of the framework differ by up to {worst:.1e}.")
    return f"NumPy and the framework agree: no two of the derivatives differ by more than {worst:.0e}."


NAMES = ("W1", "b1", "W2", "b2", "W3", "b3")


def _compare_gradients(function, parameters, rows, labels):
    """Compare the student's gradients with the right ones, from the last layer to the first."""
    given = [part.copy() for part in parameters]
    result = call(function, given, rows.copy(), labels.copy())
    require(all(map(same, given, parameters)), "Your function changes the parameters. Compute with new arrays instead.")
    require(
        isinstance(result, list | tuple) and len(result) == 6,
        f"Expected a list of six gradients, found {describe(result)}.",
    )
    found = [array(part, what=f"the gradient of {name}") for part, name in zip(result, NAMES, strict=True)]
    _, expected = networks.gradients(parameters, rows, labels)
    for i in (5, 4, 3, 2, 1, 0):
        name, count = f"The gradient of {NAMES[i]}", len(rows)
        require(
            found[i].shape == expected[i].shape,
            f"{name} should have the shape of {NAMES[i]}, {expected[i].shape}, found {found[i].shape}.",
        )
        slips = [
            (-expected[i], f"{name} has the wrong sign. The slope at the logits is probability minus one-hot label."),
            (count * expected[i], f"{name} is the sum over the images. The loss is their mean."),
            (_other_gradients(parameters, rows, labels, one_hot=0)[i], f"{name} lacks the label. The slope at the "
             "logits is probability minus 1 for the true class."),
            (_other_gradients(parameters, rows, labels, mask=False)[i], f"{name} ignores ReLU. Where a hidden value "
             "is 0, no slope passes through."),
            (_other_gradients(parameters, rows, labels, softmaxed=False)[i], f"{name} uses the logits in place of the "
             "probabilities. Apply softmax first."),
        ]  # fmt: skip
        size = np.abs(expected[i]).max() + 1e-6
        compare(
            found[i] / size, expected[i] / size,
            [(value / size, message) for value, message in slips if not same(value, expected[i], 1e-4 * size)],
            f"{name} is not right, and those of the layers after it are. Which values come into this layer, and which "
            "slope comes back to it?" if i < 5 else
            f"{name} is not right. It is the mean, over the images, of probability minus one-hot label.",
            tolerance=1e-4,
        )  # fmt: skip


def _other_gradients(parameters, rows, labels, one_hot=1, mask=True, softmaxed=True):
    """Return the gradients with a slip."""
    *values, logits = networks.dense(parameters, rows)
    slope = softmax(logits, axis=1) if softmaxed else logits.copy()
    slope[np.arange(len(labels)), labels] -= one_hot
    slope /= len(labels)
    found = []
    for i in (2, 1, 0):
        found = [values[i].T @ slope, slope.sum(axis=0), *found]
        slope = slope @ parameters[2 * i].T * ((values[i] > 0) if mask else 1)
    return found
