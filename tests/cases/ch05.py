"""Right answers, and plausible wrong ones with a part of the message meant for them, for the checks of chapter 05."""

import math
from types import SimpleNamespace

import numpy as np
from scipy import stats

from tests.cases.answers import Args, Tensor

generator = np.random.default_rng(5)

PARAMETERS, MULTIPLICATIONS = 25_746, 121_056


def costs(parameters=PARAMETERS, multiplications=MULTIPLICATIONS):
    return Args((parameters, multiplications))


# Accuracies of four networks, three seeds each; the last step is smaller than the standard deviation across seeds.
WIDTHS = np.array([[0.801, 0.806, 0.797], [0.826, 0.829, 0.834], [0.840, 0.846, 0.835], [0.843, 0.837, 0.844]])
MEANS = 100 * WIDTHS.mean(axis=1)
STEPS = np.diff(MEANS)
VARIANCES = (100 * WIDTHS).var(axis=1, ddof=1)
DEVIATION = np.sqrt(VARIANCES.mean())
LARGER = [True, True, False]
EXPECTED = [0.7, 0.8, 0.85, 0.9]
FOUR_SEEDS = np.hstack([WIDTHS, WIDTHS[:, :1] + 0.002])
of_four_seeds = (
    100 * np.diff(FOUR_SEEDS.mean(axis=1)),
    100 * np.sqrt(FOUR_SEEDS.var(axis=1, ddof=1).mean()),
)


def widths(table=WIDTHS, steps=STEPS, deviation=DEVIATION, larger=LARGER, predicted=EXPECTED):
    return Args((table, steps, deviation, larger, predicted))


DEPTHS = WIDTHS[[2, 1, 3]]  # no detectable difference
DEEPER = np.array([[0.80, 0.803, 0.799], [0.82, 0.818, 0.822], [0.841, 0.839, 0.84]])


def root(table, *, ddof=1, seeds=3):
    one, _, three = 100 * table
    return np.sqrt((one.var(ddof=ddof) + three.var(ddof=ddof)) / seeds)


def gain(table):
    return 100 * (table[2].mean() - table[0].mean())


T4 = stats.t.ppf(0.975, df=4)


GAIN, HALF = gain(DEPTHS), T4 * root(DEPTHS)


def depths(table=DEPTHS, gain=GAIN, half=HALF, verdict="no detectable difference", predicted=(0.8, 0.8, 0.8)):
    return Args((table, gain, half, verdict, predicted))


def deeper(verdict, table=DEEPER):
    return depths(table, gain(table), T4 * root(table), verdict)


def rising(epochs, end, seeds=3):
    """Curves that rise to about `end`."""
    steps = np.arange(1, epochs + 1) / epochs
    return end - 0.08 * (1 - steps) + generator.normal(0, 0.002, size=(seeds, epochs))


SHORT, MIDDLE, LONG = rising(1, 0.79), rising(5, 0.85), rising(20, 0.87)
LONG[:, 4] = [0.835, 0.831, 0.839]
END, INSIDE, LAST = (100 * part.mean() for part in (MIDDLE[:, -1], LONG[:, 4], LONG[:, -1]))


def schedules(short=SHORT, middle=MIDDLE, long=LONG, schedule=END - INSIDE, longer=LAST - END, predicted=(0.8, 0.8, 1)):
    return Args((short, middle, long, schedule, longer, predicted))


ONE_EPOCH, FOUR_EPOCHS = rising(1, 0.5), rising(4, 0.7)  # the small settings of the tests


# Made-up networks: what they cost, and what they reach.
NETWORKS = {
    "good": ((18_000, 90_000), 0.861),
    "thin": (np.array([20_000, 200_000]), 0.85),
    "tensor": ((9_000.0, 150_000.0), Tensor(0.9)),
    "many parameters": ((54_000, 90_000), 0.9),
    "many multiplications": ((18_000, 2_000_000), 0.9),
    "both": ((54_000, 2_000_000), 0.9),
    "weak": ((18_000, 90_000), 0.83),
    "not a number": ((18_000, 90_000), math.nan),
}


