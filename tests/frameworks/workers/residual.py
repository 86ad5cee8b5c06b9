"""Builds the networks of chapter 06 in both frameworks with the same weights, and augments the same images in both."""

import math
from typing import Any

import numpy as np

from fmnist import taught
from tools.measure import long_run, long_run_training
from tools.measure.study_runs import orders

CHAPTER = "06_residual_network"
TAGS = "convolution", "deep_network", "build_resnet", "flip", "move", "erase", "mini_block", "build_mini"
NETWORKS = {
    "of the chapter": ("build_resnet", {}),
    "half the width": ("build_resnet", {"width": 8}),
    "two blocks per stage": ("build_resnet", {"width": 8, "blocks": 2}),
    "no shortcuts": ("build_resnet", {"width": 8, "shortcut": False}),
    "no batch norm": ("build_resnet", {"width": 8, "batch_norm": False}),
    "deep": ("deep_network", {"blocks": 4}),
    "deep, nothing": ("deep_network", {"blocks": 4, "shortcut": False, "batch_norm": False}),
    "mini-ResNet": ("build_mini", {}),
}
KINDS = {"Conv2D": "Conv2d", "Dense": "Linear", "BatchNormalization": "BatchNorm"}


def answer(framework: str, question: str) -> Any:
    """Answer "networks" or "warp" (both frameworks), "augment" or "resume" (one)."""
    return globals()[f"_{question}"](framework)


def _taught(framework: str) -> dict[str, Any]:
    if framework == "keras":
        import keras

        given = {"keras": keras}
    else:
        import torch

        given = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    return taught.run_tagged_cells(f"{framework}/{CHAPTER}", *TAGS, math=math, **given)


def _networks(_):
    """{network: its parameters in each framework, and the largest difference of their logits with the same weights}."""
    import torch

    in_keras, in_pytorch = (_taught(framework) for framework in ("keras", "pytorch"))
    images = np.random.default_rng(0).random((4, 28, 28), dtype="float32")
    found = {}
    for name, (build, options) in NETWORKS.items():
        one, other = in_keras[build](**options), in_pytorch[build](**options).eval()
        _give_the_same_weights(one, other)
        expected = np.asarray(one(images[..., None], training=False))
        with torch.no_grad():
            logits = other(torch.from_numpy(images)[:, None]).numpy()
        found[name] = {
            "keras": sum(math.prod(weight.shape) for weight in one.trainable_weights),
            "pytorch": sum(weight.numel() for weight in other.parameters()),
            "difference": float(np.abs(logits - expected).max() / np.abs(expected).max()),
            "images differ": float(np.ptp(expected, axis=0).max() / np.abs(expected).max()),
        }
    return found


def _give_the_same_weights(one, other):
    """Fill a Keras network with random weights, and the PyTorch network of the same layers with the same."""
    import torch

    generator = np.random.default_rng(1)
    for kind, partner in KINDS.items():
        # Within a kind both create their layers in the same order; Keras numbers them in their names.
        layers = [layer for layer in one.layers if type(layer).__name__ == kind]
        layers.sort(key=lambda layer: int(layer.name.rpartition("_")[2]) if layer.name[-1].isdigit() else 0)
        modules = [module for module in other.modules() if type(module).__name__.startswith(partner)]
        for layer, module in zip(layers, modules, strict=True):
            weights = [_drawn(generator, weight) for weight in layer.get_weights()]
            layer.set_weights(weights)
            if kind == "BatchNormalization":
                targets = module.weight, module.bias, module.running_mean, module.running_var
            else:
                weights[0] = weights[0].transpose((3, 2, 0, 1) if kind == "Conv2D" else (1, 0))
                targets = [each for each in (module.weight, module.bias) if each is not None]
            with torch.no_grad():
                for target, weight in zip(targets, weights, strict=True):
                    target.copy_(torch.tensor(np.ascontiguousarray(weight)))


def _drawn(generator, weight):
    """Kernels as large as their inputs allow, so that nothing grows from layer to layer; vectors around 1."""
    if weight.ndim == 1:
        return generator.uniform(0.8, 1.2, weight.shape).astype("float32")
    return (generator.normal(size=weight.shape) / math.sqrt(math.prod(weight.shape[:-1]))).astype("float32")


def _warp(_):
    """The largest difference between the images that `warp` returns in both frameworks for the same parameters."""
    import keras
    import torch

    generator = np.random.default_rng(2)
    images = generator.random((16, 28, 28), dtype="float32")
    limits = (0.5, 0.3, 5, 5)
    angle, zoom, across, down = (generator.uniform(-limit, limit, 16).astype("float32") for limit in limits)
    given = angle, 1 + zoom, across, down
    one = _taught("keras")["warp"](images[..., None], *map(keras.ops.convert_to_tensor, given))
    other = _taught("pytorch")["warp"](torch.from_numpy(images)[:, None], *map(torch.from_numpy, given))
    moved = np.asarray(one)[..., 0]
    return {
        "difference": float(np.abs(moved - other[:, 0].numpy()).max()),
        "change": float(np.abs(moved - images).max()),
    }


def _augment(framework):
    """What the augmentations make of 400 copies of one image, as arrays N x 28 x 28, and of copies in evaluation."""
    functions = _taught(framework)
    image = np.linspace(0.2, 1, 784, dtype="float32").reshape(28, 28)
    copies = np.repeat(image[None], 400, axis=0)
    found = {"image": image}
    for name in ("flip", "shift", "move", "erase"):
        if framework == "keras":
            layer = functions[name]()
            found[name] = np.asarray(layer(copies[..., None], training=True))[..., 0]
            found[f"{name}, evaluation"] = np.asarray(layer(copies[:4, ..., None], training=False))[..., 0]
        else:
            import torch

            found[name] = functions[name](torch.from_numpy(copies)[:, None])[:, 0].numpy()
    return found


def _resume(framework):
    """The second epoch of a long training, whole and after its state was kept and brought back: losses and logits."""
    settings = long_run.SETTINGS | {"width": 4, "epochs": 2}
    generator = np.random.default_rng(3)
    images, labels = generator.random((200, 28, 28), dtype="float32"), np.arange(200) % 10
    first, second = orders(1, len(images), 2)
    start = long_run_training.START[framework]
    training = start(settings, 1, images, labels)
    training.epoch(first)
    state = {name: value.copy() for name, value in training.state().items()}
    whole = training.epoch(second), training.logits(images[:20])
    again = start(settings, 2, images, labels)
    again.restore(state)
    return whole, (again.epoch(second), again.logits(images[:20]))
