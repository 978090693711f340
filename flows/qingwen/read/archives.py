"""Members of zip and tar archives to items."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import IO

from qingwen.config import Config
from qingwen.model import Rejection
from qingwen.read.open import FREE_BYTES, MOST_TIMES, open_raw, open_unpacked, shown
from qingwen.read.page import Item, raise_passing, refused

ZIP_ENDINGS = (".zip",)
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst")
# Members that are pages; others (pictures, styles) are not looked at.
PAGE_ENDINGS = (".txt", ".html", ".htm", ".txt.gz", ".html.gz", ".htm.gz")
# What tarfile and zipfile raise on headers that are damaged, or made to be: anything, IndexError too.
_FAULTS = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RecursionError, TypeError),
    *(ValueError, struct.error, zlib.error, tarfile.TarError, zipfile.BadZipFile),
)
# Python unpacks others (bzip2, LZMA) without a bound, or takes as much memory as the member asks for.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# The list of a zip archive's members is read whole: a million names, which take half a gigabyte.
_LARGEST_LIST = 1 << 26
# Names and notes in front of a member of a tar archive; paths end at 4 KB.
_LARGEST_HEADER = 1 << 20
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


def read_zip(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a zip archive, by their names in its directory."""
    with open_raw(path) as raw:
        try:
            archive = zipfile.ZipFile(_Limited(raw, max(_LARGEST_LIST, 2 * config.max_page_bytes)))
        except _FAULTS as fault:
            raise_passing(fault)
            yield Item(path, refused(path, "read.damaged", f"The archive cannot be read: {fault}."))
            return
        names = _Names(path)
        most = max(FREE_BYTES, MOST_TIMES * raw.seek(0, io.SEEK_END))
        for member in archive.infolist():
            if not _is_page(member.filename):  # a folder's name ends in a slash
                continue
            name = names.of(member.filename)
            octets = _member(archive, member, name, config)
            most -= config.max_page_bytes if isinstance(octets, Rejection) else len(octets)
            yield Item(name, octets)
            if most < 0:
                said = f"From here on nothing is read: it unpacks to more than {MOST_TIMES} times its size."
                yield Item(f"{path}!", refused(f"{path}!", "read.damaged", said))
                return


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, config: Config) -> bytes | Rejection:
    if member.compress_type not in _METHODS:
        said = "The member cannot be read: it is packed by another method than deflate."
        return refused(name, "read.damaged", said)
    try:
        with archive.open(member) as file:
            return _read(file, name, config)
    except (*_FAULTS, RuntimeError) as fault:  # RuntimeError: it is encrypted
        raise_passing(fault)
        return _damaged(name, fault)


class _Limited:
    """A file that is not read in pieces larger than a limit: zipfile reads as much at once as the archive says."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self._most:
            raise OSError(f"its list of members takes more than {self._most} bytes")
        return self._file.read(size)


def read_tar(path: str, config: Config) -> Iterator[Item]:
    """Yield the pages of a tar archive as it streams by; what lies behind a damaged place is one rejection."""
    try:
        with open_unpacked(path) as stream:
            watched = _Watched(stream)
            archive = tarfile.open(fileobj=watched, mode="r|", tarinfo=_Member)  # type: ignore[call-overload]  # noqa: SIM115  it holds the stream alone
            names = _Names(path)
            while (member := archive.next()) is not None:
                archive.members.clear()  # tarfile would keep what it has read, of a hundred million members too
                if not member.isfile() or not _is_page(member.name):
                    continue
                name = names.of(member.name)
                file = archive.extractfile(member)
                assert file is not None, "a regular file has contents"
                yield Item(name, _read(file, name, config))
            if watched.last.strip(b"\0"):
                raise EOFError("the archive is cut off")
    except _FAULTS as fault:
        raise_passing(fault)
        said = f"From a damaged place on nothing can be read: {fault}."
        yield Item(f"{path}!", refused(f"{path}!", "read.damaged", said))


class _Member(tarfile.TarInfo):
    """A member whose headers are of a size that headers have: tarfile reads them whole. A page has no holes."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0 or (self.type in _HEADERS and self.size > _LARGEST_HEADER):
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc, no-any-return]

    def _refuse_holes(self, *_: object) -> tarfile.TarInfo:
        raise tarfile.ReadError("a member with holes (sparse)")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_holes


class _Watched:
    """A stream that remembers the last octets read: tarfile takes an archive that is cut off for one that ends.

    It goes on reading behind the end, as often as a member is large; this ends it.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._beyond = 0
        self.last = b""

    def read(self, size: int) -> bytes:
        octets = self._stream.read(size)
        self._beyond += not octets
        if self._beyond > 2:
            raise EOFError("the archive is cut off")
        self.last = octets[-tarfile.BLOCKSIZE :] or self.last
        return octets


class _Names:
    """The paths of an archive's members, each given once: of members with one name the second is ``name#2``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: Counter[str] = Counter()

    def of(self, name: str) -> str:
        name = shown(name)
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
            raise_passing(fault)
            return _damaged(path, fault)
    else:
        octets = file.read(limit + 1)
    if len(octets) > limit:
        return refused(path, "read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return octets


def _damaged(path: str, fault: Exception) -> Rejection:
    return refused(path, "read.damaged", f"The member cannot be read: {fault}.")
