"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 02."""

import copy

import numpy as np
from scipy import stats

from tests.cases import callbacks
from tests.cases.answers import Args, Tensor

EPSILON = 1e-5


# batch_norm


def by_formula(values, gamma, beta, running_mean, running_variance, training):
    mean, variance = (values.mean(axis=0), values.var(axis=0)) if training else (running_mean, running_variance)
    return gamma * (values - mean) / np.sqrt(variance + EPSILON) + beta


def unit_by_unit(values, gamma, beta, running_mean, running_variance, training):
    result = np.empty(values.shape)
    for unit in range(values.shape[1]):
        mean, variance = running_mean[unit], running_variance[unit]
        if training:
            mean = sum(values[:, unit]) / len(values)
            variance = sum((values[:, unit] - mean) ** 2) / len(values)
        result[:, unit] = (values[:, unit] - mean) * gamma[unit] / (variance + EPSILON) ** 0.5 + beta[unit]
    return result


def as_tensor(values, gamma, beta, running_mean, running_variance, training):
    if training:
        running_mean = np.mean(values, axis=0, keepdims=True)
        running_variance = np.mean(values**2, axis=0, keepdims=True) - running_mean**2
    scale = gamma / np.sqrt(np.maximum(running_variance, 0) + EPSILON)
    return Tensor(values * scale + (beta - running_mean * scale))


def normalizing(axis=0, ddof=0, epsilon=EPSILON, power=0.5, running=False, scale=True, shift=True, swap=False):
    """A batch normalization with a slip."""

    def function(values, gamma, beta, running_mean, running_variance, training):
        if training and not running:
            mean = values.mean(axis=axis, keepdims=True)
            variance = values.var(axis=axis, ddof=ddof, keepdims=True)
        else:
            mean, variance = running_mean, running_variance
        gamma, beta = (beta, gamma) if swap else (gamma, beta)
        result = (values - mean) / (variance + epsilon) ** power
        return result * (gamma if scale else 1) + (beta if shift else 0)

    return function


def epsilon_outside(values, gamma, beta, running_mean, running_variance, training):
    return gamma * (values - values.mean(axis=0)) / (values.std(axis=0) + EPSILON) + beta


def always_the_batch(values, gamma, beta, running_mean, running_variance, training):
    return by_formula(values, gamma, beta, running_mean, running_variance, True)


def only_in_training(values, *others):
    return by_formula(values, *others) if others[-1] else values.copy()


def plain_in_evaluation(values, gamma, beta, *others):
    return by_formula(values, gamma, beta, *others) if others[-1] else by_formula(values, 1, 0, *others)


def in_place(values, gamma, beta, running_mean, running_variance, training):
    values -= values.mean(axis=0) if training else running_mean
    return values


def in_float32(values, gamma, beta, running_mean, running_variance, training):
    """As a library does it that computes in single precision: a constant column is not quite constant."""
    result = by_formula(values.astype("float32"), gamma, beta, running_mean, running_variance, training)
    return Tensor(result + np.float32(3.5e-5))


# dropout


def by_threshold(values, rate, training, generator):
    if not training:
        return values
    return np.where(generator.random(values.shape) < rate, 0, values / (1 - rate))


def by_mask(values, rate, training, generator):
    mask = generator.binomial(1, 1 - rate, size=values.shape) if training else np.full(values.shape, 1 - rate)
    return values * mask / (1 - rate)


def by_choice(values, rate, training, generator):
    result = np.array(values)
    if training:
        rows = result.reshape(-1)
        rows[generator.choice(rows.size, size=round(rate * rows.size), replace=False)] = 0
        result *= 1 / (1 - rate)
    return Tensor(result)


def by_what_is_left(values, rate, training, generator):
    if not training:
        return values
    mask = generator.random(values.shape) >= rate
    return values * mask / mask.mean()


def dropping(scale=lambda rate: 1 / (1 - rate), share=lambda rate: rate, used=lambda rate: 1, shape=np.shape):
    """A dropout with a slip."""

    def function(values, rate, training, generator):
        if not training:
            return values * used(rate)
        return values * (generator.random(shape(values)) >= share(rate)) * scale(rate)

    return function


