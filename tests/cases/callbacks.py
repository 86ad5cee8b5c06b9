"""Right and wrong answers for those checks of chapter 02 that are about training runs; `ch02` takes them over."""

import numpy as np

from fmnist.checks.callbacks import curves_to_read
from fmnist.checks.calls import Trained
from tests.cases.answers import Args, Tensor


class Threshold:
    """A callback as a class, with what a slip would change."""

    shared = 0

    def __init__(self, accuracy, key="val_accuracy", compare=lambda value, threshold: value >= threshold, late=0):
        self.accuracy, self.key, self.compare, self.late, self.seen = accuracy, key, compare, late, 0

    def __call__(self, logs):
        reached = self.compare(logs[self.key], self.accuracy)
        self.seen += bool(reached)
        return self.seen > self.late


class Broken(Threshold):
    def on_epoch_end(self, run, epoch, logs):
        return logs["validation_accuracy"] >= self.accuracy

    def __call__(self, logs):
        return self.on_epoch_end(None, 0, logs)


class Shared(Threshold):
    def __call__(self, logs):
        if logs[self.key] >= self.accuracy:
            Shared.shared += 1
        return Shared.shared > 0


def rehearse(callback, logs):
    if type(callback) is object:
        callback.on_train_begin(None)
    if isinstance(callback, Shared) and logs[0]["val_accuracy"] not in (0.9, 0.4):
        Shared.shared = 0
    for epoch, log in enumerate(logs, start=1):
        if callback(log):
            return epoch
    return len(logs)


def threshold(make):
    return Args((make, rehearse))


def with_closure(accuracy):
    return lambda logs: logs["val_accuracy"] >= accuracy


LOSSES = [0.6, 0.5, 0.45, 0.47, 0.44, 0.46, 0.45, 0.48]


def stopped(losses, end, patience=3, most=20):
    return Args((losses, end, patience, most))


KINDS = {"A": "overfits", "B": "underfits", "C": "rate too high", "D": "fine"}
BEST = int(np.argmin(curves_to_read()["A"][1])) + 1

IMAGES, LABELS = np.zeros((50, 28, 28), "uint8"), np.arange(50) % 10


def network(confidence, problem=None, columns=10):
    """What `timed` returned for a network with about this confidence in the true class."""
    result = (
        None if problem else np.log(np.where(np.eye(10)[LABELS] > 0, confidence, (1 - confidence) / 9))[:, :columns]
    )
    return Args((Trained(result, 3.0, problem), 0.5, lambda model, images: model, IMAGES, LABELS, 0.02))


CASES = {
    "threshold": {
        "right": [threshold(Threshold), threshold(with_closure), threshold(lambda accuracy: Threshold(accuracy))],
        "wrong": [
            (threshold(lambda a: Threshold(a, key="accuracy")), "by the training accuracy"),
            (threshold(lambda a: Threshold(a, compare=lambda value, t: value > t)), "one epoch too late"),
            (threshold(lambda a: Threshold(a, late=1)), "one epoch too late"),
            (threshold(lambda a: Threshold(a, compare=lambda value, t: value > t - 0.03)), "by the training accuracy"),
            (threshold(lambda a: Threshold(a, compare=lambda value, t: value > 0.79)), "too early"),
            (threshold(lambda a: Threshold(a, compare=lambda value, t: False)), "does not stop"),
            (threshold(lambda a: Threshold(a, key="val_acc")), "with KeyError"),
            (threshold(Shared), "Two callbacks share"),
            (threshold(lambda a: Threshold), "Return an object"),
            (threshold(lambda a: object()), "inherit from the class that the hint names"),
            (threshold(Broken), '(`return logs["validation_accuracy"] >= self.accuracy`) with KeyError'),
            (threshold(lambda a: print(end="")), "returned None"),
        ],
    },
    "early_stopped": {
        "right": [stopped(LOSSES, 0.44), stopped(np.array(LOSSES), Tensor(0.44)), stopped([0.5, 0.6, 0.7], 0.5, 2)],
        "wrong": [
            (stopped(LOSSES, 0.48), "Restore the parameters"),
            (stopped([*LOSSES, 0.49], 0.44), "should have ended after epoch 8"),
            (stopped(LOSSES[:6], 0.44), "The patience is 3"),
            (stopped(LOSSES[:3], 0.45, most=3), "Allow more epochs"),
            (stopped(LOSSES, 0.40), "the network at the end has"),
            (stopped(LOSSES, ...), "Still missing: `loss_at_end`"),
        ],
    },
    "reading_curves": {
        "right": [
            Args((KINDS, BEST)),
            Args(({name: kind.upper() for name, kind in KINDS.items()}, float(BEST))),
            Args((KINDS | {"A": "Overfitting", "C": "learning rate too high"}, Tensor(BEST))),
        ],
        "wrong": [
            (Args((KINDS | {"A": "fine"}, BEST)), "Which of them still falls"),
            (Args((KINDS | {"B": "overfits"}, BEST)), "stay high"),
            (Args((KINDS | {"C": "underfits"}, BEST)), "neither curve settles"),
            (Args((KINDS | {"D": "good"}, BEST)), "expected one of"),
            (Args(({"A": "overfits"}, BEST)), "Still missing: B, C, D"),
            (Args((["overfits"], BEST)), "Expected a dictionary"),
            (Args((KINDS, BEST - 1)), "counts from 0"),
            (Args((KINDS, 30)), "Which curve decides"),
            (Args((KINDS, 20)), "not where the validation loss"),
        ],
    },
    "beats": {
        "right": [network(0.7), network(0.99), network(0.63)],
        "wrong": [
            (network(0.6), "should be lower by at least"),
            (network(0.3), "the bare network's is 0.500"),
            (network(0.9, problem="Your code stopped in line 2."), "stopped in line 2"),
            (network(0.9, columns=9), "ten logits per image"),
            (network(float("nan")), "not finite"),
            (
                Args((Trained({"loss": 1}, 3.0), 0.5, lambda model, images: model(images), IMAGES, LABELS, 0.02)),
                "Expected the trained network",
            ),
        ],
    },
}
