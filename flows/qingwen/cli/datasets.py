"""Work on whole datasets: report, diff, export, changes, compact, vacuum, forget."""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from qingwen.cli.exits import DONE, put, say
from qingwen.cli.options import Dataset
from qingwen.errors import SetupError


def report(
    dataset: Dataset,
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="FILE.html", help="File to write; by default review.html in DATASET."),
    ] = None,
    pages: Annotated[int, Option(min=1, metavar="N", help="Pages to read.")] = 200,
    compare: Annotated[str | None, Option(metavar="OLD", help="Show what differs from another dataset.")] = None,
) -> int:
    """Write the review page: the dataset in numbers, and pages to read.

    It is one HTML file that needs no network; marks made there are exported as cases for rules check.

    \b
    Examples:
      qingwen report data/corpus
    """
    from qingwen.dataset.dataset import check_dataset
    from qingwen.dataset.layout import REVIEW
    from qingwen.dataset.location import is_local, location_of
    from qingwen.review.diff import compare as compare_datasets
    from qingwen.review.diff import tables
    from qingwen.review.review_page import write_review
    from qingwen.review.terminal import counted

    place = check_dataset(location_of(dataset))
    path = output or (Path(dataset) / REVIEW if is_local(place) else Path(REVIEW))
    old = check_dataset(location_of(compare)) if compare else None
    comparison = tables(compare_datasets(old, place)) if old else None
    shown = write_review(place, path, pages=pages, comparison=comparison)
    put(f"{path}: {counted(shown, 'page')} to read. Open it in a browser; it needs no network.")
    return DONE


def diff(
    old: Annotated[str, Argument(metavar="OLD", help="A dataset.")],
    new: Annotated[str, Argument(metavar="NEW", help="Another, of the same pages by other rules.")],
    examples: Annotated[int, Option(min=1, metavar="N", help="Examples of each rule.")] = 3,
    records: Annotated[bool, Option("--records", help="List each record: id, change, rules, path.")] = False,
) -> int:
    """Print the differences between two datasets by rule, with examples.

    To compare two rule versions over the same pages, make the second dataset with --rules and another --output.

    \b
    Examples:
      qingwen diff data/corpus data/corpus
    """
    from qingwen.dataset.location import location_of
    from qingwen.review.diff import changes, compare, lines
    from qingwen.review.terminal import printed

    if records:
        row = None
        for row in changes(location_of(old), location_of(new)):
            put("\t".join(map(printed, row)))
        return DONE if row else say("No record differs.")
    for line in lines(compare(location_of(old), location_of(new), examples=examples)):
        put(line)
    return DONE


def export(
    dataset: Dataset,
    to: Annotated[Literal["jsonl", "dolma", "mnbvc"], Option(help="The form.")] = "jsonl",
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="A file (.jsonl, .jsonl.gz, .jsonl.zst), or a folder of several; - for standard output.",
        ),
    ] = "-",
    overwrite: Annotated[bool, Option("--overwrite", help="Replace an existing export.")] = False,
    without_duplicates: Annotated[bool, Option("--without-duplicates", help="One record of each cluster.")] = False,
    min_confidence: Annotated[
        float, Option(min=0.0, max=1.0, metavar="X", help="Only records that are at least so sure (0 to 1).")
    ] = 0.0,
    since: Annotated[str | None, Option(metavar="RUN", help="Only what was added or changed since a run.")] = None,
    title: Annotated[bool, Option("--title", help="Put the title above the text (dolma, mnbvc).")] = False,
    source: Annotated[str | None, Option(metavar="NAME", help="Corpus that dolma's rows name; else qingwen.")] = None,
    compression: Annotated[
        Literal["gzip", "zstd", "none"] | None,
        Option(help="Of the files in a folder; by default gzip, and none for mnbvc, whose checker reads plain files."),
    ] = None,
    file_megabytes: Annotated[int, Option(min=1, metavar="N", help="Most JSON in a file of a folder, in MB.")] = 500,
) -> int:
    """Write the records in the form of another corpus.

    jsonl: all columns, one object a line. dolma: id, text, source, added, created, metadata. mnbvc: MNBVC's files of
    paragraphs. Records are in the order of their ids; a file or a folder appears when it is whole.

    \b
    Examples:
      qingwen export data/corpus -o records.jsonl.zst
      qingwen export data/corpus --to dolma -o dolma --without-duplicates
    """
    from qingwen.dataset.export import COMPRESSION, ExportOptions, exported
    from qingwen.dataset.export import export as write
    from qingwen.dataset.export_files import Output
    from qingwen.dataset.location import location_of
    from qingwen.review.terminal import counted, show_progress

    options = ExportOptions(to, title, source, without_duplicates, since, min_confidence)
    if output == "-":
        with exported(location_of(dataset), options) as lines:
            _pour(lines)
        return DONE
    place = location_of(output)
    target = Output(place, compression=compression or COMPRESSION[to], overwrite=overwrite)
    if compression not in (None, target.compression):
        raise SetupError(f"{place}: --compression is for a folder; a file is packed as its name ends (.gz, .zst).")
    with show_progress() as progress:
        done = write(location_of(dataset), target, options, file_bytes=file_megabytes << 20, progress=progress)
    put(f"{counted(done.records, 'record')} as {to} in {counted(done.files, 'file')}: {output}")
    return DONE


