"""What a run did: the report that the manifest holds, the terminal prints and the artifacts show."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from qingwen.model import SCHEMA_VERSION, Cleaned, Rejection
from qingwen.text.characters import printed

LENGTHS = (200, 500, 1_000, 2_000, 5_000)


@dataclass(slots=True)
class Counts:
    """What became of pages: counts in and out, by reason and by rule; characters are code points.

    ``unchanged`` are items of a changed container that it held before; ``lengths`` counts records by the characters of
    their text: those below each of `LENGTHS`, and the longer ones. ``left_out`` are the paths that the job leaves out,
    with their pages' ids, ``unreadable`` those that cannot be read now, with the reason: both are pending.
    """

    pages: int = 0
    records: int = 0
    copies: int = 0
    unchanged: int = 0
    kept_chars: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    removed_chars: Counter[str] = field(default_factory=Counter)
    removed_blocks: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Count another's counts in."""
        self.pages += other.pages
        self.records += other.records
        self.copies += other.copies
        self.unchanged += other.unchanged
        self.kept_chars += other.kept_chars
        for name in ("rejections", "removed_chars", "removed_blocks", "edits", "flags", "lengths"):
            getattr(self, name).update(getattr(other, name))
        self.left_out.update(other.left_out)
        self.unreadable.update(other.unreadable)

    def count(self, result: Cleaned | Rejection) -> None:
        """Count one page in."""
        if isinstance(result, Rejection):
            self.rejections[result.rule] += 1
            return
        self.records += 1
        length = len(result.record.text)
        self.kept_chars += length
        self.lengths[next((f"under {most:,}" for most in LENGTHS if length < most), f"{LENGTHS[-1]:,} and more")] += 1
        for judged in result.blocks:
            if judged.text is not None:
                self.removed_chars[judged.verdict.label.value] += len(judged.text)
                self.removed_blocks[judged.verdict.rule] += 1
        self.edits.update(edit.rule for edit in result.edits)
        self.flags.update(flag.rule for flag in result.flags)

    def leave_out(self, records: int, rejections: Mapping[str, int]) -> None:
        """Count pages as copies that turned out, among all batches, to be another path's."""
        self.records -= records
        self.copies += records + sum(rejections.values())
        self.rejections.subtract(rejections)
        self.rejections = +self.rejections

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """Return the counts that `to_json` wrote."""
        counts = cls()
        for name, value in json.loads(text).items():
            setattr(counts, name, Counter(value) if isinstance(getattr(counts, name), Counter) else value)
        return counts

    def to_json(self) -> str:
        """Return the counts as JSON."""
        return json.dumps(self.plain(), ensure_ascii=False, sort_keys=True)

    def plain(self) -> dict[str, int | dict[str, int] | dict[str, str]]:
        """Return the counts as plain dictionaries and numbers."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


@dataclass(slots=True)
class RunReport:
    """Counts in and out per stage and rule, versions and digests of one run.

    ``inputs``, ``unchanged`` and ``pending`` count files; ``counts`` the pages in them; ``given_up`` counts pages that
    stay pending, as workers died at them in several runs; ``sites`` is how many sites the run's SiteBook knows;
    ``jumps`` are shares higher than in the last runs, in words; ``notes`` what else to know; ``seconds`` are by stage.
    """

    run: str
    dataset: str
    rules_version: str
    config_digest: str
    inputs: int = 0
    unchanged: int = 0
    pending: int = 0
    pending_paths: list[str] = field(default_factory=list)
    given_up: int = 0
    withdrawn: int = 0
    duplicates: int = 0
    sites: int = 0
    sites_digest: str = ""
    counts: Counts = field(default_factory=Counts)
    faults: list[str] = field(default_factory=list)
    jumps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    commits: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    finished_earlier: str | None = None
    schema_version: int = SCHEMA_VERSION
    inputs_digest: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def wrote(self) -> bool:
        """Tell whether the run had anything to commit."""
        return bool(self.commits)

    def manifest(self) -> dict[str, Any]:
        """Return the report as the JSON object that ``_runs/<run>.json`` holds."""
        stated = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        # The table sources names each page that is pending.
        named = ("left_out", "unreadable")
        return {**stated, "counts": {name: n for name, n in self.counts.plain().items() if name not in named}}

    @classmethod
    def from_manifest(cls, stated: Mapping[str, Any]) -> RunReport:
        """Return the report that `manifest` made."""
        counts = Counts.from_json(json.dumps(stated["counts"]))
        return cls(**{**stated, "counts": counts})

    def rejected(self) -> int:
        """Return how many pages were rejected."""
        return sum(self.counts.rejections.values())


def tables_of(report: RunReport) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Yield the report's tables: a title, and rows of equal columns."""
    counts = report.counts
    pages = [
        ("pages in", report.inputs),
        ("unchanged", report.unchanged),
        ("records", counts.records),
        ("rejections", report.rejected()),
        ("identical copies", counts.copies),
        ("records with a text that others have", report.duplicates),
        ("withdrawn", report.withdrawn),
        ("pending", report.pending),
    ]
    yield "Pages", [{"what": what, "pages": n} for what, n in pages if n or what in ("pages in", "records")]
    yield "Rejections by reason", [{"rule": r, "pages": n} for r, n in counts.rejections.most_common()]
    yield "Characters removed by label", [{"label": r, "characters": n} for r, n in counts.removed_chars.most_common()]
    order = [name for name, _ in sorted(counts.lengths.items(), key=lambda pair: _least(pair[0]))]
    yield "Lengths", [{"characters": name, "records": counts.lengths[name]} for name in order]
    repairs = [(rule, n) for rule, n in counts.edits.most_common() if not rule.startswith("layout.")]
    yield "Repairs by rule", [{"rule": rule, "edits": n} for rule, n in repairs]
    yield "Flags by rule", [{"rule": rule, "places": n} for rule, n in counts.flags.most_common()]


def _number(row: Mapping[str, object]) -> int:
    return int(str(list(row.values())[-1]))


def _bar(n: int, most: int) -> str:
    """Return a picture of a number beside the largest: up to twenty blocks, one for anything above nothing."""
    return "█" * (-(-20 * n // max(1, most)))


def _least(name: str) -> tuple[int, bool]:
    return int("".join(char for char in name if char.isdigit())), name.endswith("more")


def _code(text: str) -> str:
    """Return a text as code in a line: what a path or a fault holds is no markup, nor a line of its own."""
    plain = printed(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    return f"{fence}{plain}{fence}" if "`" not in plain else f"{fence} {plain} {fence}"


def markdown(report: RunReport) -> str:
    """Return the report as markdown: its tables, each number with a bar."""
    lines = [f"# qingwen run {report.run}", "", f"Dataset {_code(report.dataset)}, rules `{report.rules_version}`.", ""]
    if report.jumps:
        lines += ["**Unlike the last runs**: " + "; ".join(report.jumps), ""]
    if report.pending:
        lines += [f"**{report.pending} pages are pending**: " + "; ".join(map(_code, report.faults[:3])), ""]
    for title, rows in tables_of(report):
        if rows:
            names = list(rows[0])
            most = max(_number(row) for row in rows)
            lines += [f"## {title}", "", "| " + " | ".join(names) + " | |", "|" + " --- |" * len(names) + " --- |"]
            lines += ["| " + " | ".join([*map(str, row.values()), _bar(_number(row), most)]) + " |" for row in rows]
            lines.append("")
    return "\n".join(lines)
