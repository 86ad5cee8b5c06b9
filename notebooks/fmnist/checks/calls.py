"""How a student's function is called: with a time limit, and with the line and the case in the message if it fails."""

import contextlib
import dis
import functools
import inspect
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fmnist.checks.answers import Wrong, describe, require, unanswered

PACKAGE = str(Path(__file__).resolve().parents[1])
# What the code of a function does that only returns a constant.
EMPTY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


class TooSlow(BaseException):
    """The student's code has run for too long. No `except Exception` of theirs should catch it."""


def is_empty(function: Any) -> bool:
    """Return whether `function` is a function with nothing in it but a docstring, `pass` or `...`."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= EMPTY and all(value is None or value is ... for value in constants)


def call(function: Callable, *arguments: Any) -> Any:
    """Return what the student's `function` returns, or raise `Wrong` with the line and the case in which it failed."""
    require(callable(function), f"Expected a function, found {describe(function)}.")
    students = [each for each in (*arguments, function) if callable(each)]
    without_result = []
    try:
        result = function(*(_watched(value, without_result) for value in arguments))
    except (Wrong, NotImplementedError):
        raise
    except Exception as error:  # whatever a student's function may raise
        _require_results(without_result)
        lines = str(error).strip().splitlines()
        text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        case = f" This happened in the call {_called(function, arguments)}." if arguments else ""
        raise Wrong(
            f"Your code stopped{where_it_stopped(error, students)} with {_short(text, 150).rstrip('.')}.{case}"
        ) from error
    _require_results(without_result or [function] * (result is None))
    if unanswered(result):
        raise NotImplementedError
    return result


def _watched(value, without_result):
    """Return a function of the student that notes when it returns None; anything else as it is."""
    if not inspect.isfunction(value) or value.__code__.co_filename.startswith(PACKAGE):
        return value

    @functools.wraps(value)
    def watched(*arguments, **options):
        result = value(*arguments, **options)
        if result is None:
            without_result.append(value)
        return result

    return watched


def _require_results(without_result):
    if without_result:
        name = _name(without_result[0])
        raise Wrong(f"{name} returned None. Is there a `return`? Printing a result does not return it.")


def where_it_stopped(error: BaseException, functions: Iterable[Any]) -> str:
    """Return " in line 3 (`the code`)" for the last line that belongs to one of `functions`, or "" if none does."""
    frames = traceback.extract_tb(error.__traceback__)
    for function in functions:
        file = getattr(getattr(function, "__code__", None), "co_filename", PACKAGE)
        own = [frame for frame in frames if frame.filename == file and not file.startswith(PACKAGE)]
        if own:
            return f" in line {own[-1].lineno} (`{_short(own[-1].line or '', 60)}`)"
    return ""


def _name(function):
    name = getattr(function, "__name__", "<lambda>")
    return "Your function" if name == "<lambda>" else f"`{name}`"


def _called(function, arguments):
    name = getattr(function, "__name__", "function").replace("<lambda>", "function")
    return f"{name}({', '.join(_argument(value) for value in arguments)})"


def _argument(value):
    """Say in a few words what a function was called with."""
    if callable(value):
        return getattr(value, "__name__", type(value).__name__).replace("<lambda>", "function")
    shape = getattr(value, "shape", None)
    if shape is not None and len(tuple(shape)) and (np.prod(shape) > 4 or not isinstance(value, np.ndarray)):
        kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
        return f"{'×'.join(str(side) for side in shape)} {kind} array"
    return _short(" ".join(repr(value).split()), 30)


def _short(text, length):
    return text if len(text) <= length else text[: length - 3] + "..."


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` in what computes for longer; where there are no signals (Windows, threads) there is no limit.

    What counts is the time that Python itself computes, so that a busy machine stops nobody, or four times as much in
    all.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    begin, computed = time.perf_counter(), time.thread_time()

    def stop(signal_number, frame):
        if time.thread_time() - computed > 0.9 * seconds or time.perf_counter() - begin > 4 * seconds:
            raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    # Again after each second: an exception is lost if it comes while an object is being removed.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Trained:
    """What a student's function returned, in how many seconds; or the problem that kept it from returning anything."""

    result: Any
    seconds: float
    problem: str | None = None


def timed(function: Callable[[], Any]) -> Trained | None:
    """Call `function`, say how long it took or what went wrong, and return both; None while it is empty.

    For what takes too long to run inside a check. An error in it does not stop the notebook.
    """
    if is_empty(function):
        return None
    begin = time.perf_counter()
    try:
        result, problem = call(function), None
    except NotImplementedError:
        return None
    except Wrong as wrong:
        result, problem = None, str(wrong)
    seconds = time.perf_counter() - begin
    print(problem or f"{seconds:.1f} seconds")
    return Trained(result, seconds, problem)
