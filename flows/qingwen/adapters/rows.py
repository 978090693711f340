"""Clean a row of another pipeline; return the result as columns."""

from collections.abc import Mapping
from typing import Any

from qingwen.clean import Cleaner, unforeseen
from qingwen.dataset.rows import block_rows, edit_rows
from qingwen.model import Cleaned, Rejection
from qingwen.read.page import page_of
from qingwen.read.table_rows import raw_page_of

# Columns that only a dataset can fill, because it compares records.
COMPARED = ("duplicate_of", "duplicate_kind", "cluster_size")
_KEY = "page_id"


def clean_row(cleaner: Cleaner, row: Mapping[str, Any], source_path: str) -> Cleaned | Rejection:
    """Clean a row as `Cleaner.clean_row` does; an unforeseen fault rejects that row alone."""
    raw = raw_page_of(row, source_path, cleaner.config)
    try:
        page = page_of(raw, cleaner.config)
        return page if isinstance(page, Rejection) else cleaner.clean(page)
    except MemoryError:
        raise
    except Exception as fault:
        return unforeseen(raw.page_id, source_path, fault)


def record_columns(cleaned: Cleaned) -> dict[str, Any]:
    """Return the columns of a record that one page can fill."""
    return {name: value for name, value in cleaned.record.row().items() if name not in COMPARED}


def receipt_columns(result: Cleaned | Rejection) -> dict[str, list[dict[str, Any]]]:
    """Return the page's rows of ``blocks`` and ``edits``."""
    name = result.page_id if isinstance(result, Rejection) else result.record.id
    edits = [] if isinstance(result, Rejection) else result.edits
    rows = {"blocks": block_rows(name, result.blocks), "edits": edit_rows(name, edits)}
    return {
        table: [{column: value for column, value in row.items() if column != _KEY} for row in found]
        for table, found in rows.items()
    }