def network(name, target=0.85):
    def count(options):
        return NETWORKS[options["name"]][0]

    def accuracy(options):
        return NETWORKS[options["name"]][1]

    return Args(({"name": name} if isinstance(name, str) else name, count, accuracy, (20_000, 200_000), target))


def t_interval(new, old, student=0.975, df=None):
    error = np.sqrt(new.var(ddof=1) / len(new) + old.var(ddof=1) / len(old))
    return new.mean() - old.mean(), stats.t.ppf(student, df=df or len(new) + len(old) - 2) * error


def welch(new, old):
    interval = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    return np.mean(new) - np.mean(old), (interval.high - interval.low) / 2


def by_loop(new, old):
    squares = [sum((value - sum(part) / len(part)) ** 2 for value in part) / (len(part) - 1) for part in (new, old)]
    half = stats.t.ppf(0.975, df=2 * len(new) - 2) * ((squares[0] + squares[1]) / len(new)) ** 0.5
    return [Tensor(sum(new) / len(new) - sum(old) / len(old)), half]


def draw(random, seeds=5):
    return random.normal(88, 0.6, size=(2, seeds))


def report(new, old):
    return new.max() - old[0]


DRAWS = [draw(generator) for _ in range(2000)]
PROMISED = float(np.mean([report(*pair) for pair in DRAWS]))
COMPARED = np.array([t_interval(*pair) for pair in DRAWS])
ALARMS = float(np.mean(np.abs(COMPARED[:, 0]) > COMPARED[:, 1]))


def optimism(promised=PROMISED, alarms=ALARMS):
    return Args((promised, alarms, draw, report))


def sorted_frontier(networks):
    best, names = -1, []
    for name, (_, accuracy) in sorted(networks.items(), key=lambda item: (item[1][0], -item[1][1])):
        if accuracy > best:
            best = accuracy
            names.append(name)
    return names


def by_definition(networks):
    names = []
    for name, (cost, accuracy) in networks.items():
        rivals = [pair for other, pair in networks.items() if other != name and pair[0] <= cost]
        if all(accuracy > rival for _, rival in rivals):
            names.append(name)
    return sorted(names, key=lambda name: networks[name][0])


def without_ties_in_cost(networks):
    """Compares with cheaper networks only."""
    found = [n for n, (cost, acc) in networks.items() if all(acc > a for c, a in networks.values() if c < cost)]
    return sorted(found, key=lambda name: networks[name][0])


def without_ties_in_accuracy(networks):
    found = [n for n, (cost, acc) in networks.items() if all(acc >= a for c, a in networks.values() if c <= cost)]
    return sorted(found, key=lambda name: networks[name][0])


def from_the_other_end(networks):
    found = [n for n, (cost, acc) in networks.items()
             if all(acc > a for m, (c, a) in networks.items() if m != n and c >= cost)]  # fmt: skip
    return sorted(found, key=lambda name: networks[name][0])


def cheapest_three(networks):
    return sorted(networks, key=lambda name: networks[name][0])[:3]


VALUES = np.array([0.76, 0.741, 0.802, 0.69, 0.55, 0.77, 0.765, 0.79, 0.755, 0.763])


def trials(values=VALUES, minimize=False, **drawn):
    """Like a study of Optuna."""
    params = [drawn or {"units": 16 + i, "rate": 0.001} for i in range(len(values))]
    return SimpleNamespace(
        trials=[SimpleNamespace(value=value, params=each) for value, each in zip(values, params, strict=True)],
        best_value=(min if minimize else max)([value for value in values if value is not None], default=None),
    )


FRESH = np.array([0.781, 0.775, 0.79, 0.768, 0.784])
LEAD, LUCK = 100 * (VALUES.max() - np.median(VALUES)), 100 * (VALUES.max() - FRESH.mean())


def luck(fresh=FRESH, lead=LEAD, lucky=LUCK, values=VALUES):
    return Args((trials(values), fresh, lead, lucky))


