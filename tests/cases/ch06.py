"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 06."""

import math

import numpy as np
from scipy import stats

from tests.cases.answers import Args, Tensor

generator = np.random.default_rng(6)

PARAMETERS, MULTIPLICATIONS = 57_728, 2_809_856


def costs(parameters=PARAMETERS, multiplications=MULTIPLICATIONS):
    return Args((parameters, multiplications))


def facts(inputs, outputs, stride, **changed):
    """What is found of a right block, or of another one with some `changed` facts, as (16 to 16, 16 to 32)."""
    plain = inputs == outputs
    right = {
        "channels": outputs,
        "side": 14 // stride,
        "zero": 1.0,
        "kept": 0.0,
        "lowest": 0.0,
        "below": True,
        "parameters": 4672 if plain else 14_528,
    }
    return right | {name: value[0 if plain else 1] for name, value in changed.items()}


def block(**changed):
    def build(inputs, outputs, stride):
        return facts(inputs, outputs, stride, **changed)

    return Args((build, lambda build, *details: build(*details)))


def by_set(images):
    return len({image.tobytes() for image in np.asarray(images)})


def by_pairs(images):
    return sum(not any(np.array_equal(images[i], images[j]) for j in range(i)) for i in range(len(images)))


def move(images, down, right):
    """Each of N images by its own pair of numbers."""
    padded = np.pad(images, ((0, 0), (30, 30), (30, 30)))
    return np.stack([each[30 - a : 58 - a, 30 - b : 58 - b] for each, a, b in zip(padded, down, right, strict=True)])


def draws(images, low=-2, high=3):
    return generator.integers(low, high, size=len(images))


def shift(images):
    return move(images, draws(images), draws(images))


def shift_one_by_one(images):
    return np.stack([move(image[None], draws([0]), draws([0]))[0] for image in images])


def one_draw(images):
    return move(images, np.full(len(images), draws([0])), np.full(len(images), draws([0])))


def rolled(images):
    return np.stack([np.roll(image, (draws([0])[0], draws([0])[0]), axis=(0, 1)) for image in images])


def same_both(images):
    values = draws(images)
    return move(images, values, values)


def always_the_same(images):
    random = np.random.default_rng(0)
    return move(images, random.integers(-2, 3, len(images)), random.integers(-2, 3, len(images)))


def half_pixels(images):
    moved = shift(images)
    return (moved + images) / 2


def shifts(function, apply=lambda function, images: function(images)):
    return Args((function, apply))


def targets(labels, smoothing):
    return (1 - smoothing) * np.eye(10)[labels] + smoothing / 10


def targets_by_loop(labels, smoothing):
    rows = [[smoothing / 10 + (1 - smoothing) * (k == label) for k in range(10)] for label in labels]
    return Tensor(rows)


def off_targets(labels, smoothing):
    rows = np.full((len(labels), 10), smoothing / 10)
    rows[np.arange(len(labels)), labels] = 1 - smoothing
    return rows


def nine_targets(labels, smoothing):
    rows = np.full((len(labels), 10), smoothing / 9)
    rows[np.arange(len(labels)), labels] = 1 - smoothing
    return rows


FLOOR = -(0.955 * math.log(0.955) + 9 * 0.005 * math.log(0.005))
GAP = math.log(0.955 / 0.005)


def smoothing(function=targets, floor=FLOOR, gap=GAP):
    return Args((function, floor, gap))


def moving_average(values, decay):
    average = values[0]
    for row in values[1:]:
        average = decay * average + (1 - decay) * row
    return average


def by_weights(values, decay):
    """The same as a weighted sum."""
    shares = (1 - decay) * decay ** np.arange(len(values) - 1, -1, -1)
    shares[0] = decay ** (len(values) - 1)
    return shares @ values


def from_zero(values, decay):
    average = np.zeros(values.shape[1])
    for row in values:
        average = decay * average + (1 - decay) * row
    return average


