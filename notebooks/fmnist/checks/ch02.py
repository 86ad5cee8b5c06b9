"""The checks of the exercises to chapter 02: what each answer must do, and what the usual mistakes look like."""

import time

import numpy as np
from scipy import stats

from fmnist.checks.callbacks import beats, early_stopped, reading_curves, threshold  # noqa: F401
from fmnist.checks.common import Wrong, array, call, check, describe, number, require, same, whole_number

SINGLE = 2e-4  # what a computation in float32 may be off where a variance is as small as EPSILON


def _refuse(slips, otherwise):
    """Raise the message of the first slip that was made; `slips` is a list of (whether it was made, message)."""
    for made, message in slips:
        require(not made, message)
    raise Wrong(otherwise)


def _call_untouched(function, values, *arguments):
    """Return what `function` makes of a copy of `values` as an array like it; the copy must stay as it is."""
    given = values.copy()
    with np.errstate(all="ignore"):
        result = call(function, given, *arguments)
    require(same(given, values), "Your function changes the array that it is given. Compute with a new one instead.")
    return array(result, values.shape, "what your function returns")


@check
def batch_norm(function):
    """`function(values, gamma, beta, running_mean, running_variance, training)`: images × units, normalized."""
    generator = np.random.default_rng(7)
    values = generator.normal([1, -2, 0, 5, 3], [1, 2, 0.004, 3, 0], size=(8, 5))
    gamma, beta = generator.uniform(0.5, 2, size=(2, 5))
    mean, variance = generator.normal(size=5), generator.uniform(0.5, 3, size=5)
    given = (gamma, beta, mean, variance)

    batch = values.mean(axis=0), values.var(axis=0)
    found = _call_untouched(function, values, *given, True)
    if not same(found, gamma * _normal(values, *batch) + beta, SINGLE):
        all_values = values.mean(), values.var()
        each_image = values.mean(axis=1, keepdims=True), values.var(axis=1, keepdims=True)
        unit = _normal(values, *batch)
        outside = (values - batch[0]) / (np.sqrt(batch[1]) + 1e-5)
        _refuse(
            [
                (not np.isfinite(found).all(), "In training mode there are values that are no numbers. A unit that is "
                 "the same for the whole batch has variance 0: what is EPSILON for?"),
                (same(found, gamma * _normal(values, mean, variance) + beta), "In training mode the mean and the "
                 "variance come from the batch at hand, not from the running ones."),
                (same(found, unit), "In training mode the values have mean 0 and variance 1, as they should. Two "
                 "steps are still missing: γ and β."),
                (same(found, gamma * unit) or same(found, unit + beta), "One of γ and β is missing."),
                (same(found, beta * unit + gamma), "γ multiplies and β is added: here it is the other way round."),
                (same(found, gamma * _normal(values, *each_image) + beta), "You have normalized each image over its "
                 "units. Batch normalization takes each unit over the images of the batch: the other axis."),
                (same(found, gamma * _normal(values, *all_values) + beta), "You take one mean over the whole array. "
                 "Every unit, that is every column, has a mean of its own."),
                (same(found, gamma * (values - batch[0]) / (batch[1] + 1e-5) + beta), "You divide by the variance. "
                 "For variance 1 it must be its square root."),
                (same(found, gamma * _normal(values, batch[0], values.var(axis=0, ddof=1)) + beta), "This variance is "
                 "divided by the number of images minus 1. Batch normalization divides by their number."),
                (same(found, gamma * outside + beta), "EPSILON is added to the variance, inside the square root."),
            ],
            "In training mode the numbers are not as expected. For γ = 1 and β = 0 every column of the result should "
            "have mean 0 and variance 1 (a constant one only zeros): has it?",
        )  # fmt: skip

    found = _call_untouched(function, values, *given, False)
    expected = gamma * _normal(values, mean, variance) + beta
    if not same(found, expected, SINGLE):
        _refuse(
            [
                (same(found, gamma * _normal(values, *batch) + beta), "In evaluation mode the batch must not matter: "
                 "take the running mean and the running variance."),
                (same(found, values), "In evaluation mode the values are normalized, too; only with other numbers."),
                (same(found, _normal(values, mean, variance)), "γ and β belong to evaluation mode, too."),
            ],
            "Training mode is right. In evaluation mode do the same with the running mean and the running variance, "
            "and with nothing else.",
        )  # fmt: skip
    alone = _call_untouched(function, values[:1], *given, False)
    require(
        same(alone, expected[:1], SINGLE), "In evaluation mode one image alone must get the same answer as in a batch."
    )
    return "Both modes use one formula with different statistics. In training mode, a prediction depends on the batch."


