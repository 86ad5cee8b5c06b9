"""Run the functions that chapter 03 teaches on one framework's saved CNN, and print as JSON what they return.

    python tests/inside_the_cnn.py keras|pytorch

Run by test_chapter_03.py in a process of its own, since one process should hold one framework.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion import data, taught  # noqa: E402
from fashion.records import model_path  # noqa: E402

framework = sys.argv[1]
_, (images, labels) = data.load()
images, labels = images[:40], labels[:40]

if framework == "keras":
    import keras
    import tensorflow as tf

    cnn = keras.models.load_model(model_path("01_cnn_keras"))
    given = {"keras": keras, "tf": tf}
else:
    import torch
    from torch import nn
    from torch.nn import functional

    cnn = taught.names("01_dense_and_cnn_pytorch", "model", nn=nn, DROPOUT=0.25)["CNN"]()
    cnn.load_state_dict(torch.load(model_path("01_cnn_pytorch"), weights_only=True))
    cnn.eval()
    given = {"torch": torch, "F": functional, "DEVICE": "cpu"}

functions = taught.names(f"03_inside_the_cnn_{framework}", "network", cnn=cnn, np=np, **given)
maps = functions["activations"](images)
logits = functions["predict_logits"](cnn, images)
heat = functions["grad_cam"](images, logits.argmax(axis=1))
blank = np.zeros((1, 28, 28), "uint8")

# A pool's output is the largest of each 2×2 square of the convolution before it, in both frameworks.
largest = {
    stage: maps[stage][:, :, : size * 2, : size * 2].reshape(len(images), -1, size, 2, size, 2).max(axis=(3, 5))
    for stage, size in (("conv 1", 13), ("conv 2", 5))
}
print(
    json.dumps(
        {
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
    )
)
