"""What the tools that measure build and train, for test_measure.py."""

import contextlib
import io
from typing import Any
from unittest.mock import patch

import numpy as np

VARIANTS = ("chapter", "tutorial")


def answer(framework: str, question: tuple[str, Any]):
    """Answer ("networks", None), ("initial_weights", None), ("costs", network) or ("study", arguments)."""
    name, details = question
    if name == "networks":
        return {"keras": _keras_networks, "pytorch": _pytorch_networks}[framework]()
    return {"initial_weights": _initial_weights, "costs": _costs, "study": _study}[name](framework, details)


def _keras_networks():
    """{network: {"parameters", "layers": {variant: [(kind, its settings)]}, "predictions": {variant: array}}}."""
    import keras

    from tools.measure import chapter_01, tutorial

    chapter, found = chapter_01.from_notebook("keras"), {}
    images = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
    for name in ("dense", "cnn"):
        networks = {"chapter": chapter.networks[name](), "tutorial": tutorial.keras_network(chapter, name)}
        networks["tutorial"].set_weights(networks["chapter"].get_weights())
        outputs = {variant: network.predict(images, verbose=0) for variant, network in networks.items()}
        outputs["chapter"] = keras.ops.convert_to_numpy(keras.ops.softmax(outputs["chapter"]))
        keys = ("units", "filters", "kernel_size", "pool_size", "rate", "activation")
        layers = {
            variant: [
                (type(layer).__name__, {key: layer.get_config()[key] for key in keys if key in layer.get_config()})
                for layer in network.layers
            ]
            for variant, network in networks.items()
        }
        found[name] = {"parameters": networks["chapter"].count_params(), "layers": layers, "predictions": outputs}
    return found


def _pytorch_networks():
    """The same in PyTorch; each layer is the text that PyTorch prints for it."""
    import torch

    from tools.measure import chapter_01, tutorial

    chapter, found = chapter_01.from_notebook("pytorch"), {}
    images = torch.rand(8, 1, 28, 28)
    for name in ("dense", "cnn"):
        networks = {"chapter": chapter.networks[name](), "tutorial": tutorial.pytorch_network(chapter, name)}
        for ours, theirs in zip(*(network.parameters() for network in networks.values()), strict=True):
            theirs.data.copy_(ours.data)
        with torch.inference_mode():
            outputs = {variant: network.eval()(images).numpy() for variant, network in networks.items()}
        layers = {
            variant: [str(layer) for layer in network.modules() if not list(layer.children())]
            for variant, network in networks.items()
        }
        parameters = sum(parameter.numel() for parameter in networks["chapter"].parameters())
        found[name] = {"parameters": parameters, "layers": layers, "predictions": outputs}
    return found


def _initial_weights(framework, _):
    """[(largest weight of the first layer, its largest bias)] as Keras draws them, and as PyTorch does."""
    from tools.measure import study_plan, study_runs

    found = []
    for weights, bias in (("glorot", "zero"), ("kaiming", "uniform")):
        settings = study_plan.ALIGNED | {"weights": weights, "bias": bias}
        layer = study_runs.defaults_network("batch_norm", 1, settings)[1]
        found.append((layer.weight.abs().max().item(), layer.bias.abs().max().item()))
    return found


def _costs(framework, network):
    """What a process of costs.py measures on 384 images, here in a process that has its framework already."""
    from tools.measure import costs_process

    measure = {"keras": costs_process.keras_costs, "pytorch": costs_process.pytorch_costs}[framework]
    # TensorFlow lets nobody hide a graphics card once it has started.
    hide = patch("tensorflow.config.set_visible_devices") if framework == "keras" else contextlib.nullcontext()
    with hide:
        return measure(network, 384, costs_process.QUICK_CALLS)


def _study(framework, arguments):
    """The exit code of `python -m tools.measure.study` with these arguments, and the lines that it prints."""
    from tools.measure import study

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = study.main([*arguments, "--framework", framework])
    return code, printed.getvalue().splitlines()
