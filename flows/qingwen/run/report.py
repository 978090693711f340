"""What a run did: its report, and how the manifest, the dataset card and Prefect's artifacts show it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from qingwen.dataset import delta
from qingwen.dataset.location import Location, write_whole
from qingwen.dataset.schema import RECORDS
from qingwen.model import SCHEMA_VERSION
from qingwen.run.jobs import Counts

_MASKED = """
Personal data in the texts (mobile numbers, identity cards, bank cards, e-mail, licence plates) is masked by █, in every
table; `url` and `source_path` are as they were given. Edits whose rule is `mask.*` say where and of which kind.
"""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
# The table sources names each page that is pending; the manifest does not.
_PATHS = ("left_out", "unreadable")


@dataclass(slots=True)
class RunReport:
    """Counts in and out per stage and rule, versions and digests of one run.

    ``inputs``, ``unchanged`` and ``pending`` count files, ``counts`` the pages in them; ``given_up`` counts paths that
    stay pending, as workers died at them in several runs; ``duplicates`` counts the members of all clusters of the
    dataset, ``repeats`` those but the representatives, by kind; ``sites`` is how many sites the run's SiteBook knows;
    ``jumps`` are shares much higher than in the last runs, in words; ``notes`` are sentences for the user; ``seconds``
    are by stage.
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
    repeats: Counter[str] = field(default_factory=Counter)
    rebuilt: bool = False
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
        stated: dict[str, Any] = TypeAdapter(RunReport).dump_python(self, mode="json")
        return {**stated, "counts": {name: n for name, n in stated["counts"].items() if name not in _PATHS}}

    @property
    def pages(self) -> int:
        """Return how many pages the inputs hold; an unchanged file, or one that failed, counts as one."""
        return self.unchanged + self.counts.pages + self.pending

    def rejected(self) -> int:
        """Return how many pages were rejected."""
        return sum(self.counts.rejections.values())


def tables_of(report: RunReport) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Yield the report's tables: a title, and rows of equal columns."""
    counts = report.counts
    pages = [
        ("files in", report.inputs if report.inputs != report.pages else 0),
        ("pages in", report.pages),
        ("unchanged", report.unchanged + counts.unchanged),
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
    order = sorted(counts.lengths, key=_shortest)
    yield "Lengths", [{"characters": name, "records": counts.lengths[name]} for name in order]
    yield "Changes by rule", [{"rule": rule, "changes": n} for rule, n in counts.changes()]
    yield "Flags by rule", [{"rule": rule, "places": n} for rule, n in counts.flags.most_common()]


def _number(row: Mapping[str, object]) -> int:
    return int(str(list(row.values())[-1]))


def _bar(n: int, most: int) -> str:
    """Return a bar of up to twenty blocks for a number beside the largest; at least one block above 0."""
    return "█" * (-(-20 * n // max(1, most)))


def _shortest(name: str) -> tuple[int, bool]:
    """Return what sorts the names of `jobs.LENGTHS` by their characters."""
    return int("".join(char for char in name if char.isdigit())), name.endswith("more")


def _code(text: str) -> str:
    """Return a text as inline code: nothing in a path or a fault acts as markup, or begins a line."""
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


def write_manifest(dataset: Location, report: RunReport) -> None:
    """Write the run's manifest, ``_runs/<run>.json``."""
    text = json.dumps(report.manifest(), ensure_ascii=False, indent=1, sort_keys=True)
    write_whole(dataset / "_runs" / f"{report.run}.json", text)


def write_card(dataset: Location, report: RunReport, *, masked: bool) -> None:
    """Write the dataset card after a run: README.md, with the head that dataset hubs read.

    ``masked``: personal data in the dataset is masked.
    """
    rows = delta.read(dataset, "records", ("n_chars",))
    chars = sum(rows["n_chars"].to_pylist())
    size = next((name for limit, name in _SIZES if rows.num_rows < limit), "n>1M")
    columns = "\n".join(f"| `{field.name}` | {_type(field)} | {_description(field)} |" for field in RECORDS)
    card = f"""---
language: [zh]
license: other
task_categories: [text-generation]
size_categories: [{size}]
configs:
- config_name: default
  data_files: {_data_files(dataset)}
---
# Chinese news, cleaned by qingwen

{rows.num_rows:,} records, {chars:,} characters. Each table is a Delta table of plain Parquet files; join them by id.
`records` holds the articles; `blocks` every block with its label, the rule that decided and, if it was removed, its
text; `edits` every change with its rule; `flags` what was left as it is and may want a look; `rejections` the pages
that are no article; `sources` every input.

Read the files that a table names, from the folder of this card; a plain glob also sees old rows, from a run that
replaced pages until `qingwen vacuum`.

```python
from urllib.parse import unquote

import pyarrow.parquet as pq
from deltalake import DeltaTable

records = pq.read_table([unquote(file) for file in DeltaTable("records").file_uris()])
```

The texts belong to their publishers. `rights` holds the notice that a page printed, `source_path` and `id` say where a
record came from. `qingwen forget` and `qingwen vacuum` take a page down.
{_MASKED if masked else ""}
| column of records | type | what it says |
| --- | --- | --- |
{columns}

Written with rules `{report.rules_version}` and configuration `{report.config_digest}`.

{markdown(report).replace("# qingwen run", "# The last run,", 1)}"""
    write_whole(dataset / "README.md", card)


def _data_files(dataset: Location) -> str:
    return f"records/{delta.MONTH}=*/*.parquet" if delta.is_by_month(dataset, "records") else "records/*.parquet"


def _type(field: Any) -> str:
    return "struct" if pa.types.is_struct(field.type) else str(field.type)


def _description(field: Any) -> str:
    return str(field.metadata[b"description"].decode())
