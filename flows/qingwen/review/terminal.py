"""Print to a terminal: tables, explanations, the summary of a run, its progress."""

import io
import os
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from qingwen.dataset.progress import Progress
from qingwen.review.explain import STYLES, Run
from qingwen.run.report import RunReport
from qingwen.run.stuck_pages import MOST_TRIES
from qingwen.text.characters import printed as printed

_WIDTH = 120


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, singular or plural.

    >>> counted(1, "page"), counted(0, "page"), counted(2, "copy", "copies")
    ('1 page', '0 pages', '2 copies')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def print_lines(lines: Iterable[list[Run]]) -> None:
    """Print the lines of an explanation, in colour on a terminal.

    Control characters of pages are escaped.
    """
    if not sys.stdout.isatty():
        for line in lines:
            print("".join(printed(run.text) for run in line))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        text = Text()
        for run in line:
            text.append(printed(run.text), style=STYLES[run.style])
        console.print(text)


@dataclass(frozen=True, slots=True)
class Table:
    """A table to print: column names, rows of cells; ``numbers`` names the right-aligned columns.

    The last column takes the remaining width. Where that is little, the ``spare`` columns are left out one by one.
    Columns in ``wraps`` go on in the next line; the last column of other tables is cut.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[str] = frozenset()
    spare: Sequence[str] = ()
    wraps: frozenset[str] = frozenset()


# A title has at least so many cells, of which a Chinese character takes two.
_LEAST_LAST, _GAP = 22, 2


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; elsewhere COLUMNS (default 120) cells wide."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table as Made
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", _WIDTH)))
    widths = {name: max(map(cell_len, [name, *(row[n] for row in table.rows)])) for n, name in enumerate(table.names)}
    *before, last = table.names
    for name in table.spare:
        if sum(widths[one] + _GAP for one in before) + min(widths[last], _LEAST_LAST) > console.width:
            before.remove(name)
    shown = [*before, last]
    left = console.width - sum(widths[one] + _GAP for one in before)
    made = Made(box=None, pad_edge=False, header_style="bold")
    for name in shown:
        wraps = name in table.wraps
        made.add_column(
            name,
            justify="right" if name in table.numbers else "left",
            no_wrap=not wraps,
            overflow="fold",
            min_width=None if wraps or name == last else widths[name],
        )
    for row in table.rows:
        cells = {name: printed(cell) for name, cell in zip(table.names, row, strict=True)}
        if last not in table.wraps:
            cells[last] = _cut(cells[last], left)
        made.add_row(*(Text(cells[name]) for name in shown))
    console.print(made)


# Digits of an id that are shown, enough to identify a page (as in git).
_DIGITS = 8

# The longest site and the longest printed date of a preview, in cells.
_SITE, _PRINTED = 12, 20


def record_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table that previews records."""
    names = ("id", "published", "site", "characters", "removed", "repairs", "flags", "title")
    cells = [
        (
            row["id"][:_DIGITS],
            _published(row),
            _cut(row["site"] or row["source_name"] or "", _SITE),
            str(row["n_chars"]),
            f"{row['removed_ratio']:.0%}",
            str(row["n_repairs"]),
            str(len(row["flags"])),
            row["title"],
        )
        for row in rows
    ]
    numbers = ("characters", "removed", "repairs", "flags")
    return Table(names, cells, frozenset(numbers), spare=("flags", "repairs", "removed", "characters"))


def rejection_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table that previews rejected pages: id, rule, path, detail."""
    names = ("id", "rule", "path", "detail")
    cells = [(row["page_id"][:_DIGITS], row["rule"], row["source_path"], row["detail"]) for row in rows]
    return Table(names, cells, wraps=frozenset({"path", "detail"}))


def _published(row: Mapping[str, Any]) -> str:
    """Return the day of publication, or the date as printed where the day is unknown."""
    when = row["published_at"]
    return f"{when:%Y-%m-%d}" if when is not None else _cut(row["published_raw"] or "", _PRINTED)


def _cut(text: str, cells: int) -> str:
    """Cut a text to so many cells; a Chinese character takes two."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= cells else f"{set_cell_size(text, max(0, cells - 1)).rstrip()}…"


