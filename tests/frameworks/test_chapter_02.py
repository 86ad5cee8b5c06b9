"""Chapter 02: the callbacks, schedules and checkpoints of the twins do the same."""

import math

import numpy as np
import pytest

from tests.series import assert_complete, work
from tools.measure import regularization, resumable

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
        # No NaN in the first epoch: Keras's plateau callback then never sees progress, and PyTorch's scheduler does.
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
            "min_delta": (0.0, 0.02)[number % 5 == 4],
            "plateau_patience": (1, 2, 3)[number % 3],
            "threshold": (2.0, 0.97)[number % 2],
        }
        yield {
            "losses": losses,
            "accuracies": accuracies,
            "patience": 50,
            "min_delta": 0.0,
            "plateau_patience": 2,
            "threshold": 2.0,
        }


QUESTIONS = {
    "rehearsals": list(rehearsals()),
    "schedules": ["step", "cosine", "one_cycle"],
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


@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_schedules_give_the_same_rates(answers, schedule):
    one, other = (answers[framework]["rates"][schedule] for framework in ("keras", "pytorch"))
    assert len(one) == len(other) == 1000
    assert one == pytest.approx(other, rel=1e-4, abs=1e-9)


def test_what_the_schedules_are(answers):
    rates = answers["pytorch"]["rates"]
    corners = [rates["step"][i] for i in (0, 499, 500, 749, 750, 999)]
    assert corners == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])
    assert rates["cosine"][500] == pytest.approx(0.0005) and rates["cosine"][999] < 1e-6


def test_one_cycle_has_the_same_corners(answers):
    for framework in ("keras", "pytorch"):
        rates = answers[framework]["rates"]["one_cycle"]
        assert rates[0] == pytest.approx(0.003 / 25, rel=1e-3)
        assert max(rates) == pytest.approx(0.003, rel=1e-3)
        top = rates.index(max(rates))
        assert 295 <= top <= 305
        assert rates[-1] < 1e-5
        assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)


@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_a_resumed_training_is_the_one_that_never_stopped(answers, framework):
    found = answers[framework]["restore"]
    assert found.pop("None") == 0
    assert len(found) >= 2
    for left_out, difference in found.items():
        assert difference > 1e-4, f"leaving out the {left_out} should have been noticed"


def test_an_interrupted_series_goes_on_where_it_stopped(tmp_path):
    options = ("--parts", "schedule", "combination", "--seeds", "2")
    runs, printed = work(regularization.SERIES, tmp_path, *options)
    assert_complete(regularization.SERIES, runs, printed, parts=("schedule", "combination"), seeds=(2,))
    for each in runs:
        each["seconds"] = -1  # tells those that were kept from those that are made again
    lost, older = [each for each in runs if each["framework"] == "pytorch"][:2]
    older["recipe"] = "of older code"
    regularization.SERIES.write([each for each in runs if each is not lost], tmp_path)
    again, _ = work(regularization.SERIES, tmp_path, *options, "--framework", "pytorch")
    made_again = {resumable.run_id(each): each for each in again if each["seconds"] >= 0}
    assert set(made_again) == {resumable.run_id(lost), resumable.run_id(older)}
    assert made_again[resumable.run_id(lost)]["curves"] == lost["curves"], "the same seed"


@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_each_image_of_a_batch_is_augmented_in_its_own_way(answers, framework):
    image, flipped, shifted = (answers[framework]["augmented"][name] for name in ("image", "flip", "shift"))
    mirrored = (flipped == image[:, ::-1]).all(axis=(1, 2))
    assert ((flipped == image).all(axis=(1, 2)) ^ mirrored).all()
    assert 0.3 < mirrored.mean() < 0.7
    padded = np.pad(image, 1)
    places = [padded[down : down + 28, right : right + 28] for down in range(3) for right in range(3)]
    distances = np.abs(shifted[:, None] - np.stack(places)).max(axis=(2, 3))
    assert distances.min(axis=1).max() < 1e-4, "by whole pixels, with 0 where nothing came in"
    assert len(set(distances.argmin(axis=1))) == 9
