"""Chapter 02: the callbacks, schedules and checkpoints of the twins do the same."""

import math

import numpy as np
import pytest

pytestmark = pytest.mark.slow

EPOCHS = [
    {"accuracy": 0.5, "loss": 1.25, "val_accuracy": 0.5, "val_loss": 1.5, "learning_rate": 0.001},
    {"accuracy": 0.75, "loss": 0.5, "val_accuracy": 0.625, "val_loss": 0.875, "learning_rate": 0.0005},
]


def rehearsals():
    """Made-up trainings: chosen ones that sit on an edge, and random ones."""
    chosen = [
        [0.5, 0.4, 0.3, 0.2],  # never stops
        [0.5, 0.6, 0.7, 0.8, 0.9],  # only gets worse
        [0.5, 0.5, 0.5, 0.5, 0.5],  # a tie is no improvement
        [0.5, 0.49995, 0.4999, 0.49985, 0.4998],  # improves by less than the plateau's smallest step
        [0.5, 0.6, 0.4, 0.6, 0.3, 0.6, 0.6, 0.6, 0.2],  # the patience begins anew
        [0.5, math.nan, 0.4, math.nan, math.nan, 0.3],
        [math.nan, 0.5, 0.4],
        [0.5],
    ]
    generator = np.random.default_rng(3)
    chosen += [[round(float(loss), 4) for loss in generator.random(20)] for _ in range(12)]
    for number, losses in enumerate(chosen):
        accuracies = [round(float(value), 3) for value in 0.5 + 0.5 * generator.random(len(losses))]
        yield {
            "losses": losses,
            "accuracies": accuracies,
            "patience": (0, 1, 2, 3)[number % 4],
            "plateau_patience": (1, 2, 3)[number % 3],
            "threshold": (2.0, 0.97)[number % 2],
        }
        yield {"losses": losses, "accuracies": accuracies, "patience": 50, "plateau_patience": 2, "threshold": 2.0}


QUESTIONS = {
    "rehearsals": list(rehearsals()),
    "schedules": ["constant", "step", "cosine", "one_cycle"],
    "steps": 1000,
    "epochs": EPOCHS,
}


@pytest.fixture(scope="module")
def answers(workers):
    return {framework: workers.ask(framework, "callbacks", QUESTIONS) for framework in ("keras", "pytorch")}


def same(one, other):
    """Whether two rows of a rehearsal agree; a rate that was multiplied in float32 may differ in its last digits."""
    pairs = zip(one, other, strict=True)
    return all(a == b or (a != a and b != b) or a == pytest.approx(b, rel=1e-5, abs=2e-9) for a, b in pairs)


@pytest.mark.parametrize("number", range(len(QUESTIONS["rehearsals"])))
def test_callbacks_stop_save_and_slow_down_in_the_same_epochs(answers, number):
    question = QUESTIONS["rehearsals"][number]
    (keras_rows, keras_restored), (rows, restored) = (answers[name]["rehearsals"][number] for name in answers)
    assert len(keras_rows) == len(rows), question
    for one, other in zip(keras_rows, rows, strict=True):
        assert same(one, other), (question, one, other)
    assert keras_restored == restored, question


def test_the_rehearsals_show_everything(answers):
    """They would prove nothing if no training stopped, none was saved twice, and no rate fell."""
    stopped = saved = slowed = threshold = untouched = 0
    for question, (rows, restored) in zip(QUESTIONS["rehearsals"], answers["pytorch"]["rehearsals"], strict=True):
        stopped += rows[-1][5] and question["threshold"] > 1
        threshold += rows[-1][5] and rows[-1][2] >= question["threshold"]
        saved += sum(row[3] for row in rows) > 1
        slowed += rows[-1][4] < 0.001
        untouched += not rows[-1][5] and restored == len(rows)
    assert min(stopped, saved, slowed, threshold, untouched) >= 1


def test_early_stopping_by_hand(answers):
    """The second sequence, patience 1: it ends after the second epoch, with the weights of the first."""
    question = QUESTIONS["rehearsals"][2]
    assert (question["losses"][:2], question["patience"]) == ([0.5, 0.6], 1)
    rows, restored = answers["pytorch"]["rehearsals"][2]
    assert [row[3] for row in rows] == [True, False]
    assert [row[5] for row in rows] == [False, True]
    assert restored == 1


def test_the_log_is_the_same_file(answers):
    assert answers["keras"]["csv"] == answers["pytorch"]["csv"]
    assert answers["pytorch"]["csv"][0] == "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss"
    assert len(answers["pytorch"]["csv"]) == 3


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_schedules_give_the_same_rates(answers, schedule):
    one, other = (answers[framework]["rates"][schedule] for framework in ("keras", "pytorch"))
    assert len(one) == len(other) == 100
    assert one == pytest.approx(other, rel=1e-4, abs=1e-9)


def test_what_the_schedules_are(answers):
    rates = answers["pytorch"]["rates"]
    assert set(rates["constant"]) == {0.001}
    assert [rates["step"][i] for i in (0, 49, 50, 74, 75, 99)] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])
    assert rates["cosine"][50] == pytest.approx(0.0005) and rates["cosine"][99] < 1e-6


def test_one_cycle_has_the_same_corners(answers):
    for framework in ("keras", "pytorch"):
        rates = answers[framework]["rates"]["one_cycle"]
        assert rates[0] == pytest.approx(0.003 / 25, rel=1e-3)
        assert rates[30] == pytest.approx(0.003, rel=1e-3) == max(rates)
        assert rates[-1] < 1e-5
        assert rates[:31] == sorted(rates[:31]) and rates[30:] == sorted(rates[30:], reverse=True)


@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_a_resumed_training_is_the_one_that_never_stopped(answers, framework):
    found = answers[framework]["restore"]
    assert found.pop("None") == 0
    assert len(found) >= 2
    for left_out, difference in found.items():
        assert difference > 1e-4, f"leaving out the {left_out} should have been noticed"
