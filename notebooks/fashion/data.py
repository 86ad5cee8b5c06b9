"""Fashion-MNIST as NumPy arrays: verified before it is read, repaired where it can be, and split once for all.

Source: H. Xiao, K. Rasul, R. Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv:1708.07747. The repository carries the four files; the network is used only when one is at fault.
"""

import hashlib
import ssl
import struct
import sys
import urllib.error
import urllib.request
import zlib
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from uuid import uuid4

import numpy as np
from sklearn.model_selection import train_test_split
from tqdm import tqdm

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

# Seconds that a mirror has to answer, and then to send more. With every mirror silent, a load gives up after 15 s.
TIMEOUT = 5

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
    def shape(self):
        """The shape of the array that the file holds."""
        return (self.count, 28, 28) if self.kind == "images" else (self.count,)

    @property
    def header(self):
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


def load(folder=None, mirrors=MIRRORS):
    """Return `(train_images, train_labels), (test_images, test_labels)`.

    Images are uint8, 60,000 x 28 x 28 for training and 10,000 x 28 x 28 for testing; labels are uint8, 60,000 and
    10,000, and index `CLASS_NAMES`. The arrays are writable and the caller's own.

    `folder` holds the four gzip files (default: data/FashionMNIST/raw). The SHA-256 of each is checked on every call.
    A file at fault is downloaded from the first of `mirrors` that has it, and replaced only by a verified one.
    Raises `DataError` where that fails; a file that cannot be opened is never replaced.
    """
    train_images, train_labels, test_images, test_labels = (
        np.frombuffer(zlib.decompress(content, wbits=31), np.uint8, offset=file.header).reshape(file.shape).copy()
        for file, content in _verified(folder, mirrors)
    )
    return (train_images, train_labels), (test_images, test_labels)


def verify(folder=None, mirrors=MIRRORS):
    """Check the four files as `load` does, repairing or raising `DataError` likewise, and return a line saying so."""
    return f"{len(_verified(folder, mirrors))} files verified by SHA-256: the very ones that Zalando Research published"


def split(labels, validation=6000, seed=SPLIT_SEED):
    """Return `(train_index, validation_index)`: int64 indices into `labels`, disjoint, every class in proportion.

    Of the 60,000 training labels the default holds out 6,000, which are 600 of each class. The indices depend on
    nothing but the arguments, so that both frameworks learn from the same images and are judged on the same.
    Of no more than `validation` labels (a fast run on a subset) a tenth is held out.
    """
    held_out = validation if validation < len(labels) else len(labels) // 10
    indices = np.arange(len(labels), dtype=np.int64)
    return tuple(train_test_split(indices, test_size=held_out, stratify=labels, random_state=seed))


def _verified(folder, mirrors):
    """Return a list of (file, its verified bytes), having repaired what could be repaired."""
    folder = paths.DATA / "FashionMNIST" / "raw" if folder is None else Path(folder)
    contents, faults, unreachable, closed = {}, {}, {}, False
    for file in FILES:
        try:
            contents[file] = (folder / file.name).read_bytes()
        except FileNotFoundError:
            faults[file] = "is missing"
        except OSError as error:
            faults[file] = f"cannot be opened ({error.strerror}); allow this account to read it, or move it away"
            closed = True
        else:
            if hashlib.sha256(contents[file]).hexdigest() != file.sha256:
                faults[file] = _diagnose(file, contents[file])

    # What cannot be opened may be good and is the user's to release. The load fails in any case, so nothing is fetched.
    tried = "Nothing was downloaded."
    for file, fault in ({} if closed else dict(faults)).items():
        print(f"{_display(folder / file.name)} {fault}; downloading it", file=sys.stderr)
        try:
            contents[file] = _repair(file, folder / file.name, mirrors, unreachable)
        except DataError as error:
            tried = f"Tried to download {file.name}:\n{error}"
            break
        del faults[file]

    if faults:
        listed = "\n".join(f"- {_display(folder / file.name)} {fault}" for file, fault in faults.items())
        restore = "run `git checkout -- data` in the repository, or " if paths.DATA in folder.resolve().parents else ""
        raise DataError(
            f"Fashion-MNIST cannot be loaded.\n{listed}\n{tried}\n"
            f"What to do: {restore}download the named files by hand from "
            f"https://github.com/zalandoresearch/fashion-mnist (its folder data/fashion) into {_display(folder)}."
        )
    return [(file, contents[file]) for file in FILES]


