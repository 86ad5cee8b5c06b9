"""Right and wrong answers to the exercises of the comparison, and what is said to the wrong ones."""

import itertools

import numpy as np
from scipy import stats

from fmnist import study
from tests.cases.answers import Args, Tensor

# Batch normalization


def mean_by_loop(batch_means, momentum):
    mean = 0
    for batch in batch_means:
        mean = momentum * mean + (1 - momentum) * batch
    return mean


def mean_by_weights(batch_means, momentum):
    ages = np.arange(len(batch_means))[::-1]
    return Tensor(np.sum((1 - momentum) * momentum**ages * batch_means))


def mean_by_recursion(batch_means, momentum):
    if len(batch_means) == 0:
        return 0.0
    before = mean_by_recursion(batch_means[:-1], momentum)
    return before + (1 - momentum) * (batch_means[-1] - before)


def mean_from_the_first(batch_means, momentum):
    mean = batch_means[0]
    for batch in batch_means[1:]:
        mean = momentum * mean + (1 - momentum) * batch
    return mean


# The order of flattened maps


def order_by_transposing(height, width, channels):
    return np.arange(height * width * channels).reshape(height, width, channels).transpose(2, 0, 1).ravel()


def order_by_loops(height, width, channels):
    return [
        (row * width + column) * channels + channel
        for channel in range(channels)
        for row in range(height)
        for column in range(width)
    ]


def order_by_grid(height, width, channels):
    channel, row, column = np.indices((channels, height, width)).reshape(3, -1)
    return Tensor(np.ravel_multi_index((row, column, channel), (height, width, channels)))


def with_accuracy(function):
    return Args((function, lambda order: np.mean(order == order_by_transposing(5, 5, 64))))


# One step of Adam


def torch_step(w, m, v, g, t):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    return w - 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


def torch_step_as_documented(w, m, v, g, t):
    m, v = m + (1 - 0.9) * (g - m), v * 0.999 + (1 - 0.999) * g * g
    denominator = np.sqrt(v) / np.sqrt(1 - 0.999**t) + 1e-8
    return [w - 0.001 / (1 - 0.9**t) * m / denominator, m, v]


def torch_step_in_place(w, m, v, g, t):
    m *= 0.9
    m += 0.1 * g
    v *= 0.999
    v += 0.001 * np.square(g)
    w -= 0.001 * m / (1 - 0.9**t) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return Tensor(w), Tensor(m), Tensor(v)


def keras_step(w, m, v, g, t):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    return w - 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7), m, v


def keras_step_with_rounded_betas(w, m, v, g, t):
    first, second = np.float32(0.9), np.float32(0.999)
    m, v = m + (g - m) * (1 - 0.9), v + (g**2 - v) * (1 - 0.999)
    scale = 0.001 * float(np.sqrt(1 - float(second) ** t) / (1 - float(first) ** t))
    return [w - m * scale / (v**0.5 + 1e-7), m, v]


def keras_step_in_pytorch_s_formula(w, m, v, g, t):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    epsilon = 1e-7 / np.sqrt(1 - 0.999**t)
    w = w - 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + epsilon)
    return Tensor(w), Tensor(m), Tensor(v)


def keras_place_small_epsilon(w, m, v, g, t):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8), m, v


def torch_place_large_epsilon(w, m, v, g, t):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7), m, v


def uncorrected(epsilon):
    def step(w, m, v, g, t):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        return w - 0.001 * m / (np.sqrt(v) + epsilon), m, v

    return step


def root_over_epsilon(epsilon):
    def step(w, m, v, g, t):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        return w - 0.001 * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t) + epsilon), m, v

    return step


def corrected_and_returned(w, m, v, g, t):
    m, v = (0.9 * m + 0.1 * g) / (1 - 0.9**t), (0.999 * v + 0.001 * g**2) / (1 - 0.999**t)
    return w - 0.001 * m / (np.sqrt(v) + 1e-8), m, v


