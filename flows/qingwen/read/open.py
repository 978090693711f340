"""Files wherever they lie: on this machine, or behind a URL that fsspec opens (s3://…). The only file that imports it.

A store that cannot be reached is the machine's fault, not the page's: `OSError` subclasses that say "not there" or "not
allowed" belong to the page, every other fault is a `BatchError`.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

from qingwen.errors import BatchError, SetupError

# Object stores and servers of files. fsspec opens more: archives, caches and references that lead on to other URLs and
# to files of this machine, and repositories of code.
STORES = frozenset(
    "s3 s3a gs gcs az abfs abfss adl oss cos obs hdfs webhdfs http https ftp sftp smb webdav hf memory".split()
)

# Parts of a query that give access to whoever has the URL.
_SECRETS = frozenset(
    "x-amz-signature x-amz-credential x-amz-security-token x-goog-signature x-goog-credential sig signature token "
    "access_token password secret".split()
)


def is_url(path: str) -> bool:
    """Tell whether a path is a URL.

    >>> is_url("s3://bucket/page.html"), is_url("pages/a.html")
    (True, False)
    """
    scheme, found, _ = path.partition("://")
    return bool(found) and scheme.isascii() and scheme.replace("+", "").replace("::", "").isalnum()


def check_address(path: str) -> None:
    """Look whether a path, if it is a URL, is that of a store and holds no password.

    Raises:
        SetupError: it is not, or does; the message names no password.
    """
    if not is_url(path):
        return
    scheme = path.partition("://")[0].lower()
    if "::" in path or scheme not in STORES:
        known = ", ".join(sorted(STORES))
        said = "name a file of this machine by its path" if scheme in ("file", "local") else f"known are {known}"
        raise SetupError(f"{_without_secrets(path)}: a URL of this kind is not opened; {said}.")
    try:
        parts = urlsplit(path)
    except ValueError as fault:
        raise SetupError(f"{scheme}://: not a URL: {fault}.") from fault
    named = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if ":" in parts.netloc.rpartition("@")[0] or named & _SECRETS:
        raise SetupError(
            f"{_without_secrets(path)}: the URL holds a password or a signature, which would stand in the dataset. "
            "Give credentials through the environment."
        )


def _without_secrets(path: str) -> str:
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


# Behind the name of a link that leads out of the folder that the user named, as ``ls -F`` marks links: the name of no
# file, so that reading it says why it is not followed.
LINK = "@"

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def shown(path: str) -> str:
    """Return a path or a name as it is written down: as it is, or with each byte that is no UTF-8 escaped.

    >>> shown("a.txt"), shown("b\\udcff.txt")
    ('a.txt', 'b\\\\xff.txt')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return path


def open_local(path: str) -> IO[bytes]:
    """Open a regular file for reading.

    Raises:
        OSError: it is not there, may not be read, or is no file; the text says what it is.
    """
    name = _named(path)
    try:
        _check(os.stat(name), path)
    except FileNotFoundError:
        if path.endswith(LINK) and os.path.islink(path.removesuffix(LINK)):
            raise OSError(
                "it is a link that leads out of the folder, which is not followed; name what it leads to as an input"
            ) from None
        raise
    if os.path.isdir(name):
        os.scandir(name).close()  # says it where the folder may not be listed
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    file = open(name, "rb", opener=_at_once)  # noqa: SIM115  it is what is returned
    try:
        _check(os.fstat(file.fileno()), path)
    except BaseException:
        file.close()
        raise
    return file


def _named(path: str) -> str | bytes:
    if "\\x" not in path or os.path.lexists(path):
        return path
    return _ESCAPED.sub(lambda found: bytes((int(found[1], 16),)), path.encode())


def _at_once(path: str, flags: int) -> int:
    # What has become a pipe since it was looked at is not waited for.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check(status: os.stat_result, path: str) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise OSError(f"it is {_KINDS.get(kind, 'no file')}")


_MISSING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


# Pages shrink to a tenth, an archive of copies to a hundredth. What grows more than so many times, beyond the first
# bytes (a page alone may be anything: `max_page_bytes` bounds it), is made to.
MOST_TIMES, FREE_BYTES = 500, 1 << 26

