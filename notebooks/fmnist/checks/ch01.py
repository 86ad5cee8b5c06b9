"""The checks of the exercises to chapter 01: what each answer must do, and what the usual mistakes look like."""

import numpy as np

from fmnist.checks.common import Wrong, array, call, check, compare, describe, number, require, same, whole_number


@check
def dense_parameters(count):
    """`count`: how many parameters a dense network 784-256-128-10 has."""
    layers = [(784, 256), (256, 128), (128, 10)]
    weights, biases = sum(inputs * units for inputs, units in layers), sum(units for _, units in layers)
    first = layers[0][0] * layers[0][1]
    units_only = "You have counted one layer of the three: the next takes the units of this one as its inputs."
    slips = [
        (weights, "These are the weights alone. Every unit adds one more number to its weighted sum."),
        (weights + 3, "The weights are all there, but a layer has more than one bias: every unit has its own."),
        (weights + 784 + biases, "The 784 pixels are inputs, not units: nothing is added to them, they have no bias."),
        (weights + biases - 10, "Nearly: the last layer is a dense layer like the others, with biases of its own."),
        (109_386, "This is the chapter's network. Here the hidden layers are larger: 256 and 128 units."),
        (first, units_only),
        (first + 256, units_only),
    ]
    compare(
        whole_number(count, "the number of parameters"), weights + biases, slips,
        "Expected the sum over three layers of inputs × units + units; what you found is another number. Write the "
        "three terms one below the other and look at the inputs of each.",
    )  # fmt: skip
    return "A dense layer has inputs × units weights and one bias a unit, and the first layer is the expensive one."


LAYERS = ("convolution 3×3", "max pool", "convolution 5×5", "max pool", "flatten", "dense")


@check
def cnn_shapes(shapes, channels):
    """`shapes`: the six output shapes, in order, for 32 images; `channels`: where they stand, "first" or "last"."""
    require(isinstance(shapes, list | tuple), f"Expected a list of six shapes, found {describe(shapes)}.")
    require(len(shapes) == 6, f"Expected six shapes, one for each layer without the input, found {len(shapes)}.")
    maps = [(26, 16), (13, 16), (9, 24), (4, 24)]
    first = [*((32, filters, side, side) for side, filters in maps), (32, 24 * 4 * 4), (32, 10)]
    last = [*((32, side, side, filters) for side, filters in maps), (32, 24 * 4 * 4), (32, 10)]
    right, other = (first, last) if channels == "first" else (last, first)
    for i, (shape, expected, swapped) in enumerate(zip(shapes, right, other, strict=True)):
        where = f"Layer {i + 1}, {LAYERS[i]}:"
        # A framework's own kind of shape will do, too.
        require(np.iterable(shape), f"{where} expected a shape such as (32, 10), found {describe(shape)}.")
        axes = list(shape)
        require(None not in axes, f"{where} here the batch has 32 images, so no axis is left open.")
        found = tuple(whole_number(n, "each axis") for n in axes)
        if found == expected:
            continue
        require(found != expected[1:], f"{where} the images of the batch are the first axis of every shape.")
        require(found != swapped, f"{where} the numbers are right, but this framework has its channels {channels}.")
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
            f"{where} found {found[-1]} numbers an image. It lays all channels of the last pool in one row: "
            "channels × height × width.",
        )
        raise Wrong(f"{where} found {found}. Look at its number of filters or units, and at the shape before it.")
    return (
        "A convolution without padding takes size - 1 pixels off each side, a pool halves it and drops the rest, and "
        "the filters become the channels."
    )


