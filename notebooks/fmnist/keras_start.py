"""A start of Keras that is the same on every machine. Importing this module imports no framework."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from fmnist.quiet import quiet_start


@contextlib.contextmanager
def clean_start() -> Iterator[None]:
    """Import Keras and TensorFlow in the `with` block: quietly, and with the same settings on every machine.

    TensorFlow does the computing, in float32 and with the channels last, whatever the user's keras.json or the
    environment says. oneDNN, which TensorFlow switches on by itself only on processors with AVX-512 VNNI, is on unless
    TF_ENABLE_ONEDNN_OPTS=0 forbids it. On two cores and with AVX2 instructions only, it makes an epoch of chapter 01's
    CNN 1.5 times as fast (12.1 and 8.2 s) and one of a small residual network 1.4 times (58 and 43 s; best of three).
    What Keras itself downloads afterwards goes into a temporary folder, and not into the one in the user's home.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Of what TensorFlow logs later, the errors: it warns of large arrays, and that oneDNN leaves out float64.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    home = os.environ.get("KERAS_HOME")
    # Keras reads keras.json once, when it is imported; in an empty folder it finds none.
    with tempfile.TemporaryDirectory() as empty:
        os.environ["KERAS_HOME"] = empty
        try:
            with quiet_start():
                yield
        finally:
            del os.environ["KERAS_HOME"]
            if home is not None:
                os.environ["KERAS_HOME"] = home
