"""What the comparison's proofs rest on; that layers and optimizers compute the same is asserted in the notebook."""

import math

import numpy as np
import pytest

from fmnist import proofs

pytestmark = pytest.mark.slow


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


def test_an_ulp_is_the_distance_of_neighbours():
    one = np.array([1.0, 0.5], np.float32)
    assert proofs.ulps_apart(one, one) == 0
    assert proofs.ulps_apart(one, np.nextafter(one, np.float32(2))) == 1
    assert proofs.ulps_apart(np.zeros(2), np.zeros(2)) == 0
