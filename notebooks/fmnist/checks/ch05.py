"""The checks of the exercises to chapter 05: what each answer must do, and what the usual mistakes look like."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from fmnist.checks.common import Wrong, array, call, check, compare, describe, number, require, same, whole_number

ROUNDED = 0.006  # a result in percentage points may be rounded to two decimals


@check
def cost(parameters, multiplications):
    """`parameters`, `multiplications` (for one image): of 8 filters, 16 separable ones, 32 units and 10 logits."""
    found = whole_number(parameters, "the parameters")
    products = whole_number(multiplications, "the multiplications")
    first, depthwise, pointwise, ordinary = 9 * 8, 9 * 8, 8 * 16, 9 * 8 * 16
    dense, logits, biases = 7 * 7 * 16 * 32, 32 * 10, 8 + 16 + 32 + 10
    separable = depthwise + pointwise
    expected = first + separable + dense + logits + biases
    work = 28**2 * first + 14**2 * separable + dense + logits
    require((found, products) != (work, expected), "Your two results are swapped.")
    compare(
        found, expected,
        [
            (expected - biases, "You counted the weights but no biases. Every layer has them, except the depthwise "
             "step."),
            (expected + 8, "The depthwise step has no biases here. Only the pointwise step adds them, one per filter."),
            (expected - separable + ordinary, "You counted an ordinary second convolution, whose filters have 3×3×8 "
             "weights each. The separable one needs far fewer."),
            (expected - depthwise + 9, "The depthwise step has a filter of its own for each of the 8 channels."),
            (expected - depthwise, "The depthwise step is missing: one 3×3 filter for each of the 8 channels."),
            (expected - pointwise - 16, "The pointwise step is missing: 16 filters of 1×1 over 8 channels, and their "
             "biases."),
            (expected - depthwise + 9 * 16, "The depthwise step filters the channels that come in. The pointwise step "
             "turns them into 16."),
            (expected - dense + 14**2 * 16 * 32, "The second pooling layer is missing. How many values are left to "
             "flatten?"),
            (work, "This is the number of multiplications. A parameter counts once, however often it is applied."),
        ],
        "The parameters are not right yet. Write one term per layer: the two steps of the separable convolution have "
        "3×3×8 and 8×16 weights, and a dense layer has inputs × units weights.",
    )  # fmt: skip
    compare(
        products, work,
        [
            (2 * work, "You counted additions as well. Count multiplications only."),
            (work + biases, "Adding a bias needs no multiplication."),
            (expected - biases, "You counted each weight once. A filter is applied at every position of its output."),
            (work - 14**2 * separable + 14**2 * ordinary, "You counted an ordinary second convolution. In the "
             "separable one each position takes 3×3×8 and then 8×16 multiplications."),
            (work - 14**2 * separable + 28**2 * separable, "The separable convolution comes after the first pooling "
             "layer. At how many positions is it applied?"),
            (work - 14**2 * separable + 7**2 * separable, "The separable convolution comes before the second pooling "
             "layer. At how many positions is it applied?"),
            (work - 14**2 * depthwise, "The depthwise step is missing."),
            (work - 14**2 * pointwise, "The pointwise step is missing."),
            (work - dense - logits, "The dense layers are missing. Each of their weights is applied once."),
        ],
        "The multiplications are not right yet. For each layer, multiply its weights (without biases) by the number "
        "of positions at which they are applied. For a dense layer this is one.",
    )  # fmt: skip
    return (
        "Here the dense layer has almost all parameters and the first convolution has almost half of the "
        "multiplications. A layer can be expensive in one of the two costs and cheap in the other."
    )


@check(given=("networks",))
def prediction(predicted, networks):
    """`predicted`: the expected accuracies (0 to 1) of `networks`; any will do."""
    values = _predicted(predicted, len(networks))
    return f"You expect {', '.join(f'{value:.0%}' for value in values)}. Leave it as it is, and compare it later."


def _predicted(predicted, networks):
    values = array(predicted, what="the prediction")
    require(
        values.shape == (networks,),
        f"Expected {networks} accuracies, one per network, found an array of the shape {values.shape}.",
    )
    require(np.isfinite(values).all(), "Every accuracy must be a finite number.")
    require(values.max() <= 1, f"An accuracy is at most 1, found {values.max():g}. Write 0.8 for 80%.")
    require(values.min() >= 0, f"An accuracy is at least 0, found {values.min():g}.")
    return values


def _table(accuracies, networks):
    """Return the accuracies of `networks` × seeds in percent."""
    values = array(accuracies, what="the accuracies")
    require(values.ndim != 3, "These are the accuracies of all epochs. Call `train` without `curves=True`.")
    require(values.ndim == 2, f"Expected a table, networks × seeds, found an array of the shape {values.shape}.")
    require(
        values.shape[0] == networks,
        f"Expected {networks} rows, one per network, found {values.shape[0]}. The seeds are the columns.",
    )
    require(values.shape[1] >= 2, "With one seed per network, you cannot measure a standard deviation.")
    require(
        np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1,
        "The accuracies in the table must be between 0 and 1.",
    )
    require(
        np.ptp(values, axis=1).any(),
        "All runs of a network have the same accuracy. Does each of them have a seed of its own?",
    )
    require(
        np.ptp(values, axis=0).any(),
        "All networks have the same accuracies. Do you pass each network's own options to `train`?",
    )
    return 100 * values


def _missed(predicted, values):
    return f"On average, your predictions were {np.abs(100 * predicted - values).mean():.1f} percentage points off."


@check
def widths(widths, steps, deviation, larger, predicted_widths):
    """`widths`: accuracies of four networks × seeds; `steps`, `deviation` in points, `larger`: is a step larger."""
    values, predicted = _table(widths, 4), _predicted(predicted_widths, 4)
    means, variances = values.mean(axis=1), values.var(axis=1, ddof=1)
    expected, pooled = np.diff(means), np.sqrt(variances.mean())
    compare(
        array(steps, (3,), "the steps"), expected,
        [
            (-expected, "The signs are reversed: subtract the smaller network from the larger one."),
            (expected / 100, "The steps should be in percentage points: 0.01 is one point."),
            (means[1:] - means[0], "You compare each network with the first one. Compare it with its neighbour."),
            (np.diff(values.max(axis=1)), "You compare the best seeds. Compare the means over the seeds."),
            (np.diff(values[:, 0]), "You compare the first seeds alone. Compare the means over the seeds."),
            (np.diff(np.median(values, axis=1)), "You compare the medians. Compare the means over the seeds."),
        ],
        "The steps do not follow from your table. Each is the mean of a row minus the mean of the row before it.",
        tolerance=ROUNDED,
    )  # fmt: skip
    compare(
        number(deviation, "the standard deviation"), pooled,
        [
            (pooled / 100, "The standard deviation should be in percentage points: 0.01 is one point."),
            (np.sqrt(values.var(axis=1).mean()), "A few seeds are a sample. Use `ddof=1`."),
            (values.std(), "You took all runs together, so the differences between the networks are in it."),
            (values.std(ddof=1), "You took all runs together, so the differences between the networks are in it."),
            (means.std(ddof=1), "This is the standard deviation of the four means: it measures how the networks "
             "differ, not the seeds."),
            (variances.mean(), "This is the variance. Take its root."),
            (np.sqrt(variances).mean(), "This is the mean of the standard deviations. Take the mean of the variances, "
             "and then the root."),
            (pooled / np.sqrt(values.shape[1]), "This is the standard error of a mean. The standard deviation "
             "describes single runs."),
            (np.sqrt(variances.sum()), "You added up the variances. Take their mean."),
        ],
        "The standard deviation does not follow from your table. Take the variance of each row (`ddof=1`), the mean "
        "of the four variances, and the root of this mean.",
        tolerance=ROUNDED,
    )  # fmt: skip
    flags = array(larger, (3,), "`larger`")
    require(np.isin(flags, (0, 1)).all(), "`larger` should contain True or False for each step.")
    size = np.abs(expected)
    for step in np.flatnonzero(flags != (size > pooled)):
        require(
            abs(size[step] - pooled) < 2 * ROUNDED,
            f"Look at step {step + 1}: its size is {size[step]:.2f} points, the standard deviation across seeds "
            f"{pooled:.2f} points.",
        )
    return (
        f"Steps that are larger than the standard deviation across seeds, {pooled:.2f} points: "
        f"{np.sum(size > pooled)} of 3. {_missed(predicted, means)}"
    )


VERDICTS = ("better", "worse", "no detectable difference")


@check
def depths(depths, gain, half, verdict, predicted_depths):
    """`depths`: accuracies of three networks × seeds; `gain` of the third over the first ± `half`; `verdict`."""
    values, predicted = _table(depths, 3), _predicted(predicted_depths, 3)
    means = values.mean(axis=1)
    expected = means[2] - means[0]
    compare(
        number(gain, "the gain"), expected,
        [
            (-expected, "The sign is reversed: the gain is positive where three layers are better than one."),
            (expected / 100, "The gain should be in percentage points: 0.01 is one point."),
            (means[1] - means[0], "This is the gain of the second layer alone. Compare three layers with one."),
            (means[2] - means[1], "This is the gain of the third layer alone. Compare three layers with one."),
            (values[2].max() - values[0].max(), "You compare the best seeds. Compare the means over the seeds."),
        ],
        "The gain does not follow from your table. It is the mean of the last row minus the mean of the first.",
        tolerance=ROUNDED,
    )  # fmt: skip
    interval = _compare_half(number(half, "half of the interval"), values[2], values[0])
    found = " ".join(str(verdict).lower().split())
    require(found in VERDICTS, f"The verdict should be one of {', '.join(map(repr, VERDICTS))}, found {verdict!r}.")
    detectable = "better" if expected > 0 else "worse"
    if abs(abs(expected) - interval) > 2 * ROUNDED:
        outside = abs(expected) > interval
        require(
            found == "no detectable difference" or outside,
            f"The interval reaches from {expected - interval:.2f} to {expected + interval:.2f} points, so 0 is in it. "
            "What can you say then?",
        )
        require(
            found == detectable or not outside,
            f"The interval reaches from {expected - interval:.2f} to {expected + interval:.2f} points. Is 0 in it, "
            "and on which side of 0 is it?",
        )
    return f"{expected:+.2f} ± {interval:.2f} points: {found}. {_missed(predicted, means)}"


def _compare_half(found, new, old):
    """Return half of the 95% interval of the difference of two means over seeds; refuse another one."""
    freedom = len(new) + len(old) - 2
    one, other = new.var(ddof=1) / len(new), old.var(ddof=1) / len(old)
    error = np.sqrt(one + other)
    student = stats.t.ppf(0.975, freedom)
    # Welch's degrees of freedom, which allow for two different variances, will do as well.
    welch = stats.t.ppf(0.975, (one + other) ** 2 / (one**2 / (len(new) - 1) + other**2 / (len(old) - 1)))
    if same(found, welch * error, ROUNDED):
        return welch * error
    biased = np.sqrt(new.var() / len(new) + old.var() / len(old))
    slips = [
        (student * error / 100, "Half of the interval should be in percentage points, too."),
        (error, "This is one standard error. A 95% interval is wider."),
        (1.96 * error, "1.96 is for many seeds. With few seeds use Student's t, which is larger."),
        (2 * error, "2 is for many seeds. With few seeds use Student's t, which is larger."),
        (student * biased, "A few seeds are a sample. Use `ddof=1` for the variances."),
        (student * error * np.sqrt(len(new)), "This interval is for single runs. Divide the variances by the number "
         "of seeds, because you compare means."),
        (student * np.sqrt(one), "You used the variance of one network only. Both networks contribute."),
        (student * np.sqrt(other), "You used the variance of one network only. Both networks contribute."),
        (student * (np.sqrt(one) + np.sqrt(other)), "Standard errors of independent means do not add up. Their "
         "squares do."),
        (2 * student * error, "This is the whole interval. Expected half of it."),
        (stats.t.ppf(0.95, freedom) * error, "95% in the middle leave 2.5% on either side: `ppf(0.975, ...)`."),
        (stats.t.ppf(0.975, len(new) - 1) * error, "Both networks give degrees of freedom: the seeds of both, minus "
         "one for each mean."),
        (stats.t.ppf(0.975, freedom + 2) * error, "Subtract one degree of freedom for each of the two means."),
    ]  # fmt: skip
    if len(new) == len(old):
        paired = stats.t.ppf(0.975, len(new) - 1) * (new - old).std(ddof=1) / np.sqrt(len(new))
        slips.append((paired, "You paired the seeds. Two networks that share a seed are not a pair, because their "
                      "initial weights differ. Use both variances."))  # fmt: skip
    compare(
        found, student * error, slips,
        "Half of the 95% interval is Student's t (0.975, the seeds of both networks minus 2) times the standard error "
        "of the difference. Its square is the sum of variance / seeds of both networks.",
        tolerance=ROUNDED,
    )  # fmt: skip
    return student * error


@check
def schedules(short, middle, long, schedule, longer, predicted_lengths):
    """Three arrays seeds × epochs of runs of growing length; `schedule` and `longer`: two differences in points."""
    predicted = _predicted(predicted_lengths, 3)
    curves = []
    for name, curve in (("short", short), ("middle", middle), ("long", long)):
        values = array(curve, what=f"`{name}`")
        require(
            values.ndim == 2,
            f"Expected `{name}` as an array seeds × epochs, found the shape {values.shape}. Use `curves=True`.",
        )
        require(
            np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1,
            f"The accuracies in `{name}` must be between 0 and 1.",
        )
        curves.append(100 * values)
    short, middle, long = curves
    epochs, many = middle.shape[1], long.shape[1]
    require(len({len(curve) for curve in curves}) == 1, "Train all three from the same number of seeds.")
    require(short.shape[1] == 1, f"The short run has 1 epoch, found {short.shape[1]}.")
    require(many == 4 * epochs, f"The long run has 4 × {epochs} epochs, found {many}.")
    require(
        not same(middle, long[:, :epochs]),
        f"Your runs agree in their first {epochs} epochs, so the learning rate was constant. Pass `falling=True`.",
    )
    end, inside, last = middle[:, -1].mean(), long[:, epochs - 1].mean(), long[:, -1].mean()
    compare(
        number(schedule, "`schedule`"), end - inside,
        [
            (inside - end, f"The sign is reversed: subtract the long run after epoch {epochs} from the end of the "
             "middle one."),
            ((end - inside) / 100, "`schedule` should be in percentage points: 0.01 is one point."),
            (last - end, "This is `longer`. For `schedule`, compare the runs after the same number of epochs."),
            (end - long[:, min(epochs, many - 1)].mean(), f"Epoch {epochs} is column {epochs - 1}, because Python "
             "counts from 0."),
            (middle.max(axis=1).mean() - inside, "You took the best epoch of the middle run. Take its last one."),
            (middle[0, -1] - long[0, epochs - 1], "You compare one seed. Compare the means over the seeds."),
        ],
        f"`schedule` is the mean of the middle run's last column minus the mean of the long run's column for epoch "
        f"{epochs}, in points.",
        tolerance=ROUNDED,
    )  # fmt: skip
    compare(
        number(longer, "`longer`"), last - end,
        [
            (end - last, "The sign of `longer` is reversed: it is positive where the long run ends higher."),
            ((last - end) / 100, "`longer` should be in percentage points: 0.01 is one point."),
            (last - inside, f"This is the whole rise of the long run after epoch {epochs}. Compare the ends of two "
             "runs."),
            (long.max(axis=1).mean() - end, "You took the best epoch of the long run. Take its last one."),
            (last - short.mean(), "Compare the long run with the middle one, not with the short one."),
        ],
        "`longer` is the mean of the long run's last column minus the mean of the middle run's last column, in points.",
        tolerance=ROUNDED,
    )  # fmt: skip
    return (
        f"After epoch {epochs}, the middle run differs from the long one by {end - inside:+.1f} points, only because "
        f"of its learning rates. The other {many - epochs} epochs of the long run add {last - end:+.1f} points. So an "
        "epoch of a long run does not tell you what a shorter run reaches. "
        f"{_missed(predicted, [short.mean(), end, last])}"
    )


@check(given=("count", "accuracy", "budget", "target"))
def small_network(options, count, accuracy, budget, target):
    """`options` of a CNN; given code: `count(options)` is compared with `budget`, `accuracy(options)` trains it."""
    require(isinstance(options, Mapping), f"Expected a dictionary of options, found {describe(options)}.")
    parameters, multiplications = (round(value) for value in array(call(count, options), (2,), "the cost"))
    most_parameters, most_multiplications = budget
    over = []
    if parameters > most_parameters:
        over.append(
            f"It has {parameters:,} parameters, {parameters - most_parameters:,} too many. Most of them are usually in "
            "the dense layer after flattening."
        )
    if multiplications > most_multiplications:
        over.append(
            f"It needs {multiplications:,} multiplications, {multiplications - most_multiplications:,} too many. Most "
            "of them are usually in convolutions with large feature maps."
        )
    require(not over, " ".join(over))
    found = number(call(accuracy, options), "the accuracy")
    require(
        found >= target,
        f"The cost is low enough ({parameters:,} parameters, {multiplications:,} multiplications), but the validation "
        f"accuracy is {found:.1%} and should be at least {target:.1%}. Which option makes so short a training run more "
        "effective?",
    )
    return (
        f"{parameters:,} parameters and {multiplications:,} multiplications are enough for a validation accuracy of "
        f"{found:.1%}."
    )


@check
def fair(function):
    """`function(new, old)`: difference of the means of two arrays of accuracies, and half of its 95% interval."""
    generator = np.random.default_rng(19)
    for seeds in (5, 3, 8):
        new = generator.normal(89, 0.7, size=seeds)
        old = generator.normal(88, 0.4, size=seeds)
        pair = call(function, new.copy(), old.copy())
        pair = list(pair) if np.iterable(pair) else [pair]
        require(len(pair) == 2, f"Expected two values, the difference and half of its interval, found {len(pair)}.")
        difference, half = number(pair[0], "the difference"), number(pair[1], "half of the interval")
        expected = new.mean() - old.mean()
        compare(
            difference, expected,
            [
                (-expected, "The sign is reversed: the difference is positive where the new network is better."),
                (new.max() - old[0], "You still compare the best of several seeds with a single one."),
                (new.max() - old.max(), "You compare the best seed of each. The best is a matter of luck, and the "
                 "more so the more seeds there are."),
                (new[0] - old[0], "You compare one run of each. Use all seeds."),
                (new.max() - old.mean(), "You still take the best seed of the new network. Treat both alike."),
                (np.median(new) - np.median(old), "You compare the medians. Compare the means."),
                (expected / 100, "The accuracies are in percent already, so the difference is in points."),
            ],
            f"For {seeds} seeds per network, the difference is not {difference:.3f}. Subtract the mean of `old` from "
            "the mean of `new`.",
        )  # fmt: skip
        _compare_half(half, new, old)
    return "Treat both networks alike: all seeds, their means, and an interval for the difference."


@check(given=("draw", "report"))
def optimism(promised, alarms, draw, report):
    """`promised`: mean of `report(*draw(generator))`, `alarms`: how often a fair interval excludes 0 (0 to 1)."""
    promised, alarms = number(promised, "`promised`"), number(alarms, "`alarms`")
    generator = np.random.default_rng(19)
    expected = float(np.mean([report(*draw(generator)) for _ in range(4000)]))
    slips = [
        (0, "On average the fair comparison promises nothing. What does `report` promise?"),
        (-expected, "The sign is reversed."),
        (expected / 100, "The accuracies are in percent already, so the gain is in points."),
    ]
    compare(
        promised, expected, slips,
        f"`report` does not promise {promised:.2f} points on average. Call it for 2,000 draws, all from one generator, "
        "and take the mean.",
        tolerance=0.08,
    )  # fmt: skip
    require(0 <= alarms <= 1, f"`alarms` should be a share of the draws, between 0 and 1, found {alarms:g}.")
    require(alarms < 0.9, "In so many comparisons the interval contains 0. How often is 0 outside?")
    require(
        0.03 <= alarms <= 0.07,
        f"0 should be outside the interval in about 5% of the draws, found {alarms:.1%}. For each draw, compare the "
        "size of the difference with half of its interval.",
    )
    return (
        f"`report` promises {promised:.2f} points where there is no difference. The fair interval excludes 0 in "
        f"{alarms:.1%} of the comparisons, close to the 5% that a 95% interval allows."
    )


def _frontier(networks, cheaper=lambda other, own: other <= own, better=lambda other, own: other >= own):
    """The names of the networks that no other one beats, cheapest first."""
    names = [
        name
        for name, (cost, accuracy) in networks.items()
        if not any(
            other != name and cheaper(networks[other][0], cost) and better(networks[other][1], accuracy)
            for other in networks
        )
    ]
    return sorted(names, key=lambda name: networks[name][0])


@check
def frontier(function):
    """`function(networks)`: names on the frontier, cheapest first; `networks` maps names to (cost, accuracy)."""
    generator = np.random.default_rng(23)
    cases = [
        {"a": (10, 80.0), "b": (20, 85.0), "c": (20, 83.0), "d": (30, 85.0), "e": (40, 84.0), "f": (50, 90.0)},
        {"large": (900, 91.0), "small": (100, 88.0), "middle": (300, 87.0)},
        {"only": (5, 70.0)},
    ]
    for _ in range(6):
        costs, accuracies = generator.permutation(24)[:12], generator.permutation(40)[:12] / 2 + 70
        costs[3], accuracies[5] = costs[4], accuracies[6]
        cases.append({f"n{i}": pair for i, pair in enumerate(zip(costs.tolist(), accuracies.tolist(), strict=True))})
    answers = [call(function, dict(networks)) for networks in cases]
    for answer in answers:
        require(
            np.iterable(answer) and not isinstance(answer, str), f"Expected a list of names, found {describe(answer)}."
        )
    found = [list(answer) for answer in answers]
    expected = [_frontier(networks) for networks in cases]
    if found == expected:
        return "A network off the frontier costs more than it needs to, or is less accurate than its cost allows."
    strangers = [name for names, networks in zip(found, cases, strict=True) for name in names if name not in networks]
    require(not strangers, f"Expected names of networks, found {describe(strangers[0]) if strangers else ''}.")

    def like(rule):
        return found == [rule(networks) for networks in cases]

    if [set(names) for names in found] == [set(names) for names in expected]:
        raise Wrong("You found the right networks. Now return them in order, the cheapest first.")
    others = [
        (lambda networks: _frontier(networks, cheaper=lambda other, own: other < own), "Of two networks with the same "
         "cost, the less accurate one is not on the frontier. You compare with cheaper ones only."),
        (lambda networks: _frontier(networks, better=lambda other, own: other > own), "A network that costs more than "
         "another and is only just as accurate is not on the frontier."),
        (lambda networks: _frontier({n: (-c, a) for n, (c, a) in networks.items()})[::-1], "You compare with more "
         "expensive networks. Compare with those that cost the same or less."),
        (lambda networks: [max(networks, key=lambda name: networks[name][1])], "You return only the most accurate "
         "network. There is a frontier of several."),
        (lambda networks: sorted(networks, key=lambda name: networks[name][0]), "You return all networks, sorted by "
         "cost. Leave out those that are beaten."),
    ]  # fmt: skip
    for rule, message in others:
        require(not like(rule), message)
    wrong = next(i for i in range(len(cases)) if found[i] != expected[i])
    raise Wrong(
        f"For {cases[wrong] if wrong < 3 else 'twelve networks'} you return {found[wrong][:8]}. Ask of each network: "
        "does another one cost the same or less, and is at least as accurate?"
    )


def _values(study):
    """The values of the finished trials of a study."""
    require(hasattr(study, "trials"), f"Expected a study of Optuna, found {describe(study)}.")
    values = np.array([trial.value for trial in study.trials if trial.value is not None], dtype=float)
    require(values.size > 0, "The study has no finished trial. Call `study.optimize`.")
    return values


@check(given=("trials",))
def study(found, trials):
    """`found`: a study of Optuna with at least `trials` trials, each with an accuracy (0 to 1) as its value."""
    values = _values(found)
    require(len(values) >= trials, f"Expected {trials} finished trials, found {len(values)}.")
    require(
        values.min() >= 0 and values.max() <= 1,
        f"The objective should return an accuracy between 0 and 1, found {values.max():g}.",
    )
    require(
        found.best_value == values.max(),
        "The study takes the lowest accuracy for the best, because Optuna minimizes unless you say otherwise. Which "
        "argument of `create_study` changes that?",
    )
    drawn = [trial.params for trial in found.trials if trial.value is not None]
    require(
        min(map(len, drawn)) >= 2,
        "Your search space should have at least two hyperparameters in every trial.",
    )
    different = {repr(sorted(params.items())) for params in drawn}
    require(len(different) > 1, "All trials have the same hyperparameters.")
    require(np.ptp(values) > 0, "All trials have the same accuracy. Does the objective train the trial's own network?")
    low, middle, high = np.percentile(values, [0, 50, 100])
    return f"Your {len(values)} trials reached {low:.1%} to {high:.1%}, with a median of {middle:.1%}."


@check
def luck(study, fresh, lead, luck):
    """`fresh`: accuracies of the winner of the `study` from other seeds; `lead` and `luck` in points."""
    values = 100 * _values(study)
    again = array(fresh, what="the accuracies from fresh seeds")
    require(again.ndim != 2, "These are the accuracies of all epochs. Call `train` without `curves=True`.")
    require(again.ndim == 1 and again.size >= 3, f"Expected at least three accuracies, found {again.size}.")
    require(again.min() >= 0 and again.max() <= 1, "The accuracies from fresh seeds must be between 0 and 1.")
    require(np.ptp(again) > 0, "All fresh seeds give the same accuracy. Does each run have a seed of its own?")
    again = 100 * again
    best, median = values.max(), np.median(values)
    compare(
        number(lead, "the lead"), best - median,
        [
            (median - best, "The sign of the lead is reversed."),
            ((best - median) / 100, "The lead should be in percentage points: 0.01 is one point."),
            (best - values.mean(), "You compare with the mean of the trials. Compare with the median."),
            (best - np.sort(values)[-2], "You compare with the second-best trial. Compare with the median."),
            (best - values.min(), "You compare with the worst trial. Compare with the median."),
            (again.mean() - median, "This is the winner's lead with fresh seeds. Here its value in the search counts."),
        ],
        "The lead is the best value of the search minus the median of all its values, in points.",
        tolerance=ROUNDED,
    )  # fmt: skip
    expected = best - again.mean()
    compare(
        number(luck, "the luck"), expected,
        [
            (-expected, "The sign of the luck is reversed: it is positive where the fresh seeds come out lower."),
            (expected / 100, "The luck should be in percentage points: 0.01 is one point."),
            (expected / (best - median), "This is the share of the lead. Expected percentage points."),
            (best - again.max(), "You compare with the best fresh seed, which has been lucky in turn. Use the mean."),
            (best - np.median(again), "You compare with the median of the fresh seeds. Use their mean."),
            (again.mean() - median, "This is what remains of the lead. The luck is what is lost."),
        ],
        "The luck is the best value of the search minus the mean over the fresh seeds, in points.",
        tolerance=ROUNDED,
    )  # fmt: skip
    said = f"In the search, the winner was {best - median:.1f} points ahead of the median trial."
    if expected <= 0:
        return f"{said} This time the fresh seeds did not come out lower ({-expected:.1f} points higher)."
    if expected >= best - median:
        return f"{said} The fresh seeds come out {expected:.1f} points lower, so the whole lead was luck."
    share = expected / (best - median)
    return f"{said} Of these, {expected:.1f} points ({share:.0%}) were luck, which the fresh seeds did not repeat."