def own_generator(values, rate, training, generator):
    return by_threshold(values, rate, training, np.random.default_rng())


def own_seed(values, rate, training, generator):
    return by_threshold(values, rate, training, np.random.default_rng(42))


def always_dropping(values, rate, training, generator):
    return by_threshold(values, rate, True, generator)


def dropping_in_place(values, rate, training, generator):
    if training:
        values[generator.random(values.shape) < rate] = 0
        values /= 1 - rate
    return values


# measure: a network that has dropout and a batch normalization, on made-up images


class Network:
    def __init__(self):
        generator = np.random.default_rng(0)
        self.labels = generator.integers(10, size=1200)
        self.images = np.eye(10)[self.labels] + 0.35 * generator.normal(size=(1200, 10))
        self.mean, self.generator = self.images.mean(axis=0), generator

    def __call__(self, images, dropout=False, by_batch=False, updating=False):
        mean = images.mean(axis=0) if by_batch else self.mean
        if updating:
            self.mean = 0.9 * self.mean + 0.1 * images.mean(axis=0)
        kept = self.generator.random(images.shape) > 0.2 if dropout else 1
        return ((images - mean) * kept).argmax(axis=1)


def measuring(make):
    network = Network()

    def measured(measure, rows, labels):
        return measure(network, network.images[rows], labels)

    return Args((make, measured, network.labels, lambda: network.mean))


def whole(network, images, labels):
    return np.mean(network(images) == labels)


def one_by_one(network, images, labels):
    return sum(int(network(images[i : i + 1])[0] == labels[i]) for i in range(len(images))) / len(images)


def as_one_tensor(network, images, labels):
    right = [network(images[i : i + 64]) == labels[i : i + 64] for i in range(0, len(images), 64)]
    return Tensor(np.float32(np.concatenate(right).mean()))


def in_batches(**slip):
    def function(network, images, labels):
        right = [network(images[i : i + 100], **slip) == labels[i : i + 100] for i in range(0, len(images), 100)]
        return np.concatenate(right).mean()

    return function


def mean_of_batches(network, images, labels):
    return np.mean([np.mean(network(images[i : i + 100]) == labels[i : i + 100]) for i in range(0, len(images), 100)])


def percent(network, images, labels):
    return 100 * whole(network, images, labels)


def count(network, images, labels):
    return np.sum(network(images) == labels)


def always_nine_tenths(network, images, labels):
    return 0.9


# stopped_after


def by_waiting(losses, patience):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(losses):
        if loss < best:
            best, best_epoch, wait = loss, epoch + 1, 0
        else:
            wait += 1
            if wait >= patience:
                break
    return epoch + 1, best_epoch


def by_looking_back(losses, patience):
    for last in range(2, len(losses) + 1):
        best = 1 + int(np.argmin(losses[:last]))
        if best < last and last - best >= patience:
            return [last, best]
    return [len(losses), 1 + int(np.argmin(losses))]


def as_array(losses, patience):
    last = 1
    best = 1
    while last < len(losses) and (last == best or last - best < max(patience, 1)):
        last += 1
        if losses[last - 1] < losses[best - 1]:
            best = last
    return np.array([last, best], dtype=float)


def waiting(more=0, equal=False, reset=True, previous=False, at_once=False):
    """Early stopping with a slip."""

    def function(losses, patience):
        best, best_epoch, wait = losses[0], 1, 0
        if at_once and wait >= patience:
            return 1, 1
        for epoch in range(2, len(losses) + 1):
            loss = losses[epoch - 1]
            if loss < best or (equal and loss <= best):
                best, best_epoch = loss, epoch
                wait = 0 if reset else wait
            else:
                wait += 1
                if wait >= patience + more:
                    return epoch, best_epoch
                best = loss if previous else best
        return len(losses), best_epoch

    return function


# keep: a network of two arrays


class Arrays:
    def __init__(self):
        self.parts = {"weights": np.zeros((3, 2)), "running mean": np.zeros(2)}


def put_back(network, kept):
    for name, part in kept.items():
        network.parts[name][...] = part


def fill(network, value):
    for part in network.parts.values():
        part[...] = value


