"""Open files: on this machine, or behind a URL that fsspec opens (s3://…). The only file that imports fsspec.

A store that cannot be reached is a fault of the machine, not of the page: "not there" and "not allowed" are `OSError`
subclasses that belong to the page, every other fault of a store is a `BatchError`.
"""

import errno
import gzip
import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from qingwen.errors import BatchError, SetupError
from qingwen.text.addresses import holds_secret, place_of

# Object stores and file servers. fsspec opens more: archives, caches and references that lead on to other URLs and to
# files of this machine, and repositories of code.
STORES = frozenset(
    "s3 s3a gs gcs az abfs abfss adl oss cos obs hdfs webhdfs http https ftp sftp smb webdav hf memory".split()
)
# The limit on decompression: at most so many times the compressed size, after the first 64 MiB (`max_page_bytes` bounds
# a single page). Pages shrink to a tenth, an archive of copies to a hundredth.
MAX_DECOMPRESSION_RATIO, FREE_DECOMPRESSED_BYTES = 500, 1 << 26
BOMB = f"it unpacks to more than {MAX_DECOMPRESSION_RATIO} times its size"
# Appended to the name of a link that leads out of the folder that the user named, as ``ls -F`` marks links. No file has
# that name, so reading it says why the link is not followed.
OUTSIDE_LINK = "@"

_ESCAPED_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_MISSING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_BUFFER, _STEP = 1 << 17, 1 << 12


class StoreFile(NamedTuple):
    """A file of a store: its URL, its size in bytes and its time of change in nanoseconds since 1970 (-1: unknown)."""

    path: str
    size: int
    modified: int


def is_url(path: str) -> bool:
    """Tell whether a path is a URL; a single letter before ``://`` is a drive of Windows.

    >>> is_url("s3://bucket/page.html"), is_url("pages/a.html"), is_url("C://pages/a.html")
    (True, False, False)
    """
    scheme, separator, _ = path.partition("://")
    name = scheme.replace("+", "").replace("::", "")
    return bool(separator) and len(scheme) > 1 and name.isascii() and name.isalnum()


def check_address(path: str) -> None:
    """Check that a path, if it is a URL, names a store and holds no user, no password and no key.

    Raises:
        SetupError: it names no store, or holds one of these, which the message leaves out.
    """
    if not is_url(path):
        return
    scheme = path.partition("://")[0].lower()
    if "::" in path or scheme not in STORES:
        known = ", ".join(sorted(STORES))
        hint = "name a file of this machine by its path" if scheme in ("file", "local") else f"known are {known}"
        raise SetupError(f"{place_of(path)}: a URL of this kind is not opened; {hint}.")
    try:
        urlsplit(path)
    except ValueError as fault:
        raise SetupError(f"{scheme}://: not a URL.") from fault
    check_secrets(path)


def check_secrets(address: str) -> None:
    """Check that an address holds no user, no password and no key.

    Raises:
        SetupError: it holds one, which the message leaves out.
    """
    if holds_secret(address):
        raise SetupError(
            f"{place_of(address)}: the URL holds a user, a password, a key or a signature, which would be stored. "
            "Give credentials through the environment."
        )


def escaped_name(path: str) -> str:
    """Return a path or a name as the tables hold it: each byte that is not UTF-8 is escaped.

    >>> escaped_name("a.txt"), escaped_name("b\\udcff.txt")
    ('a.txt', 'b\\\\xff.txt')
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", sys.getfilesystemencodeerrors()).decode("utf-8", "backslashreplace")
    return path


def open_local(path: str) -> IO[bytes]:
    """Open a regular file for reading.

    Raises:
        OSError: it is not there, may not be read, or is not a regular file; the text says what it is.
    """
    name = _real_name(path)
    try:
        _check(os.stat(name), path)
    except FileNotFoundError:
        if path.endswith(OUTSIDE_LINK) and os.path.islink(path.removesuffix(OUTSIDE_LINK)):
            raise OSError(
                "it is a link that leads out of the folder, which is not followed; name what it leads to as an input"
            ) from None
        raise
    if os.path.isdir(name):
        os.scandir(name).close()  # raises if the folder may not be listed
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    file = open(name, "rb", opener=_without_waiting)  # noqa: SIM115  it is what is returned
    try:
        _check(os.fstat(file.fileno()), path)
    except BaseException:
        file.close()
        raise
    return file


def _real_name(path: str) -> str | bytes:
    """Undo `escaped_name`."""
    if "\\x" not in path or os.path.lexists(path):
        return path
    return _ESCAPED_BYTE.sub(lambda byte: bytes((int(byte[1], 16),)), path.encode())


def _without_waiting(path: str, flags: int) -> int:
    # A file that was replaced by a named pipe since it was checked would wait for a writer.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check(status: os.stat_result, path: str) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise OSError(f"it is {_KINDS.get(kind, 'no file')}")


def open_raw(path: str) -> IO[bytes]:
    """Open a file for reading, without unpacking it.

    Raises:
        OSError: it is not there, may not be read, or is not a regular file.
        BatchError: its store cannot be reached now.
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
    """A file of a store. A fault while reading is a `BatchError`, so that no reader takes it for damage."""

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


class _Unpacked(io.RawIOBase):
    """An unpacked stream that raises `OSError` for a decompression bomb."""

    def __init__(self, stream: Any, raw: IO[bytes]) -> None:
        self._stream, self._raw = stream, raw
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Step by step: what a step gave is not lost where the next one meets damage.
        octets: bytes = self._stream.read1(min(len(buffer), _STEP))
        buffer[: len(octets)] = octets
        self._size += len(octets)
        if self._size > FREE_DECOMPRESSED_BYTES and self._size > MAX_DECOMPRESSION_RATIO * self._raw.tell():
            raise OSError(BOMB)
        return len(octets)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._raw.close()
        super().close()


def open_unpacked(path: str) -> IO[bytes]:
    """Open a file for reading; .gz, .tgz and .zst files are unpacked.

    Raises: as `open_raw`; reading a broken stream raises OSError, EOFError or zlib.error.
    """
    raw = open_raw(path)
    ending = path.lower().rpartition(".")[2]
    if ending in ("gz", "tgz"):
        return io.BufferedReader(_Unpacked(gzip.GzipFile(fileobj=raw), raw), _BUFFER)
    if ending == "zst":
        import pyarrow as pa

        # It reads all frames of a file, and tells one that is cut off, as zstandard's reader does not.
        stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
        return io.BufferedReader(_Unpacked(stream, raw), _BUFFER)
    return raw


def find_in_store(url: str) -> Iterator[StoreFile]:
    """Yield the file that a URL names, the files that match it as a glob, or all files below it.

    Raises:
        BatchError: the store cannot be listed now.
        SetupError: the URL names no store, or holds a password.
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
    for name, details in found.items():
        if details.get("type") == "file":
            path = files.unstrip_protocol(name)
            check_address(path)  # a page of links may lead to signed ones
            yield StoreFile(path, int(details.get("size") or 0), _modified(details))


def _modified(details: dict[str, Any]) -> int:
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified"):
        when = details.get(name)
        if isinstance(when, int | float):
            return int(when * 1_000_000_000)
        if isinstance(when, datetime):
            return int(when.timestamp() * 1_000_000) * 1000
    return -1
