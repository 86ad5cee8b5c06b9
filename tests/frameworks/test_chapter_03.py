"""What chapter 03 computes with a network: activations, heat maps and features of the committed CNN."""

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_activations_and_heat_maps(framework, workers):
    found = workers.ask(framework, "inside_the_cnn")
    assert found["shapes"] == {
        "conv 1": (32, 26, 26), "pool 1": (32, 13, 13), "conv 2": (64, 11, 11), "pool 2": (64, 5, 5),
    }  # fmt: skip
    assert found["smallest"] == 0
    assert found["pool 1"] == found["pool 2"] == pytest.approx(0, abs=1e-5)
    assert found["right"] >= 32
    assert found["heat"] == found["unaveraged"] == (40, 11, 11)
    assert found["heat smallest"] >= 0 and found["heat spread"] > 0
    assert found["heat alone"] == pytest.approx(0, abs=1e-4), "the images of a batch must not influence each other"
    assert found["last"] == (40, 128)
    assert found["blank is finite"]
    assert found["hooks left"] == 0
