"""A folder in which a run's figures, models and records wait until the run has succeeded."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path

import psutil

from fmnist import outputs


class NotWritable(OSError):
    """A folder into which a run has to write cannot be written to; the message names it."""


@contextmanager
def waiting_room(root: Path, target: Path) -> Iterator[Path]:
    """Give an empty folder in the repository at `root`, whose files `put_in_place` moves; it is removed afterwards.

    Raises `NotWritable`, before anything has run, unless files can be made in `root`, in its models/ and figures/, and
    in the folder of `target`, the notebook that is to be written.
    """
    for folder in [target.parent, root, *(root / kind for kind in outputs.KINDS)]:
        if folder.exists():
            try:
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise NotWritable(f"the folder {folder} cannot be written to ({error.strerror})") from None
    for left in root.glob(".run-*.partial"):
        if not psutil.pid_exists(int(left.name.split(".")[1].removeprefix("run-"))):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    with tempfile.TemporaryDirectory(prefix=f".run-{getpid()}.", suffix=".partial", dir=root) as folder:
        yield Path(folder)


def put_in_place(waiting: Path, root: Path) -> None:
    """Move every file below `waiting` to the same place below `root`."""
    for path in [path for path in waiting.rglob("*") if path.is_file()]:
        destination = root / path.relative_to(waiting)
        destination.parent.mkdir(parents=True, exist_ok=True)
        path.replace(destination)
