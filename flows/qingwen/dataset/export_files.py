"""Write lines to a file, or to a folder of files of bounded size, compressed or not: completely or not at all.

Files are written under a temporary name beside their destination, then renamed. A store gets the finished files.
"""

import gzip
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from qingwen.dataset.location import Location, put
from qingwen.errors import SetupError

GZIP, ZSTD, NONE = "gzip", "zstd", "none"
PACKED = {GZIP: ".gz", ZSTD: ".zst", NONE: ""}
_NAMED = re.compile(r"\.(?:jsonl|json|ndjson|jl)(\.gz|\.zst)?$")
_SHARD = re.compile(r"part-\d{5,}\.jsonl(?:\.gz|\.zst)?$")
_OTHER_FILES = re.compile(r"\.(?:gz|zst|bz2|xz|zip|tar|txt|csv|tsv|parquet|arrow)$")
# Prefix of the temporary folder that a killed export leaves; later exports ignore it.
_WORK = ".export-"
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3


class Output:
    """The destination: a file if its name ends in ``.jsonl``, ``.jsonl.gz``, ``.jsonl.zst`` …, else a folder.

    ``compression`` is that of a folder's files; a file's name decides its own.

    Raises:
        SetupError: something else is there, or an export is there and ``overwrite`` is false.
    """

    def __init__(self, place: Location, *, compression: str, overwrite: bool) -> None:
        self.place = place
        self._at = place.resolve() if isinstance(place, Path) else None
        found = _NAMED.search(place.name)
        self.is_file = found is not None
        ending = found[1] or "" if found else PACKED[compression]
        self.compression = next(name for name, packed in PACKED.items() if packed == ending)
        (self._check_file if self.is_file else self._check_folder)(overwrite)

    def _check_file(self, overwrite: bool) -> None:
        if self.place.is_dir():
            raise SetupError(f"{self.place}: is a folder. Name a file, or a folder that does not end like a file.")
        if self.place.exists() and not overwrite:
            raise SetupError(f"{self.place}: exists already. Name another file, or replace it with --overwrite.")

    def _check_folder(self, overwrite: bool) -> None:
        place = self.place
        if place.exists() and not place.is_dir():
            raise SetupError(
                f"{place}: is not a folder. Files end in .jsonl, .jsonl.gz or .jsonl.zst; - is standard output."
            )
        if not place.exists() and _OTHER_FILES.search(place.name):
            raise SetupError(f"{place}: cannot write files of this kind. Files end in .jsonl, .jsonl.gz or .jsonl.zst.")
        names = sorted(file.name for file in place.iterdir()) if place.exists() else []
        names = [name for name in names if not name.startswith(_WORK)]
        others = [name for name in names if not _SHARD.match(name)]
        if others:
            raise SetupError(f"{place}: holds files that no export wrote ({others[0]}). Name a new or empty folder.")
        if names and not overwrite:
            raise SetupError(f"{place}: holds an export already. Name another folder, or replace it with --overwrite.")

    @contextmanager
    def work(self) -> Iterator[Path]:
        """Yield a temporary folder on the disk of the output; for a store, in the system's temporary folder.

        Raises:
            SetupError: the folder of the output cannot be written.
        """
        at = self._at
        beside = None if at is None else at if at.is_dir() else at.parent
        try:
            if beside is not None:
                beside.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=beside))
        except (PermissionError, FileExistsError, NotADirectoryError) as fault:
            raise SetupError(f"{self.place}: cannot be written: {fault.strerror}.") from fault
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, lines: Iterator[bytes], work: Path, most: int) -> int:
        """Write lines, then move the files to their destination; return the number of files.

        A file of a folder holds at most ``most`` bytes before compression, or one longer line. An existing folder gets
        its files one by one, as a mount point cannot be replaced.
        """
        made = work / "made"
        made.mkdir()
        if self.is_file:
            with _packed(made / self.place.name, self.compression) as file:
                for line in lines:
                    file.write(line)
        else:
            self._write_shards(lines, made, most)
        names = sorted(file.name for file in made.iterdir())
        if self._at is None:
            if self.is_file:
                self.place.fs.put_file(str(made / names[0]), self.place.path)
            else:
                put(made, self.place, names[-1])
        elif self.is_file:
            (made / names[0]).replace(self._at)
        elif self._at.is_dir():
            for old in self._at.iterdir():
                if _SHARD.match(old.name):
                    old.unlink()
            for name in names:
                (made / name).rename(self._at / name)
        else:
            made.rename(self._at)
        return len(names)

    def _write_shards(self, lines: Iterator[bytes], folder: Path, most: int) -> None:
        line = next(lines, None)
        for n in count():
            size = 0
            with _packed(folder / f"part-{n:05d}.jsonl{PACKED[self.compression]}", self.compression) as file:
                while line is not None and (not size or size + len(line) <= most):
                    file.write(line)
                    size += len(line)
                    line = next(lines, None)
            if line is None:
                return


@contextmanager
def _packed(path: Path, compression: str) -> Iterator[Any]:
    """Open a file for compressed writing, without time and name in its header, so that equal lines give equal bytes."""
    with path.open("wb") as raw:
        if compression == GZIP:
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as packed:
                yield packed
        elif compression == ZSTD:
            import zstandard

            with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(raw, closefd=False) as file:
                yield file
        else:
            yield raw
