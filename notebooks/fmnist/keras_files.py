"""The half of fmnist.convert_model that holds Keras: a saved model as a list of layers, and the way back.

Run as a process, it reads or writes one model. What the file says is checked against the layers that are known here
before Keras opens it, so that no code hidden in a file runs: a Lambda or a class of somebody's own is refused by name.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np

from fmnist.convert_model import ACTIVATIONS, ARRAYS, ConversionError, load_layers, random_inputs, save_layers, serve
from fmnist.keras_start import clean_start

with clean_start():
    import keras
    from keras import layers as kl

CONTAINERS = ("Sequential", "Functional", "Model")
KNOWN = {
    "Activation", "AveragePooling2D", "BatchNormalization", "Conv2D", "Dense", "Dropout", "Flatten",
    "GlobalAveragePooling2D", "InputLayer", "LayerNormalization", "LeakyReLU", "MaxPooling2D", "ReLU", "Softmax",
    "SpatialDropout2D", "ZeroPadding2D",
}  # fmt: skip


def read(folder: Path, file: str) -> None:
    """Write the layers, arrays and outputs of a saved model into `folder`."""
    path = Path(file)
    _check(_config(path))
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    shape = model.input_shape
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise ConversionError(f"an input of shape {shape} cannot be converted.")
    chain = _chain(model)
    found, arrays = [{"kind": "input", "shape": list(shape[1:])}], {}
    for layer in chain:
        for entry in _describe(layer):
            found.append(entry)
            for name, _, _ in ARRAYS.get(entry["kind"], ()):
                if (variable := getattr(layer, name)) is not None:
                    arrays[f"{len(found) - 1}.{name}"] = np.asarray(variable)
    if sum(array.size for array in arrays.values()) != model.count_params():
        raise ConversionError("the model has weights that belong to none of its layers.")
    save_layers(folder, found, arrays)
    np.save(folder / "outputs_keras.npy", model.predict(random_inputs(shape[1:]), verbose=0))


def write(folder: Path) -> None:
    """Build the model of `folder`, save it there, and write the outputs of the saved one."""
    found, arrays = load_layers(folder)
    shape = found[0]["shape"]
    built = [_build(entry) for entry in found[1:]]
    model = keras.Sequential([keras.Input(shape), *built])
    for index, layer in enumerate(built, start=1):
        for variable in layer.weights:
            variable.assign(arrays[f"{index}.{variable.name}"])
    model.save(folder / "model.keras")
    loaded = keras.models.load_model(folder / "model.keras")
    np.save(folder / "outputs_keras.npy", loaded.predict(random_inputs(shape), verbose=0))


def _config(path: Path) -> dict:
    """Return the configuration that a file holds, without opening the model."""
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        import h5py

        with h5py.File(path, "r") as file:
            config = file.attrs["model_config"]
        return json.loads(config.decode() if isinstance(config, bytes) else config)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConversionError(f"{path.name} holds no model ({error}).") from None


def _check(config: dict) -> None:
    """Raise ConversionError where a configuration names a class that is not known here."""
    if config.get("class_name") not in CONTAINERS or config.get("registered_name") not in (None, *CONTAINERS):
        raise ConversionError(f"a model of the class {config.get('registered_name') or config.get('class_name')}.")
    inside = config["config"]  # Keras 2 has a list for the oldest Sequential
    unknown = []
    for layer in inside["layers"] if isinstance(inside, dict) else inside:
        settings, module = layer["config"], layer.get("module") or "keras.layers"
        name = settings.get("name")
        if layer["class_name"] not in KNOWN or module != "keras.layers" or layer.get("registered_name"):
            unknown.append(f"{name} ({layer.get('registered_name') or layer['class_name']})")
        elif isinstance(policy := settings.get("dtype"), dict):
            policy = policy["config"].get("name")
            if policy != "float32":
                unknown.append(f"{name} (computes in {policy})")
        activation = settings.get("activation", "linear")
        if activation not in (None, "linear", *ACTIVATIONS):
            unknown.append(f"{name} (activation {activation})")
        if foreign := sorted(_foreign(settings)):
            unknown.append(f"{name} (holds {', '.join(foreign)})")
    if unknown:
        raise ConversionError(f"these layers are not known here: {', '.join(unknown)}.")


def _foreign(value) -> set[str]:
    """Return the names of the objects in a configuration, such as initializers, that are not Keras's own."""
    found = set()
    if isinstance(value, dict):
        if "class_name" in value and (
            value.get("registered_name") or not (value.get("module") or "keras").startswith("keras")
        ):
            found.add(str(value.get("registered_name") or value["class_name"]))
        value = list(value.values())
    if isinstance(value, list):
        for inside in value:
            found |= _foreign(inside)
    return found


def _chain(model) -> list:
    """Return the layers from the input to the output; each must feed the next one, and no other."""
    chain = [layer for layer in model.layers if not isinstance(layer, kl.InputLayer)]
    if isinstance(model, keras.Sequential):
        return chain
    at = model.inputs[0]
    for layer in chain:
        # A layer may have been called elsewhere as well, so it can have several nodes.
        nodes = [node for node in layer._inbound_nodes if len(node.input_tensors) == 1 and node.input_tensors[0] is at]
        if len(model.inputs) > 1 or len(model.outputs) > 1 or not nodes:
            raise ConversionError(f"{layer.name} ({type(layer).__name__}) is not one link of a single chain of layers.")
        at = nodes[0].output_tensors[0]
    if chain and at is not model.outputs[0]:
        raise ConversionError(f"the output is not that of {chain[-1].name}, or this layer is used more than once.")
    return chain