def upwards(step):
    def turned(w, m, v, g, t):
        new, m, v = step(w, m, v, g, t)
        return 2 * w - new, m, v

    return turned


# A new last layer


def softmax_training(rate=1.0, steps=40, moved=0.0, outputs=5, kind=np.array, replaced=False):
    """Train a last layer on made-up features, as the notebook does it; `moved` is what the old layers did."""

    def train(model, images, groups):
        return "trained below"

    def tried(function):
        assert function(None, None, None) is not None
        generator = np.random.default_rng(0)
        groups = generator.integers(5, size=300)
        features = np.eye(5)[groups] * 2 + generator.normal(0, 0.5, (300, 5))
        weights, losses = generator.normal(0, 0.5, (5, outputs)), []
        for _ in range(steps):
            powers = np.exp(features @ weights)
            shares = powers / powers.sum(axis=1, keepdims=True)
            losses.append(-np.log(shares[np.arange(300), groups]).mean())
            weights -= rate * features.T @ (shares - np.eye(outputs)[groups]) / 300
        logits = features @ (generator.normal(0, 0.5, (5, outputs)) if replaced else weights)
        return {"losses": kind(losses), "logits": kind(logits), "groups": groups, "old_layers_moved": moved}

    return Args((train, tried))


# Variances


def two_passes(values):
    return ((values - values.mean(axis=0)) ** 2).mean(axis=0)


def shifted(values):
    values = values - values[0]
    return (values**2).mean(axis=0) - values.mean(axis=0) ** 2


def welford(values):
    mean, squares = np.zeros_like(values[0]), np.zeros_like(values[0])
    for n, row in enumerate(values, start=1):
        step = row - mean
        mean = mean + step / n
        squares = squares + step * (row - mean)
    return Tensor(squares / len(values))


def one_pass(values):
    return (values**2).mean(axis=0) - values.mean(axis=0) ** 2


def one_pass_in_float64(values):
    return one_pass(values.astype(np.float64))


# Seeds


def welch(first, second):
    return tuple(stats.ttest_ind(first, second, equal_var=False).confidence_interval())


def pooled(first, second):
    degrees = len(first) + len(second) - 2
    squares = np.sum((first - first.mean()) ** 2) + np.sum((second - second.mean()) ** 2)
    half = stats.t.ppf(0.975, degrees) * np.sqrt(squares / degrees * (1 / len(first) + 1 / len(second)))
    return np.array([-half, half]) + first.mean() - second.mean()


def welch_by_hand(first, second):
    a, b = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    degrees = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    half = stats.t.ppf(0.975, degrees) * (a + b) ** 0.5
    mean = np.mean(first) - np.mean(second)
    return [Tensor(mean - half), Tensor(mean + half)]


def interval_with(half):
    def interval(first, second):
        mean, width = first.mean() - second.mean(), half(first, second)
        return mean - width, mean + width

    return interval


def error(first, second):
    return np.hypot(stats.sem(first), stats.sem(second))


FACTOR = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2


def seeds_by_search(spread, difference):
    n = 2
    while stats.norm.cdf(difference / (spread * np.sqrt(2 / n)) - stats.norm.ppf(0.975)) < 0.8:
        n += 1
    return n


def seeds_with_t(spread, difference):
    """With Student's t in place of the normal distribution: a seed or two more."""
    for n in itertools.count(2):
        degrees, shift = 2 * n - 2, difference / spread * np.sqrt(n / 2)
        if stats.nct.sf(stats.t.ppf(0.975, degrees), degrees, shift) >= 0.8:
            return n


# Common mistakes


def mistakes(framework):
    runs = study.table("verdict")
    chosen = runs[(runs["framework"] == framework) & (runs["network"] == "cnn")].sort_values("seed")
    return ~np.stack(chosen["correct"][:5])


KERAS, PYTORCH = mistakes("keras"), mistakes("pytorch")


def share(first, second):
    return np.sum(first & second) / np.sum(first | second)


