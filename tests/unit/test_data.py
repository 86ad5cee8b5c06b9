"""Reading, verifying, repairing and splitting Fashion-MNIST; nothing here leaves this machine."""

import errno
import gzip
import hashlib
import io
import itertools
import json
import os
import queue
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pooch
import pytest
from filelock import FileLock
from sklearn.datasets import load_digits

import fmnist
from fmnist import data, download, paths
from tests.helpers import NOTEBOOKS, ROOT

RAW = paths.DATA / "FashionMNIST" / "raw"
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
# Written down a second time on purpose: bytes, MD5 (as in Zalando's README and in torchvision), SHA-256.
PUBLISHED = {
    TRAIN_IMAGES: (
        26_421_880,
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    TRAIN_LABELS: (
        29_515,
        "25c81989df183df01b3e8a0aad5dffbe",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    TEST_IMAGES: (
        4_422_102,
        "bef4ecab320f06d8554ea6380940ec79",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    TEST_LABELS: (
        5_148,
        "bb300cfdad3c16e7a12a480ee83cd310",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}


def idx(array, magic=None):
    """The IDX file of a uint8 array: its header and its values."""
    magic = 2048 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.astype(np.uint8).tobytes()


def packed(array, magic=None):
    return gzip.compress(idx(array, magic), mtime=0)


def images(count, side=28, seed=0):
    """Noise, half of it black, as in Fashion-MNIST."""
    generator = np.random.default_rng(seed)
    return generator.integers(1, 256, (count, side, side)) * generator.integers(0, 2, (count, side, side))


def labels(count):
    return np.arange(count) % 10


def digits(count):
    """Handwritten digits laid out as MNIST's are, and their labels; about 83 % of the pixels are black."""
    source = load_digits()
    enlarged = np.pad(np.kron(source.images * 15, np.ones((1, 2, 2))), ((0, 0), (6, 6), (6, 6)))
    return enlarged[np.arange(count) % len(enlarged)], source.target[np.arange(count) % len(enlarged)]


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def refused(folder, mirrors=(), **more):
    """The message with which `load` refuses the folder; the folder must be as before."""
    before = contents(folder)
    with pytest.raises(data.DataError) as caught:
        data.load(folder, mirrors, **more)
    assert contents(folder) == before
    return str(caught.value)


def line_of(name, message):
    """The one line of the list of faults that is about `name`."""
    (line,) = [line for line in message.splitlines() if line.startswith("- ") and name in line]
    return line


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """A proxy of the machine must not stand between a test and its own server."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder of four small sound files, which `data.FILES` is made to expect."""
    folder = tmp_path / "raw"
    folder.mkdir()
    arrays = [images(20), labels(20), images(10, seed=1), labels(10)]
    files = []
    for name, array in zip(NAMES, arrays, strict=True):
        body = packed(array)
        (folder / name).write_bytes(body)
        kind = "images" if array.ndim == 3 else "labels"
        files.append(data.File(name, kind, len(array), len(body), hashlib.sha256(body).hexdigest()))
    monkeypatch.setattr(data, "FILES", tuple(files))
    return folder


@pytest.fixture
def real(tmp_path):
    """A copy of the repository's files, to be damaged."""
    return Path(shutil.copytree(RAW, tmp_path / "raw"))


@pytest.fixture(scope="module")
def loaded():
    return data.load()


@contextmanager
def mirror(answers, status=200, length=None, pause=None, delay=0, headers=()):
    """A mirror on this machine that serves `answers` (name to body) and keeps a list of what it was asked for.

    A body that is not bytes is sent piece by piece, without an announced length. After a body, `pause` is waited for.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            asked.append(name)
            if name not in answers:
                self.send_error(404)
                return
            time.sleep(delay)
            body = answers[name]
            self.send_response(status)
            for header in headers:
                self.send_header(*header)
            if isinstance(body, bytes):
                self.send_header("Content-Length", str(length or len(body)))
                body = [body]
            self.end_headers()
            try:
                for piece in body:
                    self.wfile.write(piece)
                self.wfile.flush()
                if pause:
                    pause.wait(10)
            except OSError:
                pass  # a client may hang up on a body that is too long

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data/", asked
    finally:
        if pause:
            pause.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def dead():
    """Addresses of this machine at which nobody listens."""
    sockets = [socket.socket() for _ in range(3)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"http://127.0.0.1:{each.getsockname()[1]}/" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


@pytest.fixture
def opened(monkeypatch):
    """The list of addresses that pooch was told to download."""
    urls, retrieve = [], pooch.retrieve
    monkeypatch.setattr(pooch, "retrieve", lambda url, *rest, **more: urls.append(url) or retrieve(url, *rest, **more))
    return urls


@contextmanager
def silent_host():
    """The address of a host that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.fixture
def silent_names(monkeypatch):
    """A name service that does not answer before the test is over."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **more: over.wait(60))
    yield
    over.set()


# The files of the repository


@pytest.mark.parametrize("name", NAMES)
def test_the_repository_carries_the_published_files(name):
    size, md5, sha256 = PUBLISHED[name]
    body = (RAW / name).read_bytes()
    assert len(body) == size
    assert hashlib.md5(body, usedforsecurity=False).hexdigest() == md5
    assert hashlib.sha256(body).hexdigest() == sha256


def test_the_loader_expects_the_published_files():
    assert {file.name: (file.bytes, file.sha256) for file in data.FILES} == {
        name: (size, sha256) for name, (size, _, sha256) in PUBLISHED.items()
    }


def test_the_readme_gives_the_published_sizes_and_sums():
    text = (paths.DATA / "README.md").read_text(encoding="utf-8")
    for name, (size, md5, sha256) in PUBLISHED.items():
        assert f"| {name} | `{sha256}` |" in text
        assert f"| {size:,} | `{md5}` |" in next(line for line in text.splitlines() if line.startswith(f"| {name}"))


def test_load_returns_the_published_arrays(loaded):
    (train_images, train_labels), (test_images, test_labels) = loaded
    for array, shape in [
        (train_images, (60_000, 28, 28)),
        (train_labels, (60_000,)),
        (test_images, (10_000, 28, 28)),
        (test_labels, (10_000,)),
    ]:
        assert array.shape == shape
        assert array.dtype == np.uint8
        # torch.from_numpy warns of arrays that cannot be written to.
        assert array.flags.writeable
        assert array.flags.c_contiguous
    assert np.bincount(train_labels).tolist() == [6000] * 10
    assert np.bincount(test_labels).tolist() == [1000] * 10
    # Known by sight: the first training image is an ankle boot, and the first test image is another.
    assert data.CLASS_NAMES[train_labels[0]] == data.CLASS_NAMES[test_labels[0]] == "Ankle boot"
    assert idx(train_labels) == gunzipped(TRAIN_LABELS)
    assert idx(test_images) == gunzipped(TEST_IMAGES)
    assert idx(test_labels) == gunzipped(TEST_LABELS)
    # The 47 MB of training pixels after unpacking; gunzipping them a second time here would take half a second.
    assert (
        hashlib.sha256(train_images).hexdigest() == "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012"
    )


def gunzipped(name):
    return gzip.decompress((RAW / name).read_bytes())


def test_class_names_are_those_published():
    published = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
    assert isinstance(data.CLASS_NAMES, tuple)
    assert ", ".join(data.CLASS_NAMES) == published


def test_verify_says_so_in_one_line_without_a_path():
    line = data.verify()
    assert line.startswith("4 files verified by SHA-256")
    assert "Zalando Research" in line
    assert "\n" not in line
    assert str(paths.ROOT) not in line


def test_verifying_writes_nothing(tiny):
    before = {path: path.stat().st_mtime_ns for path in [tiny, *tiny.iterdir()]}
    data.load(tiny)
    data.verify(str(tiny))
    assert {path: path.stat().st_mtime_ns for path in [tiny, *tiny.iterdir()]} == before


def test_sound_files_need_no_network(tiny, opened):
    data.load(tiny, mirrors=["http://127.0.0.1:9/"])
    assert opened == []


# The split


def digest(indices):
    return hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()


def test_the_split_is_the_one_that_results_were_made_with(loaded):
    train_labels = loaded[0][1]
    train, validation = data.split(train_labels)
    assert train.dtype == validation.dtype == np.int64
    assert (len(train), len(validation)) == (54_000, 6_000)
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(60_000))
    assert np.bincount(train_labels[train]).tolist() == [5400] * 10
    assert np.bincount(train_labels[validation]).tolist() == [600] * 10
    assert digest(train) == "a616f6aae549362cde66b298d676dd8c982c0405c9aaafcc2456f44519c737eb"
    assert digest(validation) == "2c18d16444a3b18492adf038a13c1b0f16f76033188b3e69ace42845e718ab5c"


def test_the_split_depends_on_its_seed_and_on_nothing_else():
    first, again, other = (data.split(labels(1000), 100, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    assert np.array_equal(data.split(labels(1000), 100, 1)[1], first)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(("count", "validation", "held_out"), [(600, 60, 60), (300, 6000, 30), (6000, 6000, 600)])
def test_a_subset_can_be_split(count, validation, held_out):
    train, held = data.split(labels(count), validation)
    assert (len(train), len(held)) == (count - held_out, held_out)
    assert not set(train) & set(held)
    assert np.bincount(labels(count)[held]).tolist() == [held_out // 10] * 10


# The faults, by name

PAGE = b"\n<!DOCTYPE html>\n<html><body>Please log in to the network.</body></html>"


def flipped(body, position):
    return body[:position] + bytes([body[position] ^ 0xFF]) + body[position + 1 :]


def unbalanced(count):
    return np.where(np.arange(count) == 0, 9, labels(count))


FAULTS = {
    "empty": (TRAIN_IMAGES, lambda body: b"", "is empty"),
    "cut in half": (TRAIN_IMAGES, lambda body: body[: len(body) // 2], "is truncated"),
    "cut within the gzip header": (TEST_LABELS, lambda body: body[:5], "is truncated"),
    "without its last byte": (TEST_IMAGES, lambda body: body[:-1], "is truncated"),
    "a page": (TRAIN_LABELS, lambda body: PAGE, "is not a gzip file but a web page"),
    "not packed": (TRAIN_LABELS, lambda body: gzip.decompress(body), "is not a gzip file"),
    "a flipped byte": (TRAIN_IMAGES, lambda body: flipped(body, len(body) - 6), "is damaged"),
    "repacked": (TEST_IMAGES, lambda body: gzip.compress(gzip.decompress(body), 1, mtime=1), "is altered"),
    "other pixels": (TRAIN_IMAGES, lambda body: packed(images(20, seed=7)), "is altered"),
    "with an appendix": (TRAIN_LABELS, lambda body: body + b"more", "is altered"),
    "with more inside": (TRAIN_LABELS, lambda body: gzip.compress(gzip.decompress(body) + b"\0"), "to more than 28"),
    "with less inside": (TRAIN_LABELS, lambda body: gzip.compress(gzip.decompress(body)[:-1]), "to fewer than 28"),
    "headless": (TRAIN_LABELS, lambda body: gzip.compress(b"\0\0\x08"), "to fewer than 28"),
    "magic of images": (TRAIN_IMAGES, lambda body: packed(images(20), 1234), "magic number 1234"),
    "magic of labels": (TRAIN_LABELS, lambda body: packed(labels(20), 4321), "magic number 4321"),
    "count of images": (TRAIN_IMAGES, lambda body: packed(images(19)), "holds 19 images, not 20"),
    "count of labels": (TEST_LABELS, lambda body: packed(labels(11)), "holds 11 labels, not 10"),
    "size of images": (TRAIN_IMAGES, lambda body: packed(images(20, side=32)), "images of 32 x 32 pixels, not 28 x 28"),
    "a label of ten": (TRAIN_LABELS, lambda body: packed(np.arange(20) % 11), "a label of 10, outside 0 to 9"),
    "images as labels": (TRAIN_LABELS, lambda body: packed(images(20)), "holds images, not labels"),
    "labels as images": (TRAIN_IMAGES, lambda body: packed(labels(20)), "holds labels, not images"),
    "test as training": (TRAIN_IMAGES, lambda body: packed(images(10)), "holds 10 images, not 20: the files for tr"),
    "training as test": (TEST_LABELS, lambda body: packed(labels(20)), "holds 20 labels, not 10: the files for tr"),
    "digits": (TRAIN_IMAGES, lambda body: packed(digits(20)[0]), "looks like the digits of MNIST: 8"),
    "labels of digits": (
        TRAIN_LABELS,
        lambda body: packed(unbalanced(20)),
        "classes of unequal size, as the digits",
    ),
}


@pytest.mark.parametrize(("name", "damage", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_in_words_and_the_file_left_alone(tiny, name, damage, words):
    (tiny / name).write_bytes(damage((tiny / name).read_bytes()))
    message = refused(tiny)
    assert words in line_of(name, message)
    assert "What to do: download" in message
    assert [known for known in NAMES if known in message.split("What to do")[0]] == [name]


@pytest.mark.parametrize(("name", "damage", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_healed_from_a_mirror(tiny, name, damage, words):
    sound = contents(tiny)
    (tiny / name).write_bytes(damage(sound[name]))
    with mirror(sound) as (url, asked):
        (train_images, _), (_, test_labels) = data.load(tiny, [url])
    assert contents(tiny) == sound
    assert asked == [name]
    assert np.array_equal(train_images, images(20))
    assert np.array_equal(test_labels, labels(10))


def test_a_hint_at_swapping_is_given_only_where_the_count_is_the_others(tiny):
    (tiny / TRAIN_IMAGES).write_bytes(packed(images(19)))
    assert "swapped" not in refused(tiny)


def test_a_file_that_unpacks_to_very_much_is_not_unpacked_whole(tiny):
    (tiny / TRAIN_LABELS).write_bytes(gzip.compress(idx(labels(20)) + bytes(30_000_000), 1))
    tracemalloc.start()
    try:
        assert "to more than 28 bytes" in line_of(TRAIN_LABELS, refused(tiny))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_mnist_is_known_by_its_hash(tiny, monkeypatch):
    body = packed(images(20, seed=3))
    monkeypatch.setattr(data, "MNIST_MD5", {hashlib.md5(body, usedforsecurity=False).hexdigest()})
    (tiny / TRAIN_IMAGES).write_bytes(body)
    assert "holds the digits of MNIST, not Fashion-MNIST" in line_of(TRAIN_IMAGES, refused(tiny))


def test_a_missing_file_and_a_missing_folder_are_named(tiny):
    (tiny / TEST_LABELS).unlink()
    assert "is missing" in line_of(TEST_LABELS, refused(tiny))
    with pytest.raises(data.DataError) as caught:
        data.load(tiny / "elsewhere", ())
    for name in NAMES:
        assert "is missing" in line_of(str(tiny / "elsewhere" / name), str(caught.value))


def test_a_missing_folder_is_filled_from_a_mirror(tiny, tmp_path):
    sound = contents(tiny)
    with mirror(sound) as (url, _):
        data.load(tmp_path / "a" / "new" / "folder", [url])
    assert contents(tmp_path / "a" / "new" / "folder") == sound


def test_all_files_at_fault_stand_in_one_error(tiny):
    (tiny / TRAIN_LABELS).write_bytes(b"")
    (tiny / TEST_IMAGES).write_bytes(PAGE)
    (tiny / TEST_LABELS).unlink()
    message = refused(tiny)
    assert "is empty" in line_of(TRAIN_LABELS, message)
    assert "web page" in line_of(TEST_IMAGES, message)
    assert "is missing" in line_of(TEST_LABELS, message)
    assert TRAIN_IMAGES not in message


def test_a_file_that_cannot_be_opened_is_never_replaced(tiny, monkeypatch, opened):
    sound, read = contents(tiny), Path.read_bytes

    def closed(path):
        if path.name == TEST_IMAGES:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    (tiny / TEST_LABELS).write_bytes(b"")
    with monkeypatch.context() as patch, mirror(sound) as (url, _), pytest.raises(data.DataError) as caught:
        patch.setattr(Path, "read_bytes", closed)
        data.load(tiny, [url])
    assert "cannot be opened (Permission denied)" in line_of(TEST_IMAGES, str(caught.value))
    assert "is empty" in line_of(TEST_LABELS, str(caught.value))
    assert "Nothing was downloaded" in str(caught.value)
    assert opened == []
    assert contents(tiny) == {**sound, TEST_LABELS: b""}


def test_a_folder_in_the_place_of_a_file_is_left_alone(tiny, opened):
    (tiny / TRAIN_LABELS).unlink()
    (tiny / TRAIN_LABELS).mkdir()
    (tiny / TRAIN_LABELS / "precious").touch()
    with pytest.raises(data.DataError) as caught:
        data.load(tiny, ["http://127.0.0.1:9/"])
    assert "is a folder, not a file; move it away" in line_of(TRAIN_LABELS, str(caught.value))
    assert (tiny / TRAIN_LABELS / "precious").exists()
    assert opened == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_a_file_is_named_and_not_read(tiny, monkeypatch, opened):
    (tiny / TRAIN_LABELS).unlink()
    os.mkfifo(tiny / TRAIN_LABELS)
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail() if path.name == TRAIN_LABELS else read(path))
    with pytest.raises(data.DataError) as caught:
        data.load(tiny, ["http://127.0.0.1:9/"])
    assert "is a device or a pipe, not a file" in line_of(TRAIN_LABELS, str(caught.value))
    assert opened == []


@pytest.mark.skipif(os.name == "nt", reason="making a symbolic link may need a permission")
def test_links_that_lead_in_a_circle_are_named(tiny, opened):
    for link in (tiny / TEST_LABELS, tiny / "circle"):
        link.unlink(missing_ok=True)
        link.symlink_to(link.name)
    for folder in (tiny, tiny / "circle"):
        with pytest.raises(data.DataError) as caught:
            data.load(folder, ["http://127.0.0.1:9/"])
        assert f"cannot be opened ({os.strerror(errno.ELOOP)})" in line_of(TEST_LABELS, str(caught.value))
    assert opened == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this account")
def test_permissions_of_the_system_are_respected(tiny):
    tiny.chmod(0o555)
    data.load(tiny, ())
    tiny.chmod(0o755)
    (tiny / TEST_IMAGES).chmod(0)
    with pytest.raises(data.DataError, match="cannot be opened"):
        data.load(tiny, ())
    (tiny / TEST_IMAGES).chmod(0o644)
    (tiny / TEST_LABELS).unlink()
    tiny.chmod(0o555)
    try:
        assert "cannot be written to" in refused(tiny)
    finally:
        tiny.chmod(0o755)


def test_a_folder_that_cannot_be_written_to_is_named_before_any_download(tiny, monkeypatch, opened):
    def denied(suffix=None, prefix=None, dir=None):
        raise PermissionError(13, "Permission denied", str(dir))

    (tiny / TRAIN_LABELS).write_bytes(b"")
    monkeypatch.setattr(tempfile, "mkdtemp", denied)
    assert f"the folder {tiny} cannot be written to (Permission denied)" in refused(tiny, ["http://127.0.0.1:9/"])
    assert opened == []


def test_a_full_disk_leaves_the_old_file(tiny, monkeypatch):
    sound, opens = contents(tiny), Path.open
    (tiny / TRAIN_LABELS).write_bytes(b"old")

    class Full(io.BytesIO):
        def write(self, body):
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, mirror(sound) as (url, asked):
        patch.setattr(Path, "open", lambda path, mode="r", **more: Full() if "w" in mode else opens(path, mode, **more))
        message = refused(tiny, [url, url + "second/"])
    assert f"the folder {tiny} cannot be written to (No space left on device)" in message
    assert asked == [TRAIN_LABELS]


@pytest.fixture
def repository(tiny, monkeypatch):
    """A repository that carries the small files; the folder in which they lie."""
    root = tiny.parent.resolve()
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(paths, "DATA", root / "data")
    return Path(shutil.copytree(tiny, root / "data" / "FashionMNIST" / "raw"))


def test_paths_are_given_from_the_root_of_the_repository(repository, capsys):
    data.load()
    (repository / TRAIN_LABELS).write_bytes(b"")
    with mirror({TRAIN_LABELS: PAGE}) as (url, _), pytest.raises(data.DataError) as caught:
        data.load(mirrors=[url])
    message = str(caught.value)
    assert f"- data/FashionMNIST/raw/{TRAIN_LABELS} is empty" in message
    assert "`git checkout HEAD -- data/FashionMNIST`" in message
    assert message.endswith("into data/FashionMNIST/raw.")
    assert str(paths.ROOT) not in message + capsys.readouterr().err


def test_git_is_not_recommended_where_it_would_delete_what_lies_in_a_file_s_place(repository):
    (repository / TRAIN_LABELS).unlink()
    (repository / TRAIN_LABELS).mkdir()
    with pytest.raises(data.DataError) as caught:
        data.load(mirrors=())
    assert "git checkout" not in str(caught.value)
    assert "move it away. Then load again" in str(caught.value)


def test_a_folder_elsewhere_is_named_as_given_and_git_not_recommended(tiny):
    (tiny / TRAIN_LABELS).unlink()
    message = refused(tiny)
    assert f"- {tiny / TRAIN_LABELS} is missing" in message
    assert "git checkout" not in message


# Mirrors


def test_a_dead_mirror_and_a_lying_one_are_passed_over(tiny, dead, capsys):
    sound = contents(tiny)
    (tiny / TRAIN_IMAGES).write_bytes(b"")
    with mirror(dict.fromkeys(NAMES, PAGE)) as (lying, asked), mirror(sound) as (good, _):
        data.load(tiny, [dead[0], lying, good])
    assert contents(tiny) == sound
    assert asked == [TRAIN_IMAGES]
    out, err = capsys.readouterr()
    assert out == ""
    # What was wrong and the progress bar, on stderr.
    assert f"{TRAIN_IMAGES} is empty; downloading it" in err
    assert f"{TRAIN_IMAGES}:" in err


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"body": PAGE}, "sent a file that is not a gzip file but a web page"),
        ({"body": b""}, "sent a file that is empty"),
        ({"body": "half", "length": "whole"}, "sent a file that is truncated"),
        ({"body": "long"}, "sent more than the"),
        ({"body": "other"}, "sent a file that is altered"),
        ({"body": "sound", "status": 503}, "answered with HTTP status 503"),
        ({"body": None}, "answered with HTTP status 404"),
    ],
)
def test_what_a_mirror_did_wrong_is_named_and_the_file_untouched(tiny, behaviour, words):
    sound = (tiny / TEST_IMAGES).read_bytes()
    bodies = {
        "half": sound[: len(sound) // 2],
        "long": sound + bytes(5_000_000),
        "other": packed(images(10, seed=5)),
        "sound": sound,
    }
    body = behaviour["body"]
    answers = {} if body is None else {TEST_IMAGES: bodies.get(body, body)}
    (tiny / TEST_IMAGES).write_bytes(b"precious")
    length = len(sound) if "length" in behaviour else None
    with mirror(answers, behaviour.get("status", 200), length) as (url, _):
        message = refused(tiny, [url])
    assert f"Tried to download {TEST_IMAGES}" in message
    assert f"- {url.split('/')[2]} {words}" in message


def test_a_body_without_end_is_cut_off(tiny):
    sent = itertools.count()
    pieces = (bytes(10_000) for _ in itertools.takewhile(lambda count: count < 10_000, sent))
    (tiny / TEST_IMAGES).write_bytes(b"precious")
    with mirror({TEST_IMAGES: pieces}) as (url, _):
        assert "sent more than the" in refused(tiny, [url])
    assert next(sent) < 10_000


def test_a_mirror_that_breaks_off_is_named(tiny):
    (tiny / TEST_IMAGES).write_bytes(b"precious")
    with mirror({TEST_IMAGES: [b"5\r\nfirst\r\n"]}, headers=[("Transfer-Encoding", "chunked")]) as (url, _):
        assert f"- {url.split('/')[2]} broke off (" in refused(tiny, [url])


def test_a_mirror_that_announces_too_much_but_sends_the_whole_file_is_enough(tiny):
    sound = contents(tiny)
    (tiny / TEST_IMAGES).unlink()
    with mirror(sound, length=len(sound[TEST_IMAGES]) + 1) as (url, _):
        data.load(tiny, [url])
    assert contents(tiny) == sound


def test_a_mirror_that_declares_the_file_to_be_a_compressed_text_is_understood(tiny):
    sound = contents(tiny)
    (tiny / TEST_IMAGES).unlink()
    with mirror(sound, headers=[("Content-Encoding", "gzip")]) as (url, _):
        data.load(tiny, [url])
    assert contents(tiny) == sound


def test_a_mirror_that_lacks_one_file_is_asked_for_the_next(tiny):
    sound = contents(tiny)
    for name in (TRAIN_IMAGES, TRAIN_LABELS):
        (tiny / name).unlink()
    with (
        mirror({TRAIN_LABELS: sound[TRAIN_LABELS]}) as (first, _),
        mirror({TRAIN_IMAGES: sound[TRAIN_IMAGES]}) as (second, _),
    ):
        # One address is given without its final slash.
        data.load(tiny, [first.rstrip("/"), second])
    assert contents(tiny) == sound


def test_offline_no_host_is_tried_twice(tiny, dead, opened):
    for name in NAMES:
        (tiny / name).write_bytes(b"")
    message = refused(tiny, dead)
    assert opened == [url + TRAIN_IMAGES for url in dead]
    assert message.count("could not be reached") == 3
    if os.name == "posix":
        assert message.count(f"could not be reached ({os.strerror(errno.ECONNREFUSED)})") == 3
    for name in NAMES:
        assert "is empty" in line_of(name, message)


def test_a_name_service_that_knows_no_host_is_reported(tiny, monkeypatch, opened):
    def unknown(*arguments, **more):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    (tiny / TEST_IMAGES).write_bytes(b"")
    message = refused(tiny, data.MIRRORS)
    assert message.count("could not be reached (Name or service not known)") == len(opened) == len(data.MIRRORS)


def test_a_dead_host_is_not_tried_again_for_the_next_file(tiny, dead, opened):
    sound = contents(tiny)
    for name in NAMES:
        (tiny / name).unlink()
    with mirror(sound) as (good, _):
        data.load(tiny, [dead[0], good])
    assert contents(tiny) == sound
    assert opened == [dead[0] + TRAIN_IMAGES, *(good + name for name in NAMES)]


def test_what_was_healed_stays_healed_where_the_next_file_fails(tiny, opened):
    sound = contents(tiny)
    for name in NAMES:
        (tiny / name).write_bytes(b"")
    with mirror({TRAIN_IMAGES: sound[TRAIN_IMAGES]}) as (url, asked), pytest.raises(data.DataError) as caught:
        data.load(tiny, [url])
    assert asked == [TRAIN_IMAGES, TRAIN_LABELS]
    assert contents(tiny) == {**dict.fromkeys(NAMES, b""), TRAIN_IMAGES: sound[TRAIN_IMAGES]}
    assert TRAIN_IMAGES not in str(caught.value)
    for name in (TRAIN_LABELS, TEST_IMAGES, TEST_LABELS):
        assert "is empty" in line_of(name, str(caught.value))


def test_a_host_that_accepts_and_says_nothing_is_left(tiny, monkeypatch, opened):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    for name in NAMES:
        (tiny / name).write_bytes(b"")
    with silent_host() as url:
        message = refused(tiny, [url, url + "second/"])
    assert opened == [url + TRAIN_IMAGES]
    assert message.count("did not answer, or stopped sending, for 0.2 s") == 2


def test_a_mirror_that_stops_half_way_is_left(tiny, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    sound = contents(tiny)
    (tiny / TRAIN_IMAGES).write_bytes(b"")
    half, never = {TRAIN_IMAGES: sound[TRAIN_IMAGES][:1000]}, threading.Event()
    with mirror(half, length=len(sound[TRAIN_IMAGES]), pause=never) as (url, _):
        message = refused(tiny, [url])
    assert "did not answer, or stopped sending" in message


def test_a_network_that_swallows_everything_costs_one_timeout_for_a_mirror(tiny, monkeypatch, silent_names, opened):
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    for name in NAMES:
        (tiny / name).write_bytes(b"")
    start = time.perf_counter()
    message = refused(tiny, data.MIRRORS)
    # Three timeouts are 0.3 s; the name service would keep silent for a minute.
    assert time.perf_counter() - start < 30
    assert opened == [url + TRAIN_IMAGES for url in data.MIRRORS]
    assert message.count("did not answer") == len(data.MIRRORS)


def test_a_load_in_vain_waits_for_fifteen_seconds_in_all(tiny, monkeypatch, silent_names):
    waited = []

    class Nothing:
        """A queue in which nothing arrives; the time that was waited for it is only noted."""

        def put(self, item):
            pass

        def get(self, timeout):
            waited.append(timeout)
            raise queue.Empty

    monkeypatch.setattr(download, "SimpleQueue", Nothing)
    for name in NAMES:
        (tiny / name).write_bytes(b"")
    refused(tiny, data.MIRRORS)
    assert len(waited) == len(data.MIRRORS)
    assert sum(waited) <= 15


def test_a_response_that_comes_too_late_is_closed(tiny, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    monkeypatch.setattr(download, "CHUNK", 100)
    given_up, hung_up = threading.Event(), threading.Event()

    def answer(listening):
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(30)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            # Line by line, so that the timeout of the socket never passes.
            while not given_up.wait(0.05):
                connection.sendall(b"X-Wait: yes\r\n")
            connection.sendall(b"Content-Length: 5000\r\n\r\n")
            try:
                for _ in range(50):
                    connection.sendall(bytes(100))
                    time.sleep(0.02)
            except ConnectionError:
                hung_up.set()

    (tiny / TEST_IMAGES).write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=answer, args=[listening])
        server.start()
        message = refused(tiny, [f"http://127.0.0.1:{listening.getsockname()[1]}/"])
        given_up.set()
        server.join()
    assert "did not answer" in message
    assert hung_up.is_set()


def test_a_certificate_that_cannot_be_verified_is_named_and_the_next_mirror_asked(tiny, monkeypatch):
    def unverified(*arguments, **more):
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "unable to get local issuer certificate"
        raise error

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", unverified)
    sound = contents(tiny)
    (tiny / TEST_LABELS).write_bytes(b"")
    with silent_host() as url:
        secure = url.replace("http:", "https:")
        message = refused(tiny, [secure])
        host = secure.split("/")[2]
        assert f"- {host} has a certificate that this Python cannot verify (unable to get local issuer" in message
        with mirror(sound) as (good, _):
            data.load(tiny, [secure, good])
    assert contents(tiny) == sound


@pytest.mark.parametrize("url", ["no address at all", "http://[broken/", "http://127.0.0.1:port/", "gopher://x/"])
def test_a_senseless_mirror_is_passed_over(tiny, url):
    sound = contents(tiny)
    (tiny / TEST_LABELS).write_bytes(b"")
    assert f"- {url.partition('://')[2].strip('/') or url} could not be reached" in refused(tiny, [url])
    with mirror(sound) as (good, _):
        data.load(tiny, [url, good])
    assert contents(tiny) == sound


class Interrupted(download.tqdm):
    """A progress bar at whose first step somebody presses Ctrl-C."""

    def update(self, n=1):
        raise KeyboardInterrupt


def test_an_interrupted_download_leaves_the_old_file_and_nothing_else(tiny, monkeypatch):
    sound = contents(tiny)
    (tiny / TRAIN_IMAGES).write_bytes(b"precious")
    monkeypatch.setattr(download, "tqdm", Interrupted)
    with mirror(sound) as (url, asked), pytest.raises(KeyboardInterrupt):
        data.load(tiny, [url])
    assert asked == [TRAIN_IMAGES]
    assert contents(tiny) == {**sound, TRAIN_IMAGES: b"precious"}


@pytest.mark.skipif(os.name == "nt", reason="this system has other permissions")
def test_a_downloaded_file_can_be_read_by_other_accounts(tiny):
    sound = contents(tiny)
    (tiny / TEST_LABELS).unlink()
    with mirror(sound) as (url, _):
        data.load(tiny, [url])
    assert (tiny / TEST_LABELS).stat().st_mode & 0o777 == 0o644


def test_a_file_that_changes_after_its_download_is_not_used(tiny, monkeypatch):
    (tiny / TEST_LABELS).write_bytes(b"")
    monkeypatch.setattr(download.Mirrors, "download", lambda *arguments: None)
    message = refused(tiny)
    assert "is empty" in line_of(TEST_LABELS, message)
    assert f"Downloaded and verified {TEST_LABELS}; another program, or a failing disk, changed" in message


def test_a_file_that_is_closed_while_another_process_repairs_is_left_alone(tiny, monkeypatch, opened):
    @contextmanager
    def waiting(folder):
        (folder / TEST_LABELS).unlink()
        (folder / TEST_LABELS).mkdir()
        yield

    monkeypatch.setattr(download, "alone", waiting)
    (tiny / TEST_LABELS).write_bytes(b"")
    with pytest.raises(data.DataError) as caught:
        data.load(tiny, data.MIRRORS)
    assert "is a folder" in line_of(TEST_LABELS, str(caught.value))
    assert "Nothing was downloaded." in str(caught.value)
    assert opened == []


def test_a_missing_package_for_downloads_does_not_hide_the_fault(tiny, monkeypatch):
    monkeypatch.delattr(fmnist, "download")
    monkeypatch.delitem(sys.modules, "fmnist.download")
    monkeypatch.setitem(sys.modules, "pooch", None)
    (tiny / TEST_LABELS).write_bytes(b"")
    message = refused(tiny, data.MIRRORS)
    assert "is empty" in line_of(TEST_LABELS, message)
    assert "Nothing was downloaded, because the package pooch is not installed." in message


# Several processes: each is a Python of its own, which loads the small files when told to

LOADER = """
import json, sys
from fmnist import data
data.FILES = tuple(data.File(**each) for each in json.loads(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(len(data.load(sys.argv[2], [sys.argv[3]])[1][1]), "test labels")
"""


@contextmanager
def loaders(count, folder, url):
    """Start `count` processes that are about to load `folder`."""
    command = [sys.executable, "-c", LOADER, json.dumps([asdict(file) for file in data.FILES]), str(folder), url]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [subprocess.Popen(command, text=True, cwd=NOTEBOOKS, **pipes) for _ in range(count)]
    try:
        for each in started:
            assert each.stdout.readline() == "ready\n", each.stderr.read()
        yield started
    finally:
        for each in started:
            each.kill()
            each.wait()
            for pipe in (each.stdin, each.stdout, each.stderr):
                pipe.close()


def test_processes_that_repair_at_once_all_succeed_and_download_each_file_once(tiny):
    sound = contents(tiny)
    for name in NAMES:
        (tiny / name).write_bytes(b"")
    with mirror(sound, delay=0.1) as (url, asked), loaders(4, tiny, url) as started:
        for each in started:
            each.stdin.write("\n")
            each.stdin.flush()
        ended = [each.communicate(timeout=60) for each in started]
    assert [out for out, _ in ended] == ["10 test labels\n"] * 4, ended
    assert asked == NAMES
    assert contents(tiny) == sound
    # Pooch has a log of its own on stderr.
    assert not any(url in err for _, err in ended)


def test_what_a_killed_download_left_is_not_used_and_does_not_accumulate(tiny):
    sound = contents(tiny)
    (tiny / TRAIN_IMAGES).unlink()
    half = {TRAIN_IMAGES: sound[TRAIN_IMAGES][:1000]}
    for _ in range(2):
        with (
            mirror(half, length=len(sound[TRAIN_IMAGES]), pause=threading.Event()) as (url, asked),
            loaders(1, tiny, url) as (process,),
        ):
            process.stdin.write("\n")
            process.stdin.flush()
            while not asked:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
            process.kill()
            process.wait()
        lock, leftover = sorted(path for path in tiny.iterdir() if path.name not in NAMES)
        assert (lock.name, leftover.suffix) == (download.LOCK, download.PART)
    # Even a whole one is not taken for the file.
    (leftover / TRAIN_IMAGES).write_bytes(sound[TRAIN_IMAGES])
    with mirror(sound) as (url, asked):
        data.load(tiny, [url])
    assert asked == [TRAIN_IMAGES]
    assert contents(tiny) == sound


def test_a_lock_that_is_never_released_only_delays_the_repair(tiny, monkeypatch, capsys):
    monkeypatch.setattr(download, "PATIENCE", 0.1)
    sound = contents(tiny)
    (tiny / TEST_LABELS).write_bytes(b"")
    # It may be the other process's: nothing is cleared away without the lock.
    (tiny / f"{TEST_LABELS}.other{download.PART}").mkdir()
    with mirror(sound) as (url, _), FileLock(tiny / download.LOCK):
        data.load(tiny, [url])
    assert "waiting for it" in capsys.readouterr().err
    (tiny / f"{TEST_LABELS}.other{download.PART}").rmdir()
    (tiny / download.LOCK).unlink(missing_ok=True)
    assert contents(tiny) == sound


def test_where_no_lock_can_be_had_the_repair_goes_on_without(tiny):
    sound = contents(tiny)
    (tiny / TEST_LABELS).write_bytes(b"")
    (tiny / download.LOCK).mkdir()
    with mirror(sound) as (url, _):
        data.load(tiny, [url])
    (tiny / download.LOCK).rmdir()
    assert contents(tiny) == sound


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="this is no clone")
def test_git_ignores_what_a_killed_download_leaves():
    left = [f"data/FashionMNIST/raw/{name}" for name in (download.LOCK, f"{TRAIN_IMAGES}.x{download.PART}/tmp")]
    ignored = subprocess.run(["git", "check-ignore", *left], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout.splitlines() == left, ignored.stderr


# The same on the real files


def test_real_files_are_healed(real):
    sound = contents(RAW)
    (real / TRAIN_LABELS).write_bytes(sound[TRAIN_LABELS][:20_000])
    (real / TEST_IMAGES).write_bytes(flipped(sound[TEST_IMAGES], 2_000_000))
    with mirror(sound) as (url, asked):
        line = data.verify(real, [url])
    assert line == data.verify()
    assert asked == [TRAIN_LABELS, TEST_IMAGES]
    assert all((real / name).read_bytes() == sound[name] for name in NAMES)


def test_real_files_damaged_one_way_and_another(real):
    sound = {name: (real / name).read_bytes() for name in NAMES}
    (real / TRAIN_IMAGES).write_bytes(sound[TRAIN_IMAGES][:10_000_000])
    (real / TRAIN_LABELS).write_bytes(sound[TEST_LABELS])
    (real / TEST_IMAGES).write_bytes(sound[TRAIN_LABELS])
    (real / TEST_LABELS).write_bytes(PAGE)
    message = refused(real)
    assert "is truncated" in line_of(TRAIN_IMAGES, message)
    assert "holds 10,000 labels, not 60,000: the files for training and testing" in line_of(TRAIN_LABELS, message)
    assert "holds labels, not images" in line_of(TEST_IMAGES, message)
    assert "web page" in line_of(TEST_LABELS, message)


def test_real_files_exchanged_and_overlong(real):
    images_, labels_ = (real / TRAIN_IMAGES), (real / TRAIN_LABELS)
    images_.rename(real / "aside")
    (real / TEST_IMAGES).rename(images_)
    (real / "aside").rename(real / TEST_IMAGES)
    labels_.write_bytes(labels_.read_bytes() + b"\0")
    message = refused(real)
    assert "holds 10,000 images, not 60,000: the files for training and testing" in line_of(TRAIN_IMAGES, message)
    assert "holds 60,000 images, not 10,000: the files for training and testing" in line_of(TEST_IMAGES, message)
    assert "is altered" in line_of(TRAIN_LABELS, message)


def test_digits_in_the_place_of_real_files(real):
    pictures, target = digits(10_000)
    (real / TEST_IMAGES).write_bytes(gzip.compress(idx(pictures), 1))
    (real / TEST_LABELS).write_bytes(packed(target))
    message = refused(real)
    assert "looks like the digits of MNIST: 83% of its pixels are black" in line_of(TEST_IMAGES, message)
    assert "unequal size, as the digits of MNIST are" in line_of(TEST_LABELS, message)


def test_real_images_repacked_are_not_taken_for_digits(real):
    for name in (TRAIN_LABELS, TEST_IMAGES, TEST_LABELS):
        (real / name).write_bytes(gzip.compress(gunzipped(name), 1))
    message = refused(real)
    for name in (TRAIN_LABELS, TEST_IMAGES, TEST_LABELS):
        assert "is altered: it can be read" in line_of(name, message)


# Other processes: no framework is imported in this one

TORCHVISION = """
import hashlib, socket, sys, urllib.request

def blocked(*arguments, **more):
    raise OSError("the network is blocked")

socket.socket.connect = socket.getaddrinfo = urllib.request.urlopen = blocked

from torchvision.datasets import MNIST, FashionMNIST

for train in (True, False):
    found = FashionMNIST(root=sys.argv[1], train=train, download=True)
    print(hashlib.sha256(found.data.numpy()).hexdigest(), hashlib.sha256(found.targets.byte().numpy()).hexdigest())
print(*FashionMNIST.classes, sep=", ")
print(*sorted(md5 for _, md5 in MNIST.resources))
print("tensorflow" in sys.modules)
"""


def run(code, *arguments):
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=NOTEBOOKS, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
# find_spec and not importorskip, which would import PyTorch into this process.
@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_torchvision_reads_the_same_files_without_a_network(tmp_path, loaded):
    shutil.copytree(RAW, tmp_path / "FashionMNIST" / "raw")
    train, test, classes, mnist, tensorflow = run(TORCHVISION, str(tmp_path)).splitlines()
    assert [train.split(), test.split()] == [[hashlib.sha256(part).hexdigest() for part in half] for half in loaded]
    assert classes == ", ".join(data.CLASS_NAMES)
    assert mnist.split() == sorted(data.MNIST_MD5)
    assert tensorflow == "False"


def test_sound_files_load_without_a_framework_and_without_a_package_for_downloads():
    loaded = run("import sys; from fmnist import data; data.load(); print(*sys.modules)").split()
    assert "fmnist.data" in loaded
    assert not {"torch", "tensorflow", "keras", "jax"} & set(loaded)
    assert not {"pooch", "requests", "filelock", "tqdm", "sklearn"} & set(loaded)