def _pour(lines: Iterator[bytes]) -> None:
    """Write lines to standard output as they are; on a terminal, without what could steer it."""
    if sys.stdout.isatty():
        for line in lines:
            put(line.decode(), end="")
    else:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()


def changes(
    dataset: Dataset,
    since: Annotated[str, Option(metavar="RUN", help="The name of a run, as in DATASET/_runs.")],
) -> int:
    """Print the records that were added, changed or withdrawn since a run.

    One a line: id, tab, added, changed or withdrawn. DATASET/_runs names the runs.

    \b
    Examples:
      qingwen changes data/corpus --since 20261125T030000-4711
    """
    from qingwen.dataset import dataset as folder
    from qingwen.dataset.location import location_of

    for name, change in folder.changes(location_of(dataset), since):
        put(f"{name}\t{change}")
    return DONE


def compact(
    dataset: Dataset,
    file_megabytes: Annotated[int, Option(min=1, metavar="N", help="Size of a file in MB.")] = 256,
) -> int:
    """Join small files; refresh what records say of duplicates.

    Readers see the dataset before or after. Old files stay until vacuum.

    \b
    Examples:
      qingwen compact data/corpus
    """
    from qingwen.dataset.location import location_of
    from qingwen.review.terminal import counted
    from qingwen.run import maintenance

    done = maintenance.compact(location_of(dataset), file_megabytes << 20)
    for name, (before, after) in done.files.items():
        put(f"{name:12} {before:6} → {counted(after, 'file')}")
    put(f"{counted(done.refreshed, 'record')} updated from the table duplicates. Old files stay until qingwen vacuum.")
    return DONE


def vacuum(
    dataset: Dataset,
    keep_hours: Annotated[int, Option(min=0, metavar="N", help="Spare the files of versions younger than this.")] = 0,
    dry_run: Annotated[bool, Option("--dry-run", help="Remove nothing: list what would go.")] = False,
) -> int:
    """Remove the files that a dataset no longer uses, and old entries of its logs.

    Readers of an older version lose its files: --keep-hours spares those of the last hours. Files that no run wrote
    are named, and left.

    \b
    Examples:
      qingwen vacuum data/corpus --dry-run
      qingwen vacuum data/corpus --keep-hours 24
    """
    from qingwen.dataset.location import location_of
    from qingwen.review.terminal import counted
    from qingwen.run import maintenance

    found = maintenance.vacuum(location_of(dataset), keep_hours, dry_run=dry_run)
    for place in found.removed if dry_run else ():
        put(place)
    put(f"{counted(len(found.removed), 'file')} {'would be removed' if dry_run else 'removed'}.")
    for place in found.foreign:
        put(f"{place}: no run wrote it; it is left. Readers of all files in the folder read it too.")
    return DONE


def _some(ids: Collection[str]) -> str:
    shown = sorted(ids)[:10]
    return ", ".join(shown) + (f" and {len(ids) - len(shown):,} more" if len(ids) > len(shown) else "")


def forget(
    dataset: Dataset,
    id: Annotated[list[str] | None, Option(metavar="ID", help="A page's id, or how it begins; repeatable.")] = None,
    url: Annotated[list[str] | None, Option(metavar="URL", help="The URL of a page; repeatable.")] = None,
    site: Annotated[list[str] | None, Option(metavar="SITE", help="A site, as records name it; repeatable.")] = None,
) -> int:
    """Take pages down: out of every table, and never back.

    Neither a rebuild nor another source brings them back, at another spelling of the address or with the same text.
    Records that look like them stay and are flagged. vacuum removes the files that held them. An id, a URL or a site
    that no page has is refused, and nothing is taken down.

    \b
    Examples:
      qingwen forget data/corpus --id f6ba1c28ed88afb4c345ed69926acd7b
    """
    from qingwen.dataset.location import location_of
    from qingwen.review.terminal import counted
    from qingwen.run import maintenance
    from qingwen.text.addresses import without_secrets

    if not (id or url or site):
        raise SetupError("forget: name what to take down: --id, --url or --site, as often as needed.")
    found = maintenance.forget(location_of(dataset), id or [], [without_secrets(one) for one in url or []], site or [])
    pages = counted(len(found.ids), "page")
    put(f"{pages} taken down; no run brings them back. To remove the files that held them: qingwen vacuum {dataset}")
    if found.flagged:
        put(f"{counted(len(found.flagged), 'record')} like them stay, flagged forget.*: {_some(found.flagged)}")
        put(f"Look at each: qingwen explain {dataset} ID. To take it down too: qingwen forget {dataset} --id ID")
    return DONE
