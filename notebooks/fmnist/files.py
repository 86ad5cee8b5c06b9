"""Files that are either old or new, and never half written."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def try_to_write(folder: Path) -> None:
    """Raise OSError unless a file can be made in `folder`; what the system says of rights is not always true."""
    path = folder / f".try.{os.getpid()}.partial"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
    path.unlink()


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path to write to; when the block succeeds, that file takes the place of `path` in one step.

    The temporary path lies beside `path` and has the same suffix. Any process that reads `path` finds the old file or
    the whole new one, even when the block is interrupted. Missing folders are made.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