def _normal(values, mean, variance):
    return (values - mean) / np.sqrt(variance + 1e-5)


@check
def dropout(function):
    """`function(values, rate, training, generator)`: a new array, in training mode with a share `rate` of zeros."""
    values, rate = np.random.default_rng(3).uniform(1, 2, size=(400, 60)), 0.3
    found = _call_untouched(function, values, rate, True, np.random.default_rng(1))
    kept = found != 0
    zeros = 1 - kept.mean()
    require(zeros > 0, "In training mode nothing was set to 0.")
    require(
        max(kept.mean(axis=0).std(), kept.mean(axis=1).std()) < 0.2,
        "Whole rows or whole columns are 0 together. Every value of every image is drawn by itself.",
    )
    require(
        abs(zeros - (1 - rate)) > 0.02,
        f"{zeros:.0%} of the values are 0 at a rate of {rate:.0%}. The rate is the share that is switched off, not the "
        "share that is kept.",
    )
    require(abs(zeros - rate) < 0.02, f"Expected about {rate:.0%} of the values to be 0, found {zeros:.1%}.")
    factors = found[kept] / values[kept]
    if not same(factors, np.full(factors.shape, 1 / (1 - rate)), 1e-5):
        _refuse(
            [
                (same(factors, np.full(factors.shape, 1 / kept.mean()), 1e-5), "You divide by the share of values that "
                 "happen to be left in this call. Divide by 1 - rate, the same in every call."),
                (same(factors, np.ones(factors.shape)), "The zeros are right, but the values that are left stay as "
                 "they were. By what must they grow so that the mean stays the same?"),
                (same(factors, np.full(factors.shape, 1 - rate)), "The values that are left become smaller. They "
                 "have to make up for those that are missing."),
                (same(factors, np.full(factors.shape, 1 / rate)), "You divide by the share of the values that are "
                 "switched off. Which share is left?"),
            ],
            "The zeros are right. The values that are left should all grow by the same factor, such that the mean over "
            f"all stays the same; found factors from {factors.min():.3f} to {factors.max():.3f}.",
        )  # fmt: skip
    again = _call_untouched(function, values, rate, True, np.random.default_rng(1))
    require(
        same(found, again),
        "Two generators of the same seed give two results. Draw from the generator that the function is given.",
    )
    generator = np.random.default_rng(1)
    one, other = (_call_untouched(function, values, rate, True, generator) for _ in range(2))
    require(not same(one, other), "The same values are switched off in every call. Every step draws anew.")
    counts = {
        int(np.sum(_call_untouched(function, values, rate, True, np.random.default_rng(seed)) == 0))
        for seed in range(1, 5)
    }
    require(
        len(counts) > 1,
        "Exactly the same number of values is 0 in every call. Draw for each value by itself, so that it varies.",
    )
    none = _call_untouched(function, values, 0.0, True, np.random.default_rng(1))
    require(same(none, values), "At a rate of 0 nothing is switched off, and nothing grows.")
    used = _call_untouched(function, values, rate, False, np.random.default_rng(1))
    if not same(used, values):
        _refuse(
            [
                ((used == 0).any(), "In evaluation mode nothing is switched off."),
                (same(used, values * (1 - rate)), "In training mode the mean stays the same already. So there is "
                 "nothing left to make up for in evaluation mode."),
            ],
            "In evaluation mode dropout does nothing at all: expected the values as they are.",
        )  # fmt: skip
    return "Dividing keeps the mean activation the same in both modes, so the next layer sees values of the same size."


