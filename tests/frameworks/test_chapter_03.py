"""What chapter 03 computes with a network: feature maps, heat maps, features and random parameters."""

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_feature_maps_and_heat_maps(framework, workers):
    found = workers.ask(framework, "inside_the_cnn")
    assert found["shapes"] == {
        "conv 1": (32, 26, 26), "pool 1": (32, 13, 13), "conv 2": (64, 11, 11), "pool 2": (64, 5, 5),
    }  # fmt: skip
    assert found["smallest"] == 0
    assert found["pool 1"] == found["pool 2"] == pytest.approx(0, abs=1e-5)
    assert found["right"] >= 32
    assert found["dead"] == [True, True, True], "found layer by layer as in the feature maps"
    assert found["heat"] == found["unaveraged"] == (40, 10, 10)
    assert found["heat smallest"] >= 0 and found["heat spread"] > 0
    assert found["heat alone"] == pytest.approx(0, abs=1e-4), "the images of a batch must not influence each other"
    assert found["features"] == (40, 128)
    assert found["unused"] == pytest.approx(0, abs=1e-5), "pooling leaves out what the last two pixels reach"
    assert found["blank is finite"]
    assert found["hooks left"] == 0
    assert found["all trained"] == pytest.approx(0, abs=1e-5)
    assert found["none trained"] > 1 and found["last random"] > 1
    assert found["same seed"] == 0
    assert found["brightest"] == [3 * 25, 1], "of all images from 0 to 1, white pixels give the largest sum"
