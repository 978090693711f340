"""Read the pages of zip and tar archives."""

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
from qingwen.read.open import (
    BOMB,
    FREE_DECOMPRESSED_BYTES,
    MAX_DECOMPRESSION_RATIO,
    escaped_name,
    open_raw,
    open_unpacked,
)
from qingwen.read.page import RawPage, raise_temporary, rejected, rejection

ZIP_ENDINGS = (".zip",)
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst")
# Members that are pages; others (pictures, styles) are skipped.
PAGE_ENDINGS = (".txt", ".html", ".htm", ".txt.gz", ".html.gz", ".htm.gz")
# What tarfile and zipfile raise on damaged or hostile headers: anything, even IndexError.
_FAULTS = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RecursionError, TypeError),
    *(ValueError, struct.error, zlib.error, tarfile.TarError, zipfile.BadZipFile),
)
# Python unpacks other methods (bzip2, LZMA) without a bound, or with as much memory as the member asks for.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# The list of a zip archive's members is read whole: a million names, which take half a gigabyte of memory.
_MAX_ZIP_LIST_BYTES = 1 << 26
# Names and notes before a member of a tar archive; paths end at 4 KB.
_MAX_TAR_HEADER_BYTES = 1 << 20
_TAR_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


def read_zip(path: str, config: Config) -> Iterator[RawPage]:
    """Yield the pages of a zip archive in the order of its directory."""
    with open_raw(path) as raw:
        try:
            archive = zipfile.ZipFile(_BoundedReads(raw, max(_MAX_ZIP_LIST_BYTES, 2 * config.max_page_bytes)))
        except _FAULTS as fault:
            raise_temporary(fault)
            yield rejected(path, "read.damaged", f"The archive cannot be read: {fault}.")
            return
        names: Counter[str] = Counter()
        left = max(FREE_DECOMPRESSED_BYTES, MAX_DECOMPRESSION_RATIO * raw.seek(0, io.SEEK_END))
        for member in archive.infolist():
            if not _is_page(member.filename):  # a folder's name ends in a slash
                continue
            name = _unique(path, member.filename, names)
            octets = _member(archive, member, name, config)
            left -= config.max_page_bytes if isinstance(octets, Rejection) else len(octets)
            yield RawPage(name, octets)
            if left < 0:
                yield rejected(f"{path}!", "read.damaged", f"From here on nothing is read: {BOMB}.")
                return


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, config: Config) -> bytes | Rejection:
    if member.compress_type not in _ZIP_METHODS:
        detail = "The member cannot be read: it is packed by another method than deflate."
        return rejection(name, "read.damaged", detail)
    try:
        with archive.open(member) as file:
            return _read(file, name, config)
    except (*_FAULTS, RuntimeError) as fault:  # RuntimeError: it is encrypted
        raise_temporary(fault)
        return _damaged(name, fault)


class _BoundedReads:
    """A file that refuses reads above a limit: zipfile reads as much at once as the archive says."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit = file, limit
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self._limit:
            raise OSError(f"its list of members takes more than {self._limit} bytes")
        return self._file.read(size)


def read_tar(path: str, config: Config) -> Iterator[RawPage]:
    """Yield the pages of a tar archive while it is streamed; damage rejects the rest of the archive."""
    try:
        with open_unpacked(path) as stream:
            ended = _EndCheck(stream)
            archive = tarfile.open(fileobj=ended, mode="r|", tarinfo=_Member)  # type: ignore[call-overload]  # noqa: SIM115  it holds the stream alone
            names: Counter[str] = Counter()
            while (member := archive.next()) is not None:
                archive.members.clear()  # tarfile would keep every member, even of a hundred million
                if not member.isfile() or not _is_page(member.name):
                    continue
                name = _unique(path, member.name, names)
                file = archive.extractfile(member)
                assert file is not None, "a regular file has contents"
                yield RawPage(name, _read(file, name, config))
            if ended.last.strip(b"\0"):
                raise EOFError("the archive is cut off")
            while rest := stream.read(_MAX_TAR_HEADER_BYTES):
                if rest.strip(b"\0"):
                    raise EOFError("behind the end of the archive lies more")
    except _FAULTS as fault:
        raise_temporary(fault)
        yield rejected(f"{path}!", "read.damaged", f"From a damaged place on nothing can be read: {fault}.")


class _Member(tarfile.TarInfo):
    """A member whose headers have a sane size, as tarfile reads them whole, and that is not sparse."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0 or (self.type in _TAR_HEADERS and self.size > _MAX_TAR_HEADER_BYTES):
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc, no-any-return]

    def _refuse_holes(self, *_: object) -> tarfile.TarInfo:
        raise tarfile.ReadError("a member with holes (sparse)")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_holes


class _EndCheck:
    """A stream that tells a whole archive from one that is cut off, as tarfile does not.

    A whole archive ends in zeros, so the last block is kept. Behind a cut tarfile reads on, as often as a member is
    large; the third empty read raises.
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


def _unique(path: str, name: str, names: Counter[str]) -> str:
    """Return a member's path, and count its name; the second member of a name is ``name#2``."""
    name = escaped_name(name)
    names[name] += 1
    return f"{path}!{name}" if names[name] == 1 else f"{path}!{name}#{names[name]}"


def _is_page(name: str) -> bool:
    return name.lower().endswith(PAGE_ENDINGS) and not name.rpartition("/")[2].startswith(".")


def _read(file: IO[bytes], path: str, config: Config) -> bytes | Rejection:
    limit = config.max_page_bytes
    if path.partition("!")[2].lower().endswith(".gz"):
        try:
            octets = gzip.GzipFile(fileobj=io.BytesIO(file.read(limit + 1))).read(limit + 1)
        except (OSError, EOFError, zlib.error) as fault:
            raise_temporary(fault)
            return _damaged(path, fault)
    else:
        octets = file.read(limit + 1)
    if len(octets) > limit:
        return rejection(path, "read.too-large", f"The page has more than {limit} bytes (max_page_bytes).")
    return octets


def _damaged(path: str, fault: Exception) -> Rejection:
    return rejection(path, "read.damaged", f"The member cannot be read: {fault}.")
