"""Staged part files to commits: who stands for identical copies, what is withdrawn, and the tables' commits.

What a run is going to commit is written down first (`prepare`), then committed (`commit_all`). A run that is killed in
between is finished by the next one from what was written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute

from qingwen.corpus import tables
from qingwen.corpus.duplicates import EXACT, exact_clusters
from qingwen.corpus.planning import SUPERSEDED, Holdings
from qingwen.corpus.rows import read_rows, write_rows
from qingwen.corpus.schemas import KEYS, TABLES
from qingwen.corpus.spread import Spread, spread

INTENT = "commit.json"
# The tables that hold many rows a page: they are never whole in memory.
_LARGE = ("blocks", "edits", "flags")
_OF_PAGES = (*_LARGE, "rejections", "records")


@dataclass(slots=True)
class Choice:
    """What a run adds and withdraws.

    ``dropped`` are pages of a batch whose rows are another path's; ``withdrawn`` are pages whose rows go; ``moved``
    gives the path that a page which stays is known by from now on; ``sources`` are the rows to write and
    ``paths`` those to take out before.
    """

    dropped: dict[int, set[str]] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)


def choose(staged: Sequence[Sequence[Mapping[str, Any]]], held: Holdings) -> Choice:
    """Decide, from the sources of each batch, which path's rows stand for each page. Each path comes once."""
    choice = Choice()
    rows = [dict(row, batch=n) for n, batch in enumerate(staged) for row in batch]
    holders = {page: set(paths) for page, paths in held.pages.items()}
    for row in rows:
        known = held.paths.get(row["source_path"])
        if known is not None:
            choice.paths.add(row["source_path"])
            if known.page_id is not None and known.page_id != row["page_id"]:
                holders[known.page_id].discard(row["source_path"])
                choice.sources.append(_superseded(row["source_path"], known.page_id, known.size, known.modified))
    came: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        came.setdefault(row["page_id"], []).append(row)
    for page, arrivals in came.items():
        _place(page, arrivals, holders.get(page, set()), held, choice)
    for page, paths in holders.items():
        if page in came or paths == held.pages[page]:
            continue
        if not paths:
            choice.withdrawn.add(page)
        elif min(paths) != min(held.pages[page]):
            choice.moved[page] = min(paths)
    return choice


def _place(page: str, arrivals: list[dict[str, Any]], holders: set[str], held: Holdings, choice: Choice) -> None:
    """Choose between the paths that bring a page: the smallest, of those that hold it already too."""
    first = min(arrivals, key=lambda row: row["source_path"])
    present = page in held.pages
    stays = present and min(holders | {first["source_path"]}) != first["source_path"]
    for row in arrivals:
        wins = row is first and not stays
        choice.sources.append({**row, "outcome": row["outcome"] if wins else "copy"})
        if row["outcome"] != "copy" and not wins:
            # The rows of the batch that cleaned it under another path; the smallest path's own batch has them too,
            # for a batch cleans each page once, under its smallest path, and batches are cut from sorted paths.
            choice.dropped.setdefault(row["batch"], set()).add(page)
    if present and not stays:
        choice.withdrawn.add(page)
        for path in holders - {row["source_path"] for row in arrivals}:
            known = held.paths[path]
            choice.paths.add(path)
            choice.sources.append({**_superseded(path, page, known.size, known.modified), "outcome": "copy"})


def _superseded(path: str, page: str, size: int, modified: int) -> dict[str, Any]:
    return {
        "source_path": path, "page_id": page, "url": None, "fetched_at": None,
        "size": size, "modified": modified, "outcome": SUPERSEDED,
    }  # fmt: skip


def prepare(
    dataset: Path,
    folders: Sequence[Path],
    pending: Iterable[Mapping[str, Any]],
    final: Path,
    intent: Mapping[str, Any],
    beside: Mapping[str, str],
) -> Choice:
    """Write down what the run is going to commit: the final rows of each table, and what goes. Nothing is committed.

    ``beside`` are texts to keep with them, by file name.
    """
    rebuild = bool(intent["rebuild"])
    held = Holdings() if rebuild else Holdings.of(dataset)
    staged = [read_rows(folder / "sources.parquet", "sources").to_pylist() for folder in folders]
    choice = choose(staged, held)
    for row in pending:
        # A path that held a page goes on holding it until it can be read again.
        known = held.paths.get(row["source_path"])
        if known is None or known.page_id is None:
            choice.sources.append(dict(row))
            choice.paths.update({row["source_path"]} if known else ())
    shutil.rmtree(final, ignore_errors=True)
    final.mkdir(parents=True)
    for name in _LARGE:
        spread(_parts(name, folders, choice), final / name, name)
    written = {name: pa.concat_tables(_parts(name, folders, choice)) for name in _OF_PAGES if name not in _LARGE}
    _move(dataset, choice, written)
    written["sources"] = pa.Table.from_pylist(
        [{key: row[key] for key in TABLES["sources"].names} for row in choice.sources], schema=TABLES["sources"]
    )
    gone = {name: sorted(choice.withdrawn) for name in _OF_PAGES}
    gone["sources"] = sorted(choice.paths)
    for name in ("records", "rejections"):
        gone[name] = sorted(choice.withdrawn | set(choice.moved))
    written["records"], written["duplicates"], gone["duplicates"] = _duplicates(
        dataset, written["records"], gone, rebuild
    )
    if rebuild:
        gone = {name: [] for name in TABLES}
    for name, rows in written.items():
        write_rows(final / f"{name}.parquet", rows)
    for name, text in beside.items():
        (final / name).write_text(text, "utf-8")
    (final / "withdrawn.json").write_text(json.dumps(gone), "utf-8")
    # The marker comes last: what it marks is whole.
    (final / INTENT).write_text(json.dumps(dict(intent), ensure_ascii=False), "utf-8")
    return choice


