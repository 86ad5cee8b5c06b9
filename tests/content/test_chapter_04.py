"""What chapter 04 teaches: its measures find what is there, and nothing where there is nothing."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_digits

from fmnist import taught

NOTEBOOK = "{}/04_mistakes_and_confidence"
TAGS = ("labels", "calibration", "refuse", "perturb", "no_clothes")


@pytest.fixture(scope="module")
def chapter():
    given = {
        "np": np, "ndimage": ndimage, "minimize_scalar": minimize_scalar, "log_softmax": log_softmax,
        "load_digits": load_digits, "SEED": 42,
    }  # fmt: skip
    return taught.run_tagged_cells(NOTEBOOK.format("pytorch"), *TAGS, **given)


def test_what_is_numpy_only_is_the_same_code_in_both_twins():
    one, other = (taught.tagged_sources(NOTEBOOK.format(framework), *TAGS) for framework in ("keras", "pytorch"))
    assert one == other
    assert len(one) >= 7


def two_classes(confidence, correct):
    """Probabilities of two classes in which class 0 is predicted with `confidence`, and labels."""
    confidence = np.asarray(confidence, float)
    return np.stack([confidence, 1 - confidence], axis=1), np.where(correct, 0, 1)


@pytest.mark.parametrize(
    ("confidence", "correct", "error"),
    [
        ([1.0] * 10, [True] * 10, 0),
        ([1.0] * 10, [False] * 10, 1),
        ([0.8] * 10, [True] * 8 + [False] * 2, 0),
        ([0.9] * 10, [True] * 6 + [False] * 4, 0.3),  # overconfident
        ([0.6] * 10, [True] * 10, 0.4),  # underconfident
        # Half the images with a gap of 0.3, half with none.
        ([0.9] * 10 + [0.7] * 10, [True] * 6 + [False] * 4 + [True] * 7 + [False] * 3, 0.15),
    ],
)
def test_calibration_error_of_cases_made_by_hand(chapter, confidence, correct, error):
    assert chapter["calibration_error"](*two_classes(confidence, correct)) == pytest.approx(error)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_the_temperature_that_was_put_in_is_found_again(chapter, temperature):
    generator = np.random.default_rng(1)
    calibrated = generator.normal(size=(20_000, 10)) * 2
    labels = (softmax(calibrated, axis=1).cumsum(axis=1) < generator.random((20_000, 1))).sum(axis=1)
    assert chapter["fit_temperature"](calibrated * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_the_threshold_is_the_lowest_that_reaches_the_target(chapter):
    confidence, correct = np.array([0.9, 0.5, 0.8, 0.7, 0.6]), np.array([True, False, True, False, True])
    choose = chapter["choose_threshold"]
    assert choose(confidence, correct, 0.75) == 0.6
    assert choose(confidence, correct, 0.8) == 0.8
    assert choose(confidence, correct, 0.1) == 0.5
    assert choose(confidence, ~correct, 1) == np.inf


def test_a_label_is_suspected_when_another_class_reaches_its_threshold(chapter):
    probabilities = np.eye(10)[np.arange(10).repeat(2)] * 0.5 + 0.05
    labels = np.arange(10).repeat(2)
    probabilities[1] = 0.05  # labelled 0, and looks like 3
    probabilities[1, 3] = 0.55
    probabilities[5] = 0.1  # like nothing
    thresholds = chapter["class_thresholds"](labels, probabilities)
    assert thresholds[[0, 2, 3]] == pytest.approx([0.3, 0.325, 0.55])
    classes = chapter["confident_classes"](probabilities, thresholds)
    assert classes[[0, 1, 5]].tolist() == [0, 3, -1]
    assert (np.delete(classes, [1, 5]) == np.delete(labels, [1, 5])).all()


def test_perturbations_do_what_they_are_called(chapter):
    image = np.zeros((1, 28, 28), "float32")
    image[0, 10, 12] = 200
    moved = [np.argwhere(one[0]).tolist() for one in chapter["shifts"](image, 3)]
    assert moved == [[[7, 12]], [[13, 12]], [[10, 9]], [[10, 15]]]
    upper = np.zeros((1, 28, 28), "float32")
    upper[0, 2:6, 12:16] = 200
    right, left = (np.argwhere(one[0] > 100).mean(axis=0) for one in chapter["rotations"](upper, 90))
    assert right[1] > 20 and left[1] < 7  # what was above lies on the right: clockwise first
    full = np.full((3, 28, 28), 100, "float32")
    assert ((chapter["covered"](full, 5)[0] == 0).sum(axis=(1, 2)) == 25).all()
    assert (full == 100).all()
    noise = chapter["noisy"](np.full((5, 28, 28), 128, "float32"), 20)[0]
    assert noise.std() == pytest.approx(20, rel=0.1) and noise.min() >= 0 and noise.max() <= 255
    paler = chapter["paler"](image, 0.5)[0]
    assert paler.mean() == pytest.approx(image.mean()) and np.ptp(paler) == pytest.approx(100)
    blurred = chapter["blurred"](image, 1)[0]
    assert blurred.sum() == pytest.approx(200, rel=1e-3) and blurred.max() < 40
    for change, sizes in chapter["PERTURBATIONS"].values():
        assert len(sizes) >= 4 and all(one.shape == image.shape for one in change(image, sizes[0]))


def test_an_image_has_room_to_move_where_its_rim_is_empty(chapter):
    images = np.zeros((2, 28, 28), "float32")
    images[0, 4:28, 4:28] = 200
    images[1, 3:10, 0:24] = 200
    found = chapter["room_to_move"](images, 4)
    assert [each.tolist() for each in found] == [[True, False], [False, True], [True, False], [False, True]]
    for version, room in zip(chapter["shifts"](images, 4), found, strict=True):
        assert (version[room] > 0).sum() == (images[room] > 0).sum(), "nothing is cut off"


def test_images_that_show_no_clothes_have_the_size_and_the_range_of_clothes(chapter):
    images = np.zeros((3, 28, 28), "uint8")
    images[1, 0] = 255
    found = chapter["no_clothes"](images, np.array([0, 6, 6]))
    assert {kind: len(each) for kind, each in found.items()} == {
        "digits": 1797, "noise": 1000, "upside-down shirts": 2,
    }  # fmt: skip
    for each in found.values():
        assert each.shape[1:] == (28, 28) and each.min() >= 0 and each.max() <= 255
    assert found["upside-down shirts"][0, 27].all()
