"""Carry a saved model from one framework to the other: the command `python -m fmnist.convert_model`.

    python -m fmnist.convert_model model.keras                        writes model.pth and model_network.py
    python -m fmnist.convert_model model.pth --network network.py     writes model.keras

A `.keras` file holds the architecture, so the command also writes the PyTorch network as Python code. A `.pth` file is
expected to hold a state dict, so it needs the code: a Python file with a variable `network` that holds an nn.Module (or
a function that returns one), and an `input_shape` such as (1, 28, 28). The command runs this file, so use only code you
trust.

Each framework works in a process of its own (fmnist.keras_files and fmnist.torch_files). The two exchange a list of
layers and their arrays, in Keras's names and axis order. Then both models are run on the same random inputs, and the
file is written only if their outputs agree. What is not supported is refused by name, before anything is written.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fmnist.convert import LAYERS, ConversionError

# Largest difference of the outputs, as a share of the largest output: float32 rounds in another order.
TOLERANCE = 1e-4
INPUTS = 16
# By their names in Keras.
ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "softmax", "softplus", "tanh")
# {kind of layer: for each array its names in Keras and in PyTorch, and PyTorch's axes as Keras has them}
ARRAYS = {
    "dense": LAYERS["Dense"][1],
    "conv2d": LAYERS["Conv2D"][1],
    "batch_norm": LAYERS["BatchNormalization"][1],
    "layer_norm": (("gamma", "weight", (0,)), ("beta", "bias", (0,))),
}
REFUSED = 3  # exit code of a process that names what it does not know


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, convert, say what was written, and return 0; after an error say which, and return 1."""
    parser = argparse.ArgumentParser(prog="python -m fmnist.convert_model", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, help="a model: .keras, .h5 (of an older Keras) or .pth")
    parser.add_argument("--to", type=Path, help="where to write; by default beside FILE, with the other suffix")
    parser.add_argument("--network", help="for a .pth: FILE.py or FILE.py:NAME with the PyTorch network")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    options = parser.parse_args(arguments)
    try:
        written, difference = convert_file(options.file, options.to, options.network, options.force)
    except ConversionError as error:
        print(f"Not converted: {error}", file=sys.stderr)
        return 1
    print(f"Both models give the same outputs for {INPUTS} random inputs (largest difference {difference:.1e}).")
    print("Written: " + ", ".join(map(str, written)))
    return 0


def convert_file(
    file: Path, to: Path | None = None, network: str | None = None, force: bool = False
) -> tuple[list[Path], float]:
    """Convert a saved model; return what was written, and the largest difference of the outputs.

    Raises ConversionError where the file is not a model that both frameworks can build, where the outputs differ, and
    where a file is in the way and `force` is off.
    """
    sides = {
        ".keras": ("keras", "torch", ".pth"),
        ".h5": ("keras", "torch", ".pth"),
        ".pth": ("torch", "keras", ".keras"),
    }
    if file.suffix not in sides:
        raise ConversionError(f"{file.name} is none of {', '.join(sides)}.")
    if not file.is_file():
        raise ConversionError(f"{file} is no file.")
    source, target, suffix = sides[file.suffix]
    if source == "torch" and network is None:
        raise ConversionError(
            f"{file.name} is read as a state dict: name the code of its network with --network FILE.py."
        )
    to = to or file.with_suffix(suffix)
    if to.suffix != suffix:
        raise ConversionError(f"{to.name} must end in {suffix}.")
    outputs = [to] + ([to.with_name(f"{to.stem}_network.py")] if target == "torch" else [])
    if not force and (there := [path for path in outputs if path.exists()]):
        raise ConversionError(f"{there[0]} exists: give --force to replace it, or another name with --to.")
    with tempfile.TemporaryDirectory() as folder:
        exchange = Path(folder)
        _ask(source, "read", exchange, file.absolute(), *([network] if network else []))
        _ask(target, "write", exchange)
        results = [np.load(exchange / f"outputs_{side}.npy") for side in (source, target)]
        difference = largest_difference(*results)
        for path, made in zip(outputs, ("model" + suffix, "network.py"), strict=False):
            shutil.copyfile(exchange / made, path)
    return outputs, difference


def largest_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference of two models' outputs; raise ConversionError where they do not agree."""
    if one.shape != other.shape:
        raise ConversionError(f"the outputs have shapes {one.shape} and {other.shape}.")
    difference, size = float(np.abs(one - other).max()), float(np.abs(one).max())
    if not difference <= TOLERANCE * size:  # NaN too
        raise ConversionError(f"the outputs differ by {difference:.1e}, and the largest one is {size:.1e}.")
    return difference


def random_inputs(shape: list[int]) -> np.ndarray:
    """Return INPUTS random arrays of this shape, the channels last, in float32."""
    return np.random.default_rng(0).normal(size=(INPUTS, *shape)).astype("float32")


def save_layers(folder: Path, layers: list[dict], arrays: dict[str, np.ndarray]) -> None:
    """Write a list of layers and the arrays "INDEX.NAME" for the other process."""
    (folder / "layers.json").write_text(json.dumps(layers), encoding="utf-8")
    np.savez(folder / "arrays.npz", **arrays)


def load_layers(folder: Path) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Return what `save_layers` wrote."""
    with np.load(folder / "arrays.npz") as arrays:
        return json.loads((folder / "layers.json").read_text(encoding="utf-8")), dict(arrays)


def serve(read, write) -> int:
    """Run the command of one framework's process: `read FOLDER FILE [NETWORK]` or `write FOLDER`."""
    command, folder, *rest = sys.argv[1:]
    try:
        (read if command == "read" else write)(Path(folder), *rest)
    except ConversionError as error:
        print(error)
        return REFUSED
    return 0


def _ask(side: str, command: str, folder: Path, *arguments) -> None:
    """Run a process with one framework; raise what it refuses."""
    package = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    line = [sys.executable, "-m", f"fmnist.{side}_files", command, str(folder), *map(str, arguments)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    if done.returncode == REFUSED:
        raise ConversionError(done.stdout.strip())
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"the process with {side} ended with code {done.returncode}"]
        raise ConversionError(lines[-1])


if __name__ == "__main__":
    sys.exit(main())
