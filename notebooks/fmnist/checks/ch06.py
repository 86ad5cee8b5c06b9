"""The checks of the exercises to chapter 06: what each answer must do, and what the usual mistakes look like."""

import itertools
import math
from functools import wraps

import numpy as np
from scipy import stats

from fmnist.checks.common import array, call, check, compare, number, require, same, whole_number

ROUNDED = 0.006  # a result in percentage points may be rounded to two decimals


@check
def projection(parameters, multiplications):
    """`parameters` and `multiplications` of a block from 32 to 64 channels and from 14×14 to 7×7 positions."""
    found = whole_number(parameters, "the parameters")
    products = whole_number(multiplications, "the multiplications")
    first, second, shortcut, norm = 9 * 32 * 64, 9 * 64 * 64, 32 * 64, 2 * 64
    expected = first + second + shortcut + 3 * norm
    work = 49 * (first + second + shortcut)
    require((found, products) != (work, expected), "Your two results are swapped.")
    compare(
        found, expected,
        [
            (expected + 3 * 64, "The convolutions have no biases, because batch normalization brings its own."),
            (expected - 3 * norm, "Batch normalization has parameters too, two per channel, and there are three of "
             "them."),
            (expected - 3 * 64, "Batch normalization has two trainable parameters per channel, gamma and beta."),
            (expected + 3 * norm, "The running statistics of batch normalization are not trained. Count two "
             "parameters per channel."),
            (expected - norm, "One batch normalization is missing. The shortcut has one too."),
            (expected - shortcut - norm, "The shortcut is missing. It has to turn 32 channels into 64."),
            (expected - shortcut + 9 * 32 * 64, "The shortcut is a convolution of 1×1, not of 3×3."),
            (expected - second + 9 * 32 * 64, "The second convolution sees the 64 channels that come out of the "
             "first one."),
            (expected - first + 9 * 64 * 64, "The first convolution sees the 32 channels that come in."),
            (work, "This is the number of multiplications. A parameter counts once."),
        ],
        "The parameters are not right yet. A convolution has kernel × kernel × inputs × filters weights, and each of "
        "the three batch normalizations two parameters per filter.",
    )  # fmt: skip
    compare(
        products, work,
        [
            (4 * work, "With a stride of 2, a filter is applied at 7×7 positions, not at 14×14."),
            (49 * (4 * first + second + shortcut), "The first convolution has a stride of 2, so it is applied at 7×7 "
             "positions."),
            (49 * (first + second + 4 * shortcut), "The shortcut has a stride of 2 too."),
            (49 * (first + second), "The shortcut is missing. Its 1×1 convolution multiplies too."),
            (2 * work, "You counted additions as well. Count multiplications only."),
            (work // 49, "You counted each weight once. It is used at every position of the output."),
            (49 * expected, "Leave out batch normalization. Count the convolutions only."),
        ],
        "The multiplications are not right yet. Multiply the weights of the three convolutions by the 7×7 positions "
        "of their output.",
    )  # fmt: skip
    share = shortcut / (first + second + shortcut)
    return (
        f"The 1×1 convolution of the shortcut has {share:.0%} of the multiplications of its block. A shortcut that "
        "adds its input as it is costs nothing at all."
    )


def _or_open(function):
    """Let given code that returns None, because nothing is answered yet, return `...`."""

    @wraps(function)
    def ask(*arguments):
        found = function(*arguments)
        return ... if found is None else found

    return ask


@check(given=("examine",))
def block(build, examine):
    """`build(inputs, outputs, stride)` makes a block; given code: `examine(build, inputs, outputs, stride)`."""
    plain, wider = (call(_or_open(examine), build, *details) for details in ((16, 16, 1), (16, 32, 2)))
    for name, facts, channels, side in (("16 to 16", plain, 16, 14), ("16 to 32", wider, 32, 7)):
        require(
            facts["channels"] == channels,
            f"The block from {name} channels should return {channels} channels, found {facts['channels']}.",
        )
        require(
            facts["side"] == side,
            f"The block from {name} channels should return {side}×{side} positions from 14×14, found "
            f"{facts['side']}×{facts['side']}.",
        )
    require(
        plain["zero"] > 0,
        "With all 3×3 filters at 0, your block returns nothing but 0. Then it has no shortcut, or adds something "
        "other than its input.",
    )
    require(
        wider["zero"] > 0,
        "The wider block has no shortcut: with all 3×3 filters at 0 it returns nothing but 0. A convolution of 1×1 "
        "with the same stride makes the input fit.",
    )
    compare(
        plain["kept"], 0,
        [(1, "With all 3×3 filters at 0, your block returns twice its input. Is it added once?")],
        "With all 3×3 filters at 0, the block should return its positive input unchanged. Add the input itself, as it "
        "came in, and not what your code has stored under its name later.",
        tolerance=1e-4,
    )  # fmt: skip
    require(plain["lowest"] >= 0, "The output has negative values. The last ReLU comes after the addition.")
    require(
        plain["below"],
        "The output is nowhere below the input, so ReLU was applied before the addition. The second convolution "
        "must be able to subtract.",
    )
    by_hand = {"16 to 16": 2 * (9 * 16 * 16 + 32), "16 to 32": 9 * 16 * 32 + 9 * 32 * 32 + 16 * 32 + 3 * 64}
    for (name, expected), facts in zip(by_hand.items(), (plain, wider), strict=True):
        biases = {"16 to 16": 32, "16 to 32": 96}[name]
        compare(
            facts["parameters"], expected,
            [
                (expected + biases, f"The block from {name} channels has biases in its convolutions. Switch them off, "
                 "because batch normalization brings its own."),
                (expected - 64, f"The block from {name} channels lacks a batch normalization. The shortcut's 1×1 "
                 "convolution has one too."),
                (4672 + 16 * 16 + 32, "Where the input fits, the shortcut needs no convolution. Add the input as it "
                 "is."),
            ],
            f"The block from {name} channels should have {expected:,} parameters, found {facts['parameters']:,}.",
        )  # fmt: skip
    return "With filters at 0 the block passes on its input, so a deeper network starts from a shallower one."


@check
def different(count):
    """`count(images)` is the number of different images among N×28×28."""
    generator = np.random.default_rng(7)
    images = generator.random((4, 28, 28))
    cases = {1: images[[2] * 5], 4: images, 3: images[[0, 1, 0, 3, 3, 1]], 2: np.stack([images[0], images[0].copy()])}
    cases[2][1, 27, 27] += 0.5
    for expected, batch in cases.items():
        found = whole_number(call(count, batch), "the number of different images")
        compare(
            found, expected,
            [
                (len(batch), "You count all images. Equal ones should count once."),
                (len(np.unique(batch)), "You count different pixel values. Compare whole images."),
                (expected - 1, "You are off by one. Copies of one image are one different image."),
                (sum(not np.array_equal(batch[0], each) for each in batch), "You compare with the first image only."),
            ],
            f"Among {len(batch)} images with {expected} different ones, your function counts {found}.",
        )  # fmt: skip
    return "Copies of one image, augmented and counted: the shortest test that an augmentation draws for each image."


def _shifted(image, down, right):
    padded = np.pad(image, 2)
    return padded[2 - down : 30 - down, 2 - right : 30 - right]


@check(given=("apply",))
def shifts(shift, apply):
    """`shift` moves each image of a batch by up to two pixels; given code: `apply(shift, images)` returns arrays."""
    image = np.arange(1, 785, dtype=np.float32).reshape(28, 28) / 784
    copies = np.repeat(image[None], 500, axis=0)
    moved = array(call(apply, shift, copies), what="the shifted images")
    require(moved.shape == copies.shape, f"Expected images of the shape {copies.shape}, found {moved.shape}.")
    count = len(np.unique(moved.reshape(len(moved), -1), axis=0))
    require(
        count > 1,
        "All copies of an image come back alike. Draw a value for each image, not one for the batch.",
    )
    places = list(itertools.product(range(-2, 3), repeat=2))
    sheet = np.stack([_shifted(image, *place) for place in places]).reshape(25, -1)
    distances = np.abs(moved.reshape(len(moved), 1, -1)[:50] - sheet).max(axis=2)
    is_shift = distances.min(axis=1) < 1e-5
    if not is_shift.all():
        odd = moved[:50][~is_shift][0]
        rolled = [np.roll(image, place, axis=(0, 1)) for place in itertools.product(range(-28, 29), repeat=2)]
        require(
            not any(np.allclose(odd, each) for each in rolled if not np.allclose(each, image)),
            "Pixels that leave the image on one side come back on the other. Fill with 0.",
        )
        far = np.pad(image, 28)
        beyond = any(
            np.allclose(odd, far[28 - down : 56 - down, 28 - right : 56 - right])
            for down, right in itertools.product(range(-27, 28), repeat=2)
        )
        require(not beyond, "Some images move by more than two pixels.")
    require(
        is_shift.all(),
        "Some results are not the image, shifted by whole pixels, with 0 where nothing came in.",
    )
    require(count <= 25, "There are 25 shifts by up to two pixels, and yours have more results.")
    seen = {places[k] for k in np.abs(moved.reshape(len(moved), 1, -1) - sheet).max(axis=2).argmin(axis=1)}
    downs, rights = ({place[axis] for place in seen} for axis in (0, 1))
    for name, found in (("vertically", downs), ("horizontally", rights)):
        require(len(found) > 1, f"No image moves {name}.")
        require(min(found) < 0 < max(found), f"All images move in one direction {name}. Draw from -2 to 2.")
        require(
            found == {-2, -1, 0, 1, 2},
            f"The shifts are {min(found)} to {max(found)} {name}. Both ends, -2 and 2, should occur. Does your draw "
            "leave out its upper end?",
        )
    require(len(seen) > 5, "Images move down and right by the same number of pixels. Draw the two independently.")
    again = array(call(apply, shift, copies), what="the shifted images")
    require(not np.array_equal(moved, again), "A second call moves the images as the first one did. Draw anew.")
    return f"{count} of 25 possible results among 500 copies: each image is moved in its own way."


@check
def smoothing(targets, floor, gap):
    """`targets(labels, smoothing)` is N×10; `floor`: the lowest loss for 0.05; `gap`: true logit minus another."""
    labels = np.array([3, 0, 9])
    for share in (0.05, 0.2, 0.0):
        expected = np.full((3, 10), share / 10)
        expected[np.arange(3), labels] += 1 - share
        found = array(call(targets, labels, share), (3, 10), "the targets")
        off = expected.copy()
        off[np.arange(3), labels] = 1 - share
        nine = np.full((3, 10), share / 9)
        nine[np.arange(3), labels] = 1 - share
        hard = np.eye(10)[labels]
        slips = [
            (hard, "These are the labels without smoothing."),
            (off, "The rows do not add up to 1. The true class gets its tenth of the smoothing too."),
            (nine, "You share the smoothing among the nine other classes. Here all ten get a tenth of it, as in both "
             "frameworks."),
            (hard * (1 - share) + share, "Each class should get a tenth of the smoothing, not all of it."),
        ]  # fmt: skip
        compare(
            found, expected, [slip for slip in slips if not same(slip[0], expected)],
            "A row should be 1 - smoothing for the true class, plus smoothing / 10 for every class.",
        )  # fmt: skip
    true, other = 0.955, 0.005
    lowest = -(true * math.log(true) + 9 * other * math.log(other))
    compare(
        number(floor, "the lowest loss"), lowest,
        [
            (0, "0 is the lowest loss without smoothing. Insert the probabilities that are best with it."),
            (-math.log(true), "This is the loss of the true class alone. The nine others have a share of it."),
            (-true * math.log(true), "The nine other classes are missing in the sum."),
            (-(true * math.log(true) + other * math.log(other)), "There are nine other classes, not one."),
            (-(0.95 * math.log(0.95) + 0.05 * math.log(0.05)), "This is the entropy for two classes, 0.95 and 0.05."),
            (-lowest, "The sign is reversed: a cross-entropy is never negative."),
            (lowest / math.log(2), "You took logarithms to base 2. The loss uses natural ones."),
        ],
        "The lowest loss is reached where the predicted probabilities are the targets. Insert them into the "
        "cross-entropy.",
        tolerance=1e-3,
    )  # fmt: skip
    compare(
        number(gap, "the gap"), math.log(true / other),
        [
            (true - other, "This is the difference of the probabilities. Logits are their logarithms, up to a "
             "constant."),
            (true / other, "This is the ratio of the probabilities. Take its logarithm."),
            (-math.log(true / other), "The sign is reversed: the true class has the larger logit."),
            (math.log(0.95 / 0.05), "The probabilities are 0.955 and 0.005, because each class gets a tenth of the "
             "smoothing."),
            (math.log10(true / other), "Softmax uses natural logarithms."),
        ],
        "Softmax turns a difference of two logits into the ratio of two probabilities: $e$ to the difference.",
        tolerance=1e-2,
    )  # fmt: skip
    return (
        f"A loss of {lowest:.2f} is as low as it gets, and a logit that is {math.log(true / other):.2f} above the "
        "others is enough. Without smoothing, the loss rewards ever larger gaps."
    )


@check
def average(moving_average, half_life):
    """`moving_average(values, decay)` of an array steps × parameters; `half_life` in steps for 0.99."""
    values = np.random.default_rng(3).normal(size=(6, 4))
    for decay in (0.9, 0.5):
        expected, swapped, zero = values[0].copy(), values[0].copy(), np.zeros(4)
        for row in values[1:]:
            expected = decay * expected + (1 - decay) * row
            swapped = (1 - decay) * swapped + decay * row
        for row in values:
            zero = decay * zero + (1 - decay) * row
        found = array(call(moving_average, values, decay), what="the average")
        require(found.shape != values.shape, "Return the average after the last step only, not that of every step.")
        require(found.shape == (4,), f"Expected the average of 4 parameters, found the shape {found.shape}.")
        slips = [
            (zero, "Begin with the first row. If you begin with 0, the average is too small at first."),
            (swapped, "The shares are swapped: the old average keeps `decay`, the new value gets the rest."),
            (values.mean(axis=0), "This is the plain mean. In a moving average, recent values count more."),
            (values[-1], "This is the last row. The earlier ones have a share too."),
            (decay * expected + (1 - decay) * values[-1], "The last row counts twice."),
        ]
        compare(
            found, expected, [slip for slip in slips if not same(slip[0], expected)],
            "In each step, the average becomes decay × average + (1 - decay) × new values.",
        )  # fmt: skip
    compare(
        number(half_life, "the half-life"), 69,
        [
            (math.log(0.5) / math.log(0.99), "Steps are whole. After how many of them is the share at most one half?"),
            (68, "After 68 steps, the share is still 0.505."),
            (70, "One step fewer is enough: 0.99 to the power of 69 is below one half."),
            (50, "The share does not fall by 0.01 in each step. It is multiplied by 0.99."),
            (100, "100 steps is where the share has fallen to about 37%, one over e."),
        ],
        "After n steps, an old value has the share 0.99 to the power of n. Find the first n where it is at most 0.5.",
        tolerance=1e-2,
    )  # fmt: skip
    return "The average mostly holds the last one or two hundred steps, so their noise cancels while it still follows."


@check
def flips(with_flips):
    """`with_flips(predict, images)` averages the probabilities of N×28×28 images and of their mirror images."""
    generator = np.random.default_rng(5)
    images = generator.random((6, 28, 28)).astype("float32")
    columns = generator.normal(0, 0.15, (784, 10))

    def predict(x):
        logits = np.asarray(x).reshape(-1, 784) @ columns
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    before = images.copy()
    found = array(call(with_flips, predict, images), what="the probabilities")
    require(np.array_equal(images, before), "Your function changes the images that it is given. Flip a copy.")
    require(found.shape == (6, 10), f"Expected a probability for each class, 6 × 10, found the shape {found.shape}.")
    plain, mirror = predict(images), predict(images[:, :, ::-1])
    upside_down, reversed_ = predict(images[:, ::-1]), predict(images[::-1])
    product = np.sqrt(plain * mirror)
    compare(
        found, (plain + mirror) / 2,
        [
            (plain + mirror, "The probabilities add up to 2. Divide by 2."),
            (plain, "These are the predictions of the images as they are."),
            (mirror, "These are the predictions of the mirror images alone."),
            ((plain + upside_down) / 2, "You turned the images upside down. The last axis goes from left to right."),
            ((plain + reversed_) / 2, "You reversed the order of the images. The first axis counts them."),
            ((plain + predict(images[:, ::-1, ::-1])) / 2, "You rotated the images by half a turn. Flip one axis."),
            (predict((images + images[:, :, ::-1]) / 2), "You averaged the images. Average the probabilities."),
            (np.maximum(plain, mirror), "You took the larger probability. Take the mean."),
            (product, "This is the geometric mean. Take the arithmetic one here."),
            (product / product.sum(axis=1, keepdims=True), "This is the geometric mean. Take the arithmetic one here."),
        ],
        "Predict the images and their mirror images (`images[:, :, ::-1]`), and average the two arrays.",
    )  # fmt: skip
    return "Two forward passes, no training: an ensemble of one network with itself."


@check
def paired(plain, averaged, gain, half):
    """`plain`, `averaged`: N booleans, which images are right; `gain` in images, `half` of its 95% interval."""
    one, other = (array(each, what=name) for each, name in ((plain, "`plain`"), (averaged, "`averaged`")))
    for name, flags in (("plain", one), ("averaged", other)):
        require(flags.ndim == 1, f"`{name}` should be one row of True and False, found the shape {flags.shape}.")
        require(np.isin(flags, (0, 1)).all(), f"`{name}` should say True or False for each image.")
    require(len(one) == len(other), "Both should be about the same images.")
    more, fewer, images = np.sum(other > one), np.sum(one > other), len(one)
    expected = more - fewer
    compare(
        number(gain, "the gain"), expected,
        [
            (-expected, "The sign is reversed: the gain is positive where averaging classifies more images correctly."),
            (more, "These are the images won. Subtract those that are lost."),
            (more + fewer, "You added up both kinds of change. Subtract the images lost from those won."),
            (100 * expected / images, "This is in percentage points. Give the number of images."),
            (expected / images, "This is a share. Give the number of images."),
        ],
        "The gain is the number of images that only averaging gets right, minus the number that it alone gets wrong.",
    )  # fmt: skip
    error = math.sqrt(more + fewer - expected**2 / images)
    alone = [math.sqrt(flags.mean() * (1 - flags.mean()) * images) for flags in (one, other)]
    slips = [
        (error, "This is one standard error. Multiply by 1.96."),
        (2 * 1.96 * error, "This is the whole interval. Expected half of it."),
        (1.96 * (more + fewer - expected**2 / images), "This is the variance. Take its root."),
        (1.96 * math.hypot(*alone), "You treated the two accuracies as if they came from different images. Use the "
         "images that changed."),
        (1.96 * error / images, "This is a share. Give the number of images."),
    ]  # fmt: skip
    compare(
        number(half, "half of the interval"), 1.96 * error, [slip for slip in slips if slip[0] != 1.96 * error],
        "Half of the interval is 1.96 times the root of: images that changed, minus gain² / images.",
        tolerance=0.1,
    )  # fmt: skip
    detectable = abs(expected) > 1.96 * error
    return (
        f"{expected:+.0f} ± {1.96 * error:.0f} images: {'a detectable' if detectable else 'no detectable'} "
        "difference. A network that never saw mirrored images need not gain from predicting them."
    )


@check(given=("accuracies",))
def interaction(accuracies, alone, within, interaction, half):
    """`accuracies`: {"neither", "shortcuts", "batch norm", "both"} → seeds, in percent; the rest in points."""
    table = {name: np.asarray(values, float) for name, values in accuracies.items()}
    means = {name: values.mean() for name, values in table.items()}
    first, second = means["shortcuts"] - means["neither"], means["both"] - means["batch norm"]
    other = means["batch norm"] - means["neither"]
    compare(
        number(alone, "`alone`"), first,
        [
            (-first, "The sign of `alone` is reversed: shortcuts minus neither."),
            (second, "This is `within`, the effect in the presence of batch norm."),
            (other, "This is the effect of batch norm. Expected that of the shortcuts."),
            (means["both"] - means["neither"], "This is the effect of both parts together."),
            (table["shortcuts"].max() - table["neither"].max(), "You compare the best seeds. Compare the means."),
        ],
        "`alone` is the mean accuracy with shortcuts minus that with neither.",
        tolerance=ROUNDED,
    )  # fmt: skip
    compare(
        number(within, "`within`"), second,
        [
            (-second, "The sign of `within` is reversed: both minus batch norm."),
            (first, "This is `alone`, the effect without batch norm."),
            (means["both"] - means["shortcuts"], "This is what batch norm adds to the shortcuts. Expected the "
             "reverse."),
            (means["both"] - means["neither"], "This is the effect of both parts together."),
        ],
        "`within` is the mean accuracy with both minus that with batch norm alone.",
        tolerance=ROUNDED,
    )  # fmt: skip
    compare(
        number(interaction, "the interaction"), second - first,
        [
            (first - second, "The sign is reversed: `within` minus `alone`, so it is negative where the shortcuts are "
             "worth less beside batch norm."),
            (first + second, "You added the two effects. Subtract them."),
        ],
        "The interaction is `within` minus `alone`.",
        tolerance=ROUNDED,
    )  # fmt: skip
    seeds = len(table["both"])
    freedom = 4 * (seeds - 1)
    deviation = math.sqrt(np.mean([values.var(ddof=1) for values in table.values()]))
    student = stats.t.ppf(0.975, freedom)
    expected = student * deviation * math.sqrt(4 / seeds)
    biased = math.sqrt(np.mean([values.var() for values in table.values()]))
    compare(
        number(half, "half of the interval"), expected,
        [
            (deviation * math.sqrt(4 / seeds), "This is one standard error. Multiply by Student's t."),
            (1.96 * deviation * math.sqrt(4 / seeds), "1.96 is for many seeds. Use Student's t with four times (seeds "
             "- 1) degrees of freedom."),
            (student * deviation * math.sqrt(2 / seeds), "Four means are in the interaction, not two, so four "
             "variances add up."),
            (student * deviation * math.sqrt(1 / seeds), "Four means are in the interaction, so four variances add "
             "up."),
            (student * deviation * 2, "This interval is for single runs. Divide the variances by the number of seeds."),
            (student * biased * math.sqrt(4 / seeds), "A few seeds are a sample. Use `ddof=1`."),
            (stats.t.ppf(0.975, seeds - 1) * deviation * math.sqrt(4 / seeds), "All four arms give degrees of "
             "freedom: 4 × (seeds - 1)."),
            (stats.t.ppf(0.95, freedom) * deviation * math.sqrt(4 / seeds), "95% in the middle leave 2.5% on either "
             "side: `ppf(0.975, ...)`."),
            (2 * expected, "This is the whole interval. Expected half of it."),
        ],
        "Half of the interval is Student's t × pooled standard deviation × root of (4 / seeds). The pooled variance "
        "is the mean of the four variances (`ddof=1`).",
        tolerance=ROUNDED,
    )  # fmt: skip
    return (
        f"{second - first:+.2f} ± {expected:.2f} points. Each part makes the other one less useful, so leaving out one "
        "understates both, and adding one to nothing overstates it."
    )


@check(given=("labels", "target"))
def challenge(predictions, labels, target):
    """`predictions`: the classes of the validation images, or N×10 scores; `target`: the accuracy to reach."""
    found, true = array(predictions, what="the predictions"), array(labels, what="the labels")
    if found.ndim == 2 and found.shape[1] == 10:
        found = found.argmax(axis=1)
    require(
        found.shape == true.shape,
        f"Expected a class for each of the {len(true):,} validation images, found the shape {found.shape}.",
    )
    require(np.isin(found, range(10)).all(), "The predictions should be classes from 0 to 9.")
    accuracy = float((found == true).mean())
    require(
        accuracy < 0.99,
        f"{accuracy:.1%} is more than any published network reaches. Are these the labels, or images that the network "
        "was trained on?",
    )
    require(
        accuracy >= target,
        f"The validation accuracy is {accuracy:.2%}, and the challenge is {target:.0%}. Look at the learning rate's "
        "schedule, at the augmentation, and at the number of epochs, one at a time.",
    )
    error = math.sqrt(accuracy * (1 - accuracy) / len(true))
    return f"{accuracy:.2%} ± {error:.2%} (standard error) on the validation images."
