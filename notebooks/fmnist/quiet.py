"""A quiet start for TensorFlow, whose C++ side writes log lines that no Python setting reaches."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Hide what is written to standard error in the `with` block, unless the block fails.

    TensorFlow reports on oneDNN, CUDA drivers and CPU instructions while it loads, before its log level can be set,
    so the file descriptor itself is turned aside. After an exception everything that was held back is shown.
    """
    # In Jupyter sys.stderr is not a file: descriptor 2 is where compiled code writes.
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
