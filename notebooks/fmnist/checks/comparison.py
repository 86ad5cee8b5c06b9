"""The checks of the exercises to the comparison of Keras and PyTorch."""

import itertools

import numpy as np
from scipy import stats

from fmnist.checks.common import array, both, call, check, compare, describe, number, require, slack, whole_number


def _like(found, expected, tolerance=1e-4):
    """Whether `found` is `expected` but for `tolerance`, as a fraction of the largest number in `expected`."""
    return np.shape(found) == np.shape(expected) and bool(
        np.all(np.abs(np.subtract(found, expected)) <= tolerance * np.abs(expected).max() + 1e-12)
    )


def _several(value, count, what):
    """Return `value` as a list of `count` things, whether they came as a tuple, a list or an array."""
    try:
        parts = list(value)
    except TypeError:
        parts = [value]
    require(len(parts) == count, f"Expected {what}, found {describe(value)}.")
    return parts


@check
def torch_momentum(momentum):
    """`momentum`: PyTorch's number for what Keras calls a momentum of 0.99."""
    found = number(momentum, "the momentum")
    require(
        abs(found - 0.99) > 1e-6,
        "This is Keras's number once more, the one that the code above has in both. Say in words what each framework "
        "multiplies with it: the old mean or the new one.",
    )
    require(
        abs(found - 0.1) > 1e-6,
        "This is PyTorch's default. It remembers the past less than Keras's 0.99: how much of the old mean is left "
        "after one batch in each?",
    )
    require(0 < found < 1, f"Expected a share between 0 and 1, found {found:g}: it says how much of one mean is taken.")
    require(
        abs(found - 0.01) <= 1e-6,
        f"{found:g} is not right. Say in words what each framework multiplies with its number: the old mean or the "
        "new one.",
    )
    return "The frameworks give one name to two numbers: what the old mean keeps, and what the new one gets."


@check
def running_mean(function):
    """`function(batch_means, momentum)`: the running mean after these batches, with `momentum` as Keras has it."""
    generator = np.random.default_rng(1)
    for batches, momentum in ((5, 0.9), (60, 0.99), (1, 0.99), (8, 0.6)):
        means = generator.normal(3, 1, batches)
        found = number(call(function, means.copy(), momentum), "the running mean")
        weights = (1 - momentum) * momentum ** np.arange(batches)[::-1]
        expected = float(weights @ means)
        slips = [
            (
                means.mean(),
                "This is the plain average of the batches. A running mean forgets: older batches count less.",
            ),
            (
                float((momentum * (1 - momentum) ** np.arange(batches)[::-1]) @ means),
                "This uses the number as PyTorch has it, as the share of the new mean. In Keras it is the share of the "
                "old one.",
            ),
            (
                expected + momentum ** (batches - 1) * momentum * means[0],
                "The start is different: before the first batch the running mean is 0, not the mean of that batch.",
            ),
            (
                expected / (1 - momentum**batches),
                "Batch normalization does not correct for its start at 0, as Adam does.",
            ),
            (
                float(weights[::-1] @ means),
                "The order is turned round: the last batch should count most, not the first.",
            ),
        ]
        for slip, message in slips:
            if abs(slip - expected) > 1e-3:
                require(abs(found - slip) > 1e-4, message)
        require(
            abs(found - expected) <= 6e-4,
            f"For {batches} batches and a momentum of {momentum:g}, {both(expected, found)}. Do it by hand for one "
            "batch, then for two.",
        )
    return (
        "After n batches the running mean still holds momentum^n of its start at 0: evaluate a network too early, and "
        "its batch normalization has not yet arrived."
    )


@check(given=("accuracy",))
def flatten_order(function, accuracy):
    """`function(height, width, channels)`: for each place in PyTorch's order its place in Keras's order.

    `accuracy(order)` is the share of images that the CNN gets right in PyTorch when `order` is used for its 5×5×64.
    """
    for shape in ((2, 3, 4), (5, 2, 3), (1, 4, 2)):
        found = array(call(function, *shape), what="the order")
        places = np.arange(np.prod(shape)).reshape(shape)
        where = f"For {' × '.join(map(str, shape))}"
        require(
            found.shape == (places.size,),
            f"{where} expected {places.size} places in one row, found the shape {found.shape}. The sizes are "
            "arguments, and the order has to be flat.",
        )
        require(
            np.array_equal(np.sort(found), np.arange(places.size)),
            f"{where} each place from 0 to {places.size - 1} should come once; some come twice or not at all.",
        )
        expected = places.transpose(2, 0, 1).ravel()
        if min(shape) > 1:  # else some of the mistakes are right by chance
            _flatten_slips(found, places, expected)
        require(
            np.array_equal(found, expected),
            f"{where} it is an order, but another one. Write the little example of section 3 of the comparison, a1 b1 "
            "a2 b2 …, with numbers in place of names.",
        )
    share = accuracy(array(call(function, 5, 5, 64), what="the order").astype(int))
    return (
        f"With your order the CNN that Keras trained is right on {share:.1%} of the images in PyTorch. Every shape "
        "fitted without it, too: shapes do not protect from a wrong order."
    )


