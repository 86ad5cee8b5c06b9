"""Where a notebook puts its figures, models and records, so that neither a tryout nor a failed run replaces any.

A run on all images writes to figures/ and models/. A tryout on few images writes to the same folders in tryout/, which
git ignores. `make run` lets either write into a folder aside, which it names in the environment variable FMNIST_OUTPUT,
and puts the files in place when the run has succeeded.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from fmnist import paths
from fmnist.files import atomic_write, try_to_write

VARIABLE = "FMNIST_OUTPUT"
TRYOUT = "tryout"
KINDS = ("figures", "models")
FEWEST = 100  # images: a tenth of them is held out, and each of the ten classes must be among these

_tryout = False
_written: set[Path] = set()


class OutputError(RuntimeError):
    """A folder cannot be written to; the message names it and says what to do."""


def prepare(max_images: int | None) -> None:
    """Choose where this notebook writes: in tryout/ if `max_images` is a number, which is said, else in the repository.

    Raises ValueError for a number that no chapter can work with, and `OutputError` where a folder cannot be written to,
    so that nobody learns it after the training.
    """
    global _tryout
    if max_images is not None and (type(max_images) is not int or max_images < FEWEST):
        raise ValueError(
            f"MAX_IMAGES is {max_images!r}. It must be None (all images) or a whole number of at least {FEWEST}, "
            "written without a comma, such as 2000."
        )
    _tryout = max_images is not None
    for kind in KINDS:
        _make_sure_of(_folder(kind))
    if _tryout:
        print(
            f"MAX_IMAGES is {max_images}, so this is a tryout: figures and models are saved in the folder {TRYOUT}/.\n"
            "The files in figures/ and models/ are not changed."
        )


@contextlib.contextmanager
def saving(kind: str, name: str) -> Iterator[Path]:
    """Give a temporary path for the file `name` of `kind` ("figures" or "models"), which replaces the old file whole.

    The suffix is that of `name`. When the block fails, the old file stays.
    """
    path = _folder(kind) / name
    with atomic_write(path) as temporary:
        yield temporary
    _written.add(path)


def find(kind: str, name: str) -> Path:
    """Return where the file `name` of `kind` is: where this notebook has written it, or else in the repository."""
    own = _folder(kind) / name
    return own if own in _written else paths.ROOT / kind / name


def _folder(kind: str) -> Path:
    """Return the folder into which this notebook writes its "figures", or its "models" with their records."""
    aside = os.environ.get(VARIABLE)
    return (Path(aside) if aside else paths.ROOT) / (TRYOUT if _tryout else "") / kind


def _make_sure_of(path: Path) -> None:
    """Raise `OutputError` unless a file can be made in the folder `path`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        try_to_write(path)
    except OSError as error:
        shown = path.relative_to(paths.ROOT).as_posix() if path.is_relative_to(paths.ROOT) else str(path)
        raise OutputError(
            f"The folder {shown} of the repository cannot be written to ({error.strerror}). This notebook saves its "
            "results there, so it stops now: give your account the right to write there, or free some disk space."
        ) from None