def numbers(network):
    return network.parts["weights"], network.parts["running mean"]


def keeping(function):
    return Args((function, put_back, fill, numbers, Arrays()))


FIRST, LATEST = {}, {}


def only_the_first(network):
    return FIRST.setdefault("weights", copy.deepcopy(network.parts))


def in_one_place(network):
    for name, part in network.parts.items():
        LATEST.setdefault(name, part.copy())[...] = part
    return {name: LATEST[name] for name in network.parts}


def and_clear(network):
    kept = copy.deepcopy(network.parts)
    fill(network, 0)
    return kept


# report


def by_argmax(validation_right, test_right):
    best = validation_right.mean(axis=1).argmax()
    return best + 1, test_right[best].mean()


def by_sorting(validation_right, test_right):
    epoch = max(range(len(validation_right)), key=lambda i: sum(validation_right[i]))
    return [float(epoch + 1), sum(map(int, test_right[epoch])) / test_right.shape[1]]


def as_tensors(validation_right, test_right):
    best = np.argsort(-validation_right.sum(axis=1), kind="stable")[0]
    return Tensor(best + 1), Tensor(np.count_nonzero(test_right[best]) / len(test_right[best]))


def reporting(choose, on, first=1, scale=1):
    """A report with a slip."""

    def function(validation_right, test_right):
        parts = {"validation": validation_right, "test": test_right, "both": np.hstack([validation_right, test_right])}
        best = parts[choose].mean(axis=1).argmax()
        return best + first, scale * parts[on][best].mean()

    return function


# optimism: the given code of the exercise


def draw(random, epochs=30, images=900):
    chances = [random.beta(0.44, 0.06, size=images) for _ in range(2)]
    return [random.random((epochs, images)) < chance for chance in chances]


def looks_innocent(validation_right, test_right):
    return by_argmax(test_right, test_right)


def promised(select, seed, times=400):
    random = np.random.default_rng(seed)
    return 100 * (np.mean([select(*draw(random))[1] for _ in range(times)]) - 0.88)


def optimism(innocent, honest):
    return Args((innocent, honest, draw, looks_innocent, 0.88))


INNOCENT, HONEST = promised(looks_innocent, 42), promised(by_argmax, 43)


# dropout_study

TABLE = np.array([[0.815, 0.831, 0.799], [0.8272, 0.828, 0.8262], [0.772, 0.765, 0.7797]])
DIFFERENCE = 100 * (TABLE[1].mean() - TABLE[0].mean())
ERROR = 100 * np.sqrt((TABLE[0].var(ddof=1) + TABLE[1].var(ddof=1)) / 3)
T = stats.t.ppf(0.975, df=4)
OTHER = TABLE[:, ::-1] - 0.1 * TABLE


def study(accuracies, gain, half, trained=TABLE):
    """The answers, and what `train_with` has returned for three rates and three seeds."""
    return Args(
        (
            accuracies,
            gain,
            half,
            {(rate, seed): trained[i, seed] for i, rate in enumerate((0, 0.2, 0.5)) for seed in range(3)},
        )
    )