def summary(report: RunReport) -> Iterator[str]:
    """Yield the summary of a run, line by line."""
    counts, dataset = report.counts, shlex.quote(report.dataset)
    if report.finished_earlier:
        yield f"Finished the run {report.finished_earlier}, which was killed while it published."
    yield from report.notes
    if not report.wrote:
        yield f"Nothing to do: {report.dataset} already holds {counted(report.inputs, 'input')}. Nothing was written."
        return
    yield (
        f"{_inputs(report)}: {counted(counts.records, 'record')}, {report.rejected()} rejected, "
        + counted(counts.copies, "identical copy", "identical copies")
        + (f", {report.withdrawn} withdrawn" if report.withdrawn else "")
        + (f", {report.pending} pending" if report.pending else "")
        + f" ({report.seconds.get('total', 0):.1f} s)"
    )
    if counts.removed_chars:
        listed = ", ".join(f"{label} {n}" for label, n in counts.removed_chars.most_common(8))
        yield f"  characters removed: {listed}"
    if counts.changes():
        yield "  changes: " + ", ".join(f"{rule} {n}" for rule, n in counts.changes()[:8])
    if counts.rejections:
        yield "  rejected: " + ", ".join(f"{rule} {n}" for rule, n in counts.rejections.most_common())
    if counts.rejections["read.no-text"]:
        yield "  read.no-text: no known field holds a page; name one with --text-field or --html-field"
    for flag, n in sorted(counts.flags.items()):
        if flag.startswith("forget."):
            yield f"  like pages that were taken down: {flag} {n} (qingwen head {dataset} --flag {flag})"
    yield f"  duplicates in the dataset: {report.repeats['exact']} exact, {report.repeats['near']} near"
    for jump in report.jumps:
        yield f"  unlike the last runs: {jump}"
    for fault in report.faults[:3]:
        yield f"  pending: {printed(fault)}"
    if report.given_up:
        pages = counted(report.given_up, "page")
        yield f"  skipped: {pages} on which workers died in {MOST_TRIES} runs; --verify tries again"
    if report.pending:
        yield "  Run again to retry the pending pages."
    yield f"Dataset: {report.dataset} (records in records/*.parquet; decisions in blocks, edits, flags, rejections)"
    if report.rebuilt:
        yield f"The files of the old rows stay until you remove them: qingwen vacuum {dataset}"
    yield f"See the records:     qingwen head {dataset}"
    if counts.rejections:
        yield f"See the rejections:  qingwen head {dataset} --rejected"
    yield f"Why did a line go?   qingwen explain {dataset} ID"
    yield f"Write a review page: qingwen report {dataset}"


def _inputs(report: RunReport) -> str:
    """Say how many pages came in; where files hold many, how many files too."""
    pages, unchanged = report.pages, report.unchanged + report.counts.unchanged
    files = ""
    if pages != report.inputs:
        files = counted(report.inputs, "file") + (f" ({report.unchanged} unchanged), " if report.unchanged else ", ")
        pages, unchanged = pages - report.unchanged, report.counts.unchanged
    return f"{files}{counted(pages, 'page')} in" + (f", {unchanged} unchanged" if unchanged else "")


_EVERY = 5.0  # seconds between plain lines
# The survey looks at some pages of a file.
_UNITS = {"survey": "files"}


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield the function that shows progress: a bar on a terminal, plain lines elsewhere."""
    if sys.stderr.isatty():
        yield from _bar()
    else:
        yield _plain()


class _StandardError(io.TextIOBase):
    """Standard error, whose faults (it is closed, its disk is full, its terminal is gone) end no run."""

    def __init__(self) -> None:
        self._stream = sys.stderr  # the bar puts itself in its place

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _plain() -> Progress:
    started: dict[str, float] = {}
    last = time.monotonic()

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        since = now - started.setdefault(stage, now)
        if total and (done == total or now - last >= _EVERY):
            last = now
            rate = _rate(done, since)
            said = f"{stage}: {done}/{total} {_UNITS.get(stage, 'pages')}{rate and ', '}{rate}"
            print(said, file=_StandardError(), flush=True)

    return progress


def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=cast("IO[str]", _StandardError())), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        started: dict[str, float] = {}

        def progress(stage: str, done: int, total: int) -> None:
            since = time.monotonic() - started.setdefault(stage, time.monotonic())
            rate = _rate(done, since) if done and since > 0.2 else ""
            bar.update(task, description=stage, completed=done, total=total or None, rate=rate)

        yield progress


def _rate(done: int, seconds: float) -> str:
    rate = done / max(0.001, seconds)
    return f"{rate:.0f} pages/s" if rate >= 10 else f"{rate:.1f} pages/s" if rate >= 0.1 else ""
