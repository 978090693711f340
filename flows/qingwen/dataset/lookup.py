"""Look up one page of a dataset, or preview it: its first records, or its first rejected pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from qingwen.dataset import delta
from qingwen.dataset.dataset import snapshot
from qingwen.dataset.delta import Snapshot
from qingwen.dataset.location import Location
from qingwen.errors import SetupError
from qingwen.model import BODY, TITLE, Block, Flag, Label, LabelledBlock, Verdict
from qingwen.text.spans import Edit, Span

_ID = re.compile("[0-9a-f]{1,32}")
# The columns of a preview.
_RECORD = (
    "id title published_at published_precision published_raw site source_name n_chars removed_ratio n_repairs flags"
).split()
_REJECTION = "page_id source_path rule detail".split()


@dataclass(frozen=True, slots=True)
class Stored:
    """A page as the tables hold it; ``row`` is its record or, if it was ``rejected``, its rejection."""

    row: Mapping[str, Any]
    rejected: bool
    blocks: tuple[LabelledBlock, ...]
    edits: tuple[Edit, ...]
    flags: tuple[Flag, ...]

    @property
    def parts(self) -> dict[str, str]:
        """Return the finished title and body."""
        return {TITLE: self.row.get("title", ""), BODY: self.row.get("text", "")}


def look_up(dataset: Location, wanted: str) -> Stored:
    """Return the page with this path, URL or id, or with the only id that begins with ``wanted``.

    Raises:
        SetupError: there is no dataset, no such page, or more than one page whose id begins so; or the tables
            disagree on it.
    """
    tables = snapshot(dataset)
    page = _of_source(tables, wanted) or wanted
    for name, key in (("records", "id"), ("rejections", "page_id")):
        ids = delta.read(tables, name, (key,))[key].to_pylist()
        matching = [one for one in ids if one.startswith(page)]
        if len(matching) > 1 and page not in matching:
            raise SetupError(f"{wanted}: the ids of {len(matching)} pages of {dataset} begin so; give more of the id.")
        if matching:
            page = page if page in matching else matching[0]
            row = delta.read(tables, name, where=(key, [page])).to_pylist()[0]
            stored = _stored(tables, page, row, rejected=name == "rejections")
            if not (stored.blocks or stored.rejected):
                raise SetupError(f"{wanted}: {dataset} holds the record without its blocks. Put back a whole copy.")
            return stored
    raise SetupError(
        f"{wanted}: no page of {dataset} has this id, path or URL. See qingwen head {dataset}, and the table sources."
    )


def _of_source(tables: Snapshot, wanted: str) -> str | None:
    """Return the id of the page that a path or a URL holds now, by the table of sources."""
    if _ID.fullmatch(wanted):
        return None
    for column in ("source_path", "url"):
        rows = delta.read(tables, "sources", ("page_id", "outcome"), where=(column, [wanted])).to_pylist()
        held = [row["page_id"] for row in rows if row["page_id"] and row["outcome"] != "superseded"]
        if held:
            return str(held[0])
    return None


def _stored(tables: Snapshot, page: str, row: Mapping[str, Any], rejected: bool) -> Stored:
    def rows(name: str) -> list[dict[str, Any]]:
        return list(delta.read(tables, name, where=("page_id", [page])).to_pylist())

    edits = sorted(rows("edits"), key=lambda edit: (edit["part"], edit["pass"], edit["n"]))
    return Stored(
        row=row,
        rejected=rejected,
        blocks=tuple(labelled_blocks(block) for block in sorted(rows("blocks"), key=lambda block: block["n"])),
        edits=tuple(map(edit_of, edits)),
        flags=tuple(map(flag_of, rows("flags"))),
    )


def labelled_blocks(row: Mapping[str, Any]) -> LabelledBlock:
    """Return the block and verdict in a row of ``blocks``."""
    at = row["evidence_start"]
    evidence = None if at is None else Span(at, row["evidence_end"])
    verdict = Verdict(Label(row["label"]), row["rule"], row["why"], row["kept"], row["score"], evidence)
    return LabelledBlock(Block(row["n"], Span(row["start"], row["end"]), row["path"]), verdict, row["text"])


def edit_of(row: Mapping[str, Any]) -> Edit:
    """Return the edit in a row of ``edits``."""
    return Edit(row["part"], Span(row["start"], row["end"]), row["before"], row["after"], row["rule"], row["pass"])


def flag_of(row: Mapping[str, Any]) -> Flag:
    """Return the flag in a row of ``flags``."""
    span = Span(row["start"], row["end"])
    return Flag(row["part"], row["rule"], span, row["form"], row["candidate"], row["clause"], row["score"])


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows of ``records`` or ``rejections``, and the number of all rows of both tables."""

    rows: tuple[dict[str, Any], ...]
    records: int
    rejections: int


def head(dataset: Location, n: int, *, rejected: bool = False, flag: str | None = None) -> Head:
    """Return the first n records, in the order of the files; or the first rejections, or records with a flag.

    Raises:
        SetupError: there is no dataset.
    """
    tables = snapshot(dataset)
    table, columns = ("rejections", _REJECTION) if rejected else ("records", _RECORD)
    rows = (row for batch in delta.batches(tables, table, columns) for row in batch.to_pylist())
    matching = (row for row in rows if flag is None or flag in row["flags"])
    return Head(tuple(islice(matching, n)), delta.count(tables, "records"), delta.count(tables, "rejections"))
