"""The CNN of chapter 01 names the same class for photographs as for the test images that they were made from."""

import numpy as np
import pytest

from fmnist import data, images
from fmnist.paths import DATA
from tests.cases import photographs

pytestmark = pytest.mark.slow

SEED, COUNT = 2026, 200


@pytest.fixture(scope="module")
def photographed(tmp_path_factory):
    """Test images, and what is read from photographs made of them: both uint8, N x 28 x 28."""
    _, (test_images, _) = data.load()
    originals = test_images[np.random.default_rng(SEED).choice(len(test_images), COUNT, replace=False)]
    path, read = tmp_path_factory.mktemp("photographs") / "photo.jpg", []
    for content in photographs.make(originals, SEED):
        path.write_bytes(content)
        read.append(images.read_image(path))
    return originals, np.stack(read)


@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_photographs_of_test_images_are_mostly_classified_as_these(framework, workers, photographed):
    """Enlarged, noisy, unevenly lit, tilted, on bright and dark backgrounds, saved as JPEG."""
    own = images.read_image(DATA / "own_image" / "tshirt.png")
    expected, found, shirt = workers.ask(framework, "photographs", [*photographed, own[np.newaxis]])
    assert np.sum(found == expected) >= 180
    assert shirt == [0], "the project's own picture shows a T-shirt"
