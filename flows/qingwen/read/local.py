"""Files of this machine: regular ones alone are opened, and each name can be written down.

A pipe would be waited for without end, a device read without end. A name that is no UTF-8 is written with ``\\xff`` for
each such byte, in rows and in messages; the file is found by it all the same.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import IO

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
