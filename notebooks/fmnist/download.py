"""Downloading one published file from the first of several mirrors that sends it whole.

Pooch sends the request, writes under a temporary name and checks the SHA-256. This module adds the mirrors in turn, a
bound on the time that a silent network costs, the fault of each mirror in words, and a lock against other processes.
"""

import shutil
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

import pooch
from filelock import FileLock, Timeout
from tqdm import tqdm

if TYPE_CHECKING:
    from .data import File

# Seconds in which a mirror has to send its first bytes, and then more. With three silent mirrors that makes 15 s.
TIMEOUT = 5

# Seconds to wait for another process that downloads. The four files, 31 MB, take as long on a line of 0.4 Mbit/s.
PATIENCE = 600

# Git ignores both names: of the lock, and of the folder beside the data into which a download goes first.
LOCK = ".download.partial.lock"
PART = ".part"

CHUNK = 8192  # bytes; a mirror that sends fewer in `TIMEOUT` seconds counts as silent
HEADERS = {"User-Agent": "fashion-mnist-keras-and-pytorch", "Accept-Encoding": "identity"}


class DownloadError(RuntimeError):
    """No mirror sent the file; the message has one line for each mirror, with what it did wrong."""


class MirrorError(Exception):
    """One mirror did not send the file; the message is what follows the name of its host."""


class Unreachable(MirrorError):
    """The same, for a reason that holds for every other file of that host too."""


