"""Produces the error messages of docs/side_by_side.md in one framework, for test_side_by_side.py."""

import contextlib

from tests.cases import messages as cases
from tests.frameworks.workers import steps
from tools import side_by_side


def answer(framework: str, name: str) -> dict:
    """Return the message of the wrong code, None if it raises nothing, and the same of the right code.

    "variants" has the messages of the entry's variants in tests/cases/messages.py.
    """
    entry = side_by_side.entries(side_by_side.MESSAGES)[name]
    found = {kind: _message(framework, name, entry.code[framework, kind], kind) for kind in ("wrong", "right")}
    variants = cases.VARIANTS.get(name, [])
    return found | {"variants": [_message(framework, name, code) for code, _ in variants]}


def _message(framework, name, code, kind=None):
    here = {}
    if device := cases.DEVICES.get(name, {}).get(kind):
        assert '"cuda"' in code
        code = code.replace('"cuda"', f'"{device}"')
    with steps.few_images_and_an_empty_folder():
        exec(compile(side_by_side.start_code()[framework], "start", "exec"), here)
        try:
            with contextlib.redirect_stdout(None), _simulated_gpu(name):
                exec(compile(code, "snippet", "exec"), here)
        except Exception as error:
            return f"{_public_name(type(error))}: {error}"
    return None


def _simulated_gpu(name):
    if name not in cases.SIMULATED:
        return contextlib.nullcontext()
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode()


def _public_name(kind):
    """Return the name of an error's class, or of what it is derived from if only the simulation has it."""
    return next(base.__name__ for base in kind.__mro__ if not base.__module__.startswith("torch._subclasses"))