def _parts(name: str, folders: Sequence[Path], choice: Choice) -> Iterator[Any]:
    """Yield the rows of each batch that stay, an empty table first."""
    yield TABLES[name].empty_table()
    for n, folder in enumerate(folders):
        part = read_rows(folder / f"{name}.parquet", name)
        dropped = choice.dropped.get(n)
        if dropped:
            part = part.filter(compute.invert(compute.is_in(part[KEYS[name]], pa.array(sorted(dropped)))))
        yield part


def _move(dataset: Path, choice: Choice, written: dict[str, Any]) -> None:
    """Name pages whose smallest path went by the next one: their row is written again, nothing else of them."""
    if not choice.moved:
        return
    for name in ("records", "rejections"):
        key = KEYS[name]
        rows = tables.read(dataset, name, where=(key, sorted(choice.moved))).cast(TABLES[name]).to_pylist()
        for row in rows:
            row["source_path"] = choice.moved[row[key]]
        written[name] = pa.concat_tables([written[name], pa.Table.from_pylist(rows, schema=TABLES[name])])


def _duplicates(dataset: Path, records: Any, gone: dict[str, list[str]], rebuild: bool) -> tuple[Any, Any, list[str]]:
    """Return the new records with their clusters, the rows for duplicates, and the ids whose rows there go."""
    there = TABLES["records"].empty_table() if rebuild else tables.read(dataset, "records", ("id", "text_sha256"))
    known = TABLES["duplicates"].empty_table() if rebuild else tables.read(dataset, "duplicates")
    new = list(zip(records["id"].to_pylist(), records["text_sha256"].to_pylist(), strict=True))
    leaving = set(gone["records"]) | {name for name, _ in new}
    held = list(zip(there["id"].to_pylist(), there["text_sha256"].to_pylist(), strict=True))
    touched = {text for name, text in held if name in leaving}
    old = [(name, text) for name, text in held if name not in leaving]
    listed = known.to_pylist()
    standing = {row["id"] for row in listed if row["duplicate_of"] is None}
    found = exact_clusters(old, new, touched, standing)
    texts = touched | {text for _, text in new}
    affected = {name for name, text in held if text in texts}
    stale = sorted(row["id"] for row in listed if row["id"] in affected)
    rows = [
        {"id": m.id, "duplicate_of": m.duplicate_of, "kind": EXACT, "cluster_size": m.cluster_size}
        for m in found.values()
    ]
    columns = {
        "duplicate_of": pa.array([found[n].duplicate_of if n in found else None for n, _ in new], pa.string()),
        "duplicate_kind": pa.array([EXACT if n in found else None for n, _ in new], pa.string()),
        "cluster_size": pa.array([found[n].cluster_size if n in found else 1 for n, _ in new], pa.int32()),
    }
    for name, column in columns.items():
        at = records.schema.get_field_index(name)
        records = records.set_column(at, records.schema.field(at), column)
    return records, pa.Table.from_pylist(rows, schema=TABLES["duplicates"]), stale


def commit_all(dataset: Path, final: Path) -> dict[str, int]:
    """Commit what `prepare` wrote down, side tables first, records last; return each table's version.

    A table that has the run's commit already is passed over, so that a killed run can be finished.
    """
    intent = json.loads((final / INTENT).read_text("utf-8"))
    gone = json.loads((final / "withdrawn.json").read_text("utf-8"))
    for name in TABLES:
        rows = Spread(final / name, name) if name in _LARGE else read_rows(final / f"{name}.parquet", name)
        tables.commit(
            dataset, name, rows, gone[name], run=intent["number"], label=intent["run"], rebuild=intent["rebuild"]
        )
    return {name: tables.version(dataset, name) for name in TABLES}