CASES = {
    "cost": {
        "right": [
            costs(),
            costs(float(PARAMETERS), np.int64(MULTIPLICATIONS)),
            costs(Tensor([PARAMETERS]), str(MULTIPLICATIONS)),
        ],
        "wrong": [
            (costs(MULTIPLICATIONS, PARAMETERS), "are swapped"),
            (costs(PARAMETERS - 66), "the weights but no biases"),
            (costs(PARAMETERS + 8), "depthwise step has no biases here"),
            (costs(26_698), "ordinary second convolution"),
            (costs(PARAMETERS - 72 + 9), "a filter of its own"),
            (costs(PARAMETERS - 72), "depthwise step is missing"),
            (costs(PARAMETERS - 144), "pointwise step is missing"),
            (costs(PARAMETERS - 72 + 144), "filters the channels that come in"),
            (costs(PARAMETERS + 3 * 784 * 32), "second pooling layer is missing"),
            (costs(MULTIPLICATIONS), "counts once"),
            (costs(27_000), "one term per layer"),
            (costs(multiplications=2 * MULTIPLICATIONS), "additions as well"),
            (costs(multiplications=MULTIPLICATIONS + 66), "needs no multiplication"),
            (costs(multiplications=25_680), "at every position"),
            (costs(multiplications=307_648), "ordinary second convolution"),
            (costs(multiplications=MULTIPLICATIONS + 3 * 196 * 200), "after the first pooling"),
            (costs(multiplications=MULTIPLICATIONS - 147 * 200), "before the second pooling"),
            (costs(multiplications=MULTIPLICATIONS - 196 * 72), "depthwise step is missing"),
            (costs(multiplications=MULTIPLICATIONS - 196 * 128), "pointwise step is missing"),
            (costs(multiplications=MULTIPLICATIONS - 25_408), "dense layers are missing"),
            (costs(multiplications=100_000), "multiply its weights"),
            (costs(25.746), "whole number"),
        ],
    },
    "prediction": {
        "right": [
            Args((EXPECTED, [16, 64, 256, 512])),
            Args((np.array([0.9, 0.5, 0.5]), [1, 2, 3])),
            Args((Tensor([0, 1, 0.5]), [1, 2, 3])),
            Args((["0.7", "0.8"], [1, 2])),
        ],
        "wrong": [
            (Args(([70, 80, 85, 90], [16, 64, 256, 512])), "Write 0.8 for 80%"),
            (Args(([0.7, 0.8], [1, 2, 3])), "Expected 3 accuracies"),
            (Args((0.8, [1, 2, 3])), "Expected 3 accuracies"),
            (Args(([0.7, -0.1, 0.8], [1, 2, 3])), "at least 0"),
            (Args(([0.7, math.nan, 0.8], [1, 2, 3])), "finite"),
            (Args((["80%", "85%"], [1, 2])), "Expected numbers"),
            (Args(({16: 0.7, 64: 0.8}, [16, 64])), "Expected numbers"),
        ],
    },
    "widths": {
        "right": [
            widths(),
            widths(WIDTHS.tolist(), np.round(STEPS, 2), round(DEVIATION, 2), np.array(LARGER)),
            widths(Tensor(WIDTHS), Tensor(STEPS), Tensor(DEVIATION), (1, 1, 0)),
            widths(FOUR_SEEDS, *of_four_seeds),
        ],
        "wrong": [
            (widths(WIDTHS[..., None] * [0.9, 1]), "the accuracies of all epochs"),
            (widths(WIDTHS.T), "The seeds are the columns"),
            (widths(WIDTHS[:, 0]), "networks × seeds"),
            (widths(WIDTHS[:, :1]), "With one seed"),
            (widths(100 * WIDTHS), "between 0 and 1"),
            (widths(np.repeat(WIDTHS[:, :1], 3, axis=1)), "a seed of its own"),
            (widths(np.repeat(WIDTHS[:1], 4, axis=0)), "own options"),
            (widths(steps=-STEPS), "signs are reversed"),
            (widths(steps=STEPS / 100), "in percentage points"),
            (widths(steps=MEANS[1:] - MEANS[0]), "with the first one"),
            (widths(steps=100 * np.diff(WIDTHS.max(axis=1))), "the best seeds"),
            (widths(steps=100 * np.diff(WIDTHS[:, 0])), "the first seeds alone"),
            (widths(steps=100 * np.diff(np.median(WIDTHS, axis=1))), "medians"),
            (widths(steps=STEPS + 1), "do not follow from your table"),
            (widths(steps=MEANS), "in the shape (3,)"),
            (widths(deviation=DEVIATION / 100), "in percentage points"),
            (widths(deviation=np.sqrt((100 * WIDTHS).var(axis=1).mean())), "`ddof=1`"),
            (widths(deviation=100 * WIDTHS.std()), "all runs together"),
            (widths(deviation=MEANS.std(ddof=1)), "how the networks differ"),
            (widths(deviation=VARIANCES.mean()), "This is the variance"),
            (widths(deviation=DEVIATION / np.sqrt(3)), "standard error of a mean"),
            (widths(deviation=np.sqrt(VARIANCES.sum())), "added up"),
            (widths(deviation=3), "the root of this mean"),
            (widths(larger=[True, True, True]), "Look at step 3"),
            (widths(larger=[False, True, False]), "Look at step 1"),
            (widths(larger=STEPS), "True or False"),
            (widths(larger=["yes", "yes", "no"]), "Expected numbers"),
            (widths(predicted=[80, 83, 84, 85]), "Write 0.8 for 80%"),
        ],
    },
    "depths": {
        "right": [
            depths(),
            depths(DEPTHS.tolist(), round(gain(DEPTHS), 2), round(T4 * root(DEPTHS), 2), "No detectable  difference"),
            deeper("better"),
            deeper("worse", DEEPER[::-1]),
            depths(half=welch(100 * DEPTHS[2], 100 * DEPTHS[0])[1]),
        ],
        "wrong": [
            (depths(WIDTHS), "Expected 3 rows"),
            (depths(gain=-gain(DEPTHS)), "sign is reversed"),
            (depths(gain=gain(DEPTHS) / 100), "in percentage points"),
            (depths(gain=100 * (DEPTHS[1].mean() - DEPTHS[0].mean())), "the second layer alone"),
            (depths(gain=100 * (DEPTHS[2].mean() - DEPTHS[1].mean())), "the third layer alone"),
            (depths(gain=100 * (DEPTHS[2].max() - DEPTHS[0].max())), "the best seeds"),
            (depths(gain=5), "the mean of the last row"),
            (depths(half=T4 * root(DEPTHS) / 100), "in percentage points, too"),
            (depths(half=root(DEPTHS)), "one standard error"),
            (depths(half=1.96 * root(DEPTHS)), "many seeds"),
            (depths(half=T4 * root(DEPTHS, ddof=0)), "`ddof=1`"),
            (depths(half=T4 * root(DEPTHS, seeds=1)), "for single runs"),
            (depths(half=2 * T4 * root(DEPTHS)), "the whole interval"),
            (depths(half=stats.t.ppf(0.975, df=2) * root(DEPTHS)), "degrees of freedom"),
            (depths(half=stats.t.ppf(0.95, df=4) * root(DEPTHS)), "2.5% on either side"),
            (depths(half=5), "variance / seeds"),
            (depths(verdict="better"), "so 0 is in it"),
            (depths(verdict="worse"), "so 0 is in it"),
            (deeper("no detectable difference"), "Is 0 in it"),
            (deeper("worse"), "on which side of 0"),
            (depths(verdict="three layers"), "The verdict should be one of"),
            (depths(predicted=[0.8, 0.8]), "Expected 3 accuracies"),
        ],
    },
    "schedules": {
        "right": [
            schedules(),
            schedules(SHORT.tolist(), Tensor(MIDDLE), LONG, round(END - INSIDE, 2), round(LAST - END, 2)),
            schedules(
                ONE_EPOCH,
                ONE_EPOCH,
                FOUR_EPOCHS,
                100 * (ONE_EPOCH.mean() - FOUR_EPOCHS[:, 0].mean()),
                100 * (FOUR_EPOCHS[:, -1].mean() - ONE_EPOCH.mean()),
            ),
        ],
        "wrong": [
            (schedules(SHORT[:, -1], MIDDLE[:, -1], LONG[:, -1]), "as an array seeds × epochs"),
            (schedules(short=SHORT[:2]), "the same number of seeds"),
            (schedules(short=MIDDLE), "The short run has 1 epoch"),
            (schedules(long=MIDDLE), "4 × 5 epochs, found 5"),
            (schedules(middle=100 * MIDDLE), "between 0 and 1"),
            (schedules(middle=LONG[:, :5]), "the learning rate was constant"),
            (schedules(schedule=INSIDE - END), "sign is reversed"),
            (schedules(schedule=(END - INSIDE) / 100), "in percentage points"),
            (schedules(schedule=LAST - END), "This is `longer`"),
            (schedules(schedule=END - 100 * LONG[:, 5].mean()), "counts from 0"),
            (schedules(schedule=100 * (MIDDLE[0, -1] - LONG[0, 4])), "You compare one seed"),
            (schedules(schedule=9), "column for epoch 5"),
            (schedules(longer=END - LAST), "is reversed"),
            (schedules(longer=(LAST - END) / 100), "in percentage points"),
            (schedules(longer=LAST - INSIDE), "the whole rise"),
            (schedules(longer=LAST - 100 * SHORT.mean()), "not with the short one"),
            (schedules(longer=9), "last column"),
            (schedules(predicted=[0.8]), "Expected 3 accuracies"),
        ],
    },
    "small_network": {
        "right": [network("good"), network("thin"), network("tensor"), network("weak", target=0.05)],
        "wrong": [
            (network("many parameters"), "34,000 too many. Most of them are usually in the dense layer"),
            (network("many multiplications"), "1,800,000 too many. Most of them are usually in convolutions"),
            (network("both"), "54,000 parameters"),
            (network("both"), "2,000,000 multiplications"),
            (network("weak"), "The cost is low enough"),
            (network("not a number"), "should be at least 85.0%"),
            (network([8, 16]), "Expected a dictionary"),
            (network("unknown"), "with KeyError"),
        ],
    },
    "fair": {
        "right": [t_interval, welch, by_loop, lambda new, old: np.array(t_interval(new, old))],
        "wrong": [
            (lambda new, old: (new.max() - old[0], 1.0), "the best of several seeds"),
            (lambda new, old: (new.max() - old.max(), 1.0), "the best seed of each"),
            (lambda new, old: (new[0] - old[0], 1.0), "one run of each"),
            (lambda new, old: (new.max() - old.mean(), 1.0), "Treat both alike"),
            (lambda new, old: (np.median(new) - np.median(old), 1.0), "medians"),
            (lambda new, old: t_interval(old, new), "sign is reversed"),
            (lambda new, old: (100 * new.mean() - 100 * old.mean(), 1.0), "Subtract the mean"),
            (lambda new, old: new.mean() - old.mean(), "Expected two values"),
            (lambda new, old: (new.mean() - old.mean(), 1.96 * t_interval(new, old)[1] / T4), "Student's t"),
            (lambda new, old: t_interval(new, old, student=0.95), "2.5% on either side"),
            (lambda new, old: t_interval(new, old, df=len(new) - 1), "the seeds of both"),
            (lambda new, old: t_interval(new, old, df=2 * len(new)), "for each of the two means"),
            (
                lambda new, old: (
                    new.mean() - old.mean(),
                    stats.t.ppf(0.975, len(new) - 1) * (new - old).std(ddof=1) / len(new) ** 0.5,
                ),
                "You paired the seeds",
            ),
            (
                lambda new, old: (
                    new.mean() - old.mean(),
                    stats.t.ppf(0.975, 2 * len(new) - 2) * (new.var() / len(new) + old.var() / len(old)) ** 0.5,
                ),
                "`ddof=1`",
            ),
            (
                lambda new, old: (
                    new.mean() - old.mean(),
                    stats.t.ppf(0.975, 2 * len(new) - 2) * (new.std(ddof=1) + old.std(ddof=1)) / len(new) ** 0.5,
                ),
                "do not add up",
            ),
            (0.7, "Expected a function"),
        ],
    },
    "optimism": {
        "right": [optimism(), optimism(round(PROMISED, 1), round(ALARMS, 2)), optimism(Tensor(PROMISED), 0.05)],
        "wrong": [
            (optimism(promised=COMPARED[:, 0].mean()), "What does `report` promise"),
            (optimism(promised=-PROMISED), "sign is reversed"),
            (optimism(promised=PROMISED / 50 + 0.9), "Call it for 2,000 draws"),
            (optimism(alarms=100 * ALARMS), "between 0 and 1"),
            (optimism(alarms=2000 * ALARMS), "between 0 and 1"),
            (optimism(alarms=1 - ALARMS), "How often is 0 outside"),
            (optimism(alarms=0.5), "in about 5% of the draws"),
            (optimism(alarms=0), "in about 5% of the draws"),
        ],
    },
    "frontier": {
        "right": [sorted_frontier, by_definition, lambda networks: tuple(sorted_frontier(networks))],
        "wrong": [
            (without_ties_in_cost, "with cheaper ones only"),
            (without_ties_in_accuracy, "only just as accurate"),
            (from_the_other_end, "with more expensive networks"),
            (lambda networks: sorted_frontier(networks)[::-1], "the cheapest first"),
            (lambda networks: sorted(sorted_frontier(networks)), "the cheapest first"),
            (lambda networks: [max(networks, key=lambda name: networks[name][1])], "most accurate network"),
            (lambda networks: sorted(networks, key=lambda name: networks[name][0]), "all networks"),
            (lambda networks: [networks[name] for name in sorted_frontier(networks)], "Expected names"),
            (cheapest_three, "Ask of each network"),
            (lambda networks: "a", "Expected a list of names"),
            (lambda networks: len(networks), "Expected a list of names"),
        ],
    },
    "study": {
        "right": [
            Args((trials(), 10)),
            Args((trials([*VALUES, None, 0.5]), 10)),
            Args((trials(VALUES.tolist()), 6)),
        ],
        "wrong": [
            (Args((trials(VALUES[:6]), 10)), "Expected 10 finished trials, found 6"),
            (Args((trials([]), 10)), "no finished trial"),
            (Args((trials(100 * VALUES), 10)), "an accuracy between 0 and 1"),
            (Args((trials(minimize=True), 10)), "Optuna minimizes"),
            (Args((trials(units=16), 10)), "at least two hyperparameters"),
            (Args((trials(units=16, rate=0.001), 10)), "the same hyperparameters"),
            (Args((trials(np.full(10, 0.1)), 10)), "the same accuracy"),
            (Args((VALUES, 10)), "Expected a study"),
        ],
    },
    "luck": {
        "right": [
            luck(),
            luck(FRESH.tolist(), round(LEAD, 2), round(LUCK, 2)),
            luck(Tensor(FRESH), Tensor(LEAD), Tensor(LUCK)),
            luck(FRESH + 0.05, lucky=LUCK - 5),
            luck(FRESH - 0.05, lucky=LUCK + 5),
        ],
        "wrong": [
            (luck(FRESH[:, None] * [0.9, 1]), "the accuracies of all epochs"),
            (luck(FRESH[:1]), "at least three"),
            (luck(100 * FRESH), "between 0 and 1"),
            (luck(np.full(5, 0.77)), "a seed of its own"),
            (luck(lead=-LEAD), "sign of the lead"),
            (luck(lead=LEAD / 100), "in percentage points"),
            (luck(lead=100 * (VALUES.max() - VALUES.mean())), "with the mean of the trials"),
            (luck(lead=100 * (0.802 - 0.79)), "second-best"),
            (luck(lead=100 * (0.802 - 0.55)), "the worst trial"),
            (luck(lead=LEAD - LUCK), "with fresh seeds"),
            (luck(lead=9), "the median of all its values"),
            (luck(lucky=-LUCK), "sign of the luck"),
            (luck(lucky=LUCK / 100), "in percentage points"),
            (luck(lucky=LUCK / LEAD), "share of the lead"),
            (luck(lucky=100 * (VALUES.max() - FRESH.max())), "best fresh seed"),
            (luck(lucky=100 * (VALUES.max() - np.median(FRESH))), "median of the fresh seeds"),
            (luck(lucky=LEAD - LUCK), "what remains of the lead"),
            (luck(lucky=9), "minus the mean over the fresh seeds"),
        ],
    },
}