def share_with_sets(first, second):
    first, second = set(np.flatnonzero(first)), set(np.flatnonzero(second))
    return len(first & second) / len(first | second)


def share_by_counting(first, second):
    both = Tensor(np.sum(first.astype(int) * second))
    return Tensor(np.asarray(both) / (first.sum() + second.sum() - np.asarray(both)))


def pairs(models):
    return [share(*pair) for pair in itertools.combinations(models, 2)]


WITHIN = np.mean(pairs(KERAS) + pairs(PYTORCH))
ACROSS = np.mean([share(first, second) for first in KERAS for second in PYTORCH])
EVERY_PAIR = np.array([[share(a, b) for b in [*KERAS, *PYTORCH]] for a in [*KERAS, *PYTORCH]])


def ways_with(margin):
    """How many of the 252 ways give a difference of at least the true one plus `margin`."""
    found = []
    for chosen in itertools.combinations(range(10), 5):
        rest = [i for i in range(10) if i not in chosen]
        inside = [EVERY_PAIR[pair] for group in (chosen, rest) for pair in itertools.combinations(group, 2)]
        found.append(np.mean(inside) - EVERY_PAIR[np.ix_(chosen, rest)].mean())
    return sum(value >= found[0] + margin for value in found)


WAYS = ways_with(-1e-12)


def gap(answer):
    return Args((answer, KERAS, PYTORCH))