@check
def filters(horizontal_edges, blur):
    """`horizontal_edges`, `blur`: two filters, 3×3 numbers each."""
    edges = array(horizontal_edges, (3, 3), "the edge filter")
    smooth = array(blur, (3, 3), "the blur filter")
    require(np.any(edges), "The edge filter holds nothing but zeros: it answers to no edge either.")
    require(
        abs(edges.sum()) < 1e-6,
        f"The edge filter answers with {edges.sum():g} times the brightness on an even area; expected 0. What must its "
        "nine numbers add up to?",
    )
    down, across = edges.sum(axis=1) @ [-1, 0, 1], edges.sum(axis=0) @ [-1, 0, 1]
    across_only = np.allclose(edges.sum(axis=1), 0)
    require(
        not (across_only and across),
        "This edge filter compares left with right, and finds vertical edges. A horizontal edge lies between above "
        "and below.",
    )
    require(
        np.allclose(edges.sum(axis=0), 0, atol=1e-6),
        "The edge filter also answers to vertical edges: in each of its columns the three numbers must cancel out.",
    )
    require(
        abs(down) > 1e-6,
        "The edge filter gives 0 where the picture gets brighter evenly from top to bottom: it finds thin lines, not "
        "edges. Compare one row with another.",
    )
    require(down > 0, "The edge filter answers where it gets darker downwards. The question asks for the opposite.")
    require(
        abs(smooth.sum() - 1) < 0.02,
        f"The blur filter multiplies the brightness of an even area by {smooth.sum():.3g}; expected that it stays as "
        "it is. What must its nine numbers add up to?",
    )
    require(np.all(smooth >= 0), "A blur mixes neighbours, so none of its numbers should be negative.")
    require(
        smooth.max() <= 0.6 and np.count_nonzero(smooth > 0.01) >= 4,
        "The blur filter lets most of the picture through as it is. Give more of the neighbours a share.",
    )
    rows, columns = smooth.sum(axis=1) @ [-1, 0, 1], smooth.sum(axis=0) @ [-1, 0, 1]
    require(
        max(abs(rows), abs(columns)) < 0.05,
        "The blur filter shifts the picture to one side. Neighbours that lie opposite should get equal shares.",
    )
    return "Numbers that cancel out find a change, numbers that add up to 1 keep the brightness."


@check
def channel_axis(move, channels):
    """`move(images)`: colour images with their channels moved; `channels`: to where, "first" or "last"."""
    generator = np.random.default_rng(1)
    for n in (5, 2):
        pixels = generator.random((n, 28, 28, 3))
        first, last = np.moveaxis(pixels, -1, 1), pixels
        given, expected = (last, first) if channels == "first" else (first, last)
        found = array(call(move, given.copy()), what="the images")
        require(
            found.shape == expected.shape,
            f"{n} images went in with the shape {given.shape}; expected {expected.shape}, found {found.shape}.",
        )
        turned = np.swapaxes(expected, -1, -2) if channels == "first" else np.swapaxes(expected, 1, 2)
        slips = [
            (given.reshape(expected.shape),
             "The shape is right, but the pixels are mixed up: the same numbers in the same order were cut up "
             "differently. An axis has to move and take its numbers along."),
            (turned,
             "The channels are where they should be, but every picture now lies on its side: height and width have "
             "changed places."),
            (expected[:, ::-1] if channels == "first" else expected[..., ::-1],
             "The axis is right, but the channels come in the reverse order."),
        ]  # fmt: skip
        compare(
            found, expected, slips,
            "The shape is right, but not every pixel is where it was. Compare one pixel of one channel before and "
            "after.",
        )  # fmt: skip
    return "Reshaping keeps the order of the numbers and cuts them up anew; moving an axis takes the numbers along."


@check
def class_numbers(convert):
    """`convert(one_hot)`: the class number of each row of an N×K array with a single 1 in every row."""
    generator = np.random.default_rng(2)
    for n, classes in ((12, 10), (10, 10), (7, 4)):
        labels = np.append(generator.integers(0, classes, n - 2), [0, classes - 1])
        one_hot = np.eye(classes)[labels]
        found = array(call(convert, one_hot.copy()), what="the labels")
        asked = f"For {n} rows of {classes} numbers, expected {n} class numbers"
        require(found.shape != (n, classes), f"{asked}, found the shape {found.shape}: the labels are still one-hot.")
        require(found.shape != (classes,) or n == classes, f"{asked}, found {classes}: that is the wrong axis.")
        require(found.shape == (n,), f"{asked} in the shape ({n},), found the shape {found.shape}.")
        slips = [
            (np.ones(n), "Every label came out as 1. The largest number of a row is always 1; the question is where."),
            (one_hot.argmax(axis=0) if n == classes else one_hot.max(axis=1),
             "This looks for the 1 in each column. A row is an image, so look along the row."),
            (labels + 1.0, "These numbers begin at 1. The classes are counted from 0, as everything in Python."),
            (classes - 1.0 - labels, "These numbers count from the wrong end of the row."),
        ]  # fmt: skip
        compare(
            found, labels, slips,
            f"Expected the position of the 1 in each row. The first row is {one_hot[0].astype(int).tolist()}, and it "
            f"became {found[0]:g}.",
        )  # fmt: skip
    return "The sparse loss takes one class number an image: the position of the 1, not its value."


