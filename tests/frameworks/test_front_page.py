"""The training step on the front page runs in both frameworks, and is one step of Adam."""

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_the_step_runs_and_moves_the_weights(framework, workers):
    found = workers.ask(framework, "front_page", {})
    assert 2 < found["loss"] < 2.9  # ten classes, nothing learned: ln 10 = 2.3
    # Kernel and bias of two layers. Adam's first step moves every weight that has a gradient by the learning rate.
    assert found["moved"] == pytest.approx([0.001] * 4, rel=0.01)