@check(given=("measured", "labels", "remembered"))
def measure(measure, measured, labels, remembered):
    """`measure`: the student's function; given code: `measured(measure, rows, labels)` is the accuracy on these images.

    `labels`: those of all images; `remembered()`: the network's running statistics.
    """
    labels, before = np.asarray(labels), np.array(remembered(), dtype=float)

    def function(rows, labels):
        return call(measured, measure, rows, labels)

    # Few images first: a function that takes one image at a time is right, too, and takes long.
    begin = time.perf_counter()
    function(np.arange(len(labels))[:100], labels[:100])
    labels = labels[: 2000 if time.perf_counter() - begin < 0.5 else 100]
    rows = np.arange(len(labels))
    first = number(function(rows, labels), "the accuracy")
    require(
        0 <= first <= 1,
        f"Expected the accuracy as a share, a number from 0 to 1; found {first:g}. Neither percent nor a count.",
    )
    again = number(function(rows, labels), "the accuracy")
    after = np.array(remembered(), dtype=float)
    require(
        abs(first - again) < 0.002,
        f"Measured twice, the same network has {first:.2%} and {again:.2%}. A part of it still throws dice.",
    )
    require(
        same(before, after),
        "Measuring has changed the network: its running means and variances are others than before.",
    )
    order = np.argsort(labels, kind="stable")
    by_class = number(function(rows[order], labels[order]), "the accuracy")
    require(
        abs(first - by_class) < 0.003,
        f"Found {first:.2%}, and with the same images sorted by class {by_class:.2%}. An image's answer must not "
        "depend on its neighbours in the batch.",
    )
    one = rows[:1]
    shares = [number(function(one, np.array([c])), "the accuracy") for c in range(10)]
    require(
        same(sorted(shares), [0.0] * 9 + [1.0]),
        "For one image alone, with each of the ten classes as its label in turn, the accuracy must be 1 once and 0 "
        f"nine times. Found {', '.join(f'{share:g}' for share in shares)}.",
    )
    right, wrong = int(np.argmax(shares)), int(np.argmin(shares))
    many = 1001 if len(labels) > 100 else 101
    tail = number(function(np.repeat(one, many), np.array([wrong] * (many - 1) + [right])), "the accuracy")
    require(
        abs(tail - 1 / many) < 1e-6,
        f"Of {many:,} images only the last was right, and you found {tail:.4%}. A last batch that is not full must "
        "neither be left out nor count as much as the others: count the right answers, and divide once.",
    )
    return "In evaluation mode, a prediction does not depend on the other images, and measuring changes nothing."


def _stop(losses, patience, later=0, ties=False, reset=True, previous=False):
    """Early stopping as in the chapter, or with a slip; return (last epoch, best epoch)."""
    best, best_epoch, wait = np.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best or (ties and loss == best):
            best, best_epoch, wait = loss, epoch, 0 if reset else wait
        else:
            wait += 1
            if wait >= patience + later:
                return epoch, best_epoch
            if previous:
                best = loss
    return len(losses), best_epoch


@check
def stopped_after(function):
    """`function(losses, patience)`: the last and the best epoch of a training with early stopping, from 1."""
    generator = np.random.default_rng(5)
    cases = [([0.5, 0.4, 0.3], 2), ([0.6, 0.5, 0.45, 0.47, 0.44, 0.46, 0.45, 0.48, 0.43, 0.42], 3)]
    cases += [([0.5, 0.4, 0.4, 0.4, 0.3], 2), ([0.5, 0.6, 0.7, 0.4], 3), ([0.3], 1)]
    cases += [(list(generator.integers(1, 9, size=12) / 10), patience) for patience in (1, 2, 3, 4) for _ in range(6)]
    cases += [([0.5, 0.4, 0.45, 0.3], 0), ([0.5, 0.5, 0.2], 0)]
    found = []
    for losses, patience in cases:
        pair = call(function, list(losses), patience)
        found.append(tuple(whole_number(value, "each epoch") for value in array(pair, (2,), "the two epochs")))
    expected = [_stop(*case) for case in cases]
    if found != expected:
        usual = [i for i, (_, patience) in enumerate(cases) if patience > 0]

        def like(make):
            return all(found[i] == make(*cases[i]) for i in usual)

        _refuse(
            [
                (like(lambda *case: _stop(*case)[::-1]), "The two numbers are swapped: the last epoch comes first."),
                (like(lambda *case: tuple(np.subtract(_stop(*case), 1))), "You count the epochs from 0. In this "
                 "exercise the first is epoch 1."),
                (like(lambda *case: _stop(*case, later=1)), "It stops one epoch too late. The chapter's rule stops "
                 "when so many epochs without progress have passed as the patience says, and does not wait for one "
                 "more."),
                (like(lambda *case: _stop(*case, ties=True)), "A loss that is equal to the best so far counts as "
                 "progress here. It is none: progress is a smaller loss."),
                (like(lambda *case: _stop(*case, reset=False)), "The waiting does not begin anew after an epoch that "
                 "was better. Only epochs without progress in a row use up the patience."),
                (like(lambda *case: _stop(*case, previous=True)), "You compare with the epoch before. Progress means "
                 "better than the best of all so far."),
                (like(lambda losses, patience: (_stop(losses, patience)[0], int(np.argmin(losses)) + 1)), "The last "
                 "epoch is right. But the best epoch must be one that took place: nobody knows the losses after the "
                 "stop."),
                (like(lambda losses, patience: (len(losses), int(np.argmin(losses)) + 1)), "It never stops: you return "
                 "the number of all epochs as the last one."),
                (like(_stop), "All is right for a patience of 1 or more. With a patience of 0 the training ends after "
                 "the first epoch that is not better; that cannot be epoch 1."),
            ],
            _first_difference(cases, found, expected),
        )  # fmt: skip
    return "Early stopping costs `patience` epochs beyond the best one, and misses a lower loss that comes after them."


