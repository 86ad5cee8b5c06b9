"""What chapter 03 teaches: its measures find what is there, and nothing where there is nothing."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from fmnist import taught

NOTEBOOK = "{}/03_inside_the_cnn"


@pytest.fixture(scope="module")
def chapter():
    given = {
        "np": np, "ndimage": ndimage, "minimize_scalar": minimize_scalar, "log_softmax": log_softmax, "PCA": PCA,
        "NearestNeighbors": NearestNeighbors, "generator": np.random.default_rng(0),
    }  # fmt: skip
    return taught.run_tagged_cells(NOTEBOOK.format("pytorch"), "taught", **given)


def test_what_is_numpy_only_is_the_same_code_in_both_twins():
    one, other = (taught.tagged_sources(NOTEBOOK.format(framework), "taught") for framework in ("keras", "pytorch"))
    assert one == other
    assert len(one) >= 5


@pytest.mark.parametrize(
    ("rows", "degrees"),
    [
        ([[-1, 0, 1]] * 3, 0),  # brighter to the right
        ([[1, 0, -1]] * 3, 180),
        ([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], 90),  # brighter upwards
        ([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], 45),
        ([[-1, 1, 1]] * 3, 0),  # an edge beside the centre
    ],
)
def test_an_edge_is_found_with_its_direction(chapter, rows, degrees):
    scores, directions = chapter["edge_scores"](np.array([rows], float))
    assert scores[0] > 0.9
    assert directions[0] == degrees


def test_what_is_no_edge_is_not_taken_for_one(chapter):
    flat, spot = np.ones((3, 3)), -np.ones((3, 3))
    spot[1, 1] = 8
    line, nothing = np.array([[-1, 2, -1]] * 3, float), np.zeros((3, 3))
    scores, _ = chapter["edge_scores"](np.stack([flat, nothing, spot, line]))
    assert scores[:2] == pytest.approx(0, abs=1e-9)
    assert (scores[2:] < 0.8).all()


def test_edge_scores_do_not_depend_on_the_length_of_a_filter(chapter):
    filters = np.random.default_rng(0).normal(size=(20, 3, 3))
    assert chapter["edge_scores"](filters)[0] == pytest.approx(chapter["edge_scores"](filters * 7)[0])


def two_classes(confidence, is_right):
    """Probabilities of two classes in which class 0 is answered with `confidence`, and labels."""
    confidence = np.asarray(confidence, float)
    return np.stack([confidence, 1 - confidence], axis=1), np.where(is_right, 0, 1)


@pytest.mark.parametrize(
    ("confidence", "is_right", "error"),
    [
        ([1.0] * 10, [True] * 10, 0),
        ([1.0] * 10, [False] * 10, 1),
        ([0.8] * 10, [True] * 8 + [False] * 2, 0),
        ([0.9] * 10, [True] * 6 + [False] * 4, 0.3),  # over-confident
        ([0.6] * 10, [True] * 10, 0.4),  # not confident enough
        # Half the images with a gap of 0.3, half with none.
        ([0.9] * 10 + [0.7] * 10, [True] * 6 + [False] * 4 + [True] * 7 + [False] * 3, 0.15),
    ],
)
def test_calibration_error_of_cases_made_by_hand(chapter, confidence, is_right, error):
    found, table = chapter["calibration_error"](*two_classes(confidence, is_right))
    assert found == pytest.approx(error)
    assert sum(images for _, _, images in table) == len(confidence)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_the_temperature_that_was_put_in_is_found_again(chapter, temperature):
    generator = np.random.default_rng(1)
    honest = generator.normal(size=(20_000, 10)) * 2
    labels = (softmax(honest, axis=1).cumsum(axis=1) < generator.random((20_000, 1))).sum(axis=1)
    assert chapter["fit_temperature"](honest * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_near_duplicates_that_were_planted_are_found_first(chapter):
    generator = np.random.default_rng(2)
    images = generator.integers(0, 256, (400, 784)).astype("float32")
    images[300] = images[7]
    images[123] = np.clip(images[55] + generator.normal(0, 3, 784), 0, 255)
    images[399] = np.clip(images[56] + generator.normal(0, 6, 784), 0, 255)
    pairs, distances = chapter["near_pairs"](images)
    assert pairs[:3].tolist() == [[7, 300], [55, 123], [56, 399]]
    assert distances[0] == 0 and 2 < distances[1] < 3.5 < distances[2] < 7 < 30 < distances[3]
    assert (np.diff(distances) >= 0).all() and (pairs[:, 0] < pairs[:, 1]).all()
    exact = np.sqrt(((images[pairs[:, 0]] - images[pairs[:, 1]]) ** 2).mean(axis=1))
    assert distances == pytest.approx(exact, rel=1e-5)


def test_disturbances_do_what_they_are_called(chapter):
    image = np.zeros((1, 28, 28), "uint8")
    image[0, 10, 12] = 200
    assert np.argwhere(chapter["shifted"](image, 3, -2)[0]).tolist() == [[13, 10]]
    assert not chapter["shifted"](image, 0, 20).any()
    upper = np.zeros((1, 28, 28), "uint8")
    upper[0, 2:6, 12:16] = 200
    quarter = np.argwhere(chapter["rotated"](upper, -90)[0] > 100).mean(axis=0)
    assert quarter[1] > 20  # what was above lies on the right: clockwise
    full = np.full((3, 28, 28), 100, "uint8")
    assert ((chapter["hidden"](full, 5) == 0).sum(axis=(1, 2)) == 25).all()
    assert (full == 100).all()
    noise = chapter["noisy"](np.full((5, 28, 28), 128, "uint8"), 20)
    assert noise.std() == pytest.approx(20, rel=0.1) and noise.min() >= 0 and noise.max() <= 255
