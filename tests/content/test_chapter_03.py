"""What chapter 03 teaches: its measures find what is there, and nothing where there is nothing."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn.neighbors import NearestNeighbors

from fmnist import taught

NOTEBOOK = "{}/03_inside_the_cnn"
SIDE = 7  # of the square that hides a part


@pytest.fixture(scope="module")
def chapter():
    given = {
        "np": np, "stats": stats, "itertools": itertools, "softmax": softmax, "NearestNeighbors": NearestNeighbors,
        "PATCH": SIDE, "run": lambda network, images: network(images), "cnn": bright_in_the_corner,
    }  # fmt: skip
    return taught.run_tagged_cells(NOTEBOOK.format("pytorch"), "taught", **given)


def bright_in_the_corner(images):
    """Two logits: for class 0 the sum of the 7×7 pixels in the upper left corner, and 0 for class 1."""
    corner = images[:, :SIDE, :SIDE].astype(float).sum(axis=(1, 2)) / (255 * SIDE**2)
    return np.stack([corner, np.zeros(len(images))] + [np.full(len(images), -50.0)] * 8, axis=1)


def test_what_is_numpy_only_is_the_same_code_in_both_twins():
    one, other = (taught.tagged_sources(NOTEBOOK.format(framework), "taught") for framework in ("keras", "pytorch"))
    assert one == other
    assert len(one) >= 5


@pytest.mark.parametrize(
    ("rows", "degrees"),
    [
        ([[-1, 0, 1]] * 3, 0),  # larger to the right
        ([[1, 0, -1]] * 3, 180),
        ([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], 90),  # larger upwards
        ([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], 45),
        ([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], 315),
    ],
)
def test_an_edge_is_found_with_its_direction(chapter, rows, degrees):
    scores, angles = chapter["edge_scores"](np.array([rows], float))
    assert scores[0] == pytest.approx(1)
    assert angles[0] == pytest.approx(degrees)


def test_an_edge_beside_the_centre_is_still_an_edge(chapter):
    (score,), (angle,) = chapter["edge_scores"](np.array([[[-1, 1, 1]] * 3], float))
    assert 0.5 < score < 0.8 and angle == 0


def test_what_is_no_edge_is_not_taken_for_one(chapter):
    flat, spot = np.ones((3, 3)), -np.ones((3, 3))
    spot[1, 1] = 8
    line, nothing = np.array([[-1, 2, -1]] * 3, float), np.zeros((3, 3))
    scores, _ = chapter["edge_scores"](np.stack([flat, nothing, spot, line]))
    assert scores == pytest.approx(0, abs=1e-9)


def test_edge_scores_do_not_depend_on_the_norm_of_a_filter(chapter):
    filters = np.random.default_rng(0).normal(size=(20, 3, 3))
    assert chapter["edge_scores"](filters)[0] == pytest.approx(chapter["edge_scores"](filters * 7)[0])


def test_the_chance_of_an_edge_score_is_that_of_two_dimensions_of_nine(chapter):
    scores, _ = chapter["edge_scores"](np.random.default_rng(0).normal(size=(50_000, 3, 3)))
    assert np.mean(scores > 0.5) == pytest.approx(0.5**3.5, abs=0.005)


def test_the_filters_that_tell_shoes_from_others_are_found(chapter):
    maps = np.random.default_rng(0).uniform(0, 1, (40, 6, 5, 5))
    is_shoe = np.arange(40) < 20
    maps[is_shoe, 2] += 1
    maps[~is_shoe, 4] += 1
    maps[:, 0] *= 100  # large, but alike for both
    assert chapter["most_telling"](maps, is_shoe) == (2, 4)


def test_the_largest_values_are_found_with_their_places(chapter):
    maps = np.zeros((5, 3, 4, 6))
    maps[3, 1, 2, 5], maps[0, 1, 0, 4], maps[2, 0, 1, 1] = 9, 7, 100
    images, places = chapter["top_patches"](maps, 1, 2)
    assert images.tolist() == [3, 0]
    assert places.tolist() == [[2, 5], [0, 4]]


def test_a_square_is_hidden_at_each_place(chapter):
    images = np.full((2, 28, 28), 100, "uint8")
    filling = np.full_like(images, 7)
    places = chapter["corners"](0, 21, 3)
    copies = chapter["occlude"](images, filling, places)
    assert copies.shape == (2, 64, 28, 28)
    for number, (top, left) in enumerate(places):
        hidden = np.argwhere(copies[1, number] == 7)
        assert len(hidden) == SIDE**2 and hidden[0].tolist() == [top, left]
    assert (images == 100).all()


def test_occlusion_measures_the_fall_of_the_right_class(chapter):
    images = np.full((1, 28, 28), 255, "uint8")
    (fall,) = chapter["occlusion"](images, [0])
    assert fall.shape == (22, 22)
    assert fall.argmax() == 0 and fall[0, 0] == pytest.approx(np.e / (np.e + 1) - 0.5)
    assert fall[SIDE:].max() == pytest.approx(0)
    assert chapter["occlusion"](images, [1])[0] == pytest.approx(-fall)


def test_a_map_lies_on_the_pixels_that_it_sees(chapter):
    """Value 0 of the second convolution sees pixels 0 to 7, with their centre between 3 and 4; a step is two pixels."""
    heat = np.zeros((1, 10, 10))
    heat[0, 2, 5] = 1
    assert np.argwhere(chapter["on_image"](heat)[0]).tolist() == [[7, 13], [7, 14], [8, 13], [8, 14]]
    assert chapter["scaled"](np.stack([3 * heat[0], 0 * heat[0]])).max(axis=(1, 2)).tolist() == [1, 0]


def test_the_mean_in_a_square(chapter):
    values = np.zeros((1, 28, 28))
    values[0, :SIDE, :SIDE] = 2
    means = chapter["on_squares"](values, chapter["corners"](0, 21, 3))
    assert means.shape == (1, 64) and means[0, 0] == 2 and means[0, 1] == pytest.approx(2 * 4 / 7)


def test_rank_correlations_compare_orders_and_leave_out_what_has_none(chapter):
    one = np.arange(12.0).reshape(1, 3, 4)
    found = chapter["rank_correlations"](np.concatenate([one, one, one * 0]), np.concatenate([one**3, -one, one]))
    assert found == pytest.approx([1, -1])


def test_an_interval_covers_the_mean_in_most_samples(chapter):
    samples = np.random.default_rng(0).normal(3, 1, (2000, 50))
    found = [chapter["mean_and_half"](sample) for sample in samples]
    assert np.mean([abs(mean - 3) < half for mean, half in found]) == pytest.approx(0.94, abs=0.02)


def test_neighbours_that_a_map_keeps(chapter):
    points = np.arange(40.0)[:, None] * [1, 0]
    assert chapter["kept"](points, 5 * points[:, :1]).tolist() == [1] * 40
    shuffled = np.random.default_rng(0).permutation(points)
    assert chapter["kept"](points, shuffled, 4).mean() < 0.3
    assert chapter["neighbours"](points, 1)[0].tolist() == [1], "no point is its own neighbour"
