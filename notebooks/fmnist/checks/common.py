"""What every check of an exercise has in common: how it speaks, and what it does with no answer or a broken one.

A check is a function that takes an answer, raises `Wrong` by calling `require`, and returns one sentence about what was
learned. The decorator `check` makes of it a function that prints a line or two and returns whether the answer is right.
"""

import functools
import os
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


class Wrong(Exception):
    """An answer is not right yet; the message is for the student, and does not contain the answer."""


class CheckFailed(AssertionError):
    """Raised in place of printing where nbgrader validates or grades: it counts a cell without an error as right."""


def require(condition: bool, message: str) -> None:
    """Raise `Wrong` with `message` unless `condition` holds."""
    if not condition:
        raise Wrong(message)


def check(function: Callable[..., str]) -> Callable[..., bool]:
    """Make a check that prints its verdict and returns True, or False when the answer is wrong or missing."""

    @functools.wraps(function)
    def checked(*answers, **options):
        text, right = _verdict(function, answers, options)
        # nbgrader sets this to what it is doing, "validate" or "autograde", and the kernel inherits it.
        if not right and os.environ.get("NBGRADER_EXECUTION"):
            raise CheckFailed(text)
        print(textwrap.fill(text, 100))
        return right

    checked.is_check = True
    return checked


def _verdict(function, answers, options):
    """Return what is to be said about the answers, and whether they are right."""
    try:
        if any(unanswered(answer) for answer in answers):
            return "Not answered yet.", False
        return f"Right. {function(*answers, **options)}", True
    except Wrong as wrong:
        return f"Not yet. {wrong}", False
    except NotImplementedError:
        return "Not answered yet.", False
    except Exception as error:  # whatever a student's function may raise
        return f"Not yet. Your code stopped with {type(error).__name__}: {error}", False


def unanswered(answer: Any) -> bool:
    """Return whether `answer` is still the placeholder of the exercise."""
    return answer is ... or answer is None or (isinstance(answer, str) and not answer.strip())


def call(function: Callable, *arguments: Any) -> Any:
    """Return what the student's `function` returns, as it is; nothing returned counts as not answered."""
    require(callable(function), f"Expected a function, found {describe(function)}.")
    result = function(*arguments)
    if unanswered(result):
        raise NotImplementedError
    return result


def array(value: Any, shape: Sequence[int] | None = None, what: str = "the answer") -> np.ndarray:
    """Return `value`, an array, a list or a framework's tensor, as a NumPy array; `shape` is what it must have."""
    value = value.detach().cpu() if hasattr(value, "detach") else value
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"Expected numbers for {what}, found {describe(value)}.") from None
    if shape is not None:
        require(found.shape == tuple(shape), f"Expected {what} in the shape {tuple(shape)}, found {found.shape}.")
    return found


def number(value: Any, what: str = "the answer") -> float:
    """Return `value` as a float; whatever holds one number will do."""
    found = array(value, what=what)
    require(found.size == 1, f"Expected one number for {what}, found {found.size}.")
    return float(found.reshape(()))


def whole_number(value: Any, what: str = "the answer") -> int:
    """Return `value` as an int; a float such as 320.0 will do."""
    found = number(value, what)
    require(found == round(found), f"Expected a whole number for {what}, found {found:g}.")
    return round(found)


def compare(
    found: ArrayLike, expected: ArrayLike, slips: list[tuple[ArrayLike, str]], otherwise: str, tolerance: float = 1e-6
) -> None:
    """Do nothing if `found` is `expected`; else raise the message of the slip that gives `found`, or `otherwise`.

    `slips` is a list of (value, message). Values that are not of the same shape are not equal.
    """
    if same(found, expected, tolerance):
        return
    for value, message in slips:
        require(not same(found, value, tolerance), message)
    raise Wrong(otherwise)


def same(one: ArrayLike, other: ArrayLike, tolerance: float = 1e-6) -> bool:
    """Return whether two arrays have the same shape and nowhere differ by more than `tolerance`."""
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=0, atol=tolerance)


def describe(value: Any) -> str:
    """Say in a word or two what `value` is, for a message."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