def _first_difference(cases, found, expected):
    i = next(i for i in range(len(cases)) if found[i] != expected[i])
    losses = ", ".join(f"{loss:g}" for loss in cases[i][0])
    return (
        f"For the losses {losses} and a patience of {cases[i][1]} you found last epoch {found[i][0]} and best epoch "
        f"{found[i][1]}. Go through them by hand, one epoch after the other, and note how long it has been waiting."
    )


@check(given=("put_back", "fill", "numbers", "network"))
def keep(function, put_back, fill, numbers, network):
    """`function(network)`: what `put_back(network, kept)` takes; `fill` sets all numbers, `numbers` returns them."""
    fill(network, 3)
    kept = call(function, network)
    require(_holds(numbers, network, 3, 3), "Keeping the weights must not change the network.")
    fill(network, 4)
    later = call(function, network)
    fill(network, 5)
    put_back(network, kept)
    require(
        not _holds(numbers, network, 5, 5),
        "The network was filled with 3, its weights were kept, it was filled with 5, and they were put back: 5 is "
        "still there. What you keep changes together with the network.",
    )
    require(
        not _holds(numbers, network, 3, 5),
        "The learned weights were put back, but not the running means and variances of batch normalization.",
    )
    require(
        not _holds(numbers, network, 4, 4),
        "The weights of a later epoch were put back: each call must make a copy of its own.",
    )
    require(
        _holds(numbers, network, 3, 3),
        "What was put back is not the whole of what was there when it was kept. Keep every number of the network as it "
        "is.",
    )
    put_back(network, later)
    require(
        _holds(numbers, network, 4, 4),
        "A second call, after the network had changed, kept the first weights again: keep what is there now.",
    )
    fill(network, 6)
    put_back(network, kept)
    require(_holds(numbers, network, 3, 3), "Kept once and put back twice, the weights are no longer the same.")
    return "To keep parameters, copy their values. A second name for the same arrays changes with the training."


def _holds(numbers, network, learned, remembered):
    parts = [np.asarray(part, dtype=float) for part in numbers(network)]
    return all(np.all(part == value) for part, value in zip(parts, (learned, remembered), strict=True))