def _flatten_slips(found, places, expected):
    """Say which known mistake the order `found` is, if it is one."""
    require(
        not np.array_equal(found, places.ravel()),
        "This leaves everything where it is, which is what the code above did.",
    )
    require(
        not np.array_equal(found, np.argsort(expected)),
        "This is the way back, from PyTorch's order to Keras's. The i-th number should say where PyTorch's place i is "
        "found in Keras's row.",
    )
    require(
        not np.array_equal(found, places.transpose(2, 1, 0).ravel()),
        "Nearly: the channels come first, but inside a channel the pixels run down the columns. Both frameworks read "
        "row by row.",
    )


def _adam(weight, gradients, epsilon, place="after", corrected=True, sign=-1, first=1, lr=0.001, betas=(0.9, 0.999)):
    """The (weight, m, v) after the steps with `gradients`; what a mistake would change is an argument."""
    m, v, states = np.zeros_like(weight), np.zeros_like(weight), []
    for t, gradient in enumerate(gradients, start=first):
        m = betas[0] * m + (1 - betas[0]) * gradient
        v = betas[1] * v + (1 - betas[1]) * gradient**2
        first_scale, second_scale = (1 - betas[0] ** t, 1 - betas[1] ** t) if corrected else (1, 1)
        if place == "after":  # PyTorch: added to the corrected root
            divisor = np.sqrt(v / second_scale) + epsilon
        elif place == "before":  # Keras: added to the root as it is
            divisor = (np.sqrt(v) + epsilon) / np.sqrt(second_scale)
        else:
            divisor = np.sqrt(v / second_scale + epsilon)
        weight = weight + sign * lr * (m / first_scale) / divisor
        states.append((weight, m, v))
    return states


def _check_adam(function, epsilon, place):
    """Take four steps with the student's `function`, with gradients from large to very small, and compare."""
    generator = np.random.default_rng(2)
    sizes = np.array([1.0, 1e-2, 1e-4, 1e-6, 3e-7, 1e-8])
    start = generator.normal(size=sizes.size) * 1e-3
    gradients = sizes * generator.choice([-1, 1], size=(4, 1)) * generator.uniform(0.5, 1.5, (4, sizes.size))
    other, other_epsilon = ("before", 1e-7) if place == "after" else ("after", 1e-8)
    slips = [
        ((other_epsilon, other), {}, "This is the other framework's step: see at which place it adds its epsilon."),
        (
            (epsilon, other),
            {},
            "Epsilon has the right size, but the other framework's place: is it added to the root of v before or after "
            "the correction?",
        ),
        (
            (other_epsilon, place),
            {},
            "The place of epsilon is right, but not its size: that is the other framework's default.",
        ),
        ((epsilon, "inside"), {}, "Epsilon stands under the root here. Both frameworks add it to the root."),
        (
            (epsilon, place),
            {"corrected": False},
            "The averages m and v start at 0, and are far too small in the first steps: the correction for that, with "
            "t, is missing.",
        ),
        ((epsilon, place), {"sign": 1}, "The weights move up the slope. To make the loss smaller they move against m."),
        (
            (epsilon, place),
            {"first": 2},
            "The steps are counted from t = 1, and t comes ready: nothing is to be added.",
        ),
    ]
    expected = _adam(start, gradients, epsilon, place)
    state = start, np.zeros_like(start), np.zeros_like(start)
    for t, gradient in enumerate(gradients, start=1):
        before = [part.copy() for part in state]
        result = call(function, *(part.copy() for part in state), gradient.copy(), t)
        parts = _several(result, 3, "three arrays (the new weights, m and v)")
        names = ("the new weights", "m", "v")
        state = tuple(array(part, start.shape, name) for part, name in zip(parts, names, strict=True))
        for i, formula in (
            (1, "0.9 of the old m and 0.1 of the gradient"),
            (2, "0.999 of the old v and 0.001 of its square"),
        ):
            require(
                np.allclose(state[i], expected[t - 1][i], rtol=1e-5, atol=0),
                f"In step {t}, {names[i]} is not {formula}. What is returned goes into the next step, so it must be "
                "the average itself, before any correction.",
            )
        moved, wanted = state[0] - before[0], expected[t - 1][0] - (expected[t - 2][0] if t > 1 else start)
        if _close_moves(moved, wanted):
            continue
        for arguments, options, message in slips:
            wrong = _adam(start, gradients, *arguments, **options)
            slip = wrong[t - 1][0] - (wrong[t - 2][0] if t > 1 else start)
            require(not _close_moves(moved, slip), message)
        worst = int(np.argmax(np.abs(moved - wanted)))
        require(
            False,
            f"In step {t} a weight with the gradient {gradient[worst]:.1e} should move by {wanted[worst]:.2e}, and "
            f"moves by {moved[worst]:.2e}. Compare term by term with the formula in section 5 of the comparison.",
        )


