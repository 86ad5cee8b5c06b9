"""Reads and writes models for test_convert_model.py, in the process of one framework."""

import json
import zipfile
from pathlib import Path

import numpy as np

CLASS = """
from torch import nn
from torch.nn import functional as F

input_shape = (2, 9, 8)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.features = nn.Sequential(nn.LeakyReLU(0.1), nn.Conv2d(4, 6, 3, padding="same", groups=2), nn.AvgPool2d(2))
        self.drop = nn.Dropout(0.5)
        self.hidden = nn.Linear(6 * 2 * 2, 5)
        self.norm_1d = nn.BatchNorm1d(24)
        self.out = nn.Linear(5, 3)

    def forward(self, images):
        maps = self.features(self.norm(self.first(images)))
        return self.out(F.relu(self.hidden(self.norm_1d(self.drop(maps.flatten(1))))))
"""
REFUSED = {
    "branch": "x + self.a(x)",
    "twice": "self.a(self.a(x))",
    "reshape": "self.a(x.reshape(-1, 4))",
    "settings": "F.softplus(self.a(x), beta=2)",
    "condition": "self.a(x) if x.sum() > 0 else x",
}


def answer(framework: str, question: dict):
    """Do what the question's "do" names, in its "folder"."""
    folder = Path(question["folder"])
    if question["do"] in ("read", "write"):
        return _half(framework, question["do"], folder, question.get("arguments", ()))
    return globals()[question["do"]](folder)


def _half(framework, command, folder, arguments):
    from fmnist.convert_model import ConversionError

    if framework == "keras":
        from fmnist import keras_files as half
    else:
        from fmnist import torch_files as half
    try:
        getattr(half, command)(folder, *arguments)
    except ConversionError as error:
        return str(error)
    return None


def keras_models(folder):
    """Save a model with every known kind of layer, in each form, and models that must be refused."""
    import keras
    from keras import layers

    def randomize(model):
        random = np.random.default_rng(0)
        for variable in model.weights:
            positive = variable.name in ("gamma", "moving_variance")
            variable.assign(
                random.uniform(0.5, 1.5, variable.shape) if positive else random.normal(0, 0.3, variable.shape)
            )
        return model

    chain = [
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.Conv2D(4, 3, 2, padding="same", activation="silu"),
        layers.BatchNormalization(momentum=0.8),
        layers.LeakyReLU(),
        layers.Conv2D(6, (3, 2), padding="same", groups=2, use_bias=False, activation="elu"),
        layers.MaxPooling2D((2, 1)),
        layers.SpatialDropout2D(0.2),
        layers.Activation("tanh"),
        layers.AveragePooling2D(2, 1),
        layers.Flatten(),
        layers.LayerNormalization(),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Dense(7, activation="gelu"),
        layers.Dense(5, activation="softplus"),
        layers.ReLU(),
        layers.Dense(3, activation="sigmoid"),
        layers.Softmax(),
    ]
    model = randomize(keras.Sequential([keras.Input((9, 8, 2)), *chain]))
    model.save(folder / "sequential.keras")
    model.save(folder / "old.h5")
    inputs = keras.Input((9, 8, 2))
    outputs = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 2, dilation_rate=2, activation="relu")(inputs))
    randomize(keras.Model(inputs, layers.Dense(3)(outputs))).save(folder / "functional.keras")

    def refuse(name, *inside):
        keras.Sequential([keras.Input((9, 8, 2)), *inside]).save(folder / f"{name}.keras")

    refuse("lambda", layers.Lambda(lambda x: x + 1))
    refuse("unknown", layers.Conv2DTranspose(3, 2))
    refuse("dense_on_maps", layers.Dense(3))
    refuse("same_pool", layers.MaxPooling2D(2, padding="same"))
    x = layers.Conv2D(2, 1)(inputs)
    keras.Model(inputs, layers.Add()([inputs, x])).save(folder / "branch.keras")
    shared = layers.Conv2D(2, 1)
    keras.Model(inputs, shared(shared(inputs))).save(folder / "shared.keras")

    @keras.saving.register_keras_serializable("somebody")
    class Own(layers.Layer):
        def call(self, x):
            return x

    refuse("own", Own())
    _forge(folder / "functional.keras", folder / "foreign.keras")


def _forge(source, target):
    """Copy a model whose first initializer names a class of another module."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "config.json":
                config = json.loads(text)
                layer = config["config"]["layers"][1]["config"]
                layer["kernel_initializer"] = {"module": "os", "class_name": "system", "config": {}}
                text = json.dumps(config).encode()
            new.writestr(name, text)


def torch_models(folder):
    """Save the weights of a class, and networks that must be refused, with the code of each."""
    import torch

    (folder / "network.py").write_text(CLASS, encoding="utf-8")
    here = {}
    exec(CLASS, here)
    model = here["Network"]()
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape) + 0.5 if "running_var" in name else torch.randn(tensor.shape) / 3)
    torch.save(model.state_dict(), folder / "class.pth")
    torch.save(model.state_dict() | {"more": torch.zeros(1)}, folder / "other.pth")
    torch.save([print], folder / "code.pth")
    for name, forward in REFUSED.items():
        code = (
            "from torch import nn\nfrom torch.nn import functional as F\n\ninput_shape = (4,)\n\n\n"
            "class network(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            f"        self.a = nn.Linear(4, 4)\n\n    def forward(self, x):\n        return {forward}\n"
        )
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    (folder / "prelu.py").write_text(
        "from torch import nn\n\ninput_shape = (3, 4)\n"
        "network = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.PReLU())\n",
        encoding="utf-8",
    )
    torch.save(torch.nn.ModuleDict({"a": torch.nn.Linear(4, 4)}).state_dict(), folder / "small.pth")
    prelu = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4), torch.nn.PReLU())
    torch.save(prelu.state_dict(), folder / "prelu.pth")