@check
def report(function):
    """`function(validation_right, test_right)`: the chosen epoch, from 1, and the accuracy to report, as a share."""
    generator = np.random.default_rng(11)
    names = ("right", "from 0", "test", "chooses by test", "validation", "both", "last")
    found, rules = [], {name: [] for name in names}
    for _ in range(12):
        validation = generator.random((15, 301)) < generator.uniform(0.8, 0.9, size=(15, 1))
        test = generator.random((15, 499)) < generator.uniform(0.8, 0.9, size=(15, 1))
        pair = call(function, validation.copy(), test.copy())
        pair = list(pair) if np.iterable(pair) else [pair]
        require(len(pair) == 2, f"Expected two numbers, the epoch and the accuracy, found {describe(pair)}.")
        found.append(tuple(number(value, "each of the two") for value in pair))
        of_validation, of_test = validation.mean(axis=1), test.mean(axis=1)
        best, best_test = of_validation.argmax(), of_test.argmax()
        both = np.hstack([validation, test]).mean(axis=1).argmax()
        rules["right"].append((best + 1, of_test[best]))
        rules["from 0"].append((best, of_test[best]))
        rules["test"].append((best_test + 1, of_test[best_test]))
        rules["chooses by test"].append((best_test + 1, of_validation[best_test]))
        rules["validation"].append((best + 1, of_validation[best]))
        rules["both"].append((both + 1, of_test[both]))
        rules["last"].append((len(test), of_test[-1]))
    if not same(found, rules["right"], 6e-4):
        percent = [(epoch, 100 * accuracy) for epoch, accuracy in rules["right"]]
        swapped = [(accuracy, epoch) for epoch, accuracy in rules["right"]]
        _refuse(
            [
                (same(found, rules["test"]), "The test images still choose the epoch on which they then report."),
                (same(found, rules["chooses by test"]), "Here the two have changed places: the test images choose "
                 "and the validation images report. Which ones are to be kept out of every choice?"),
                (same(found, rules["validation"]), "The epoch is chosen well. But the accuracy comes from the images "
                 "that have chosen it, and is too good for that reason."),
                (same(found, rules["both"]), "The test images have a voice in the choice of the epoch. They should "
                 "have none."),
                (same(found, rules["from 0"]), "The epochs are counted from 1, and yours from 0."),
                (same(found, percent), "The accuracy should be a share, from 0 to 1."),
                (same(found, swapped), "The epoch comes first, then the accuracy."),
                (same(found, rules["last"]), "This is the last epoch. Choose the best one on the validation images."),
                (any(accuracy > 1 for _, accuracy in found), "The accuracy is the share of the test images that were "
                 "right after the chosen epoch, a number from 0 to 1."),
            ],
            "Take the epoch with the largest share of right answers on the validation images, and report the share of "
            "right answers of that same epoch on the test images.",
        )  # fmt: skip
    return "Choose on some images and report on others. Then the choice does not bias the reported accuracy."


@check(given=("draw", "select", "truth"))
def optimism(innocent_optimism, honest_optimism, draw, select, truth):
    """How many points two ways of reporting promise too much; `draw`, `select`: given code."""
    innocent = number(innocent_optimism, "the first optimism")
    honest = number(honest_optimism, "the second optimism")
    generator = np.random.default_rng(13)
    found = np.array([select(*draw(generator))[1] for _ in range(300)])
    expected = 100 * (found.mean() - truth)
    for size in (1, 100):
        require(
            not (abs(innocent - size * truth) < 0.06 * size and abs(honest - size * truth) < 0.06 * size),
            "These are accuracies. Subtract the true accuracy from each, and give the mean difference in percentage "
            "points.",
        )
    require(
        honest != 0,
        "The second value is exactly 0, which a mean of random draws never is. Compute it with your own `report`.",
    )
    require(
        abs(innocent) > 0.05 or abs(honest) > 0.05,
        "Both are nearly 0. In points, a hundredth is 1: have you multiplied by 100?",
    )
    require(
        not abs(innocent + expected) < 0.35,
        "The sign is the other way round: what is promised too much is the reported accuracy minus the true one.",
    )
    require(
        abs(innocent - expected) < 0.35 or abs(honest - expected) > 0.35,
        "The two are swapped: first `looks_innocent`, then yours.",
    )
    require(
        abs(innocent - expected) < 0.35,
        f"`looks_innocent` promises another number of points too much than {innocent:.2f}. Repeat it 400 times, each "
        "time with a new draw from one and the same generator, and compare the mean with the truth.",
    )
    require(
        abs(honest - expected) > 0.35,
        "Yours promises as much too much as `looks_innocent`. Has your own function been called?",
    )
    require(
        abs(honest) < 0.3,
        f"Yours should promise hardly anything too much or too little on average, found {honest:+.2f} points. Repeat "
        "it 400 times with draws of its own.",
    )
    return "An accuracy on the images that chose the epoch is optimistically biased, here by more than a point."