def _close_moves(found, expected):
    # The betas that Keras rounds to float32 are worth some millionths of a step.
    return np.allclose(found, expected, rtol=2e-4, atol=1e-12)


@check
def torch_adam(function):
    """`function(weight, m, v, gradient, t)`: the new weight, m and v, as `torch.optim.Adam(lr=0.001)` makes them."""
    _check_adam(function, 1e-8, "after")
    return "PyTorch corrects the root of v first and adds epsilon then, so that it is the same in every step."


@check
def keras_adam(function):
    """`function(weight, m, v, gradient, t)`: the new weight, m and v, as `keras.optimizers.Adam(0.001)` makes them."""
    _check_adam(function, 1e-7, "before")
    return (
        "Keras adds epsilon to the uncorrected root, where it weighs 32 times as much in the first step, and its "
        "default is ten times PyTorch's. Only gradients of about 1e-5 and smaller notice."
    )


@check(given=("tried",))
def new_layer(learn_groups_repaired, tried):
    """`learn_groups_repaired`: the student's function; given code: what came of it is a dict that `tried` returns.

    It holds "losses" (one a step), "logits" (N × outputs), "groups" (N) and "old_layers_moved" (a number).
    """
    found = call(tried, learn_groups_repaired)
    losses, logits = array(found["losses"], what="the losses"), array(found["logits"], what="the logits")
    require(
        losses.ndim == 1 and losses.size >= 8,
        f"Expected a list with the loss of every step, found the shape {losses.shape}.",
    )
    require(
        logits.ndim == 2 and logits.shape[1] == 5,
        f"Expected five outputs, one for each group, found logits of the shape {logits.shape}.",
    )
    moved = number(found["old_layers_moved"], "how far the old layers moved")
    end = losses[-max(1, losses.size // 4) :].mean()
    require(np.all(np.isfinite(losses)), "Some losses are not finite: the learning rate may be far too large.")
    require(
        moved == 0,
        f"The old layers have moved, by up to {moved:.1e}. Only the new layer was to learn: which weights may change, "
        "and which does the optimizer have?",
    )
    require(
        end < 0.7 * losses[0],
        f"The loss begins at {losses[0]:.2f} and ends at {end:.2f}: the new layer does not learn. Which layers did the "
        "model have when the optimizer was given its weights?",
    )
    share = np.mean(logits.argmax(axis=1) == array(found["groups"]))
    require(
        share > 0.6,
        f"The loss falls, but only {share:.0%} of the validation images get the right group. Is the layer that was "
        "trained the one that the model has at the end?",
    )
    return (
        f"The loss falls from {losses[0]:.2f} to {end:.2f}, and {share:.0%} of the validation images get the right "
        "group. An optimizer knows tensors, not models: change the model first, then make the optimizer."
    )


@check
def first_lost(k):
    """`k`: the first term of the float32 sum 1/1² + 1/2² + 1/3² + … that leaves the sum as it was."""
    found = whole_number(k, "the number of the term")
    squares = np.arange(1, 10_001, dtype=np.float64) ** -2
    sums = np.cumsum(squares.astype(np.float32), dtype=np.float32)
    expected = int(np.flatnonzero(sums[1:] == sums[:-1])[0]) + 2
    require(
        found not in (expected - 1, expected - 2),
        "Very near. The terms are counted from k = 1, and the places of an array from 0.",
    )
    require(
        found == expected,
        f"{found:,} is not right. Expected the first k with the same sum before and after it. Are the terms and the "
        "sum kept in float32?",
    )
    return (
        "The term is less than half the distance between two neighbouring float32 numbers at the size of the sum, and "
        "is rounded away, with the 995,903 after it. From the small end, they come together first and count."
    )


@check
def variance(function):
    """`function(values)`: the variance of every column of a 2-D array, in the dtype of the array."""
    generator = np.random.default_rng(3)
    for rows, mean, dtype in ((5, 0, "float64"), (4000, 1000, "float32"), (2000, 1e10, "float64")):
        values = (mean + generator.normal(0, 0.5, (rows, 3)) * [1, 2, 3]).astype(dtype)
        expected = values.astype(np.longdouble).var(axis=0).astype(float)
        found = array(call(function, values.copy()), (3,), "the variances of three columns")
        require(
            not _like(found, expected * rows / (rows - 1), 1e-6) or rows > 10,
            "This divides by n - 1. Batch normalization divides by n, the number of values.",
        )
        require(not _like(found, np.sqrt(expected), 1e-2), "This is the standard deviation; expected its square.")
        require(
            _like(found, expected, 1e-2),
            f"For {dtype} values with a mean of {mean:,.0f} expected variances of {_row(expected)}, found "
            f"{_row(found)}. "
            + (
                "Try it on a column of three numbers by hand."
                if mean == 0
                else "Two large numbers are subtracted that agree in nearly all their digits. Twice the digits only "
                "put that off: make the numbers small before they are squared."
            ),
        )
    return (
        "What is subtracted first can be subtracted exactly; what is squared first has lost its last digits. Digits "
        "get lost where large numbers cancel, in float64 as well, only later."
    )


def _row(values):
    return ", ".join(f"{value:.3g}" for value in values)


@check
def difference_interval(function):
    """`function(first, second)`: lower and upper end of the 95 % interval of mean(first) - mean(second)."""
    generator = np.random.default_rng(4)
    for sizes, spreads in (((5, 5), (0.2, 0.25)), ((10, 4), (0.1, 0.3)), ((30, 30), (0.2, 0.2))):
        first, second = (generator.normal(91, s, n) for n, s in zip(sizes, spreads, strict=True))
        result = _several(call(function, first.copy(), second.copy()), 2, "two numbers (the lower and the upper end)")
        low, high = (number(part, "an end of the interval") for part in result)
        mean = first.mean() - second.mean()
        welch, pooled = (
            stats.ttest_ind(first, second, equal_var=equal).confidence_interval() for equal in (False, True)
        )
        require(low < high, f"Expected the lower end first, found {low:.3f} and then {high:.3f}.")
        middle = (low + high) / 2
        require(
            abs(middle + mean) > 1e-6,
            f"Expected first minus second: the middle of your interval is {middle:+.3f}, with the other sign.",
        )
        require(
            abs(middle - mean) <= 1e-6,
            f"The middle of the interval should be the difference of the two means, {mean:+.3f}; found {middle:+.3f}.",
        )
        half = (high - low) / 2
        wanted = [(ends.high - ends.low) / 2 for ends in (welch, pooled)]
        if not any(abs(half / right - 1) < 5e-3 for right in wanted):
            _interval_slips(half, first, second, wanted[0])
    return (
        "The uncertainties of two means add up as squares, and from few seeds the factor is that of Student's t, well "
        "above 1.96."
    )


def _interval_slips(half, first, second, wanted):
    """Say which known mistake gives `half` the width, or that it is another number than `wanted`."""
    sizes, deviations = [len(first), len(second)], [first.std(ddof=1), second.std(ddof=1)]
    errors, biased = [stats.sem(first), stats.sem(second)], [stats.sem(first, ddof=0), stats.sem(second, ddof=0)]
    factors = [stats.t.ppf(0.975, n - 1) for n in sizes]
    degrees = sum(sizes) - 2
    slips = [
        (
            1.96 * np.hypot(*errors),
            "1.96 is the factor for spreads that are known. Here they are estimated from a few seeds: take Student's "
            "t.",
        ),
        (
            np.dot(factors, errors),
            "These are the half-widths of two intervals, added up. Two means are seldom both far off in opposite "
            "directions: add the squares of the standard errors.",
        ),
        (
            stats.t.ppf(0.95, degrees) * np.hypot(*errors),
            "This leaves out 5 % on each side, which makes it a 90 % interval. Leave out 2.5 % on each side.",
        ),
        (
            stats.t.ppf(0.975, degrees) * np.hypot(*deviations),
            "This is how far two single runs differ. A mean of n runs is surer by the root of n.",
        ),
        (
            np.hypot(*errors),
            "This is one standard error to each side, about 68 %. For 95 % it is to be multiplied by a factor.",
        ),
        (
            stats.t.ppf(0.975, degrees) * np.hypot(*biased),
            "The spread of a few seeds is estimated by dividing by n - 1; NumPy divides by n unless `ddof=1` is given.",
        ),
    ]
    for slip, message in slips:
        require(abs(half / slip - 1) > 5e-3, message)
    require(
        False,
        f"The middle is right. Expected {wanted:.3f} to each side for {sizes[0]} and {sizes[1]} seeds, found "
        f"{half:.3f}.",
    )


@check
def seeds_needed(function):
    """`function(spread, difference)`: how many seeds each framework needs to see the difference four times in five."""
    for spread, difference in ((0.45, 0.1), (0.2, 0.1), (0.15, 0.3), (0.1, 3.0)):
        found = number(call(function, spread, difference), "the number of seeds")
        squares = (spread / difference) ** 2
        exact = 2 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 * squares
        case = f"For a spread of {spread:g} and a difference of {difference:g}"
        require(found == round(found), f"{case} found {found:.2f}: seeds come in whole numbers. In which direction?")
        require(
            found != 1,
            f"{case} found 1, but one seed has no spread, and no interval can be formed from it. What is the least?",
        )
        require(
            found != np.floor(exact),
            f"{case} found {found:.0f}, which is rounded down: that is a little less than is needed.",
        )
        if exact > 100:  # where the mistakes differ by more than the rounding
            slips = [
                (exact / 2, "Both means are uncertain, not one: a factor is missing."),
                (
                    2 * 1.96**2 * squares,
                    "So many seeds find the difference only every second time. For four times in five, 0.84 comes to "
                    "1.96.",
                ),
                (
                    np.sqrt(squares) * exact / squares,
                    "Half the difference takes four times the seeds, not twice as many.",
                ),
                (
                    exact / squares * (difference / spread) ** 2,
                    "A smaller difference should need more seeds, not fewer.",
                ),
            ]
            for slip, message in slips:
                require(abs(found - slip) > 1.5, f"{case} found {found:.0f}. {message}")
        low = max(2, np.ceil(2 * 2.8**2 * squares))
        require(
            low <= found <= max(2, np.ceil(exact)) + 3,
            f"{case} expected about {max(2, np.ceil(exact)):.0f}, found {found:.0f}.",
        )
    return "The seeds grow with the square of spread over difference: half the difference, four times the work."


@check
def shared_mistakes(function):
    """`function(first, second)`: of the images that at least one gets wrong, the share that both get wrong."""
    generator = np.random.default_rng(5)
    for size, often in ((1000, 0.1), (400, 0.3), (50, 0.2)):
        hard = generator.random(size) < often
        first, second = (np.where(generator.random(size) < 0.1, ~hard, hard) for _ in range(2))
        common, either = np.sum(first & second), np.sum(first | second)
        expected = common / either
        found = number(call(function, first.copy(), second.copy()), "the share")
        right = np.sum(~first & ~second)
        slips = [
            (common, "This is a number of images. Divide it, to have a share."),
            (common / size, "This is the share of all images. Most are easy and wrong for nobody: leave these out."),
            (
                (common + right) / size,
                "This counts the images that both get right, too. It would be large for any two good models.",
            ),
            (right / (size - common), "This compares what the two get right. True says here that an image is wrong."),
            (
                common / first.sum(),
                "This divides by the mistakes of the first alone, and changes when the two are exchanged.",
            ),
            (
                common / second.sum(),
                "This divides by the mistakes of the second alone, and changes when the two are exchanged.",
            ),
            (
                2 * common / (first.sum() + second.sum()),
                "This divides by the average number of mistakes. Asked for was: by the images that at least one gets "
                "wrong, each counted once.",
            ),
            (1 - expected, "This is the share that only one of the two gets wrong."),
            (100 * expected, "This is in percent; expected a share between 0 and 1."),
        ]
        otherwise = (
            f"Of {either} images that at least one gets wrong, both get {common} wrong: {both(expected, found)}."
        )
        compare(found, expected, slips, otherwise, tolerance=slack(found, least=3))
    return "1 would say that the two err on the very same images, 0 that they never do."


@check(given=("first", "second"))
def overlap_gap(gap, first, second):
    """`gap`: mean share of common mistakes of pairs in one framework, less that of pairs across the two.

    `first` and `second` hold a row of True (wrong) and False for each training in one framework and in the other.
    """
    found = number(gap, "the difference")
    rows, here = [*first, *second], [True] * len(first) + [False] * len(second)
    share = {
        (i, j): np.sum(rows[i] & rows[j]) / np.sum(rows[i] | rows[j])
        for i, j in itertools.combinations(range(len(rows)), 2)
    }
    inside = {pair: value for pair, value in share.items() if here[pair[0]] == here[pair[1]]}
    within, across = np.mean(list(inside.values())), np.mean([share[pair] for pair in share if pair not in inside])
    only_first = np.mean([value for pair, value in inside.items() if here[pair[0]]])
    only_second = np.mean([value for pair, value in inside.items() if not here[pair[0]]])
    with_self = (2 * sum(inside.values()) + len(rows)) / (2 * len(inside) + len(rows))
    expected = within - across
    slips = [
        (-expected, "The sign is turned round. Expected pairs of one framework, less pairs across the two."),
        (100 * expected, "This is in points; expected the difference of two shares."),
        (
            with_self - across,
            "A model has all its mistakes in common with itself. Leave out the pairs of a model with itself.",
        ),
        (only_first - across, "These are the pairs of Keras alone. Those of PyTorch are pairs of one framework, too."),
        (only_second - across, "These are the pairs of PyTorch alone. Those of Keras are pairs of one framework, too."),
        (within, "This is the mean of the pairs in one framework. What is it across the two?"),
        (across, "This is the mean of the pairs across the two. What is it inside one framework?"),
    ]
    otherwise = (
        f"Found {found:.5f}. Expected the mean over {len(inside)} pairs of one framework, less the mean over "
        f"{len(share) - len(inside)} pairs across the two. Are all pairs there, each once?"
    )
    compare(found, expected, slips, otherwise, tolerance=slack(found, least=3))
    return f"In one framework two models share {within:.3f} of their mistakes, across the two {across:.3f}."


@check(given=("first", "second"))
def ways_as_large(ways, first, second):
    """`ways`: in how many ways of dealing out the models the difference of `overlap_gap` is as large or larger.

    `first` and `second` are as there; the groups keep their sizes, and the true way is one of those that count.
    """
    found = number(ways, "the number of ways")
    rows = np.array([*first, *second])
    both, mistakes = rows.astype(int) @ rows.T.astype(int), rows.sum(axis=1)
    share = both / (mistakes[:, np.newaxis] + mistakes - both)
    pairs = np.triu(np.ones(share.shape, bool), 1)
    gaps = []
    for chosen in itertools.combinations(range(len(rows)), len(first)):
        here = np.isin(np.arange(len(rows)), chosen)
        alike = here[:, np.newaxis] == here
        gaps.append(share[pairs & alike].mean() - share[pairs & ~alike].mean())
    as_large, larger = (int(np.sum(np.array(gaps) >= gaps[0] + margin)) for margin in (-1e-12, 1e-12))
    missing = (
        "Some are missing. Each way comes twice, with the names of the groups exchanged; and an equal number, added "
        "up in another order, may be rounded differently."
    )
    slips = [
        (as_large / len(gaps), "This is the share of the ways, the p-value. Asked for was their number."),
        (larger, "This counts what is larger. The true way itself is as large, and belongs to it."),
        (as_large - 1, missing),
        (as_large / 2, missing),
        (len(gaps), "These are all the ways. In how many of them is the difference as large as the true one?"),
        (len(gaps) - as_large, "These are the ways with a smaller difference. Asked for were the others."),
    ]
    otherwise = (
        f"Found {found:g} of {len(gaps)} ways. In each, five models are one group and the rest the other; take the "
        "mean inside both groups less the mean across, as before."
    )
    compare(found, as_large, slips, otherwise)
    chance = as_large / len(gaps)
    return (
        f"{as_large} of {len(gaps)}: that often chance alone would give such a difference, p = {chance:.3f}. The "
        "unit is a trained model, not a pair and not an image."
    )
