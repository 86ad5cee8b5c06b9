"""Asks the CNN of chapter 01 for the class of test images, and of photographs made from them."""

import tempfile
from pathlib import Path

import numpy as np

from fmnist import data, images
from fmnist.paths import DATA
from tests.cases import photographs
from tests.frameworks.workers.inside_the_cnn import saved_cnn

SEED, COUNT = 2026, 100


def answer(framework: str, question: dict) -> dict:
    """Return {"same": how many of 100 photographs get the class of the image that they were made from, "own": class}.

    `question` holds the conditions of `photographs.make`, "own" is the class of the project's own picture.
    """
    cnn, _ = saved_cnn(framework)
    classes = {"keras": _keras_classes, "pytorch": _pytorch_classes}[framework]
    _, (test_images, _) = data.load()
    originals = test_images[np.random.default_rng(SEED).choice(len(test_images), COUNT, replace=False)]
    read = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        for content in photographs.make(originals, SEED, **question):
            path.write_bytes(content)
            read.append(images.read_image(path))
    own = images.read_image(DATA / "own_image" / "tshirt.png")
    same = classes(cnn, np.stack(read)) == classes(cnn, originals)
    return {"same": int(same.sum()), "own": int(classes(cnn, own[np.newaxis])[0])}


def _keras_classes(cnn, pixels):
    return cnn.predict(pixels[..., np.newaxis].astype("float32") / 255, verbose=0).argmax(axis=1)


def _pytorch_classes(cnn, pixels):
    import torch

    with torch.inference_mode():
        return cnn(torch.from_numpy(pixels).unsqueeze(1) / 255).argmax(dim=1).numpy()