class Mirrors:
    """The addresses that are asked in turn for a file; a host that did not answer is not asked again.

    `diagnose(file, content)` says in words what `content`, some bytes, is in place of the published file.
    """

    def __init__(self, addresses: Sequence[str], diagnose: Callable[["File", bytes], str]):
        self.addresses = addresses
        self.diagnose = diagnose
        self.unreachable: dict[str, Unreachable] = {}

    def download(self, file: "File", folder: Path) -> None:
        """Put the published `file` into `folder`, in one step and in place of what bears its name there.

        Raises `DownloadError` where no mirror sends it, and OSError where `folder` cannot be written to. A folder that
        is closed to this account is noticed before any mirror is asked.
        """
        failures = []
        with TemporaryDirectory(prefix=f"{file.name}.", suffix=PART, dir=folder.absolute()) as fresh:
            for address in self.addresses:
                host = address.partition("://")[2].partition("/")[0] or address
                try:
                    whole = self._ask(host, f"{address.rstrip('/')}/{file.name}", file, fresh)
                except MirrorError as error:
                    failures.append(f"- {host} {error}")
                else:
                    # Pooch lets only the owner of a file read it. Other accounts may share this folder.
                    whole.chmod(0o644)
                    whole.replace(folder / file.name)
                    return
        raise DownloadError("\n".join(failures) or "- there is no mirror to download from")

    def _ask(self, host: str, url: str, file: "File", folder: str) -> Path:
        """Download `url` into `folder` and return the path of the verified file, or raise `MirrorError`."""
        if host in self.unreachable:
            raise self.unreachable[host]
        # Pooch's own notes would repeat ours, with paths of this machine, which do not belong in a notebook.
        pooch.get_logger().setLevel("WARNING")
        watched = _Watched(file)
        try:
            return Path(pooch.retrieve(url, f"sha256:{file.sha256}", file.name, folder, downloader=watched))
        except Unreachable as error:
            self.unreachable[host] = error
            raise
        except ValueError:  # pooch found another SHA-256
            raise MirrorError(f"sent a file that {self.diagnose(file, bytes(watched.content))}") from None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading into `folder`, and clear away what killed downloads left there.

    A download is safe without the lock, which only spares doing it twice. Where it cannot be had, because the folder
    does not allow it or another process keeps it for more than `PATIENCE` seconds, we therefore go on without.
    """
    lock = FileLock(folder / LOCK, fallback_to_soft=False)
    with suppress(OSError):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print("another process is downloading Fashion-MNIST; waiting for it", file=sys.stderr)
            lock.acquire(timeout=PATIENCE)
    try:
        if lock.is_locked:
            for leftover in folder.glob(f"*{PART}"):
                shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        if lock.is_locked:
            # Removed before it is released: a process that waits for it notices, and makes a new one. Windows does not
            # allow this; there filelock removes the file itself.
            with suppress(OSError):
                (folder / LOCK).unlink()
            lock.release()


class _Watched:
    """Pooch's own downloader of `file`, given up when nothing has arrived for `TIMEOUT` seconds.

    It works in a thread, because a socket's own timeout leaves out the look-up of a host's name and begins anew for
    each of its addresses. The thread is a daemon: one that is stuck must not keep Python from ending. It passes on
    what it receives, and touches no file, so that it can be left behind at any time.
    """

    def __init__(self, file: "File"):
        self.file = file
        self.content = bytearray()
        self.left = False
        self.arrivals: SimpleQueue[bytes | MirrorError] = SimpleQueue()

    def __call__(self, url: str, output_file: str, _) -> None:
        """Write what `url` sends to `output_file`, with a progress bar on stderr, or raise `MirrorError`."""
        Thread(target=self._receive, args=[url], daemon=True).start()
        bar = tqdm(total=self.file.bytes, desc=self.file.name, unit="B", unit_scale=True, leave=False)
        try:
            with Path(output_file).open("wb") as stream, bar:
                while chunk := self._next():
                    stream.write(chunk)
                    bar.update(len(chunk))
        finally:
            self.left = True

    def _next(self) -> bytes:
        """Return what arrived next, b"" at the end, or raise the `MirrorError` that ended it."""
        try:
            arrival = self.arrivals.get(timeout=TIMEOUT)
        except Empty:
            arrival = Unreachable(_silence())
        if isinstance(arrival, MirrorError):
            raise arrival
        return arrival

    def _receive(self, url: str) -> None:
        """Let pooch download `url`, in the thread; the last arrival is b"" or the `MirrorError` that ended it."""
        responses = []

        def note(response, **_):
            # Some servers declare a .gz file to be a compressed text, which would be unpacked on arrival.
            response.raw.headers.pop("Content-Encoding", None)
            # What ends early is passed on as far as it came, so that it can be diagnosed.
            response.raw.enforce_content_length = False
            responses.append(response)

        request = pooch.HTTPDownloader(chunk_size=CHUNK, timeout=TIMEOUT, headers=HEADERS, hooks={"response": note})
        end: bytes | MirrorError = b""
        try:
            request(url, self, None)
        except Exception as error:
            end = _explain(error, begun=bool(responses))
        finally:
            # A response that comes too late is closed here too.
            for response in responses:
                response.close()
            self.arrivals.put(end)

    def write(self, chunk: bytes) -> None:
        """Take what pooch has received: pooch writes to any object with `write` and `flush`, in the thread."""
        self.content += chunk
        if self.left:
            raise BrokenPipeError
        if len(self.content) > self.file.bytes:
            raise MirrorError(f"sent more than the {self.file.bytes:,} bytes of the published file")
        self.arrivals.put(chunk)

    def flush(self) -> None:
        """Do nothing: what was written has been passed on already."""


def _silence() -> str:
    return f"did not answer, or stopped sending, for {TIMEOUT} s"


def _explain(error: Exception, begun: bool) -> MirrorError:
    """Return in words, as a `MirrorError`, why pooch failed; `begun` tells whether the mirror had begun to answer."""
    if isinstance(error, MirrorError):
        return error
    # Where an answer is the reason, the error carries it.
    if (response := getattr(error, "response", None)) is not None:
        return MirrorError(f"answered with HTTP status {response.status_code}")
    causes: list[BaseException] = [error]
    while inner := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(inner)
    for cause in causes:
        if isinstance(cause, TimeoutError):
            return Unreachable(_silence())
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(f"has a certificate that this Python cannot verify ({cause.verify_message})")
    reason = getattr(causes[-1], "strerror", None) or str(causes[-1]) or type(causes[-1]).__name__
    return Unreachable(f"{'broke off' if begun else 'could not be reached'} ({reason})")
