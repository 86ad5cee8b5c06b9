"""Layers and optimizers of both frameworks on the same numbers, and what makes PyTorch's compute as Keras's do."""

import math

import numpy as np
import pytest

from fmnist import proofs

pytestmark = pytest.mark.slow

# Those whose settings or formulas differ.
DIFFERENT = {"SGD with momentum, falling rate", "Adam, defaults", "AdamW, defaults", "RMSprop, defaults"}


@pytest.mark.parametrize("name", proofs.LAYERS)
def test_a_layer_computes_the_same(workers, name):
    steps = workers.ask("both", "proofs", ("layer", name))
    assert steps["float32"] < 1000, steps
    # TensorFlow rounds a constant of GELU to float32.
    assert steps["float64"] < (1e9 if name == "GELU" else 1000), steps


@pytest.mark.parametrize("name", proofs.OPTIMIZERS)
def test_an_optimizer_computes_the_same_where_it_is_aligned(workers, name):
    steps = workers.ask("both", "proofs", ("optimizer", name))
    if name in DIFFERENT:
        assert steps["float64"] > 1e6
    else:
        assert max(steps.values()) < 1000, steps


def test_the_precision_is_restored_after_an_error(workers):
    before, within, after = workers.ask("both", "proofs", ("precision", None))
    assert before == after == ("float32", "float32") and within == ("float64", "float64")


def test_batch_normalization_averages_the_biased_variance(workers):
    aligned, usual, (mean, variance) = workers.ask("both", "proofs", ("batch_norm", None))
    np.testing.assert_allclose(aligned[0], usual[0], rtol=1e-12)
    np.testing.assert_allclose(aligned[1], mean, rtol=1e-12)
    np.testing.assert_allclose(aligned[2], variance, rtol=1e-12)
    np.testing.assert_allclose(usual[2], variance * 7 / 6, rtol=1e-12)


def test_initial_weights_are_drawn_by_the_rule_of_keras(workers):
    (convolution, first), (dense, second) = workers.ask("both", "proofs", ("draw", None))
    assert first == second == 0
    for largest, limit in ((convolution, math.sqrt(6 / (25 * 11))), (dense, math.sqrt(6 / 340))):
        assert 0.95 * limit < largest <= limit


def test_keras_on_pytorch_answers_and_says_why_it_fails(workers):
    difference, message = workers.ask("both", "proofs", ("on_torch", None))
    assert difference < 1000
    assert "KeyError" in message and "no such layer" in message


def test_a_step_is_the_distance_of_neighbours():
    one = np.array([1.0, 0.5], np.float32)
    assert proofs.steps_apart(one, one) == 0
    assert proofs.steps_apart(one, np.nextafter(one, np.float32(2))) == 1
    assert proofs.steps_apart(np.zeros(2), np.zeros(2)) == 0