@check
def lowest_loss(value):
    """`value`: the lowest cross-entropy of ten classes when softmax is applied to probabilities once more."""
    found = number(value, "the lowest loss")
    highest_share = np.e / (np.e + 9)
    slips = [
        (0.0, "0 would need the probability 1 for the true class. What does softmax make of a 1 and nine zeros?"),
        (np.log(10), "This is the loss of a network that guesses. The lowest is that of one that is sure, and right."),
        (highest_share, "This is the probability that the true class gets; the loss is its negative logarithm."),
        (1 - highest_share, "This is the probability that the other classes get; the loss has a logarithm in it."),
        (np.log(highest_share), "The size is right, but a loss is the negative logarithm: it cannot be below 0."),
        (-np.log10(highest_share), "This is the logarithm to base 10. The loss uses the natural one, np.log."),
        (np.log(np.e + 9), "This is the highest value: the network is sure, and wrong. The lowest is asked for."),
        (np.log(1 + 10 / np.e), "There are ten classes in all: how many zeros stand beside the 1?"),
        (np.log(1 + 9 / np.e**2), "Softmax gets numbers from 0 to 1: e to the power of what does the 1 become?"),
    ]
    compare(
        found, -np.log(highest_share), slips,
        "Expected the negative logarithm of what softmax gives the first of the ten numbers 1, 0, 0, … 0; what you "
        "found is another number. Apply softmax to these ten by hand.",
        tolerance=0.006,
    )  # fmt: skip
    return "After a second softmax a perfect network still has this much loss, and the worst possible one only 1 more."


@check
def logits(outputs):
    """`outputs`: what the repaired network returns for N images, N×10 numbers."""
    found = array(outputs, what="the outputs")
    require(found.ndim == 2, f"Expected ten numbers for each image, found the shape {found.shape}.")
    require(found.shape[1] == 10, f"Expected ten numbers for each image, one a class, found {found.shape[1]}.")
    require(np.all(np.isfinite(found)), "Some outputs are not finite numbers.")
    require(np.ptp(found) > 0, "All outputs are the same number: the network does not look at the images.")
    if same(np.exp(found).sum(axis=1), np.ones(len(found)), 1e-3):
        return "These are logarithms of probabilities: the loss takes them for logits, and comes to the same value."
    require(
        not (found.min() >= 0 and same(found.sum(axis=1), np.ones(len(found)), 1e-3)),
        "Each row is still ten probabilities that add up to 1: there is a softmax at the end, and the loss does "
        "another.",
    )
    require(
        found.min() < 0 or found.max() > 1,
        "All outputs lie between 0 and 1: something squeezes them before the loss sees them.",
    )
    require(
        found.min() < 0,
        "No output is negative: an activation stands after the last layer. A logit may be any number.",
    )
    return "Logits are plain weighted sums, of any sign and size; the loss does the one softmax that is needed."


@check
def batched_accuracy(accuracy):
    """`accuracy(predictions, labels, batch_size)`: the share of right answers, whatever the batch size."""
    generator = np.random.default_rng(3)
    for images, batch_size in ((25, 10), (1030, 1000), (24, 8), (7, 20)):
        right = np.arange(images) % 10 < np.linspace(9.5, 2, images)
        labels = generator.integers(0, 10, images)
        predictions = np.where(right, labels, (labels + 1) % 10)
        found = number(call(accuracy, predictions.copy(), labels.copy(), batch_size), "the accuracy")
        share = [right[begin : begin + batch_size].mean() for begin in range(0, images, batch_size)]
        whole = images // batch_size * batch_size
        case = f"With {images} images in batches of {batch_size}"
        slips = [
            (np.mean(share), f"{case} the result is still the average of the batches: the smaller last batch counts as "
             "much as a full one."),
            (right[:whole].mean() if whole else 0.0, f"{case} the smaller last batch is left out."),
            (right.sum() / (len(share) * batch_size), f"{case} the sum was divided as if every batch were full."),
            (right.sum() / max(whole, 1), f"{case} the sum was divided by the images of the full batches only."),
            (100 * right.mean(), f"{case} found {found:.4g}. Expected a share between 0 and 1, not per cent."),
            (right.sum(), f"{case} found {found:g}: that is how many are right. Expected their share."),
            (share[-1], f"{case} the result is that of the last batch alone."),
            (1 - right.mean(), f"{case} the result is the share of wrong answers."),
        ]  # fmt: skip
        compare(
            found, right.mean(), slips,
            f"{case}, {right.sum()} of them right, found {found:.4f}. Add up what every batch contributes, and divide "
            "once, at the end.",
        )  # fmt: skip
    return "Sum over the images and divide once: then the batch size is a matter of memory, not of the result."


