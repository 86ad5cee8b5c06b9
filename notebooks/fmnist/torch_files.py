"""The half of fmnist.convert_model that holds PyTorch: a network and its weights as a list of layers, and the way back.

Run as a process, it reads or writes one model.
"""

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import torch
from torch import fx, nn

from fmnist.convert import flattened_order, is_mixed
from fmnist.convert_model import ARRAYS, ConversionError, load_layers, random_inputs, save_layers, serve

NAMES = {
    "elu": nn.ELU, "gelu": nn.GELU, "leaky_relu": nn.LeakyReLU, "relu": nn.ReLU, "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU, "softmax": nn.Softmax, "softplus": nn.Softplus, "tanh": nn.Tanh,
}  # fmt: skip
FUNCTIONS = {"flatten", "relu", "tanh", "sigmoid", "silu", "softplus"}


def read(folder: Path, file: str, network: str) -> None:
    """Write the layers, arrays and outputs of a network with the weights of `file` into `folder`."""
    model, shape = _network(network)
    try:
        model.load_state_dict(torch.load(file, weights_only=True, map_location="cpu"))
    except (pickle.UnpicklingError, RuntimeError, AttributeError, TypeError) as error:
        raise ConversionError(f"{Path(file).name} does not hold the weights of {network}: {error}") from None
    model.eval().float()
    last = shape[1:] + shape[:1] if len(shape) == 3 else shape
    traced = _traced(model)
    shapes = _shapes(traced, shape)
    found, arrays = [{"kind": "input", "shape": last}], {}
    flattened = None
    for name, module in _chain(traced):
        before = shapes.get(name)
        for entry in _describe(name, module, before):
            found.append(entry)
            if entry["kind"] == "flatten" and len(before or ()) == 4:
                flattened = np.argsort(flattened_order((*before[2:], before[1])))
            for keras_name, torch_name, axes in ARRAYS.get(entry["kind"], ()):
                if (tensor := getattr(module, torch_name)) is not None:
                    array = tensor.detach().numpy().transpose(axes)
                    mixed = flattened is not None and is_mixed(entry["kind"] == "conv2d", keras_name)
                    arrays[f"{len(found) - 1}.{keras_name}"] = array[flattened] if mixed else array
            if entry["kind"] == "dense":
                flattened = None
    save_layers(folder, found, arrays)
    np.save(folder / "outputs_torch.npy", _outputs(model, random_inputs(last)))


def write(folder: Path) -> None:
    """Build the network of `folder`, save its weights and its code there, and write the outputs of what was saved."""
    found, arrays = load_layers(folder)
    shape = found[0]["shape"]
    shape = shape[-1:] + shape[:-1] if len(shape) == 3 else shape
    lines, modules, tensors = [], [], {}
    x, flattened = torch.zeros(2, *shape), None
    for index, entry in enumerate(found[1:], start=1):
        if entry["kind"] == "flatten" and x.ndim == 4:
            flattened = flattened_order((*x.shape[2:], x.shape[1]))
        for line in _code(entry, x, arrays.get(f"{index}.kernel")):
            module = eval(line, {"nn": nn})
            modules.append(module)
            lines.append(line)
            for keras_name, torch_name, axes in ARRAYS.get(entry["kind"], ()):
                if (array := arrays.get(f"{index}.{keras_name}")) is not None:
                    if flattened is not None and is_mixed(entry["kind"] == "conv2d", keras_name):
                        array = array[flattened]
                    array = array.transpose(np.argsort(axes)).copy()
                    tensors[f"{len(modules) - 1}.{torch_name}"] = torch.from_numpy(array)
            with torch.inference_mode():
                x = module.eval()(x)
        if entry["kind"] == "dense":
            flattened = None
    code = "\n".join(f"    {line}," for line in lines)
    head = '"""The network whose weights python -m fmnist.convert_model has written."""\n\nfrom torch import nn\n'
    text = f"{head}\ninput_shape = {tuple(shape)}\nnetwork = nn.Sequential(\n{code}\n)\n"
    (folder / "network.py").write_text(text, encoding="utf-8")
    torch.save(tensors, folder / "model.pth")
    model, _ = _network(str(folder / "network.py"))
    missing = model.load_state_dict(torch.load(folder / "model.pth", weights_only=True), strict=False)
    if missing.unexpected_keys or any(not key.endswith("num_batches_tracked") for key in missing.missing_keys):
        raise ConversionError(f"weights are missing or left over: {missing}.")
    torch.save(model.state_dict(), folder / "model.pth")
    np.save(folder / "outputs_torch.npy", _outputs(model, random_inputs(found[0]["shape"])))


