"""Lines in the order of their ids, sorted on disk where they are many, never whole in memory.

DuckDB's own sort moves whole rows through memory: with 256 MB it failed at 300,000 records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

# Most lines that are sorted in memory at once; 100 MB of news. Fewer cost more files.
MOST = 10_000
# Bytes that are held back until they are written.
_HELD = 32 * 1024 * 1024
_DIGITS = 16


def ordered(lines: Iterable[tuple[str, bytes]], total: int, folder: Path, most: int = MOST) -> Iterator[bytes]:
    """Yield ``total`` lines, each given with its id, in the order of ids; each ends with its only line break.

    Ids are hexadecimal digests: dealt by their first digits, they fall into even parts. A part is a file of
    ``folder``, or none where all is held in memory.
    """
    digits = next(n for n in range(_DIGITS) if total <= most * _DIGITS**n)
    held: defaultdict[str, list[bytes]] = defaultdict(list)
    size = 0
    for name, line in lines:
        held[name[:digits]].append(b"%s\t%s" % (name.encode(), line))
        size += len(line)
        if size > _HELD:
            _append(held, folder)
            size = 0
    if folder.exists():
        _append(held, folder)
        for path in sorted(folder.iterdir()):
            with path.open("rb") as file:
                part = sorted(file)
            path.unlink()
            yield from map(_line, part)
    else:
        for key in sorted(held):
            yield from map(_line, sorted(held.pop(key)))


def _append(held: defaultdict[str, list[bytes]], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for key, lines in held.items():
        with (folder / f"part-{key}").open("ab") as file:
            file.writelines(lines)
    held.clear()


def _line(named: bytes) -> bytes:
    return named.partition(b"\t")[2]