_BUFFER = 1 << 17


Found = tuple[str, int, int]

"""A file's path, its size in bytes and its time of change in nanoseconds since 1970."""


def open_raw(path: str) -> IO[bytes]:
    """Open a file for reading, its bytes as they lie.

    Raises:
        OSError: it is not there, may not be read, or is no file.
        BatchError: the store that holds it cannot be reached now.
    """
    if not is_url(path):
        return open_local(path)
    check_address(path)
    import fsspec

    try:
        return io.BufferedReader(_Remote(fsspec.open(path, "rb").open(), path))
    except _MISSING:
        raise
    except Exception as fault:
        raise BatchError(f"{path}: cannot be opened now: {type(fault).__name__}: {fault}") from fault


class _Remote(io.RawIOBase):
    """A file of a store: what fails while it is read is a `BatchError`, so that no reader takes it for damage."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        self._file, self._path = file, path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            octets = self._file.read(len(buffer))
        except Exception as fault:
            raise BatchError(f"{self._path}: cannot be read now: {type(fault).__name__}: {fault}") from fault
        buffer[: len(octets)] = octets
        return len(octets)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Zstandard(io.RawIOBase):
    """A stream unpacked, through all its frames: a file written in pieces has several. A broken one is an `OSError`."""

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard

        self._fault = zstandard.ZstdError
        self._stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._stream.readinto(buffer)
        except self._fault as fault:
            raise OSError(f"the Zstandard stream is broken: {fault}") from fault

    def close(self) -> None:
        if not self.closed:
            self._stream.close()  # type: ignore[no-untyped-call]
        super().close()


class _Unpacked(io.RawIOBase):
    """An unpacked stream that ends, with an `OSError`, where it is a bomb: so much out of so little."""

    def __init__(self, stream: gzip.GzipFile | io.RawIOBase, raw: IO[bytes]) -> None:
        self._stream, self._raw = stream, raw
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read: int = self._stream.readinto(buffer)
        self._size += read
        if self._size > FREE_BYTES and self._size > MOST_TIMES * self._raw.tell():
            raise OSError(f"it unpacks to more than {MOST_TIMES} times its size")
        return read

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._raw.close()
        super().close()


def open_unpacked(path: str) -> IO[bytes]:
    """Open a file for reading, its bytes after unpacking: .gz, .tgz and .zst by the ending.

    Raises: as `open_raw`; a stream that is broken raises OSError, EOFError or zlib.error as it is read.
    """
    raw = open_raw(path)
    ending = path.lower().rpartition(".")[2]
    if ending in ("gz", "tgz"):
        return io.BufferedReader(_Unpacked(gzip.GzipFile(fileobj=raw), raw), _BUFFER)
    if ending == "zst":
        return io.BufferedReader(_Unpacked(_Zstandard(raw), raw), _BUFFER)
    return raw


def find(url: str) -> Iterator[Found]:
    """Yield path, size and time of change (nanoseconds since 1970) of a URL's file, or of all files below it.

    Raises:
        BatchError: the store cannot be listed now.
        SetupError: the URL is none of a store, or holds a password.
    """
    check_address(url)
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(url)
        files.invalidate_cache()
        if any(char in root for char in "*?["):
            found = files.glob(root, detail=True)
        elif files.isfile(root):
            found = {root: files.info(root)}
        else:
            found = files.find(root, detail=True)
    except FileNotFoundError:
        return
    except Exception as fault:
        raise BatchError(f"{url}: cannot be listed now: {type(fault).__name__}: {fault}") from fault
    for name, said in found.items():
        if said.get("type") == "file":
            yield files.unstrip_protocol(name), int(said.get("size") or 0), _changed(said)


def _changed(said: dict[str, Any]) -> int:
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified"):
        when = said.get(name)
        if isinstance(when, int | float):
            return int(when * 1_000_000_000)
        if isinstance(when, datetime):
            return int(when.timestamp() * 1_000_000) * 1000
    return -1
