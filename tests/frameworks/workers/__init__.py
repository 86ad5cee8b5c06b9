"""Processes that each hold one framework, or both, and answer one question of the tests after another.

pytest's own process imports neither framework, and to start one for every question would take most of the suite's time.
A question goes to a module of this package by its name: its function `answer(framework, question)` is called in the
process, and what it returns comes back. Questions and answers are what pickle can carry.
"""

import contextlib
import faulthandler
import importlib
import multiprocessing
import os
import random
import sys
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# The name of a process: its framework, and environment variables that are read when a framework starts.
KINDS = {
    "keras": ("keras", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
    "keras without oneDNN": ("keras", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    "pytorch": ("pytorch", {}),
    "both": ("both", {}),
    "none": ("none", {}),
}
SPAWN = multiprocessing.get_context("spawn")


class Workers:
    """The processes of a session of tests, by their kind; each starts with its first question."""

    def __init__(self):
        self._running: dict[str, tuple[SPAWN.Process, Connection]] = {}

    def ask(self, kind: str, module: str, question: Any = None, timeout: float = 300) -> Any:
        """Return what `module` answers in the process of this kind.

        Raises AssertionError with the traceback if the answer raised something, and if the process ended or was still
        busy after `timeout` seconds; the next question then starts it anew. What it wrote is in pytest's report.
        """
        _, connection = self._running.get(kind) or self._start(kind)
        try:
            connection.send((module, question))
            if not connection.poll(timeout):
                self._discard(kind, kill=True)
                raise AssertionError(f"{module} did not answer within {timeout} seconds.")
            answer, error = connection.recv()
        except (EOFError, OSError):
            code = self._discard(kind)
            raise AssertionError(f"The process with {kind} ended with exit code {code} while {module} ran.") from None
        if error:
            raise AssertionError(f"{module} failed in the process with {kind}:\n{error}")
        return answer

    def close(self) -> dict[str, int]:
        """Let every process end by itself, and return their exit codes by kind; 0 is a clean end."""
        for _, connection in self._running.values():
            with contextlib.suppress(OSError):
                connection.send(None)
        return {kind: self._discard(kind) for kind in list(self._running)}

    def _start(self, kind: str) -> tuple[SPAWN.Process, Connection]:
        ours, theirs = SPAWN.Pipe()
        process = SPAWN.Process(target=_serve, args=(theirs, *KINDS[kind]), daemon=True)
        process.start()
        theirs.close()
        self._running[kind] = process, ours
        return process, ours

    def _discard(self, kind: str, kill: bool = False) -> int:
        """Forget the process and return its exit code; it is ended if it does not end by itself."""
        process, connection = self._running.pop(kind)
        connection.close()
        if kill:
            process.kill()
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode


def _serve(connection: Connection, framework: str, environment: dict[str, str]) -> None:
    """Answer what comes through `connection` until None comes."""
    faulthandler.enable()  # a crash in compiled code then shows where
    os.environ.update(environment, MPLBACKEND="agg")
    try:
        _import(framework)
    except BaseException:
        traceback.print_exc()
        raise
    while asked := connection.recv():
        module, question = asked
        try:
            with _left_as_found():
                found = importlib.import_module(f"{__name__}.{module}").answer(framework, question)
            connection.send((found, None))
        except Exception:
            connection.send((None, traceback.format_exc()))


def _import(framework: str) -> None:
    if framework == "both":
        from tests.helpers import import_cell

        exec(compile(import_cell(), "the import cell of keras_vs_pytorch.ipynb", "exec"), {})
    elif framework == "keras":
        from fmnist.keras_start import clean_start

        with clean_start():
            import keras  # noqa: F401
    elif framework == "pytorch":
        import torch  # noqa: F401


@contextlib.contextmanager
def _left_as_found() -> Iterator[None]:
    """Begin with fixed seeds, and undo what a question does to the settings of the process."""
    with contextlib.ExitStack() as undo:
        undo.callback(os.chdir, Path.cwd())
        environment = dict(os.environ)
        undo.callback(lambda: (os.environ.clear(), os.environ.update(environment)))
        random.seed(0)
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed(0)
        if torch := sys.modules.get("torch"):
            torch.manual_seed(0)
            undo.callback(torch.set_default_dtype, torch.get_default_dtype())
            undo.callback(torch.set_num_threads, torch.get_num_threads())
            undo.callback(torch.set_grad_enabled, torch.is_grad_enabled())
        if keras := sys.modules.get("keras"):
            keras.utils.set_random_seed(0)
            undo.callback(keras.config.set_floatx, keras.config.floatx())
            undo.callback(keras.config.set_dtype_policy, keras.config.dtype_policy())
        yield
