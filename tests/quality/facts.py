"""Score what is read of authors, dates and sources against the gold: our own, and that of the development sets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qingwen import Config, clean_page
from qingwen.model import Cleaned, Metadata, Page
from qingwen.read.page import read_page
from qingwen.text.match_view import FOLDED, view

OWN = Path(__file__).parent / "metadata_gold.jsonl"
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


def golds(*paths: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").strip().split("\n")]


def facts_of(path: Path) -> Metadata:
    page = read_page(str(path), Config())
    found = clean_page(page) if isinstance(page, Page) else page
    return found.record.metadata if isinstance(found, Cleaned) else Metadata()


def scores(gold: Iterable[Mapping[str, Any]], folder: Path, ending: str) -> dict[str, float]:
    """Return F1 of the authors, and the share of right days and sources where the gold states one."""
    hit = mine = true = 0
    days: list[bool] = []
    sources: list[bool] = []
    for row in gold:
        facts = facts_of(folder / f"{row['id']}{ending}")
        if "authors" in row:
            said, named = _folded(row["authors"]), _folded(facts.authors)
            hit, mine, true = hit + len(said & named), mine + len(named), true + len(said)
        if day := _DAY.match(row.get("date") or ""):
            at = facts.published_at
            days.append(at is not None and (at.year, at.month, at.day) == tuple(map(int, day.groups())))
        if "source" in row:
            sources.append(_folded([row["source"]]) == _folded([facts.source_name or ""]))
    found = {"author": 2 * hit / max(1, mine + true), "day": sum(days) / max(1, len(days))}
    if sources:
        found["source"] = sum(sources) / len(sources)
    return {name: round(value, 4) for name, value in found.items()}


def digest(gold: Iterable[Mapping[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(list(gold), ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]


def _folded(names: Iterable[str] | None) -> set[str]:
    return {view(name, FOLDED).text for name in names or ()}
