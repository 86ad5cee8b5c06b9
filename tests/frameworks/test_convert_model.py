"""`python -m fmnist.convert_model` carries saved models over, and refuses by name what it does not know."""

import os

import numpy as np
import pytest

from fmnist import convert_model
from tests.helpers import NOTEBOOKS, ROOT, run_python

pytestmark = pytest.mark.slow


def half(workers, framework, command, folder, *arguments):
    question = {"do": command, "folder": str(folder), "arguments": [str(argument) for argument in arguments]}
    return workers.ask(framework, "convert_model", question)


def there(workers, folder, source, *arguments):
    """Carry a model over in the two processes, and return how far the outputs differ."""
    order = ("keras", "pytorch") if source == "keras" else ("pytorch", "keras")
    assert half(workers, order[0], "read", folder, *arguments) is None
    assert half(workers, order[1], "write", folder) is None
    outputs = [np.load(folder / f"outputs_{side}.npy") for side in ("keras", "torch")]
    assert outputs[0].std(axis=0).min() > 1e-4  # the inputs matter
    return convert_model.largest_difference(*outputs)


@pytest.fixture(scope="module")
def saved(tmp_path_factory, workers):
    folder = tmp_path_factory.mktemp("saved")
    workers.ask("keras", "convert_model", {"do": "keras_models", "folder": str(folder)})
    workers.ask("pytorch", "convert_model", {"do": "torch_models", "folder": str(folder)})
    return folder


@pytest.mark.parametrize("name", ["sequential.keras", "old.h5", "functional.keras"])
def test_there_and_back_again(name, saved, workers, tmp_path):
    assert there(workers, tmp_path, "keras", saved / name) < 1e-4
    first = np.load(tmp_path / "outputs_keras.npy")
    back = tmp_path / "back"
    back.mkdir()
    assert there(workers, back, "pytorch", tmp_path / "model.pth", tmp_path / "network.py") < 1e-4
    np.testing.assert_allclose(np.load(back / "outputs_keras.npy"), first, rtol=1e-4, atol=1e-5)


def test_a_class_with_a_forward_method(saved, workers, tmp_path):
    assert there(workers, tmp_path, "pytorch", saved / "class.pth", f"{saved / 'network.py'}:Network") < 1e-4


@pytest.mark.parametrize("name", ["01_dense", "01_cnn", "02_regularized", "05_searched"])
def test_the_committed_models(name, workers, tmp_path):
    there(workers, tmp_path, "keras", ROOT / "models" / f"{name}_keras.keras")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lambda", "(Lambda)"),
        ("unknown", "(Conv2DTranspose)"),
        ("own", "(somebody>Own)"),
        ("foreign", "(holds system)"),
        ("dense_on_maps", "takes an input with 4 axes"),
        ("same_pool", "padding 'same'"),
        ("branch", "(Add)"),
        ("shared", "used more than once"),
    ],
)
def test_a_keras_model_that_is_not_known_is_refused_by_name(name, said, saved, workers, tmp_path):
    assert said in half(workers, "keras", "read", tmp_path, saved / f"{name}.keras")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("weights", "network", "said"),
    [
        ("small", "branch", "add"),
        ("small", "twice", "single chain"),
        ("small", "reshape", "reshape"),
        ("small", "settings", "softplus"),
        ("small", "condition", "cannot be followed"),
        ("prelu", "prelu", "(PReLU)"),
        ("other", "network.py:Network", "more"),
        ("code", "network.py:Network", "does not hold the weights"),
    ],
)
def test_a_pytorch_network_that_is_not_known_is_refused_by_name(weights, network, said, saved, workers, tmp_path):
    code = saved / (network if ":" in network else f"{network}.py")
    assert said in half(workers, "pytorch", "read", tmp_path, saved / f"{weights}.pth", code)
    assert not list(tmp_path.iterdir())


def test_the_command(saved, tmp_path):
    """In two processes of its own; it replaces nothing without --force."""
    command = ["-m", "fmnist.convert_model", str(saved / "functional.keras"), "--to", str(tmp_path / "new.pth")]
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(NOTEBOOKS)}}
    done = run_python(*command, **options)
    assert done.returncode == 0, done.stderr
    assert "same outputs" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"new.pth", "new_network.py"}
    again = run_python(*command, **options)
    assert again.returncode == 1 and "new.pth exists" in again.stderr


def test_outputs_that_differ_are_refused():
    ones = np.ones((2, 3))
    assert convert_model.largest_difference(ones, ones) == 0
    for other in (ones * 1.01, ones * np.nan, np.ones((2, 4))):
        with pytest.raises(convert_model.ConversionError):
            convert_model.largest_difference(ones, other)