CASES = callbacks.CASES | {
    "batch_norm": {
        "right": [by_formula, unit_by_unit, as_tensor, normalizing(), in_float32],
        "wrong": [
            (normalizing(running=True), "not from the running ones"),
            (normalizing(scale=False, shift=False), "Two steps are still missing"),
            (normalizing(shift=False), "One of γ and β is missing"),
            (normalizing(swap=True), "γ multiplies and β is added"),
            (normalizing(axis=1), "the other axis"),
            (normalizing(axis=None), "one mean over the whole array"),
            (normalizing(power=1), "You divide by the variance"),
            (normalizing(ddof=1), "the number of images minus 1"),
            (normalizing(epsilon=0), "what is EPSILON for"),
            (epsilon_outside, "inside the square root"),
            (always_the_batch, "the batch must not matter"),
            (only_in_training, "the values are normalized, too"),
            (plain_in_evaluation, "γ and β belong to evaluation mode, too"),
            (in_place, "changes the array"),
            (lambda values, *others: values.mean(axis=0), "in the shape (8, 5)"),
            (lambda values, *others: values * 2, "mean 0 and variance 1"),
            (3, "Expected a function"),
        ],
    },
    "dropout": {
        "right": [by_threshold, by_mask, dropping(), lambda *all: Tensor(by_threshold(*all).astype("float32"))],
        "wrong": [
            (dropping(scale=lambda rate: 1), "the values that are left stay as they were"),
            (dropping(scale=lambda rate: 1 - rate), "The values that are left become smaller"),
            (dropping(scale=lambda rate: 1 / rate), "Which share is left?"),
            (dropping(share=lambda rate: 1 - rate), "not the share that is kept"),
            (dropping(share=lambda rate: rate / 2), "Expected about 30%"),
            (dropping(used=lambda rate: 1 - rate), "nothing left to make up for in evaluation mode"),
            (dropping(shape=lambda values: (values.shape[0], 1)), "Whole rows or whole columns"),
            (dropping(shape=lambda values: (1, values.shape[1])), "Whole rows or whole columns"),
            (dropping(share=lambda rate: 0), "nothing was set to 0"),
            (own_generator, "Draw from the generator"),
            (own_seed, "Every step draws anew"),
            (always_dropping, "In evaluation mode nothing is switched off"),
            (dropping_in_place, "changes the array"),
            (by_choice, "the same number of values is 0 in every call"),
            (by_what_is_left, "happen to be left in this call"),
            (lambda *all: print(end=""), "returned None"),
        ],
    },
    "measure": {
        "right": [measuring(whole), measuring(one_by_one), measuring(as_one_tensor), measuring(in_batches())],
        "wrong": [
            (measuring(in_batches(dropout=True, by_batch=True, updating=True)), "still throws dice"),
            (measuring(in_batches(by_batch=True)), "its neighbours in the batch"),
            (measuring(in_batches(updating=True)), "Measuring has changed the network"),
            (measuring(mean_of_batches), "divide once"),
            (measuring(percent), "Neither percent nor a count"),
            (measuring(count), "Neither percent nor a count"),
            (measuring(always_nine_tenths), "must be 1 once"),
        ],
    },
    "stopped_after": {
        "right": [by_waiting, by_looking_back, as_array, waiting()],
        "wrong": [
            (waiting(more=1), "one epoch too late"),
            (waiting(equal=True), "progress is a smaller loss"),
            (waiting(reset=False), "The waiting does not begin anew"),
            (waiting(previous=True), "better than the best of all so far"),
            (waiting(at_once=True), "With a patience of 0"),
            (lambda losses, patience: by_waiting(losses, patience)[::-1], "swapped"),
            (lambda losses, patience: np.array(by_waiting(losses, patience)) - 1, "count the epochs from 0"),
            (
                lambda losses, patience: (by_waiting(losses, patience)[0], int(np.argmin(losses)) + 1),
                "one that took place",
            ),
            (lambda losses, patience: (len(losses), int(np.argmin(losses)) + 1), "It never stops"),
            (lambda losses, patience: (patience + 1, 1), "Go through them by hand"),
            (lambda losses, patience: 8, "in the shape (2,)"),
        ],
    },
    "keep": {
        "right": [
            keeping(lambda network: copy.deepcopy(network.parts)),
            keeping(lambda network: {name: part.copy() for name, part in network.parts.items()}),
            keeping(lambda network: {name: part.tolist() for name, part in network.parts.items()}),
        ],
        "wrong": [
            (keeping(lambda network: network.parts), "changes together with the network"),
            (keeping(lambda network: dict(network.parts)), "changes together with the network"),
            (keeping(lambda network: copy.copy(network.parts)), "changes together with the network"),
            (keeping(lambda network: {"weights": network.parts["weights"].copy()}), "not the running means"),
            (keeping(only_the_first), "kept the first weights again"),
            (keeping(in_one_place), "The weights of a later epoch"),
            (keeping(and_clear), "must not change the network"),
            (keeping(lambda network: {"weights": 1.0, "running mean": 1.0}), "not the whole of what was there"),
            (keeping(lambda network: {"no such part": 1}), "stopped at your answer with KeyError"),
        ],
    },
    "report": {
        "right": [by_argmax, by_sorting, as_tensors],
        "wrong": [
            (looks_innocent, "The test images still choose"),
            (reporting("test", "validation"), "have changed places"),
            (reporting("validation", "validation"), "from the images that have chosen it"),
            (reporting("both", "test"), "have a voice"),
            (reporting("validation", "test", first=0), "counted from 1"),
            (reporting("validation", "test", scale=100), "should be a share"),
            (lambda validation, test: by_argmax(validation, test)[::-1], "The epoch comes first"),
            (lambda validation, test: (len(test), test[-1].mean()), "This is the last epoch"),
            (reporting("validation", "both"), "of that same epoch on the test images"),
            (lambda validation, test: 0.9, "Expected two numbers"),
        ],
    },
    "optimism": {
        "right": [
            optimism(INNOCENT, HONEST),
            optimism(promised(looks_innocent, 1, 300), promised(by_argmax, 1, 300)),
            optimism(Tensor(promised(looks_innocent, 2, 1000)), np.array([0.01])),
        ],
        "wrong": [
            (optimism(INNOCENT / 100, HONEST / 100), "multiplied by 100"),
            (optimism(-INNOCENT, HONEST), "The sign is the other way round"),
            (optimism(HONEST, INNOCENT), "The two are swapped"),
            (optimism(88 + INNOCENT, 88 + HONEST), "Subtract the true accuracy"),
            (optimism(0.892, 0.880), "Subtract the true accuracy"),
            (optimism(INNOCENT, 0), "exactly 0"),
            (optimism(INNOCENT, INNOCENT), "Has your own function been called"),
            (optimism(3.0, HONEST), "another number of points"),
            (optimism(INNOCENT, -0.6), "hardly anything"),
        ],
    },
    "dropout_study": {
        "right": [
            study(TABLE, DIFFERENCE, T * ERROR),
            study(TABLE.tolist(), round(DIFFERENCE, 2), round(T * ERROR, 2)),
            study(
                Tensor(OTHER),
                100 * np.mean(OTHER[1] - OTHER[0]),
                277.6445 * np.hypot(OTHER[0].std(ddof=1), OTHER[1].std(ddof=1)) / 3**0.5,
                OTHER,
            ),
        ],
        "wrong": [
            (study(100 * TABLE, DIFFERENCE, T * ERROR), "shares, from 0 to 1"),
            (study(TABLE[::-1], DIFFERENCE, T * ERROR), "Are the rates in order"),
            (study(TABLE + np.arange(9).reshape(3, 3) / 50, 1, 1), "has not returned for this rate"),
            (study(TABLE[:2], DIFFERENCE, T * ERROR), "3 rates × 3 seeds"),
            (study(TABLE.mean(axis=1), DIFFERENCE, T * ERROR), "Expected a table"),
            (study(TABLE[:, [0, 0, 0]], DIFFERENCE, T * ERROR), "a seed of its own"),
            (study(TABLE[[0, 0, 0]], DIFFERENCE, T * ERROR), "has the rate been handed on"),
            (study(TABLE, DIFFERENCE / 100, T * ERROR), "0.01 is one point"),
            (study(TABLE, -DIFFERENCE, T * ERROR), "The sign"),
            (study(TABLE, 100 * (TABLE[2] - TABLE[0]).mean(), T * ERROR), "that of the second"),
            (study(TABLE, 100 * (TABLE[1].max() - TABLE[0].max()), T * ERROR), "Compare the means"),
            (study(TABLE, 0.5, T * ERROR), "the mean of the second row minus"),
            (study(TABLE, DIFFERENCE, ERROR), "reaches further"),
            (study(TABLE, DIFFERENCE, 1.96 * ERROR), "1.96 is for many seeds"),
            (study(TABLE, DIFFERENCE, T * ERROR * np.sqrt(2 / 3)), "What is `ddof`"),
            (study(TABLE, DIFFERENCE, T * ERROR * np.sqrt(3)), "The mean of three is surer"),
            (study(TABLE, DIFFERENCE, 2 * T * ERROR), "the whole interval"),
            (study(TABLE, DIFFERENCE, 0.1), "Student's t (0.975"),
        ],
    },
}
