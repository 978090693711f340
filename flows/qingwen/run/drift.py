"""Compare a run with the last ones of its dataset: shares that jump are reported; beyond a limit nothing is published.

A broken crawler fetches error pages and log-in forms. Each of them is rejected or stripped rightly, yet the run as a
whole should not replace good records unseen.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from qingwen.dataset.location import Location, read_state
from qingwen.errors import PublishError
from qingwen.run.jobs import Counts

# So many earlier runs say what is usual; runs of fewer pages neither say it nor are labelled by it.
_RUNS, LEAST_PAGES = 10, 50
# A share that is higher than usual by so much of all pages, or of all characters, is reported; refused. Shares of one
# source differ from day to day by a few hundredths; another source may reject twice as much: a person should look.
REPORTED, REFUSED = 0.10, 0.30


@dataclass(frozen=True, slots=True)
class Jump:
    """A share (0 to 1) that is higher than usual: ``what`` it counts, now, and as the median of the last runs."""

    what: str
    now: float
    usual: float

    @property
    def is_refused(self) -> bool:
        """Tell whether the run needs ``accept`` to be published."""
        return self.now - self.usual > REFUSED

    def __str__(self) -> str:
        return f"{self.what}: {self.now:.0%}, usually {self.usual:.0%}"


def shares(counts: Counts) -> Mapping[str, float] | None:
    """Return the shares to compare; None for a run that is too small."""
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
    earlier = [of_run for counts in before if (of_run := shares(counts)) is not None]
    if mine is None or not earlier:
        return []
    usual = {what: statistics.median(of_run[what] for of_run in earlier) for what in mine}
    higher = [Jump(what, mine[what], usual[what]) for what in mine if mine[what] - usual[what] > REPORTED]
    return sorted(higher, key=lambda jump: jump.usual - jump.now)


def check_jumps(dataset: Location, now: Counts, *, accept: bool) -> list[str]:
    """Return which shares are higher than in the last runs, in words.

    Raises:
        PublishError: one is far higher, and that was not accepted.
    """
    higher = jumps(now, last_counts(dataset))
    if any(jump.is_refused for jump in higher) and not accept:
        raise PublishError(
            f"{dataset}: not published, this run is unlike the last ones ({'; '.join(map(str, higher))}). "
            "Look at the pages (qingwen explain PAGE); run again with --accept to publish what is cleaned already."
        )
    return [str(jump) for jump in higher]


def last_counts(dataset: Location) -> list[Counts]:
    """Return the counts of the last runs that are large enough to compare, from their manifests."""
    folder = dataset / "_runs"
    paths = sorted(folder.glob("*.json"), key=lambda path: path.name, reverse=True) if folder.exists() else []
    every = (read_state(path, _counts, "Remove it: it says what one run did.") for path in paths[: 5 * _RUNS])
    return list(islice((counts for counts in every if counts is not None and shares(counts) is not None), _RUNS))


def _counts(manifest: bytes) -> Counts:
    return Counts.of(json.loads(manifest)["counts"])
