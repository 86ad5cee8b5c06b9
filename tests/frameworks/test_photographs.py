"""The CNN of chapter 01 names the same class for photographs as for the test images that they were made from."""

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_photographs_of_test_images_are_mostly_classified_as_these(framework, workers):
    """Enlarged, noisy, unevenly lit, tilted, on bright and dark backgrounds, saved as JPEG."""
    found = workers.ask(framework, "photographs", {})
    assert found["same"] >= 90
    assert found["own"] == 0, "the project's own picture shows a T-shirt"