def every_step(values, decay):
    rows = [values[0]]
    for row in values[1:]:
        rows.append(decay * rows[-1] + (1 - decay) * row)
    return np.stack(rows)


def average(function=moving_average, half_life=69):
    return Args((function, half_life))


def with_flips(predict, images):
    return (predict(images) + predict(images[:, :, ::-1])) / 2


def in_one_batch(predict, images):
    both = predict(np.concatenate([images, np.flip(images, axis=2)]))
    return np.mean(np.split(both, 2), axis=0)


def in_place(predict, images):
    plain = predict(images)
    images[:] = images[:, :, ::-1].copy()
    return (plain + predict(images)) / 2


PLAIN = generator.random(2000) < 0.9
AVERAGED = np.where(generator.random(2000) < 0.02, ~PLAIN, PLAIN)
MORE, FEWER = np.sum(AVERAGED & ~PLAIN), np.sum(PLAIN & ~AVERAGED)
GAIN = MORE - FEWER
HALF = 1.96 * math.sqrt(MORE + FEWER - GAIN**2 / 2000)


def paired(plain=PLAIN, averaged=AVERAGED, gain=GAIN, half=HALF):
    return Args((plain, averaged, gain, half))


ARMS = {
    "neither": [89.2, 90.7, 90.0],
    "shortcuts": [91.3, 92.8, 92.1],
    "batch norm": [91.9, 90.8, 91.7],
    "both": [92.2, 93.4, 92.9],
}
MEANS = {name: np.mean(values) for name, values in ARMS.items()}
ALONE, WITHIN = MEANS["shortcuts"] - MEANS["neither"], MEANS["both"] - MEANS["batch norm"]
DEVIATION = math.sqrt(np.mean([np.var(values, ddof=1) for values in ARMS.values()]))
ERROR = DEVIATION * math.sqrt(4 / 3)
STUDENT = stats.t.ppf(0.975, 8)


def interaction(alone=ALONE, within=WITHIN, difference=WITHIN - ALONE, half=STUDENT * ERROR, arms=ARMS):
    return Args((arms, alone, within, difference, half))


LABELS = np.arange(1000) % 10
GOOD = np.where(np.arange(1000) % 20 == 0, (LABELS + 1) % 10, LABELS)  # 95%
POOR = np.where(np.arange(1000) % 10 == 0, (LABELS + 1) % 10, LABELS)  # 90%

