"""The dataset card: README.md beside the tables, with the head that dataset hubs read."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from qingwen.dataset import delta
from qingwen.dataset.location import Location
from qingwen.dataset.schema import RECORDS
from qingwen.run.report import RunReport, markdown

_MASKED = """
Personal data in the texts (mobile numbers, identity cards, bank cards, e-mail, licence plates) is masked by █, in every
table; `url` and `source_path` stand as they were given. Edits whose rule is `mask.*` say where and of which kind.
"""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(dataset: Location, report: RunReport, *, masked: bool) -> None:
    """Write the card for the dataset as it stands after a run; ``masked``: personal data in it is."""
    rows = delta.read(dataset, "records", ("n_chars",))
    chars = sum(rows["n_chars"].to_pylist())
    size = next((name for limit, name in _SIZES if rows.num_rows < limit), "n>1M")
    columns = "\n".join(f"| `{field.name}` | {_kind(field)} | {_says(field)} |" for field in RECORDS)
    card = f"""---
language: [zh]
license: other
task_categories: [text-generation]
size_categories: [{size}]
configs:
- config_name: default
  data_files: {_files(dataset)}
---
# Chinese news, cleaned by qingwen

{rows.num_rows:,} records, {chars:,} characters. Each table is a Delta table of plain Parquet files; join them by id.
`records` holds the articles; `blocks` every removed block with the rule that removed it; `edits` every changed
character with its rule; `flags` what was left and may want a look; `rejections` the pages that are no article;
`sources` every input.

The texts belong to their publishers. `rights` holds the notice that a page printed, `source_path` and `id` say where a
record came from; to take a page down, delete the rows of its id from every table.
{_MASKED if masked else ""}
| column of records | type | what it says |
| --- | --- | --- |
{columns}

Written with rules `{report.rules_version}` and configuration `{report.config_digest}`.

{markdown(report).replace("# qingwen run", "# The last run,", 1)}"""
    (dataset / "README.md").write_text(card, "utf-8")


def _files(dataset: Location) -> str:
    return f"records/{delta.MONTH}=*/*.parquet" if delta.is_by_month(dataset, "records") else "records/*.parquet"


def _kind(field: Any) -> str:
    return "struct" if pa.types.is_struct(field.type) else str(field.type)


def _says(field: Any) -> str:
    return str(field.metadata[b"description"].decode())


def write_manifest(dataset: Location, report: RunReport) -> Location:
    """Write the run's manifest; return its path."""
    path = dataset / "_runs" / f"{report.run}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.manifest(), ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    return path
