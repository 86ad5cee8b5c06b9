"""Runs the functions that chapter 03 teaches on a framework's committed CNN, for test_chapter_03.py."""

import numpy as np

from fmnist import data, taught
from fmnist.models import verified


def answer(framework: str, question: None) -> dict:
    """Return shapes and sums of what the functions return for the first 40 test images."""
    _, (images, labels) = data.load()
    images, labels = images[:40], labels[:40]
    cnn, given = saved_cnn(framework)
    chapter = taught.run_tagged_cells(f"{framework}/03_inside_the_cnn", "network", cnn=cnn, np=np, SEED=1, **given)
    maps = {stage: chapter["feature_maps"](stage, images) for stage in chapter["STAGES"]}
    logits = chapter["run"](cnn, images)
    classes = logits.argmax(axis=1)
    heat = chapter["grad_cam"](images, classes)
    blank = np.zeros((1, 28, 28), "uint8")
    changed = images.copy()
    changed[:, 26:] = changed[:, :, 26:] = 255

    # Pooling keeps the largest of each 2×2 square of the convolution before it, in both frameworks.
    largest = {
        stage: maps[stage][:, :, : size * 2, : size * 2].reshape(len(images), -1, size, 2, size, 2).max(axis=(3, 5))
        for stage, size in (("conv 1", 13), ("conv 2", 5))
    }
    dead = chapter["dead_units"](cnn, images)
    features = chapter["run"](chapter["get_features"], images)
    same, other, last = (chapter["randomized"](3, trained) for trained in (4, 0, 3))
    brightest = chapter["maximize"](lambda images: images, 3, side=5)
    return {
        "shapes": {stage: values.shape[1:] for stage, values in maps.items()},
        "smallest": float(min(values.min() for values in maps.values())),
        "pool 1": float(np.abs(largest["conv 1"] - maps["pool 1"]).max()),
        "pool 2": float(np.abs(largest["conv 2"] - maps["pool 2"]).max()),
        "right": int(np.sum(classes == labels)),
        "dead": [
            bool(np.array_equal(dead["conv 1"], maps["conv 1"].max(axis=(0, 2, 3)) == 0)),
            bool(np.array_equal(dead["conv 2"], maps["conv 2"].max(axis=(0, 2, 3)) == 0)),
            bool(np.array_equal(dead["features"], features.max(axis=0) == 0)),
        ],
        "heat": heat.shape,
        "heat smallest": float(heat.min()),
        "heat spread": float(np.median(np.ptp(heat, axis=(1, 2)))),
        "heat alone": float(np.abs(chapter["grad_cam"](images[:3], classes[:3]) - heat[:3]).max()),
        "unaveraged": chapter["gradient_times_map"](images, labels.astype("int64")).shape,
        "features": features.shape,
        "unused": float(np.abs(chapter["run"](cnn, changed) - logits).max()),
        "blank is finite": bool(np.isfinite(chapter["grad_cam"](blank, np.array([0]))).all()),
        "all trained": float(np.abs(chapter["run"](same, images) - logits).max()),
        "none trained": float(np.abs(chapter["run"](other, images) - logits).mean()),
        "last random": float(np.abs(chapter["run"](last, images) - logits).mean()),
        "same seed": float(np.abs(chapter["run"](chapter["randomized"](3, 0), images)
                                  - chapter["run"](chapter["untrained"](3), images)).max()),
        "brightest": [np.array(brightest.shape).prod(), float(np.min(np.array(brightest)))],
        "hooks left": sum(len(m._forward_hooks) for m in cnn.modules()) if framework == "pytorch" else 0,
    }  # fmt: skip


def saved_cnn(framework):
    """The committed CNN of chapter 01, and what the cells of chapter 03 expect to find."""
    if framework == "keras":
        import keras
        import tensorflow as tf

        networks = taught.run_tagged_cells("keras/01_dense_and_cnn", "model", keras=keras, DROPOUT=0.25)
        cnn = keras.models.load_model(verified("01_cnn_keras"))
        return cnn, {"keras": keras, "tf": tf, "networks": networks}
    import torch
    from torch import nn
    from torch.nn import functional

    networks = taught.run_tagged_cells("pytorch/01_dense_and_cnn", "model", nn=nn, DROPOUT=0.25)
    cnn = networks["CNN"]()
    cnn.load_state_dict(torch.load(verified("01_cnn_pytorch"), weights_only=True))
    given = {"torch": torch, "nn": nn, "F": functional, "DEVICE": "cpu", "networks": networks}
    return cnn.eval(), given
