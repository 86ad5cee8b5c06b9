"""Where a run's figures, models and records wait until it has succeeded, and how they are put in place or kept."""

import contextlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from fmnist import outputs
from fmnist.files import try_to_write

# Where the results of a run are kept that ran to its end and still could not be saved; git ignores it.
KEPT = "kept.partial"


class NotWritable(OSError):
    """A folder into which a run has to write cannot be written to; the message names it."""


@contextlib.contextmanager
def waiting_room(root: Path, target: Path) -> Iterator[Path]:
    """Give an empty folder in the repository at `root` for what a run saves; it is removed afterwards.

    Raises `NotWritable`, before anything has run, unless files can be made in `root`, in its figures/ and models/, in
    those of a tryout, and in the folder of `target`, the notebook that is to be written.
    """
    folders = [root, root / outputs.TRYOUT]
    for folder in [target.parent, *folders, *(folder / kind for folder in folders for kind in outputs.KINDS)]:
        try:
            if folder.exists():
                try_to_write(folder)
        except OSError as error:
            raise NotWritable(f"the folder {folder} cannot be written to ({error.strerror})") from None
    # Other computers may work in the same folder, and a number means another process there.
    computer = re.sub(r"\W", "", platform.node())
    for left in root.glob(".run-*.partial"):
        number = re.match(rf"\.run-{computer}-(\d+)\.", left.name)
        if number and not psutil.pid_exists(int(number[1])):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    with tempfile.TemporaryDirectory(prefix=f".run-{computer}-{os.getpid()}.", suffix=".partial", dir=root) as folder:
        yield Path(folder)


def files_in(folder: Path) -> list[str]:
    """Return the paths of all files in `folder`, relative to it and with forward slashes."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def put_in_place(files: Mapping[Path, Path]) -> None:
    """Put each file, `files` maps it to its place, there: all of them, or none if an OSError or Ctrl-C comes between.

    Each is first brought beside its place, which may be on another disk, so that what is left to do are renamings.
    """
    fresh: dict[Path, Path] = {}
    old: dict[Path, Path] = {}
    done = []
    try:
        for file, place in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            fresh[place] = place.with_name(f".{place.name}.{os.getpid()}.new.partial")
            shutil.copyfile(file, fresh[place])
        for place in fresh:
            if place.exists():
                old[place] = place.with_name(f".{place.name}.{os.getpid()}.old.partial")
                place.replace(old[place])
            done.append(place)
            fresh[place].replace(place)
    except BaseException:
        for place in done:
            if place not in old:
                place.unlink(missing_ok=True)
        for place, before in old.items():
            if before.exists():
                before.replace(place)
        raise
    finally:
        for path in [*fresh.values(), *old.values()]:
            path.unlink(missing_ok=True)


def keep(waiting: Path, root: Path) -> str:
    """Copy what waits in `waiting` to a folder of `root` that stays until the next such run, and say so."""
    kept = root / KEPT
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(waiting, kept)
    return (
        f"What it made, the notebook with its outputs included, is kept in the folder {KEPT}/ until this happens again."
    )
