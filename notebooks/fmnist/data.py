"""Fashion-MNIST as NumPy arrays: verified before it is read, repaired where it can be, and split once for all.

Source: H. Xiao, K. Rasul, R. Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv:1708.07747. The repository carries the four files; the network is used only when one is at fault.
"""

import hashlib
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import paths

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
SPLIT_SEED = 42

# The last mirror speaks plain HTTP. That is safe here: no byte is used before its file's SHA-256 has been found right.
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)

KINDS = {2051: "images", 2049: "labels"}  # by the magic number with which a file begins

# MNIST's files bear the same names and have the same format: these are the MD5 sums of its four.
MNIST_MD5 = {
    "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """One published file: its kind is "images" or "labels", `count` is how many of them it holds."""

    name: str
    kind: str
    count: int
    bytes: int
    sha256: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array that the file holds."""
        return (self.count, 28, 28) if self.kind == "images" else (self.count,)

    @property
    def header(self) -> int:
        """The bytes before the values: the magic number, then four bytes for each dimension."""
        return 4 + 4 * len(self.shape)


FILES = (
    File("train-images-idx3-ubyte.gz", "images", 60_000, 26_421_880,
         "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    File("train-labels-idx1-ubyte.gz", "labels", 60_000, 29_515,
         "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    File("t10k-images-idx3-ubyte.gz", "images", 10_000, 4_422_102,
         "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    File("t10k-labels-idx1-ubyte.gz", "labels", 10_000, 5_148,
         "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)  # fmt: skip


class DataError(RuntimeError):
    """The data cannot be used; the message names each file at fault, the fault, what was tried and what to do."""


def load(
    folder: str | os.PathLike | None = None, mirrors: Sequence[str] = MIRRORS
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return `(train_images, train_labels), (test_images, test_labels)`.

    Images are uint8, 60,000 x 28 x 28 for training and 10,000 x 28 x 28 for testing; labels are uint8, 60,000 and
    10,000, and index `CLASS_NAMES`. The arrays are writable and the caller's own.

    `folder` holds the four gzip files (default: data/FashionMNIST/raw). The SHA-256 of each is checked on every call.
    A file at fault is downloaded from the first of `mirrors` that has it, and replaced only by a verified one.
    Raises `DataError` where that fails; a file that cannot be opened is never replaced.
    """
    train_images, train_labels, test_images, test_labels = (
        np.frombuffer(zlib.decompress(content, wbits=31), np.uint8, offset=file.header).reshape(file.shape).copy()
        for file, content in _verified(folder, mirrors).items()
    )
    return (train_images, train_labels), (test_images, test_labels)


def verify(folder: str | os.PathLike | None = None, mirrors: Sequence[str] = MIRRORS) -> str:
    """Check the four files as `load` does, repairing or raising `DataError` likewise, and return a line saying so."""
    return f"{len(_verified(folder, mirrors))} files verified by SHA-256: the very ones that Zalando Research published"


@contextmanager
def torchvision_root() -> Iterator[Path]:
    """Give a temporary folder in which `torchvision.datasets.FashionMNIST(root)` finds the four verified files.

    torchvision unpacks them beside the originals and from then on reads what it has unpacked, 55 MB, without a check.
    In a folder of its own, removed after the block, the unpacked files are always fresh, and data/ may be read-only.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "FashionMNIST", "raw")
        raw.mkdir(parents=True)
        for file, content in _verified(None, MIRRORS).items():
            (raw / file.name).write_bytes(content)
        yield Path(folder)


def split(labels: np.ndarray, validation: int = 6000, seed: int = SPLIT_SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return `(train_index, validation_index)`: int64 indices into `labels`, disjoint, every class in proportion.

    Of the 60,000 training labels the default holds out 6,000, which are 600 of each class. The indices depend on
    nothing but the arguments, so that both frameworks learn from the same images and are judged on the same.
    Of no more than `validation` labels (a fast run on a subset) a tenth is held out.
    """
    # Its import takes a second, which whoever only reads or checks the files need not wait for.
    from sklearn.model_selection import train_test_split

    held_out = validation if validation < len(labels) else len(labels) // 10
    indices = np.arange(len(labels), dtype=np.int64)
    return tuple(train_test_split(indices, test_size=held_out, stratify=labels, random_state=seed))


def _verified(folder: str | os.PathLike | None, mirrors: Sequence[str]) -> dict[File, bytes]:
    """Return the verified bytes of each of `FILES`, having repaired what could be repaired."""
    folder = paths.DATA / "FashionMNIST" / "raw" if folder is None else Path(folder)
    contents, faults, closed = _inspect(folder)
    tried = "Nothing was downloaded."
    # What cannot be opened may be good and is the user's to release. The load fails in any case, so nothing is fetched.
    if faults and not closed:
        tried = _repair(folder, mirrors)
        contents, faults, closed = _inspect(folder)
    if faults:
        listed = "\n".join(f"- {_display(folder / file.name)} {fault}" for file, fault in faults.items())
        raise DataError(f"Fashion-MNIST cannot be loaded.\n{listed}\n{tried}\nWhat to do: {_advice(folder, closed)}")
    return contents


def _inspect(folder: Path) -> tuple[dict[File, bytes], dict[File, str], bool]:
    """Return the bytes of each sound file, the fault of each other one in words, and whether one cannot be opened."""
    contents, faults, closed = {}, {}, False
    for file in FILES:
        path = folder / file.name
        try:
            # Of a pipe, reading would never end.
            if path.exists() and not path.is_file():
                faults[file] = f"is {'a folder' if path.is_dir() else 'a device or a pipe'}, not a file; move it away"
                closed = True
                continue
            content = path.read_bytes()
        except FileNotFoundError:
            faults[file] = "is missing"
        except OSError as error:
            faults[file] = f"cannot be opened ({error.strerror}); allow this account to read it, or move it away"
            closed = True
        else:
            if hashlib.sha256(content).hexdigest() == file.sha256:
                contents[file] = content
            else:
                faults[file] = _diagnose(file, content)
    return contents, faults, closed


def _repair(folder: Path, mirrors: Sequence[str]) -> str:
    """Download each file that is at fault in `folder`, and say in words what was tried."""
    # Imported only here, so that sound files load quickly, and without the packages for downloads.
    try:
        from . import download
    except ImportError as error:
        return f"Nothing was downloaded, because the package {error.name} is not installed."

    sources = download.Mirrors(mirrors, _diagnose)
    tried = "Nothing was downloaded."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with download.alone(folder):
            # Once more, because another process may have repaired them, or somebody closed them, in the meantime.
            _, faults, closed = _inspect(folder)
            for file, fault in ({} if closed else faults).items():
                print(f"{_display(folder / file.name)} {fault}; downloading it", file=sys.stderr)
                tried = f"Tried to download {file.name}:"
                sources.download(file, folder)
                tried = f"Downloaded and verified {file.name}; another program, or a failing disk, changed it since."
    except download.DownloadError as error:
        return f"{tried}\n{error}"
    except OSError as error:
        return f"{tried}\n- the folder {_display(folder)} cannot be written to ({error.strerror or error})"
    return tried


def _advice(folder: Path, closed: bool) -> str:
    """Say what the reader can do; `closed` tells that a file cannot be opened."""
    if closed:
        return "make what cannot be opened readable, or move it away. Then load again: what is missing is downloaded."
    restore = (
        "run `git checkout HEAD -- data/FashionMNIST` in the repository, or "
        if paths.DATA in _real(folder).parents
        else ""
    )
    return (
        f"{restore}download the named files by hand from "
        f"https://github.com/zalandoresearch/fashion-mnist (its folder data/fashion) into {_display(folder)}."
    )


def _diagnose(file: File, data: bytes) -> str:
    """Say in words what is wrong with `data`, which is not the published content of `file`."""
    if not data:
        return "is empty"
    if data[:2] != b"\x1f\x8b":
        return "is not a gzip file" + (" but a web page (HTML or XML)" if data.lstrip()[:1] == b"<" else "")
    if hashlib.md5(data, usedforsecurity=False).hexdigest() in MNIST_MD5:
        return "holds the digits of MNIST, not Fashion-MNIST"
    size = file.header + int(np.prod(file.shape))
    unpacker = zlib.decompressobj(wbits=31)
    try:
        # One byte beyond the right size tells that there is more, however much a hostile file would unpack to.
        content = unpacker.decompress(data, size + 1)
    except zlib.error:
        return "is damaged: its gzip data cannot be unpacked"

    # The header comes before the length: another whole or partial file under this name is best called by its kind.
    if len(content) >= 8:
        magic, count = struct.unpack(">II", content[:8])
        if magic not in KINDS:
            return f"holds neither images nor labels: its magic number {magic} is wrong"
        if KINDS[magic] != file.kind:
            return f"holds {KINDS[magic]}, not {file.kind}: the files of images and of labels are swapped"
        if count != file.count:
            swapped = any((known.kind, known.count) == (file.kind, count) for known in FILES)
            hint = ": the files for training and testing are swapped" if swapped else ""
            return f"holds {count:,} {file.kind}, not {file.count:,}{hint}"
    if file.kind == "images" and len(content) >= 16 and (side := struct.unpack(">II", content[8:16])) != (28, 28):
        return f"holds images of {side[0]} x {side[1]} pixels, not 28 x 28"
    if len(content) <= size and not unpacker.eof:
        return f"is truncated: its gzip data ends early, after {len(data):,} bytes (published: {file.bytes:,})"
    if len(content) != size:
        return f"is altered: it unpacks to {'more' if len(content) > size else 'fewer'} than {size:,} bytes"

    values = np.frombuffer(content, np.uint8, offset=file.header)
    if file.kind == "labels":
        if values.max() >= len(CLASS_NAMES):
            return f"holds a label of {values.max()}, outside 0 to {len(CLASS_NAMES) - 1}"
        if np.ptp(np.bincount(values, minlength=len(CLASS_NAMES))) > 0:
            return "holds classes of unequal size, as the digits of MNIST are; those of Fashion-MNIST are equal"
    elif (black := (values == 0).mean()) > 0.65:
        return f"looks like the digits of MNIST: {black:.0%} of its pixels are black (MNIST: 81%, Fashion-MNIST: 50%)"
    return "is altered: it can be read, but its SHA-256 is not the published one"


def _display(path: Path) -> str:
    """Name `path` from the repository's root where it lies in it, and otherwise as it was given."""
    return _real(path).relative_to(paths.ROOT).as_posix() if _real(path).is_relative_to(paths.ROOT) else str(path)


def _real(path: Path) -> Path:
    """Return `path` without symbolic links; unlike `Path.resolve`, it also bears links that lead in a circle."""
    return Path(os.path.realpath(path))
