"""Runs the functions that chapter 03 teaches on a framework's committed CNN, for test_chapter_03.py."""

import numpy as np

from fmnist import data, taught
from fmnist.models import verified


def answer(framework: str, question: None) -> dict:
    """Return shapes and sums of what the functions return for the first 40 test images."""
    _, (images, labels) = data.load()
    images, labels = images[:40], labels[:40]
    cnn, given = saved_cnn(framework)
    functions = taught.run_tagged_cells(f"{framework}/03_inside_the_cnn", "network", cnn=cnn, np=np, **given)
    maps = functions["activations"](images)
    logits = functions["predict_logits"](cnn, images)
    heat = functions["grad_cam"](images, logits.argmax(axis=1))
    blank = np.zeros((1, 28, 28), "uint8")

    # A pool's output is the largest of each 2×2 square of the convolution before it, in both frameworks.
    largest = {
        stage: maps[stage][:, :, : size * 2, : size * 2].reshape(len(images), -1, size, 2, size, 2).max(axis=(3, 5))
        for stage, size in (("conv 1", 13), ("conv 2", 5))
    }
    return {
        "shapes": {stage: values.shape[1:] for stage, values in maps.items()},
        "smallest": float(min(values.min() for values in maps.values())),
        "pool 1": float(np.abs(largest["conv 1"] - maps["pool 1"]).max()),
        "pool 2": float(np.abs(largest["conv 2"] - maps["pool 2"]).max()),
        "right": int(np.sum(logits.argmax(axis=1) == labels)),
        "heat": heat.shape,
        "heat smallest": float(heat.min()),
        "heat spread": float(np.median(np.ptp(heat, axis=(1, 2)))),
        "heat alone": float(np.abs(functions["grad_cam"](images[:3], logits[:3].argmax(axis=1)) - heat[:3]).max()),
        "unaveraged": functions["gradient_times_map"](images, labels.astype("int64")).shape,
        "last": functions["last_numbers"](images).shape,
        "blank is finite": bool(np.isfinite(functions["grad_cam"](blank, np.array([0]))).all()),
        "hooks left": sum(len(m._forward_hooks) for m in cnn.modules()) if framework == "pytorch" else 0,
    }


def saved_cnn(framework):
    """The committed CNN of chapter 01, and what the cells of chapter 03 expect to find."""
    if framework == "keras":
        import keras
        import tensorflow as tf

        return keras.models.load_model(verified("01_cnn_keras")), {"keras": keras, "tf": tf}
    import torch
    from torch import nn
    from torch.nn import functional

    cnn = taught.run_tagged_cells("pytorch/01_dense_and_cnn", "model", nn=nn, DROPOUT=0.25)["CNN"]()
    cnn.load_state_dict(torch.load(verified("01_cnn_pytorch"), weights_only=True))
    return cnn.eval(), {"torch": torch, "F": functional, "DEVICE": "cpu"}
