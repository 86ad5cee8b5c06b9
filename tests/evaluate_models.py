"""Load the committed models of one framework and print, as JSON, what each gets right of the real test images.

    python tests/evaluate_models.py keras|pytorch

Run by test_models.py in a process of its own, since one process should hold one framework. The PyTorch classes are
taken from the notebook that teaches them: the cells tagged "model".
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion import data, taught  # noqa: E402
from fashion.paths import NOTEBOOKS  # noqa: E402
from fashion.records import model_path, read_all  # noqa: E402

_, (test_images, test_labels) = data.load()
images = test_images.astype("float32") / 255


def keras_answers(name):
    import keras

    model = keras.models.load_model(model_path(name))
    learned = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return model.predict(images[..., np.newaxis], batch_size=1000, verbose=0), learned


def pytorch_answers(name):
    import torch
    from torch import nn

    (notebook,) = [path.stem for path in NOTEBOOKS.glob(f"{name[:2]}_*_pytorch.ipynb")]
    networks = taught.names(notebook, "model", nn=nn, DROPOUT=0.5)
    model = networks[{"dense": "build_dense", "cnn": "CNN", "regularized": "build_network"}[name.split("_")[1]]]()
    model.load_state_dict(torch.load(model_path(name), weights_only=True))
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(batch) for batch in torch.from_numpy(images).unsqueeze(1).split(1000)]).numpy()
    return logits, sum(parameter.numel() for parameter in model.parameters())


answers = {"keras": keras_answers, "pytorch": pytorch_answers}[sys.argv[1]]
found = {}
for name in [record["name"] for record in read_all() if record["framework"] == sys.argv[1]]:
    logits, parameters = answers(name)
    found[name] = {"right": int(np.sum(logits.argmax(axis=1) == test_labels)), "parameters": parameters}
print(json.dumps(found))
