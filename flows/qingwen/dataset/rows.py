"""Make the rows of the tables from the results of pages."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from qingwen.dataset.location import open_file
from qingwen.dataset.minhash import signature
from qingwen.dataset.schema import TABLES
from qingwen.model import Cleaned, Flag, LabelledBlock, Rejection
from qingwen.read.page import RawPage, Source
from qingwen.text.spans import Edit

# The column of a staged row that names its page: the batch, and the page's number in it.
ITEM = "_item"
Rows = dict[str, list[dict[str, Any]]]


def rows_of(result: Cleaned | Rejection) -> Rows:
    """Return the rows of one page, by table."""
    if isinstance(result, Rejection):
        rejection = {name: getattr(result, name) for name in ("page_id", "source_path", "stage", "rule", "detail")}
        return {"rejections": [rejection], "blocks": block_rows(result.page_id, result.blocks)}
    page = result.record.id
    return {
        "records": [result.record.row()],
        "signatures": [{"id": page, "signature": signature(result.record.text)}],
        "blocks": block_rows(page, result.blocks),
        "edits": list(edit_rows(page, result.edits)),
        "flags": [flag_row(page, flag) for flag in result.flags],
    }


def source_row(
    source: Source, item: RawPage, outcome: str, result: Cleaned | Rejection | None = None
) -> dict[str, Any]:
    """Return the row of an input item in sources."""
    return {
        "source_path": item.path,
        "page_id": item.page_id,
        "container": source.path if item.path != source.path else None,
        "url": result.record.url if isinstance(result, Cleaned) else item.url,
        "fetched_at": item.fetched_at,
        "size": source.size,
        "modified": source.modified,
        "outcome": outcome,
    }


def pending_row(source: Source, path: str) -> dict[str, Any]:
    """Return the row in sources of a file, or an item of one, that could not be cleaned now."""
    row = source_row(source, RawPage(path, b""), "pending")
    return {**row, "page_id": None}


def arrow(name: str, rows: Iterable[dict[str, Any]]) -> Any:
    """Return rows as an Arrow table of the schema of the named table's part files."""
    return pa.Table.from_pylist(list(rows), schema=staged_schema(name))


def staged_schema(name: str) -> Any:
    """Return the schema of a part file: the table's, with the name of each row's page."""
    return TABLES[name].append(pa.field(ITEM, pa.string()))


def read_known(path: str) -> dict[str, str]:
    """Return the page of each path that the dataset holds of a container, from a file of ``NewPages.write_known``."""
    with open_file(path) as file, parquet.ParquetFile(file) as data:
        known = data.read(use_threads=False)
    return dict(zip(known["path"].to_pylist(), known["page"].to_pylist(), strict=True))


def block_rows(page: str, blocks: Iterable[LabelledBlock]) -> list[dict[str, Any]]:
    """Return a page's rows of the table blocks."""
    return [
        {
            "page_id": page,
            "n": labelled.block.n,
            "start": labelled.block.span.start,
            "end": labelled.block.span.end,
            "path": labelled.block.path,
            "label": labelled.verdict.label.value,
            "rule": labelled.verdict.rule,
            "score": labelled.verdict.score,
            "why": labelled.verdict.why,
            "evidence_start": labelled.verdict.evidence.start if labelled.verdict.evidence else None,
            "evidence_end": labelled.verdict.evidence.end if labelled.verdict.evidence else None,
            "kept": labelled.text is None,
            "text": labelled.text,
        }
        for labelled in blocks
    ]


def edit_rows(page: str, edits: Iterable[Edit]) -> Iterable[dict[str, Any]]:
    """Yield a page's rows of the table edits."""
    counts: dict[tuple[str, int], int] = {}
    for edit in sorted(edits, key=lambda edit: (edit.part, edit.step, edit.span)):
        n = counts.get((edit.part, edit.step), 0)
        counts[edit.part, edit.step] = n + 1
        yield {
            "page_id": page,
            "part": edit.part,
            "pass": edit.step,
            "n": n,
            "rule": edit.rule,
            "label": edit.rule.partition(".")[0],
            "start": edit.span.start,
            "end": edit.span.end,
            "before": edit.before,
            "after": edit.after,
        }


def flag_row(page: str, flag: Flag) -> dict[str, Any]:
    """Return a flag's row of the table flags."""
    return {
        "page_id": page,
        "part": flag.part,
        "rule": flag.rule,
        "start": flag.span.start,
        "end": flag.span.end,
        "form": flag.form,
        "candidate": flag.candidate,
        "clause": flag.clause,
        "score": flag.score,
    }