def _network(network: str) -> tuple[nn.Module, list[int]]:
    """Return the module and the input's shape that a Python file defines; FILE.py:NAME names the module."""
    path, _, name = network.rpartition(":") if network.rpartition(":")[0].endswith(".py") else (network, "", "network")
    if not Path(path).is_file():
        raise ConversionError(f"{path} is no file.")
    spec = importlib.util.spec_from_file_location("network_to_convert", path)
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    for needed in (name, "input_shape"):
        if not hasattr(code, needed):
            raise ConversionError(f"{Path(path).name} defines no {needed}.")
    model = getattr(code, name)
    return model if isinstance(model, nn.Module) else model(), list(code.input_shape)


def _traced(model: nn.Module) -> fx.GraphModule:
    """Return the module with the graph of its computation."""
    try:
        return fx.symbolic_trace(model)
    except Exception as error:  # whatever the user's forward does with what is not a tensor
        raise ConversionError(f"the forward method cannot be followed: {error}") from None


def _chain(traced: fx.GraphModule) -> list[tuple[str, nn.Module]]:
    """Return the modules in the order in which the input goes through them; it must be a single chain."""
    at, chain = None, []
    for node in traced.graph.nodes:
        name = getattr(node.target, "__name__", str(node.target))
        if node.op == "placeholder" and at is None:
            at = node
            continue
        if node.op == "output":
            if node.args[0] is not at:
                raise ConversionError("the output is not that of the last layer.")
            continue
        if node.op == "call_module":
            module = traced.get_submodule(name)
        elif node.op in ("call_function", "call_method") and name in FUNCTIONS:
            module = nn.Flatten() if name == "flatten" else NAMES[name]()
            if name != "flatten" and (len(node.args) > 1 or node.kwargs.keys() - {"inplace"}):
                raise ConversionError(f"{node.name} ({name}) has settings that are not known here.")
            if name == "flatten" and (*node.args[1:], *node.kwargs.values()) not in ((1,), (1, -1)):
                raise ConversionError(f"{node.name}: flatten must begin at axis 1.")
        else:
            raise ConversionError(f"{node.name} ({name}) is not known here.")
        if node.args[0] is not at or name in dict(chain):
            raise ConversionError(f"{node.name} ({name}) is not one link of a single chain of layers.")
        at = node
        chain.append((name if node.op == "call_module" else node.name, module))
    return chain


def _shapes(traced: fx.GraphModule, shape: list[int]) -> dict[str, tuple[int, ...]]:
    """Return the shape of the input of every step of the chain, by its name."""
    found = {}

    class Noting(fx.Interpreter):
        def run_node(self, node):
            if node.op in ("call_module", "call_function", "call_method"):
                name = node.target if node.op == "call_module" else node.name
                found[name] = tuple(self.env[node.args[0]].shape)
            return super().run_node(node)

    try:
        with torch.inference_mode():
            Noting(traced).run(torch.zeros(2, *shape))
    except RuntimeError as error:
        raise ConversionError(f"inputs of shape {tuple(shape)} do not fit: {str(error).splitlines()[0]}") from None
    return found


def _describe(name: str, module: nn.Module, shape: tuple[int, ...]) -> list[dict]:
    """Return the entries of one module, whose input has this shape."""
    kind, rank = type(module).__name__, len(shape)

    def pair(value):
        return [value, value] if isinstance(value, int) else list(value)

    def need(condition: bool, why: str):
        if not condition:
            raise ConversionError(f"{name} ({kind}) {why}, and that cannot be converted.")

    for activation, type_ in NAMES.items():
        if type(module) is type_:
            plain = {"gelu": "approximate='none'", "elu": "alpha=1.0", "softplus": "beta=1.0, threshold=20.0"}
            need(plain.get(activation, "") in repr(module) or module.extra_repr() == "", "has other settings")
            need(activation != "softmax" or module.dim == 1 or (module.dim == -1 and rank == 2), "has another axis")
            slope = {"slope": module.negative_slope} if activation == "leaky_relu" else {}
            return [{"kind": "activation", "name": activation} | slope]
    if isinstance(module, nn.utils.parametrize.ParametrizationList) or hasattr(module, "parametrizations"):
        need(False, "has parametrized weights")
    if kind == "Identity":
        return []
    if kind == "Linear":
        need(rank == 2, f"takes an input with {rank} axes")
        return [{"kind": "dense", "units": module.out_features, "bias": module.bias is not None}]
    if kind == "Conv2d":
        need(module.padding_mode == "zeros", f"pads by {module.padding_mode!r}")
        entry = {
            "kind": "conv2d", "filters": module.out_channels, "kernel": pair(module.kernel_size),
            "stride": pair(module.stride), "dilation": pair(module.dilation), "groups": module.groups,
            "bias": module.bias is not None,
        }  # fmt: skip
        if isinstance(module.padding, str):
            return [entry | {"padding": module.padding}]
        widths = [[width, width] for width in pair(module.padding)]
        padding = [{"kind": "pad", "widths": widths}] if any(module.padding) else []
        return [*padding, entry | {"padding": "valid"}]
    if kind in ("MaxPool2d", "AvgPool2d"):
        plain = (
            pair(module.padding) == [0, 0] and not module.ceil_mode and pair(getattr(module, "dilation", 1)) == [1, 1]
        )
        need(plain and not getattr(module, "divisor_override", None), "has padding, dilation or another rounding")
        pool = "max_pool" if kind[0] == "M" else "average_pool"
        return [{"kind": pool, "size": pair(module.kernel_size), "stride": pair(module.stride)}]
    if kind == "AdaptiveAvgPool2d":
        need(module.output_size in (1, (1, 1)), "gives more than one value for each channel")
        return [{"kind": "global_average_pool", "keep": True}]
    if kind == "ZeroPad2d":
        left, right, top, bottom = module.padding
        return [{"kind": "pad", "widths": [[top, bottom], [left, right]]}]
    if kind in ("BatchNorm1d", "BatchNorm2d"):
        need(module.affine and module.track_running_stats and module.momentum is not None, "lacks scale or statistics")
        need(rank in (2, 4), f"takes an input with {rank} axes")
        return [{"kind": "batch_norm", "epsilon": module.eps, "momentum": 1 - module.momentum}]
    if kind == "LayerNorm":
        need(rank == 2 and module.elementwise_affine and module.bias is not None, "is not over vectors, with bias")
        return [{"kind": "layer_norm", "epsilon": module.eps}]
    if kind == "Flatten":
        need((module.start_dim, module.end_dim) == (1, -1), "does not flatten all axes")
        return [{"kind": "flatten"}]
    if kind in ("Dropout", "Dropout2d"):
        return [{"kind": "dropout" if kind == "Dropout" else "dropout_maps", "rate": module.p}]
    raise ConversionError(f"this layer is not known here: {name} ({kind}).")