def _diagnose(file, data):
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


def _repair(file, path, mirrors, unreachable):
    """Put the published file at `path` and return its bytes, or raise `DataError` with one line for each failure.

    `unreachable` maps a host that did not answer to the reason; such a host is not asked again, and new ones are added.
    """
    # The name is new each time, so that two processes never write into one file.
    temporary = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")
    failures = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What a killed download left goes; where another process is still at it, that one writes its file anew below.
        for leftover in path.parent.glob(f"{path.name}.*.part"):
            leftover.unlink(missing_ok=True)
        # A folder that cannot be written to is noticed before the download, not after it.
        temporary.touch()
        for mirror in mirrors:
            host = mirror.partition("://")[2].partition("/")[0]
            try:
                if host in unreachable:
                    raise DataError(unreachable[host])
                data = _fetch(f"{mirror.rstrip('/')}/{file.name}", file)
            except DataError as error:
                failures.append(f"- {host} {error}")
            except (OSError, HTTPException, ValueError) as error:
                failures.append(f"- {host} {unreachable.setdefault(host, _explain(error))}")
            else:
                temporary.write_bytes(data)
                temporary.replace(path)
                return data
    except OSError as error:
        raise DataError(f"- the folder {_display(path.parent)} cannot be written to ({error.strerror})") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    raise DataError("\n".join(failures) or "- there is no mirror to download from")


def _fetch(url, file):
    """Return what `url` sends, verified, or raise `DataError` saying what else it sent."""
    data = bytearray()
    with tqdm(total=file.bytes, desc=file.name, unit="B", unit_scale=True, leave=False) as bar, _open(url) as response:
        while chunk := response.read(1 << 16):
            data += chunk
            bar.update(len(chunk))
            if len(data) > file.bytes:
                raise DataError(f"sent more than the {file.bytes:,} bytes of the published file")
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise DataError(f"sent a file that {_diagnose(file, data)}")
    return data


def _open(url):
    """Open `url` within `TIMEOUT` seconds in all; a host that answers with an error status raises `DataError`.

    A socket's own timeout leaves out the look-up of the name and begins anew for each of a host's addresses; hence the
    thread. It is a daemon: one that is stuck must not keep the interpreter from ending.
    """
    outcome = SimpleQueue()

    def work():
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "fashion-mnist-keras-and-pytorch"})
            outcome.put(urllib.request.urlopen(request, timeout=TIMEOUT))
        except urllib.error.HTTPError as error:
            error.close()
            outcome.put(DataError(f"answered with HTTP status {error.code}"))
        except Exception as error:
            outcome.put(error)

    Thread(target=work, daemon=True).start()
    try:
        response = outcome.get(timeout=TIMEOUT)
    except Empty:
        raise TimeoutError from None
    if isinstance(response, Exception):
        raise response
    return response


def _explain(error):
    """Say in words why a host could not be used."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"did not answer, or stopped sending, for {TIMEOUT} s"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"has a certificate that this Python cannot verify ({cause.verify_message})"
    return f"could not be reached ({getattr(cause, 'strerror', None) or cause or type(cause).__name__})"


def _display(path):
    """Name `path` from the repository's root where it lies in it, and otherwise as it was given."""
    return paths.relative(path) if Path(path).resolve().is_relative_to(paths.ROOT) else str(path)
