"""What there is to do: the inputs against what the dataset already holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qingwen.config import Config
from qingwen.corpus import tables
from qingwen.model import Rejection
from qingwen.read.files import page_id, read_bytes
from qingwen.read.inputs import Source

SUPERSEDED, PENDING = "superseded", "pending"


@dataclass(frozen=True, slots=True)
class Held:
    """What the dataset knows of a path."""

    page_id: str | None
    size: int
    modified: int
    outcome: str


@dataclass(slots=True)
class Holdings:
    """The paths that the dataset holds, and the paths of each page."""

    paths: dict[str, Held] = field(default_factory=dict)
    pages: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Path) -> Holdings:
        """Read the sources table."""
        held = cls()
        columns = ("source_path", "page_id", "size", "modified", "outcome")
        for row in tables.read(dataset, "sources", columns).to_pylist():
            if row["outcome"] == SUPERSEDED:
                continue
            held.paths[row["source_path"]] = Held(row["page_id"], row["size"], row["modified"], row["outcome"])
            if row["page_id"] is not None:
                held.pages.setdefault(row["page_id"], set()).add(row["source_path"])
        return held

    def is_unchanged(self, source: Source, config: Config) -> bool:
        """Tell whether a path holds what it held: by size and time, or, where the time differs, by its bytes."""
        known = self.paths.get(source.path)
        if known is None or known.outcome == PENDING:
            return False
        if known.size != source.size:
            return False
        if known.modified == source.modified:
            return True
        octets = read_bytes(source.path, config)
        found = octets.page_id if isinstance(octets, Rejection) else page_id(octets)
        return found == known.page_id

    def changed(self, sources: Sequence[Source], config: Config) -> list[Source]:
        """Return the sources that are new, changed or pending."""
        return [source for source in sources if not self.is_unchanged(source, config)]

    def with_known(self, sources: Sequence[Source]) -> list[Source]:
        """Return the sources with every path that the dataset knows besides: a rebuild loses none of them."""
        named = {source.path for source in sources}
        known = [Source(path, had.size, had.modified) for path, had in self.paths.items() if path not in named]
        return sorted([*sources, *known], key=lambda source: source.path)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the files to clean; ``key`` is a digest of what they are and of what they are cleaned with."""

    n: int
    sources: tuple[Source, ...]
    key: str


def plan_batches(sources: Sequence[Source], workers: int, largest: int, versions: Iterable[str]) -> tuple[Batch, ...]:
    """Cut the files into batches of tens to hundreds, so that every worker has several; rows do not depend on it."""
    size = max(20, min(largest, -(-len(sources) // (workers * 6))))
    stamp = "\n".join(versions)
    batches = []
    for n, at in enumerate(range(0, len(sources), size)):
        some = tuple(sources[at : at + size])
        listed = "\n".join(f"{source.path}\t{source.size}\t{source.modified}" for source in some)
        batches.append(Batch(n, some, hashlib.sha256(f"{stamp}\n{listed}".encode()).hexdigest()[:24]))
    return tuple(batches)
