"""The frameworks start quietly, and both work in one process."""

import json
import os

import pytest

from tests.helpers import run_python

pytestmark = pytest.mark.slow


def test_both_frameworks_work_in_one_process(workers):
    """After the import cell of the comparison, an optimizer of each, which crashed elsewhere.

    The fixture sees to it that the process then ends without a crash, which happened, too.
    """
    assert workers.ask("both", "start") == pytest.approx([0.001, 0.001], rel=1e-3)


ASKING = """
import json, os
from fmnist.keras_start import clean_start
with clean_start():
    import keras
    import tensorflow as tf
    tf.constant(0)
layer = keras.layers.Conv2D(2, 3)
found = layer(keras.ops.zeros((1, 28, 28, 1)))
config = keras.config
print(json.dumps([
    config.backend(), config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy().name,
    keras.backend.standardize_dtype(found.dtype), list(found.shape), os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
]))
"""


@pytest.mark.parametrize(
    ("text", "variables", "onednn"),
    [
        (None, {}, "1"),
        ('{"floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first"}', {}, "1"),
        ('{"backend": "torch"}', {"KERAS_BACKEND": "torch", "TF_ENABLE_ONEDNN_OPTS": "0"}, "0"),
        ('{"floatx": "float12"}', {"KERAS_HOME": "elsewhere"}, "1"),
        ("this is no JSON", {}, "1"),
    ],
)
def test_keras_starts_quietly_and_the_same_whatever_the_user_has_set(tmp_path, text, variables, onednn):
    """With a keras.json in the home folder, or where KERAS_HOME says, and with variables that speak against it."""
    home = tmp_path / variables.get("KERAS_HOME", ".keras")
    if text:
        home.mkdir()
        (home / "keras.json").write_text(text)
    names = ("KERAS_BACKEND", "KERAS_HOME", "TF_ENABLE_ONEDNN_OPTS")
    environment = {name: value for name, value in os.environ.items() if name not in names} | variables
    environment |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    start = run_python("-c", ASKING, env=environment, cwd=tmp_path)
    assert (start.returncode, start.stderr) == (0, "")
    shape = [1, 26, 26, 2]
    assert json.loads(start.stdout) == [
        "tensorflow", "float32", 1e-7, "channels_last", "float32", "float32", shape, onednn,
    ]  # fmt: skip
    if text:
        assert (home / "keras.json").read_text() == text
