"""Produces the error messages of docs/side_by_side.md in one framework, for test_side_by_side.py."""

import contextlib
import os
import tempfile
from pathlib import Path
from unittest import mock

from fmnist import data
from tests.cases import messages as cases
from tests.frameworks.workers import steps
from tools import side_by_side


def answer(framework: str, name: str) -> dict:
    """Return the message of the wrong code, None if it raises nothing, and the same of the right code.

    "variants" has the messages of the entry's variants in tests/cases/messages.py.
    """
    entry = {entry.anchor: entry for entry in side_by_side.read(side_by_side.MESSAGES).entries}[name]
    found = {kind: _message(framework, name, entry.code[framework, kind], kind) for kind in ("wrong", "right")}
    variants = cases.VARIANTS.get(name, [])
    return found | {"variants": [_message(framework, name, code) for code, _ in variants]}


def _message(framework, name, code, kind=None):
    here = {}
    if device := cases.DEVICES.get(name, {}).get(kind):
        assert '"cuda"' in code
        code = code.replace('"cuda"', f'"{device}"')
    few_split = mock.patch.object(data, "split", lambda labels: steps.SPLIT(labels, validation=200))
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, few_split, mock.patch.object(data, "load", steps.few_images):
        os.chdir(folder)
        exec(compile(side_by_side.start_code()[framework], "start", "exec"), here)
        try:
            with contextlib.redirect_stdout(None), _simulated_gpu(name):
                exec(compile(code, "snippet", "exec"), here)
        except Exception as error:
            return f"{_public_name(type(error))}: {error}"
        finally:
            os.chdir(home)
    return None


def _simulated_gpu(name):
    if name not in cases.SIMULATED:
        return contextlib.nullcontext()
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode()


def _public_name(kind):
    """Return the name of an error's class, or of what it is derived from if only the simulation has it."""
    return next(base.__name__ for base in kind.__mro__ if not base.__module__.startswith("torch._subclasses"))
