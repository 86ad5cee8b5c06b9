"""Counts what each committed model of a framework gets right of the real test images, for test_models.py."""

import contextlib
import math

import numpy as np

from fmnist import chapters, data, taught
from fmnist.chapters import Chapter, Model
from fmnist.models import verified
from tests.helpers import BUILDER_TAGS


def answer(framework: str, question: dict) -> dict:
    """Return {name of the model: {"right": images, "parameters": number}} for every model of the registry.

    Of the question, PyTorch reads "onednn", whether to use that library; TensorFlow reads it from its environment.
    """
    _, (images, labels) = data.load()
    images = images.astype("float32") / 255
    logits_of = {"keras": _keras_logits, "pytorch": _pytorch_logits}[framework]
    found = {}
    with _onednn(question["onednn"]) if framework == "pytorch" else contextlib.nullcontext():
        for chapter in chapters.all_chapters():
            for model in chapter.models:
                logits, parameters = logits_of(chapter, model, images)
                right = int(np.sum(logits.argmax(axis=1) == labels))
                found[model.file_stem(framework)] = {"right": right, "parameters": parameters}
    return found


def _keras_logits(chapter: Chapter, model: Model, images):
    import keras

    network = keras.models.load_model(verified(model.file_stem("keras")))
    learned = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return network.predict(images[..., np.newaxis], batch_size=1000, verbose=0), learned


def _pytorch_logits(chapter: Chapter, model: Model, images):
    import torch
    from torch import nn
    from torch.nn import functional as F

    notebook, tags = chapter.notebooks["pytorch"], BUILDER_TAGS.get(model.name, ("model",))
    names = taught.run_tagged_cells(notebook, "parameters", *tags, torch=torch, nn=nn, F=F, np=np, math=math)
    network = names[model.builder["pytorch"]]()
    network.load_state_dict(torch.load(verified(model.file_stem("pytorch")), weights_only=True))
    network.eval()
    with torch.inference_mode():
        logits = torch.cat([network(batch) for batch in torch.from_numpy(images).unsqueeze(1).split(1000)]).numpy()
    return logits, sum(parameter.numel() for parameter in network.parameters())


def _onednn(wanted):
    import torch

    return torch.backends.mkldnn.flags(enabled=wanted)
