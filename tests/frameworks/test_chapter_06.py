"""Chapter 06: the twins build the same networks and augment alike, and its long trainings go on where they stopped."""

import numpy as np
import pytest

from fmnist.chapters import FRAMEWORKS
from tests.series import assert_complete, work
from tools.measure import ablation, resumable

pytestmark = pytest.mark.slow


def test_the_twins_build_the_same_networks(workers):
    """With the same weights both give the same logits in evaluation mode, and have as many parameters."""
    found = workers.ask("both", "residual", "networks", timeout=600)
    for network, each in found.items():
        assert each["keras"] == each["pytorch"], network
        assert each["difference"] < 1e-5 < each["images differ"], network
    assert found["of the chapter"]["keras"] == 486_650
    assert found["half the width"]["keras"] == 122_370


def test_the_twins_move_images_alike(workers):
    found = workers.ask("both", "residual", "warp")
    assert found["difference"] < 1e-5 and found["change"] > 0.1


def different(images):
    return len(np.unique(images.reshape(len(images), -1), axis=0))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_image_of_a_batch_is_augmented_in_its_own_way(workers, framework):
    found = workers.ask(framework, "residual", "augment")
    image, flipped, moved, erased = (found[name] for name in ("image", "flip", "move", "erase"))
    is_mirrored = (flipped == image[:, ::-1]).all(axis=(1, 2))
    assert ((flipped == image).all(axis=(1, 2)) ^ is_mirrored).all()
    assert 0.4 < is_mirrored.mean() < 0.6
    assert different(moved) == len(moved) and moved.min() >= 0 and moved.max() <= 1
    gone = erased == 0
    assert (erased[~gone] == np.broadcast_to(image, erased.shape)[~gone]).all(), "what is not erased stays"
    is_erased = gone.any(axis=(1, 2))
    assert 0.4 < is_erased.mean() < 0.6
    assert different(erased) > 0.9 * is_erased.sum()
    sides = np.stack([gone.any(axis=2).sum(axis=1), gone.any(axis=1).sum(axis=1)])[:, is_erased]
    assert (gone.sum(axis=(1, 2))[is_erased] == sides.prod(axis=0)).all(), "a rectangle"
    assert sides.min() >= 3 and sides.max() <= 13 and np.ptp(sides, axis=1).min() >= 6
    padded = np.pad(image, 2)
    places = [padded[down : down + 28, right : right + 28] for down in range(5) for right in range(5)]
    distances = np.abs(found["shift"][:, None] - np.stack(places)).max(axis=(2, 3))
    assert distances.min(axis=1).max() < 1e-4, "by whole pixels, with 0 where nothing came in"
    assert len(set(distances.argmin(axis=1))) == 25
    for name in ("flip", "shift", "move", "erase"):
        if framework == "keras":
            assert (found[f"{name}, evaluation"] == image).all(), "nothing is augmented in evaluation mode"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_long_training_goes_on_to_the_same_bits(workers, framework):
    (scores, logits), (scores_again, logits_again) = workers.ask(framework, "residual", "resume")
    assert scores == scores_again
    np.testing.assert_array_equal(logits, logits_again)


def test_an_interrupted_ablation_goes_on_where_it_stopped(tmp_path):
    options = ("--parts", "reference", "on top", "--seeds", "2")
    runs, printed = work(ablation.SERIES, tmp_path, *options)
    assert_complete(ablation.SERIES, runs, printed, parts=("reference", "on top"), seeds=(2,))
    for each in runs:
        each["seconds"] = -1  # tells those that were kept from those that are made again
    lost, older = [each for each in runs if each["framework"] == "pytorch"][:2]
    older["recipe"] = "of older code"
    ablation.SERIES.write([each for each in runs if each is not lost], tmp_path)
    again, _ = work(ablation.SERIES, tmp_path, *options, "--framework", "pytorch")
    made_again = {resumable.run_id(each): each for each in again if each["seconds"] >= 0}
    assert set(made_again) == {resumable.run_id(lost), resumable.run_id(older)}
    assert made_again[resumable.run_id(lost)]["curves"] == lost["curves"], "the same seed"