CASES = {
    "projection": {
        "right": [
            costs(),
            costs(float(PARAMETERS), np.int64(MULTIPLICATIONS)),
            costs(Tensor([PARAMETERS]), str(MULTIPLICATIONS)),
        ],
        "wrong": [
            (costs(MULTIPLICATIONS, PARAMETERS), "are swapped"),
            (costs(PARAMETERS + 192), "no biases"),
            (costs(PARAMETERS - 384), "there are three of them"),
            (costs(PARAMETERS + 384), "are not trained"),
            (costs(PARAMETERS - 128), "The shortcut has one too"),
            (costs(PARAMETERS - 2048 - 128), "The shortcut is missing"),
            (costs(PARAMETERS + 8 * 2048), "of 1×1, not of 3×3"),
            (costs(PARAMETERS - 9 * 64 * 32), "sees the 64 channels"),
            (costs(PARAMETERS + 9 * 64 * 32), "sees the 32 channels"),
            (costs(MULTIPLICATIONS), "counts once"),
            (costs(60_000), "kernel × kernel"),
            (costs(multiplications=4 * MULTIPLICATIONS), "not at 14×14"),
            (costs(multiplications=MULTIPLICATIONS + 3 * 49 * 18_432), "The first convolution has a stride"),
            (costs(multiplications=MULTIPLICATIONS + 3 * 49 * 2048), "The shortcut has a stride"),
            (costs(multiplications=MULTIPLICATIONS - 49 * 2048), "1×1 convolution multiplies too"),
            (costs(multiplications=2 * MULTIPLICATIONS), "additions as well"),
            (costs(multiplications=57_344), "at every position"),
            (costs(multiplications=49 * PARAMETERS), "Leave out batch normalization"),
            (costs(multiplications=10**6), "by the 7×7 positions"),
            (costs(57.7), "whole number"),
        ],
    },
    "block": {
        "right": [block(), block(zero=(0.3, 7.0)), block(kept=(1e-6, 0.5), lowest=(0.01, 0.0))],
        "wrong": [
            (block(channels=(16, 16)), "should return 32 channels"),
            (block(side=(14, 14)), "should return 7×7 positions"),
            (block(zero=(0, 1)), "it has no shortcut, or adds something other"),
            (block(zero=(1, 0)), "The wider block has no shortcut"),
            (block(kept=(1, 1)), "twice its input"),
            (block(kept=(0.4, 0.4)), "as it came in"),
            (block(lowest=(-0.3, -0.2)), "The last ReLU comes after"),
            (block(below=(False, True)), "ReLU was applied before the addition"),
            (block(parameters=(4704, 14_528)), "16 to 16 channels has biases"),
            (block(parameters=(4672, 14_528 + 96)), "16 to 32 channels has biases"),
            (block(parameters=(4672, 14_528 - 64)), "lacks a batch normalization"),
            (block(parameters=(4672 + 288, 14_528)), "needs no convolution"),
            (block(parameters=(4672, 20_000)), "should have 14,528 parameters"),
            (block(channels=(8, 8)), "should return 16 channels"),
            (Args((5, lambda build, *details: build(*details))), "with TypeError"),
        ],
    },
    "different": {
        "right": [
            by_set,
            by_pairs,
            lambda images: len(np.unique(images, axis=0)),
            lambda images: Tensor(by_set(images)),
        ],
        "wrong": [
            (len, "Equal ones should count once"),
            (lambda images: len(np.unique(images)), "different pixel values"),
            (lambda images: by_set(images) - 1, "off by one"),
            (lambda images: sum(not np.array_equal(images[0], each) for each in images), "off by one"),
            (lambda images: 1 + sum(not np.array_equal(images[0], each) for each in images), "your function counts"),
            (lambda images: by_set(images) / 3, "whole number"),
            (3, "Expected a function"),
        ],
    },
    "shifts": {
        "right": [
            shifts(shift),
            shifts(shift_one_by_one),
            shifts(shift, lambda function, images: Tensor(function(images.astype(np.float64)))),
        ],
        "wrong": [
            (shifts(one_draw), "All copies of an image come back alike"),
            (shifts(lambda images: images), "All copies of an image come back alike"),
            (shifts(rolled), "come back on the other"),
            (shifts(lambda images: move(images, draws(images, -4, 5), draws(images))), "more than two pixels"),
            (shifts(half_pixels), "shifted by whole pixels"),
            (shifts(lambda images: move(images, draws(images), np.zeros(len(images), int))), "moves horizontally"),
            (shifts(lambda images: move(images, np.zeros(len(images), int), draws(images))), "moves vertically"),
            (shifts(lambda images: move(images, draws(images, 0), draws(images))), "one direction vertically"),
            (shifts(lambda images: move(images, draws(images), draws(images, -2, 2))), "leave out its upper end"),
            (shifts(same_both), "the two independently"),
            (shifts(always_the_same), "as the first one did"),
            (shifts(lambda images: shift(images)[:, 1:]), "Expected images of the shape"),
            (shifts(lambda images: shift(images) + generator.random((len(images), 1, 1))), "shifted by whole pixels"),
        ],
    },
    "smoothing": {
        "right": [smoothing(), smoothing(targets_by_loop, round(FLOOR, 3), round(GAP, 2)), smoothing(gap=Tensor(GAP))],
        "wrong": [
            (smoothing(lambda labels, share: np.eye(10)[labels]), "without smoothing"),
            (smoothing(off_targets), "do not add up to 1"),
            (smoothing(nine_targets), "among the nine other"),
            (smoothing(lambda labels, share: np.eye(10)[labels] * (1 - share) + share), "a tenth of the smoothing"),
            (smoothing(lambda labels, share: targets(labels, share) * 2), "smoothing / 10 for every class"),
            (smoothing(lambda labels, share: targets(labels, share)[0]), "in the shape (3, 10)"),
            (smoothing(floor=0), "without smoothing"),
            (smoothing(floor=-math.log(0.955)), "true class alone"),
            (smoothing(floor=-0.955 * math.log(0.955)), "nine other classes are missing"),
            (smoothing(floor=-(0.955 * math.log(0.955) + 0.005 * math.log(0.005))), "not one"),
            (smoothing(floor=-FLOOR), "never negative"),
            (smoothing(floor=FLOOR / math.log(2)), "base 2"),
            (smoothing(floor=1), "probabilities are the targets"),
            (smoothing(gap=0.95), "Logits are their logarithms"),
            (smoothing(gap=191), "Take its logarithm"),
            (smoothing(gap=-GAP), "the larger logit"),
            (smoothing(gap=math.log(19)), "0.955 and 0.005"),
            (smoothing(gap=math.log10(191)), "natural logarithms"),
            (smoothing(gap=3), "to the difference"),
        ],
    },
    "average": {
        "right": [
            average(),
            average(by_weights, 69.0),
            average(lambda values, decay: Tensor(moving_average(values, decay)), Tensor(69)),
        ],
        "wrong": [
            (average(from_zero), "Begin with the first row"),
            (average(lambda values, decay: moving_average(values, 1 - decay)), "shares are swapped"),
            (average(lambda values, decay: values.mean(axis=0)), "plain mean"),
            (average(lambda values, decay: values[-1]), "This is the last row"),
            (average(every_step), "after the last step only"),
            (average(lambda values, decay: moving_average(values, decay)[0]), "of 4 parameters"),
            (
                average(lambda values, decay: decay * moving_average(values, decay) + (1 - decay) * values[-1]),
                "counts twice",
            ),
            (average(lambda values, decay: 0 * values[0]), "decay × average"),
            (average(half_life=math.log(0.5) / math.log(0.99)), "Steps are whole"),
            (average(half_life=68), "still 0.505"),
            (average(half_life=70), "One step fewer"),
            (average(half_life=50), "multiplied by 0.99"),
            (average(half_life=100), "one over e"),
            (average(half_life=7), "the first n"),
        ],
    },
    "flips": {
        "right": [with_flips, in_one_batch, lambda predict, images: Tensor(with_flips(predict, images))],
        "wrong": [
            (lambda predict, images: predict(images) + predict(images[:, :, ::-1]), "add up to 2"),
            (lambda predict, images: predict(images), "as they are"),
            (lambda predict, images: predict(images[:, :, ::-1]), "mirror images alone"),
            (lambda predict, images: (predict(images) + predict(images[:, ::-1])) / 2, "upside down"),
            (lambda predict, images: (predict(images) + predict(images[::-1])) / 2, "order of the images"),
            (lambda predict, images: (predict(images) + predict(images[:, ::-1, ::-1])) / 2, "half a turn"),
            (lambda predict, images: predict((images + images[:, :, ::-1]) / 2), "You averaged the images"),
            (lambda predict, images: np.maximum(predict(images), predict(images[:, :, ::-1])), "the larger"),
            (lambda predict, images: np.sqrt(predict(images) * predict(images[:, :, ::-1])), "geometric"),
            (lambda predict, images: with_flips(predict, images).argmax(axis=1), "for each class"),
            (in_place, "Flip a copy"),
            (lambda predict, images: with_flips(predict, images) ** 2, "average the two arrays"),
        ],
    },
    "paired": {
        "right": [
            paired(),
            paired(PLAIN.tolist(), Tensor(AVERAGED), float(GAIN), round(HALF, 1)),
            paired(PLAIN.astype(int), AVERAGED.astype(int)),
        ],
        "wrong": [
            (paired(gain=-GAIN), "sign is reversed"),
            (paired(gain=MORE), "Subtract those that are lost"),
            (paired(gain=MORE + FEWER), "both kinds of change"),
            (paired(gain=GAIN / 20), "percentage points"),
            (paired(gain=GAIN / 2000), "This is a share"),
            (paired(gain=999), "minus the number that it alone gets wrong"),
            (paired(half=HALF / 1.96), "one standard error"),
            (paired(half=2 * HALF), "the whole interval"),
            (paired(half=HALF**2 / 1.96), "This is the variance"),
            (
                paired(half=1.96 * math.sqrt(2000 * sum(x.mean() * (1 - x.mean()) for x in (PLAIN, AVERAGED)))),
                "as if they came from different images",
            ),
            (paired(half=999), "gain² / images"),
            (paired(PLAIN.mean(), AVERAGED), "one row of True and False"),
            (paired(PLAIN[:10]), "about the same images"),
            (paired(PLAIN * 3.0), "True or False"),
        ],
    },
    "interaction": {
        "right": [
            interaction(),
            interaction(*(round(x, 2) for x in (ALONE, WITHIN, WITHIN - ALONE, STUDENT * ERROR))),
            interaction(Tensor(ALONE), arms={name: np.array(values) for name, values in ARMS.items()}),
        ],
        "wrong": [
            (interaction(alone=-ALONE), "The sign of `alone`"),
            (interaction(alone=WITHIN), "This is `within`"),
            (interaction(alone=MEANS["batch norm"] - MEANS["neither"]), "effect of batch norm"),
            (interaction(alone=MEANS["both"] - MEANS["neither"]), "both parts together"),
            (interaction(alone=7), "with shortcuts minus that with neither"),
            (interaction(within=-WITHIN), "The sign of `within`"),
            (interaction(within=ALONE), "This is `alone`"),
            (interaction(within=MEANS["both"] - MEANS["shortcuts"]), "Expected the reverse"),
            (interaction(within=MEANS["both"] - MEANS["neither"]), "both parts together"),
            (interaction(within=9), "with batch norm alone"),
            (interaction(difference=ALONE - WITHIN), "sign is reversed"),
            (interaction(difference=ALONE + WITHIN), "Subtract them"),
            (interaction(difference=9), "`within` minus `alone`"),
            (interaction(half=ERROR), "one standard error"),
            (interaction(half=1.96 * ERROR), "many seeds"),
            (interaction(half=STUDENT * ERROR / math.sqrt(2)), "not two"),
            (interaction(half=STUDENT * ERROR / 2), "four variances add up"),
            (interaction(half=STUDENT * DEVIATION * 2), "for single runs"),
            (interaction(half=STUDENT * ERROR * math.sqrt(2 / 3)), "`ddof=1`"),
            (interaction(half=stats.t.ppf(0.975, 2) * ERROR), "All four arms"),
            (interaction(half=stats.t.ppf(0.95, 8) * ERROR), "2.5% on either side"),
            (interaction(half=2 * STUDENT * ERROR), "the whole interval"),
            (interaction(half=9), "pooled standard deviation"),
        ],
    },
    "challenge": {
        "right": [
            Args((GOOD, LABELS, 0.93)),
            Args((Tensor(np.eye(10)[GOOD]), LABELS, 0.93)),
            Args((POOR.tolist(), Tensor(LABELS), 0.9)),
        ],
        "wrong": [
            (Args((POOR, LABELS, 0.93)), "is 90.00%, and the challenge is 93%"),
            (Args((LABELS, LABELS, 0.93)), "more than any published network"),
            (Args((GOOD[:10], LABELS, 0.93)), "a class for each of the 1,000"),
            (Args((0.94, LABELS, 0.93)), "a class for each of the 1,000"),
            (Args((GOOD + 0.5, LABELS, 0.93)), "classes from 0 to 9"),
        ],
    },
}
