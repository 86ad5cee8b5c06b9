"""How an answer becomes numbers: NumPy, lists, a framework's tensors, pandas, whatever holds the right ones will do."""

from collections.abc import Iterable, Iterator, KeysView, Sequence, ValuesView
from typing import Any

import numpy as np


class Wrong(Exception):
    """An answer is not right yet; the message is for the student, and does not contain the answer."""


def require(condition: bool, message: str) -> None:
    """Raise `Wrong` with `message` unless `condition` holds."""
    if not condition:
        raise Wrong(message)


def unanswered(answer: Any) -> bool:
    """Return whether `answer` is still the placeholder of the exercise."""
    return answer is ... or answer is None or (isinstance(answer, str) and not answer.strip())


def array(value: Any, shape: Sequence[int] | None = None, what: str = "the answer") -> np.ndarray:
    """Return `value`, an array, a list, a pandas Series or a framework's tensor, as a NumPy array of floats.

    `shape` is what it must have, and `what` is how a message calls it. Lists of tensors will do, too.
    """
    require(not unanswered(value), f"Still missing: {what}.")
    plain = _plain(value)
    if isinstance(plain, list):
        _require_complete(plain, what)
    try:
        found = np.asarray(plain, dtype=float)
    except (TypeError, ValueError):
        if isinstance(plain, list) and len({np.size(row) for row in plain}) > 1:
            raise Wrong(f"Expected {what} as one array, and its rows have different lengths.") from None
        raise Wrong(f"Expected numbers for {what}, found {describe(value)}.") from None
    if shape is not None:
        require(found.shape == tuple(shape), f"Expected {what} in the shape {tuple(shape)}, found {found.shape}.")
    return found


def _plain(value):
    """Return `value` as something that NumPy can turn into an array."""
    if hasattr(value, "detach"):  # a tensor of PyTorch, which may be on a GPU or part of a gradient's computation
        value = value.detach().cpu()
        return value.float() if "bfloat16" in str(getattr(value, "dtype", "")) else value
    if callable(getattr(value, "numpy", None)):  # a tensor of TensorFlow, a variable of Keras
        return value.numpy()
    if isinstance(value, list | tuple | range | Iterator | KeysView | ValuesView):
        return [_within(part) for part in value]
    return value


def _within(part):
    """Return an element of a list as NumPy knows it: several tensors in a list are no array to it."""
    plain = _plain(part)
    return np.asarray(plain) if hasattr(plain, "__array__") else plain


def _require_complete(parts, what):
    """Name the value that is still a placeholder, if one of several is."""
    for i, part in enumerate(parts, start=1):
        require(not unanswered(part), f"Value {i} of {len(parts)} is still missing in {what}.")


def number(value: Any, what: str = "the answer") -> float:
    """Return `value` as a float; whatever holds one number will do."""
    found = array(value, what=what)
    require(found.size == 1, f"Expected one number for {what}, found {found.size}.")
    return float(found.reshape(()))


def whole_number(value: Any, what: str = "the answer") -> int:
    """Return `value` as an int; a float such as 320.0 will do."""
    found = number(value, what)
    require(bool(np.isfinite(found)), f"Expected a whole number for {what}, found {found:g}.")
    require(found == round(found), f"Expected a whole number for {what}, found {found:g}.")
    return round(found)


def describe(value: Any) -> str:
    """Say in a word or two what `value` is, for a message."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def missing(error: Exception, answers: Iterable[Any]) -> str:
    """Say which error came up when `answers` were used, and what may be the matter with them."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0] if lines else ''}"
    kinds = ", ".join(describe(answer) for answer in answers if not callable(answer))
    return f"The check stopped at your answer with {text[:200]}." + (f" Your answer is {kinds[:120]}." if kinds else "")
