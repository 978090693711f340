"""What a run did: the report that the manifest holds, the terminal prints and the artifacts show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from qingwen.corpus.batch import Counts
from qingwen.model import SCHEMA_VERSION


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
    plain = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
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
