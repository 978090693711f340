"""Members of zip and tar archives to items."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import IO

from qingwen.config import Config
from qingwen.model import Rejection
from qingwen.read.items import Item, refused
from qingwen.read.storage import open_raw, open_unpacked

ZIP_ENDINGS = (".zip",)
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst")
# Members that are pages; others (pictures, styles) are not looked at.
PAGE_ENDINGS = (".txt", ".html", ".htm", ".txt.gz", ".html.gz", ".htm.gz")
_FAULTS = (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


def read_zip(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a zip archive, by their names in its directory."""
    with open_raw(path) as raw:
        try:
            archive = zipfile.ZipFile(raw)
        except _FAULTS as fault:
            yield Item(path, refused(path, "read.damaged", f"The archive cannot be read: {fault}."))
            return
        names = _Names(path)
        for member in archive.infolist():
            if member.is_dir() or not _is_page(member.filename):
                continue
            name = names.of(member.filename)
            try:
                with archive.open(member) as file:
                    octets = _read(file, name, config)
            except (*_FAULTS, RuntimeError) as fault:  # RuntimeError: it is encrypted
                octets = _damaged(name, fault)
            yield Item(name, octets)


def read_tar(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a tar archive as it streams by; what lies behind a damaged place is one rejection."""
    try:
        with open_unpacked(path) as stream:
            watched = _Watched(stream)
            archive = tarfile.open(fileobj=watched, mode="r|")  # type: ignore[call-overload]  # noqa: SIM115  it holds the stream alone
            names = _Names(path)
            for member in archive:
                if not member.isfile() or not _is_page(member.name):
                    continue
                name = names.of(member.name)
                file = archive.extractfile(member)
                assert file is not None, "a regular file has contents"
                yield Item(name, _read(file, name, config))
            if watched.last.strip(b"\0"):
                raise EOFError("the archive is cut off")
    except _FAULTS as fault:
        said = f"From a damaged place on nothing can be read: {fault}."
        yield Item(f"{path}!", refused(f"{path}!", "read.damaged", said))


class _Watched:
    """A stream that remembers the last octets read: tarfile takes an archive that is cut off for one that ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int) -> bytes:
        octets = self._stream.read(size)
        self.last = octets[-tarfile.BLOCKSIZE :] or self.last
        return octets


class _Names:
    """The paths of an archive's members, each given once: of members with one name the second is ``name#2``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: Counter[str] = Counter()

    def of(self, name: str) -> str:
        self._seen[name] += 1
        n = self._seen[name]
        return f"{self._path}!{name}" if n == 1 else f"{self._path}!{name}#{n}"


def _is_page(name: str) -> bool:
    return name.lower().endswith(PAGE_ENDINGS) and not name.rpartition("/")[2].startswith(".")


def _read(file: IO[bytes], path: str, config: Config) -> bytes | Rejection:
    limit = config.max_page_bytes
    if path.partition("!")[2].lower().endswith(".gz"):
        try:
            octets = gzip.GzipFile(fileobj=io.BytesIO(file.read(limit + 1))).read(limit + 1)
        except (OSError, EOFError, zlib.error) as fault:
            return _damaged(path, fault)
    else:
        octets = file.read(limit + 1)
    if len(octets) > limit:
        return refused(path, "read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return octets


def _damaged(path: str, fault: Exception) -> Rejection:
    return refused(path, "read.damaged", f"The member cannot be read: {fault}.")