@check
def recall_per_class(recall):
    """`recall(counts)`: K shares from a K×K confusion matrix, whose rows are the true classes."""
    generator = np.random.default_rng(4)
    for classes in (10, 3):
        counts = generator.integers(1, 20, (classes, classes)) + np.diag(generator.integers(20, 90, classes))
        right = counts.diagonal()
        found = array(call(recall, counts.copy()), what="the recall")
        require(
            found.shape != (),
            f"Expected one number for each class, found a single number, {float(found.reshape(-1)[0]):.3g}.",
        )
        require(found.shape == (classes,), f"Expected {classes} numbers for {classes} classes, found {found.shape}.")
        precision, expected = right / counts.sum(axis=0), right / counts.sum(axis=1)
        slips = [
            (precision, "This is precision: the share among the images that were called so. Recall asks about the "
             "images that are so, and their class is the row."),
            (right, "These are the numbers of right answers. Divide each by the number of images of its class."),
            (right / counts.sum(), "Each number was divided by all images. Divide by the images of that class alone."),
            (100 * expected, "These are per cent. Expected shares between 0 and 1."),
            (1 - expected, "This is the share that was missed. Recall is the share that was found."),
            (2 * right / (counts.sum(axis=0) + counts.sum(axis=1)),
             "This is F1, the mean of precision and recall. Only recall is asked for."),
            (right / (counts.sum(axis=1) - right), "This compares right with wrong answers. The right ones belong to "
             "the images of the class, too."),
        ]  # fmt: skip
        compare(
            found, expected, slips,
            "Expected, for each row, the number on the diagonal divided by the sum of the row; what you found is "
            "something else.",
        )  # fmt: skip
    return "Of the images that are so, how many were found: the diagonal over the sums of the rows."


@check
def average_of_two(answer, dense_probabilities, cnn_probabilities, labels):
    """`answer`: errors fewer of the averaged probabilities than of the CNN, and both ends of the 95 % interval."""
    found = array(answer, (3,), "the answer (errors fewer, lower end, upper end)")
    n = len(labels)
    dense, cnn, both = (
        probabilities.argmax(axis=1) == labels
        for probabilities in (dense_probabilities, cnn_probabilities, dense_probabilities + cnn_probabilities)
    )
    gain = int(both.sum()) - int(cnn.sum())
    mean_class = (dense_probabilities.argmax(axis=1) + cnn_probabilities.argmax(axis=1)) // 2 == labels
    difference, low, high = found
    if abs(difference - gain) > 1:
        slips = [
            (-gain, "The size is right, but not the sign: the answer is positive where the pair has fewer errors."),
            (gain / n, "This is a share of the images. Expected a number of images."),
            (100 * gain / n, "This is in per cent. Expected a number of images."),
            (both.sum(), "This is how many images the pair gets right. Expected how many more than the CNN alone."),
            (both.sum() - dense.sum(), "This compares the pair with the dense network. Compare it with the CNN."),
            (cnn.sum() - dense.sum(), "This compares the CNN with the dense network: the pair has no part in it."),
            (mean_class.sum() - cnn.sum(), "Class numbers were averaged: half-way between a shirt and a sandal lies "
             "no class. Average the probabilities, then take the largest."),
        ]  # fmt: skip
        compare(
            float(difference), float(gain), [(float(value), message) for value, message in slips],
            f"Found {difference:g} errors fewer on {n:,} images, which is not the difference between the pair and the "
            "CNN. Average the two probabilities of each image and class, take the largest, and count.",
            tolerance=0.002,
        )  # fmt: skip
    require(low <= high, "The lower end of the interval stands first, then the upper one.")
    only = int(np.sum(both != cnn))
    error = np.sqrt(only - gain**2 / n)
    half, tolerance = (high - low) / 2, max(0.1 * 1.96 * error, 0.6)
    separate = np.sqrt(sum(n * right.mean() * (1 - right.mean()) for right in (both, cnn)))
    slips = [
        (error, "The interval is one standard error wide on each side. For 95 % it takes about two."),
        (1.96 * separate, "The interval treats the two results as if they came from different images. Most images are "
         "right or wrong in both; only the others say anything about the difference."),
        (1.96 * error / n, "The interval is a share of the images. Expected numbers of images, as for the difference."),
    ]  # fmt: skip
    if abs(half - 1.96 * error) > tolerance:
        for value, message in slips:
            require(abs(half - value) > 0.1 * value, message)
        raise Wrong(
            f"The interval reaches {half:.1f} images to each side. Expected 1.96 standard errors of a difference on "
            "the same images: count those that only one of the two gets right."
        )
    require(abs((low + high) / 2 - difference) <= tolerance + 1, "The difference should lie in the middle.")
    return "A difference on the same images, with its uncertainty: now it can be judged."