def _code(entry: dict, x: torch.Tensor, kernel: np.ndarray | None) -> list[str]:
    """Return the modules of an entry as Python code; `x` is what comes in."""
    kind = entry["kind"]

    def pair(value):
        return str(value[0]) if value[0] == value[1] else str(tuple(value))

    if kind == "dense":
        bias = "" if entry["bias"] else ", bias=False"
        return [f"nn.Linear({kernel.shape[0]}, {kernel.shape[1]}{bias})"]
    if kind == "conv2d":
        options = {
            "stride": pair(entry["stride"]), "padding": repr(entry["padding"]), "dilation": pair(entry["dilation"]),
            "groups": str(entry["groups"]), "bias": str(entry["bias"]),
        }  # fmt: skip
        plain = {"stride": "1", "padding": "'valid'", "dilation": "1", "groups": "1", "bias": "True"}
        rest = "".join(f", {name}={value}" for name, value in options.items() if value != plain[name])
        return [f"nn.Conv2d({x.shape[1]}, {kernel.shape[3]}, {pair(entry['kernel'])}{rest})".replace("'", '"')]
    if kind == "activation":
        given = {"softmax": "dim=1", "leaky_relu": repr(entry.get("slope"))}
        return [f"nn.{NAMES[entry['name']].__name__}({given.get(entry['name'], '')})"]
    if kind == "batch_norm":
        maps = 2 if x.ndim == 4 else 1
        momentum = round(1 - entry["momentum"], 12)
        return [f"nn.BatchNorm{maps}d({x.shape[1]}, eps={entry['epsilon']!r}, momentum={momentum!r})"]
    if kind == "global_average_pool":
        return ["nn.AdaptiveAvgPool2d(1)"] + ([] if entry["keep"] else ["nn.Flatten()"])
    if kind == "pad":
        (top, bottom), (left, right) = entry["widths"]
        return [f"nn.ZeroPad2d(({left}, {right}, {top}, {bottom}))"]
    if kind in ("max_pool", "average_pool"):
        name = "MaxPool2d" if kind == "max_pool" else "AvgPool2d"
        stride = "" if entry["stride"] == entry["size"] else f", stride={pair(entry['stride'])}"
        return [f"nn.{name}({pair(entry['size'])}{stride})"]
    return {
        "flatten": ["nn.Flatten()"],
        "dropout": [f"nn.Dropout({entry.get('rate')})"],
        "dropout_maps": [f"nn.Dropout2d({entry.get('rate')})"],
        "layer_norm": [f"nn.LayerNorm({x.shape[1]}, eps={entry.get('epsilon')!r})"],
    }[kind]


def _outputs(model: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """Return what the model computes, in Keras's layout; `inputs` have the channels last."""
    x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(inputs, -1, 1) if inputs.ndim == 4 else inputs))
    with torch.inference_mode():
        found = model.eval()(x).numpy()
    if found.ndim == 4:
        return np.moveaxis(found, 1, -1)
    return found


if __name__ == "__main__":
    sys.exit(serve(read, write))
