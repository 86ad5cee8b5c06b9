"""What every check of an exercise has in common: how it speaks, and what it does with no answer or a broken one.

A check is a function that takes answers, raises `Wrong` by calling `require`, and returns one sentence about what was
learned. The decorator `check` makes of it a function that prints a line or two and returns whether the answer is right.
It also stores that in its attribute `passed`, so that the cells that use an answer can wait until it is right.
How an answer becomes numbers is in `answers.py`, how a student's function is called in `calls.py`.
"""

import functools
import inspect
import os
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from fmnist.checks.answers import Wrong, array, describe, missing, number, require, unanswered, whole_number
from fmnist.checks.calls import TooSlow, call, is_empty, time_limit, where_it_stopped

__all__ = [
    "CheckFailed", "Wrong", "array", "both", "call", "check", "compare", "describe", "number", "require", "same",
    "slack", "whole_number",
]  # fmt: skip

LIMIT = 30  # seconds after which a check stops the student's code


class CheckFailed(AssertionError):
    """Raised in place of printing where nbgrader validates or grades: it counts a cell without an error as right."""


def check(
    function: Callable[..., str] | None = None, *, given: Sequence[str] = ()
) -> Callable[..., bool] | Callable[[Callable[..., str]], Callable[..., bool]]:
    """Make a check that prints its verdict and returns True, or False when the answer is wrong or missing.

    `given` names the parameters that are code and data of the notebook. All others are answers, and are called as the
    students call them, so that a message can name the one that is missing.
    """
    if function is None:
        return functools.partial(check, given=given)

    @functools.wraps(function)
    def checked(*values, **options):
        text, checked.passed = _verdict(function, given, values, options)
        # nbgrader sets this to what it is doing, "validate" or "autograde", and the kernel inherits it.
        if not checked.passed and os.environ.get("NBGRADER_EXECUTION"):
            raise CheckFailed(text)
        print(textwrap.fill(text, 100, break_on_hyphens=False))
        return checked.passed

    checked.is_check, checked.passed = True, False
    checked.answers = [name for name in inspect.signature(function).parameters if name not in given]
    return checked


def _verdict(function, given, values, options):
    """Return what is to be said about the answers, and whether they are right."""
    parameters = inspect.signature(function).bind(*values, **options).arguments
    answers = {name: value for name, value in parameters.items() if name not in given and name not in options}
    open_ones = [name for name, value in answers.items() if unanswered(value) or is_empty(value)]
    if len(open_ones) == len(answers):
        return "Not answered yet.", False
    if open_ones:
        return f"Not yet. Still missing: {', '.join(f'`{name}`' for name in open_ones)}.", False
    try:
        with time_limit(LIMIT):
            return f"Right. {function(*values, **options)}", True
    except Wrong as wrong:
        return f"Not yet. {wrong}", False
    except NotImplementedError:
        return "Not answered yet.", False
    except TooSlow as slow:
        where = where_it_stopped(slow, answers.values())
        return f"Not yet. Your code was stopped after {LIMIT:g} seconds{where}. Does its loop end?", False
    except Exception as error:  # whatever an answer may raise when it is used
        return f"Not yet. {missing(error, answers.values())}", False


def compare(
    found: ArrayLike, expected: ArrayLike, slips: list[tuple[ArrayLike, str]], otherwise: str, tolerance: float = 1e-6
) -> None:
    """Do nothing if `found` is `expected`; else raise the message of the slip that gives `found`, or `otherwise`.

    `slips` is a list of (value, message). Values that are not of the same shape are not equal. A slip that is as near
    as the right answer says nothing, since the right answer is looked for first.
    """
    if same(found, expected, tolerance):
        return
    for value, message in slips:
        require(not same(found, value, tolerance), message)
    require(
        bool(np.all(np.isfinite(np.asarray(found, dtype=float)))),
        "There are values that are not numbers (nan or inf). Is something divided by 0, or a logarithm taken of 0?",
    )
    raise Wrong(otherwise)


def same(one: ArrayLike, other: ArrayLike, tolerance: float = 1e-6) -> bool:
    """Return whether two arrays have the same shape and nowhere differ by more than `tolerance`."""
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=0, atol=tolerance)


def slack(found: ArrayLike, least: int = 2, most: int = 4) -> float:
    """Return the tolerance that fits the decimals with which `found` was written, from `least` to `most` of them."""
    for digits in range(least, most):
        if same(found, np.round(found, digits), 1e-9):
            return 0.51 * 10**-digits
    return 0.51 * 10**-most


def both(expected: float, found: float, digits: int = 4) -> str:
    """Return "expected …, found …", with as many decimals as it takes to see that the two are different."""
    while digits < 12 and f"{expected:.{digits}f}" == f"{found:.{digits}f}":
        digits += 1
    return f"expected {expected:.{digits}f}, found {found:.{digits}f}"
