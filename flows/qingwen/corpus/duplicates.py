"""Exact duplicates: records with the same text, and the one that stands for each cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Member:
    """A record of a cluster; ``duplicate_of`` is None for the one that stands for it."""

    id: str
    duplicate_of: str | None
    cluster_size: int


def exact_clusters(
    old: Iterable[tuple[str, str]],
    new: Iterable[tuple[str, str]],
    touched: Iterable[str] = (),
    standing: Collection[str] = (),
) -> Mapping[str, Member]:
    """Return the members of every cluster that new or touched texts belong to, by record id.

    ``old`` and ``new`` are (id, text_sha256) of the records that stay and of those that come; ``touched`` are texts
    whose cluster lost a member; ``standing`` are the ids that stand for their clusters already, and go on to do so. A
    record that is there goes before one that comes; among equals the smallest id stands. One alone is no cluster.

    >>> found = exact_clusters([], [("b", "x"), ("a", "x"), ("c", "y")])
    >>> found["b"].duplicate_of, found["a"].duplicate_of, "c" in found
    ('a', None, False)
    """
    fresh = list(new)
    wanted = {text for _, text in fresh} | set(touched)
    there: dict[str, list[str]] = {}
    for name, text in old:
        if text in wanted:
            there.setdefault(text, []).append(name)
    coming: dict[str, list[str]] = {}
    for name, text in fresh:
        coming.setdefault(text, []).append(name)
    found: dict[str, Member] = {}
    for text in wanted:
        names = sorted(there.get(text, ()), key=lambda name: (name not in standing, name)) + sorted(
            coming.get(text, ())
        )
        if len(names) > 1:
            for name in names:
                found[name] = Member(name, None if name == names[0] else names[0], len(names))
    return found