CASES = {
    "torch_momentum": {
        "right": [0.01, 1 - 0.99, np.float32(0.01), Tensor([0.01])],
        "wrong": [
            (0.99, "Keras's number once more"),
            (0.1, "PyTorch's default"),
            (1, "between 0 and 1"),
            (-0.01, "between 0 and 1"),
            (0.001, "the old mean or the new one"),
            ("0.01 or so", "Expected numbers"),
        ],
    },
    "running_mean": {
        "right": [mean_by_loop, mean_by_weights, mean_by_recursion, lambda *all: round(mean_by_loop(*all), 3)],
        "wrong": [
            (lambda means, momentum: np.mean(means), "plain average"),
            (lambda means, momentum: mean_by_loop(means, 1 - momentum), "as PyTorch has it"),
            (mean_from_the_first, "before the first batch"),
            (lambda means, momentum: mean_by_loop(means[::-1], momentum), "turned round"),
            (lambda means, momentum: mean_by_loop(means, momentum) / (1 - momentum ** len(means)), "as Adam does"),
            (lambda means, momentum: means[-1], "by hand"),
            (lambda means, momentum: momentum * means, "Expected one number"),
        ],
    },
    "flatten_order": {
        "right": [with_accuracy(order) for order in (order_by_transposing, order_by_loops, order_by_grid)],
        "wrong": [
            (with_accuracy(lambda h, w, c: np.arange(h * w * c)), "leaves everything where it is"),
            (with_accuracy(lambda h, w, c: np.argsort(order_by_transposing(h, w, c))), "the way back"),
            (with_accuracy(lambda h, w, c: np.arange(h * w * c).reshape(h, w, c).T.ravel()), "down the columns"),
            (with_accuracy(lambda h, w, c: np.arange(h * w * c).reshape(h, w, c).transpose(2, 0, 1)), "in one row"),
            (with_accuracy(lambda h, w, c: order_by_transposing(5, 5, 64)), "The sizes are arguments"),
            (with_accuracy(lambda h, w, c: np.zeros(h * w * c)), "come twice"),
            (with_accuracy(lambda h, w, c: np.arange(h * w * c)[::-1]), "another one"),
        ],
    },
    "torch_adam": {
        "right": [torch_step, torch_step_as_documented, torch_step_in_place],
        "wrong": [
            (keras_step, "the other framework's step"),
            (keras_place_small_epsilon, "the other framework's place"),
            (torch_place_large_epsilon, "but not its size"),
            (root_over_epsilon(1e-8), "under the root"),
            (uncorrected(1e-8), "the correction for that"),
            (corrected_and_returned, "before any correction"),
            (upwards(torch_step), "up the slope"),
            (lambda w, m, v, g, t: torch_step(w, m, v, g, t + 1), "counted from t = 1"),
            (lambda w, m, v, g, t: torch_step(w, m, v, g, t)[0], "three arrays (the new weights, m and v), found"),
            (lambda w, m, v, g, t: (w - 0.001 * g, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2), "term by term"),
            (lambda w, m, v, g, t: torch_step(w, m, v, g.undefined, t), "AttributeError"),
        ],
    },
    "keras_adam": {
        "right": [keras_step, keras_step_with_rounded_betas, keras_step_in_pytorch_s_formula],
        "wrong": [
            (torch_step, "the other framework's step"),
            (torch_place_large_epsilon, "the other framework's place"),
            (keras_place_small_epsilon, "but not its size"),
            (root_over_epsilon(1e-7), "under the root"),
            (uncorrected(1e-7), "the correction for that"),
            (upwards(keras_step), "up the slope"),
        ],
    },
    "new_layer": {
        "right": [
            softmax_training(),
            softmax_training(rate=0.5, steps=200, kind=Tensor),
            softmax_training(rate=2, steps=12, kind=list),
        ],
        "wrong": [
            (softmax_training(rate=0), "does not learn"),
            (softmax_training(rate=0.0001), "does not learn"),
            (softmax_training(moved=0.02), "old layers have moved"),
            (softmax_training(outputs=10), "five outputs"),
            (softmax_training(steps=1), "every step"),
            (softmax_training(rate=-1e4), "not finite"),
            (softmax_training(replaced=True), "the one that the model has at the end"),
            (Args((lambda *all: print(end=""), lambda function: function(0, 0, 0))), "returned None"),
        ],
    },
    "first_lost": {
        "right": [4097, 4097.0, np.int64(4097), Tensor([4097])],
        "wrong": [
            (4096, "Very near"),
            (4095, "Very near"),
            (2000, "2,000 is not right"),
            (10_000, "10,000 is not right"),
            (4098, "4,098 is not right"),
            (4097.5, "whole number"),
        ],
    },
    "variance": {
        "right": [two_passes, shifted, welford, lambda values: np.var(values, axis=0)],
        "wrong": [
            (one_pass, "agree in nearly all their digits"),
            (one_pass_in_float64, "agree in nearly all their digits"),
            (lambda values: one_pass(values.astype(np.longdouble)).astype(float), "agree in nearly all their digits"),
            (lambda values: one_pass(values).clip(0), "agree in nearly all their digits"),
            (lambda values: np.var(values, axis=0, ddof=1), "n - 1"),
            (lambda values: np.std(values, axis=0), "standard deviation"),
            (lambda values: np.var(values), "shape"),
            (lambda values: np.var(values, axis=1), "shape"),
            (lambda values: np.mean(values**2, axis=0), "by hand"),
        ],
    },
    "difference_interval": {
        "right": [welch, pooled, welch_by_hand],
        "wrong": [
            (interval_with(lambda a, b: 1.96 * error(a, b)), "spreads that are known"),
            (
                interval_with(lambda a, b: sum(stats.t.ppf(0.975, len(x) - 1) * stats.sem(x) for x in (a, b))),
                "half-widths of two intervals",
            ),
            (interval_with(lambda a, b: stats.t.ppf(0.95, len(a) + len(b) - 2) * error(a, b)), "90 % interval"),
            (
                interval_with(
                    lambda a, b: stats.t.ppf(0.975, len(a) + len(b) - 2) * np.hypot(a.std(ddof=1), b.std(ddof=1))
                ),
                "two single runs",
            ),
            (interval_with(error), "one standard error"),
            (
                interval_with(
                    lambda a, b: stats.t.ppf(0.975, len(a) + len(b) - 2) * np.sqrt(a.var() / len(a) + b.var() / len(b))
                ),
                "ddof=1",
            ),
            (lambda a, b: welch(b, a), "other sign"),
            (lambda a, b: welch(a, b)[::-1], "lower end first"),
            (lambda a, b: welch(a, b)[1], "two numbers"),
            (lambda a, b: (a.mean() - 0.1, a.mean() + 0.1), "difference of the two means"),
            (interval_with(lambda a, b: 3 * error(a, b)), "to each side"),
        ],
    },
    "seeds_needed": {
        "right": [
            lambda spread, difference: max(2, int(np.ceil(2 * FACTOR * (spread / difference) ** 2))),
            lambda spread, difference: max(2.0, np.ceil(2 * (1.96 + 0.84) ** 2 * (spread / difference) ** 2)),
            seeds_by_search,
            seeds_with_t,
        ],
        "wrong": [
            (lambda s, d: np.ceil(FACTOR * (s / d) ** 2), "a factor is missing"),
            (lambda s, d: np.ceil(2 * 1.96**2 * (s / d) ** 2), "every second time"),
            (lambda s, d: np.ceil(2 * FACTOR * s / d), "four times the seeds"),
            (lambda s, d: 2 * FACTOR * (s / d) ** 2, "whole numbers"),
            (lambda s, d: int(2 * FACTOR * (s / d) ** 2), "rounded down"),
            (lambda s, d: np.ceil(2 * FACTOR * (s / d) ** 2), "one seed has no spread"),
            (lambda s, d: 30, "expected about"),
        ],
    },
    "shared_mistakes": {
        "right": [share, share_with_sets, share_by_counting, lambda a, b: round(share(a, b), 3)],
        "wrong": [
            (lambda a, b: np.sum(a & b), "a number of images"),
            (lambda a, b: np.mean(a & b), "share of all images"),
            (lambda a, b: np.mean(a == b), "both get right"),
            (lambda a, b: share(~a, ~b), "what the two get right"),
            (lambda a, b: np.sum(a & b) / np.sum(a), "of the first alone"),
            (lambda a, b: np.sum(a & b) / np.sum(b), "of the second alone"),
            (lambda a, b: 2 * np.sum(a & b) / (np.sum(a) + np.sum(b)), "average number"),
            (lambda a, b: 1 - share(a, b), "only one of the two"),
            (lambda a, b: 100 * share(a, b), "in percent"),
            (lambda a, b: 0.123, "both get"),
        ],
    },
    "overlap_gap": {
        "right": [
            gap(WITHIN - ACROSS),
            gap(round(WITHIN - ACROSS, 4)),
            gap(np.float64((np.mean(pairs(KERAS)) + np.mean(pairs(PYTORCH))) / 2 - ACROSS)),
            gap(Tensor([(EVERY_PAIR[:5, :5].sum() + EVERY_PAIR[5:, 5:].sum() - 10) / 40 - EVERY_PAIR[:5, 5:].mean()])),
        ],
        "wrong": [
            (gap(ACROSS - WITHIN), "sign is turned round"),
            (gap(100 * (WITHIN - ACROSS)), "in points"),
            (gap(np.mean([EVERY_PAIR[:5, :5], EVERY_PAIR[5:, 5:]]) - ACROSS), "with itself"),
            (gap(np.mean(pairs(KERAS)) - ACROSS), "Keras alone"),
            (gap(np.mean(pairs(PYTORCH)) - ACROSS), "PyTorch alone"),
            (gap(WITHIN), "across the two?"),
            (gap(ACROSS), "inside one framework"),
            (gap(0.2), "each once"),
        ],
    },
    "ways_as_large": {
        "right": [gap(WAYS), gap(float(WAYS)), gap(Tensor([WAYS]))],
        "wrong": [
            (gap(WAYS / 252), "the p-value"),
            (gap(ways_with(1e-12)), "what is larger"),
            (gap(WAYS - 1), "Some are missing"),
            (gap(252), "all the ways"),
            (gap(252 - WAYS), "a smaller difference"),
            (gap(20), "five models are one group"),
        ],
    },
}