@check(given=("measured_with",))
def dropout_study(accuracies, gain, half, measured_with):
    """`accuracies`: rates × seeds, as shares; `gain` of the second rate over the first, `half` of its 95 % interval.

    `measured_with`: the accuracies that the given code has returned, by (rate, seed).
    """
    values = array(accuracies, what="the accuracies")
    require(values.ndim == 2, f"Expected a table, rates × seeds; found an array of the shape {values.shape}.")
    require(
        values.shape == (3, 3) and np.isfinite(values).all(),
        f"Expected the accuracies of 3 rates × 3 seeds, found an array of the shape {values.shape}.",
    )
    require((values >= 0).all() and (values <= 1).all(), "The accuracies should be shares, from 0 to 1.")
    require(
        np.ptp(values, axis=1).any(),
        "The three trainings of each rate agree to the last digit: has each got a seed of its own?",
    )
    require(np.ptp(values, axis=0).any(), "All rates have the same accuracies: has the rate been handed on?")
    require(
        not same(values[:, 1:], np.repeat(values[:, :1], 2, axis=1)),
        "The three trainings of each rate are one and the same.",
    )
    for row, rate in zip(values, sorted({rate for rate, _ in measured_with}), strict=False):
        trained = [accuracy for (other, _), accuracy in measured_with.items() if other == rate]
        require(
            all(np.abs(np.subtract(trained, value)).min() < 5.1e-3 for value in row),
            f"Your row for a rate of {rate:g} has accuracies that `train_with` has not returned for this rate. Are the "
            "rates in order, and does each value come from a training run?",
        )
    require(len({rate for rate, _ in measured_with}) >= 3, "Train with all three rates, by calling `train_with`.")
    none, some = 100 * values[0], 100 * values[1]
    expected, found = some.mean() - none.mean(), number(gain, "the gain")
    if not same(found, expected, 0.006):
        other = 100 * values[2].mean() - none.mean()
        _refuse(
            [
                (same(found, expected / 100, 1e-4), "The gain should be in points: 0.01 is one point."),
                (same(found, -expected, 0.006), "The sign is the other way round: a gain is positive when dropout "
                 "is better than none."),
                (same(found, other, 0.006), "This is the gain of the third rate. Expected that of the second, 0.2."),
                (same(found, some.max() - none.max(), 0.006), "You compare the best seeds. Compare the means."),
            ],
            f"From your table the gain is not {found:.2f} points: it is the mean of the second row minus that of the "
            "first, times 100.",
        )  # fmt: skip
    root = np.sqrt((none.var(ddof=1) + some.var(ddof=1)) / 3)
    student, found = stats.t.ppf(0.975, df=4), number(half, "half of the interval")
    if not same(found, student * root, 0.006):
        _refuse(
            [
                (same(found, student * root / 100, 1e-4), "The half of the interval should be in points, too."),
                (same(found, root, 0.006), "This is one standard error. A 95 % interval reaches further."),
                (same(found, 1.96 * root, 0.006), "1.96 is for many seeds. With three of each kind Student's t has to "
                 "be taken, and it is larger."),
                (same(found, student * root * np.sqrt(2 / 3), 0.006), "Three seeds are a sample: their variance is "
                 "divided by 2 and not by 3. What is `ddof`?"),
                (same(found, student * root * np.sqrt(3), 0.006), "This is the spread of single trainings. The mean "
                 "of three is surer."),
                (same(found, 2 * student * root, 0.006), "This is the whole interval. Expected a half of it."),
                (same(found, stats.t.ppf(0.95, df=4) * root, 0.006), "95 % in the middle leave 2.5 % on either side: "
                 "`ppf(0.975, ...)`."),
                (same(found, stats.t.ppf(0.975, df=2) * root, 0.006), "Two times three seeds, two means: that leaves "
                 "4 degrees of freedom."),
            ],
            "Half of the interval is Student's t (0.975, 4 degrees of freedom) times the standard error of the "
            "difference, the root of (variance of the one row + variance of the other) / 3.",
        )  # fmt: skip
    return f"Dropout 0.2 changes the mean accuracy by {expected:+.2f} ± {student * root:.2f} points. " + (
        "The interval excludes 0." if abs(expected) > student * root else "The interval includes 0."
    )