def _describe(layer) -> list[dict]:
    """Return the entries of one layer: padding, the layer, and its activation."""
    kind = type(layer).__name__
    rank = len(layer.input.shape)

    def refuse(why: str):
        raise ConversionError(f"{layer.name} ({kind}) {why}, and that cannot be converted.")

    if getattr(layer, "data_format", "channels_last") != "channels_last":
        refuse("has its channels first")
    if kind == "Dense":
        if rank != 2:
            refuse(f"takes an input with {rank} axes")
        return [{"kind": "dense", "bias": layer.use_bias}, *_activation(layer)]
    if kind == "Conv2D":
        entry = {
            "kind": "conv2d", "kernel": list(layer.kernel_size), "stride": list(layer.strides),
            "padding": layer.padding, "dilation": list(layer.dilation_rate), "groups": layer.groups,
            "bias": layer.use_bias,
        }  # fmt: skip
        if layer.padding == "same" and max(layer.strides) > 1:
            # PyTorch has no such padding, so the rows and columns that Keras adds are written out.
            return [_padding(layer), entry | {"padding": "valid"}, *_activation(layer)]
        return [entry, *_activation(layer)]
    if kind in ("MaxPooling2D", "AveragePooling2D"):
        if layer.padding != "valid":
            refuse("has the padding 'same'")
        name = "max_pool" if kind[0] == "M" else "average_pool"
        return [{"kind": name, "size": list(layer.pool_size), "stride": list(layer.strides)}]
    if kind == "GlobalAveragePooling2D":
        return [{"kind": "global_average_pool", "keep": layer.keepdims}]
    if kind == "ZeroPadding2D":
        return [{"kind": "pad", "widths": [list(width) for width in layer.padding]}]
    if kind == "BatchNormalization":
        axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
        if axis not in (-1, rank - 1) or rank not in (2, 4) or getattr(layer, "renorm", False):
            refuse("does not normalize the last axis of vectors or feature maps")
        if not (layer.center and layer.scale):
            refuse("has no scale or no center")
        return [{"kind": "batch_norm", "epsilon": layer.epsilon, "momentum": layer.momentum}]
    if kind == "LayerNormalization":
        if rank != 2 or layer.gamma is None or layer.beta is None:
            refuse("does not normalize vectors with scale and center")
        return [{"kind": "layer_norm", "epsilon": layer.epsilon}]
    if kind == "Flatten":
        return [{"kind": "flatten"}]
    if kind in ("Dropout", "SpatialDropout2D"):
        if getattr(layer, "noise_shape", None):
            refuse("has a noise_shape")
        return [{"kind": "dropout" if kind == "Dropout" else "dropout_maps", "rate": layer.rate}]
    if kind == "ReLU":
        if layer.max_value is not None or layer.negative_slope or layer.threshold:
            refuse("is not the plain ReLU")
        return [{"kind": "activation", "name": "relu"}]
    if kind == "LeakyReLU":
        return [{"kind": "activation", "name": "leaky_relu", "slope": float(layer.negative_slope)}]
    if kind == "Softmax":
        if layer.axis not in (-1, rank - 1):
            refuse("is not over the last axis")
        return [{"kind": "activation", "name": "softmax"}]
    return _activation(layer)


def _activation(layer) -> list[dict]:
    name = layer.activation.__name__
    if name == "linear":
        return []
    return [{"kind": "activation", "name": name} | ({"slope": 0.2} if name == "leaky_relu" else {})]


def _padding(layer) -> dict:
    """Return what Keras adds to each side of the feature maps of a convolution with stride and padding "same"."""
    widths = []
    for size, kernel, stride, dilation in zip(
        layer.input.shape[1:3], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        widths.append([total // 2, total - total // 2])
    return {"kind": "pad", "widths": widths}


def _build(entry: dict):
    """Return the Keras layer of an entry."""
    kind = entry["kind"]
    if kind == "conv2d":
        filters = entry["filters"]
        options = {"groups": entry["groups"], "dilation_rate": entry["dilation"], "use_bias": entry["bias"]}
        return kl.Conv2D(filters, entry["kernel"], entry["stride"], padding=entry["padding"], **options)
    if kind == "activation":
        leaky = entry["name"] == "leaky_relu"
        return kl.LeakyReLU(negative_slope=entry["slope"]) if leaky else kl.Activation(entry["name"])
    builders = {
        "dense": lambda: kl.Dense(entry["units"], use_bias=entry["bias"]),
        "max_pool": lambda: kl.MaxPooling2D(entry["size"], entry["stride"]),
        "average_pool": lambda: kl.AveragePooling2D(entry["size"], entry["stride"]),
        "global_average_pool": lambda: kl.GlobalAveragePooling2D(keepdims=entry["keep"]),
        "pad": lambda: kl.ZeroPadding2D(tuple(tuple(width) for width in entry["widths"])),
        "flatten": kl.Flatten,
        "dropout": lambda: kl.Dropout(entry["rate"]),
        "dropout_maps": lambda: kl.SpatialDropout2D(entry["rate"]),
        "batch_norm": lambda: kl.BatchNormalization(epsilon=entry["epsilon"], momentum=entry["momentum"]),
        "layer_norm": lambda: kl.LayerNormalization(epsilon=entry["epsilon"]),
    }
    return builders[kind]()


if __name__ == "__main__":
    sys.exit(serve(read, write))
