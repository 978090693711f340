"""A run against the last ones of its dataset: shares that jump are told, and beyond a limit nothing is published.

A crawler that breaks fetches error pages and log-in forms; each is rejected or stripped by rights, and the corpus is
none the better for the rest.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qingwen.dataset.location import Location
from qingwen.errors import PublishError
from qingwen.run.report import Counts

# So many earlier runs say what is usual; a run of fewer pages says nothing, nor is anything said of it.
_RUNS, LEAST_PAGES = 10, 50
# Higher than usual by so much of all pages, or of all characters: told; refused. Shares of the same source differ from
# day to day by a few hundredths; another source may reject twice as much, which a person should look at once.
TOLD, REFUSED = 0.10, 0.30


@dataclass(frozen=True, slots=True)
class Jump:
    """A share that is higher than usual: ``what`` of 1 it is now, and the median of the last runs."""

    what: str
    now: float
    usual: float

    @property
    def is_refused(self) -> bool:
        """Tell whether it is too high to publish unasked."""
        return self.now - self.usual > REFUSED

    def __str__(self) -> str:
        return f"{self.what}: {self.now:.0%}, usually {self.usual:.0%}"


def shares(counts: Counts) -> Mapping[str, float] | None:
    """Return the shares to watch; of a run too small to tell, None."""
    rejected = sum(counts.rejections.values())
    pages = counts.records + rejected
    if pages < LEAST_PAGES:
        return None
    removed = sum(counts.removed_chars.values())
    return {
        "pages rejected": rejected / pages,
        "characters removed": removed / max(1, removed + counts.kept_chars),
    }


def jumps(now: Counts, before: Sequence[Counts]) -> list[Jump]:
    """Return which shares are higher than those of earlier runs, the highest first."""
    mine = shares(now)
    theirs = [found for counts in before if (found := shares(counts)) is not None]
    if mine is None or not theirs:
        return []
    usual = {what: statistics.median(found[what] for found in theirs) for what in mine}
    higher = [Jump(what, mine[what], usual[what]) for what in mine if mine[what] - usual[what] > TOLD]
    return sorted(higher, key=lambda jump: jump.usual - jump.now)


def check_jumps(dataset: Location, now: Counts, *, accept: bool) -> list[str]:
    """Return which shares are higher than in the last runs, in words.

    Raises:
        PublishError: one is far higher, and that was not accepted.
    """
    found = jumps(now, last_counts(dataset))
    if any(jump.is_refused for jump in found) and not accept:
        raise PublishError(
            f"{dataset}: not published, this run is unlike the last ones ({'; '.join(map(str, found))}). "
            "Look at the pages (qingwen explain PAGE); run again with --accept to publish what is cleaned already."
        )
    return [str(jump) for jump in found]


def last_counts(dataset: Location) -> list[Counts]:
    """Return the counts of the last runs that are large enough to tell, by their manifests."""
    return [counts for manifest in _manifests(dataset) if shares(counts := _counts(manifest)) is not None][:_RUNS]


def _manifests(dataset: Location) -> Iterator[dict[str, Any]]:
    folder = dataset / "_runs"
    found = sorted(folder.glob("*.json"), key=lambda path: path.name, reverse=True) if folder.exists() else []
    for path in found[: 5 * _RUNS]:
        manifest = json.loads(path.read_text("utf-8"))
        # Runs of before there was a guard did not count what was kept.
        if "kept_chars" in manifest["counts"]:
            yield manifest


def _counts(manifest: Mapping[str, Any]) -> Counts:
    return Counts.from_json(json.dumps(manifest["counts"]))
