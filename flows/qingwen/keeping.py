"""What the commands do that read and keep a dataset: head, report, diff, export, compact, vacuum, changes, forget."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from qingwen.actions import DONE, REVIEW
from qingwen.errors import SetupError


def head(arguments: argparse.Namespace) -> int:
    """Print the first records, or rejections, as a table."""
    from qingwen.corpus.head import head
    from qingwen.corpus.place import place_of
    from qingwen.report.listing import record_table, rejection_table
    from qingwen.report.terminal import counted, print_table

    if arguments.rows < 1:
        raise SetupError(f"--rows {arguments.rows}: at least 1.")
    if arguments.rejected and arguments.flag:
        raise SetupError("--flag: is of records; leave out --rejected.")
    found = head(place_of(arguments.dataset), arguments.rows, rejected=arguments.rejected, flag=arguments.flag)
    print_table((rejection_table if arguments.rejected else record_table)(found.rows))
    in_all = f"{counted(found.records, 'record')}, {counted(found.rejections, 'rejection')} in all"
    print(f"\n{len(found.rows)} shown; {in_all}.")
    if found.rows:
        first = found.rows[0].get("id") or found.rows[0]["page_id"]
        print(f"Read one: qingwen explain {arguments.dataset} {str(first)[:8]}")
    elif found.rejections and not arguments.rejected:
        print(f"Why none? qingwen head {arguments.dataset} --rejected")
    return DONE


def report(arguments: argparse.Namespace) -> int:
    """Write the review page."""
    from qingwen.corpus.dataset import check_dataset
    from qingwen.corpus.place import is_local, place_of
    from qingwen.report.compare import compare
    from qingwen.report.compared import tables
    from qingwen.report.review import write_review

    dataset = check_dataset(place_of(arguments.dataset))
    beside = Path(arguments.dataset) / REVIEW if is_local(dataset) else Path(REVIEW)
    path = Path(arguments.output) if arguments.output else beside
    old = check_dataset(place_of(arguments.compare)) if arguments.compare else None
    shown = write_review(
        dataset, path, pages=arguments.pages, comparison=tables(compare(old, dataset)) if old else None
    )
    print(f"{path}: {shown} pages to read. Open it in a browser; it needs no network.")
    return DONE


def diff(arguments: argparse.Namespace) -> int:
    """Print what differs between two datasets."""
    from qingwen.corpus.place import place_of
    from qingwen.report.compare import changes, compare
    from qingwen.report.compared import lines
    from qingwen.report.terminal import printed

    old, new = place_of(arguments.old), place_of(arguments.new)
    if arguments.records:
        for row in changes(old, new):
            print("\t".join(map(printed, row)))
        return DONE
    if arguments.examples < 1:
        raise SetupError(f"--examples {arguments.examples}: at least 1.")
    for line in lines(compare(old, new, examples=arguments.examples)):
        print(line)
    return DONE


def export(arguments: argparse.Namespace) -> int:
    """Write a dataset's records in another form, to a file, a folder, or standard output."""
    from qingwen.corpus.export import COMPRESSION, Wanted, export, exported
    from qingwen.corpus.place import place_of
    from qingwen.corpus.shards import Output
    from qingwen.report.progress import show_progress
    from qingwen.report.terminal import counted

    dataset = place_of(arguments.dataset)
    wanted = Wanted(arguments.to, arguments.title, arguments.source, arguments.without_duplicates, arguments.since)
    if arguments.file_megabytes < 1:
        raise SetupError(f"--file-megabytes {arguments.file_megabytes}: at least 1.")
    if arguments.output == "-":
        with exported(dataset, wanted) as lines:
            _poured(lines)
        return DONE
    place, compression = place_of(arguments.output), arguments.compression or COMPRESSION[arguments.to]
    output = Output(place, compression=compression, overwrite=arguments.overwrite)
    if arguments.compression not in (None, output.compression):
        raise SetupError(f"{place}: --compression is for a folder; a file is packed as its name ends (.gz, .zst).")
    with show_progress() as progress:
        done = export(dataset, output, wanted, file_bytes=arguments.file_megabytes * 1024 * 1024, progress=progress)
    written = f"{counted(done.records, 'record')} as {wanted.form} in {counted(done.files, 'file')}"
    print(f"{written}: {arguments.output}")
    return DONE


def _poured(lines: Iterator[bytes]) -> None:
    """Write lines to standard output as they are; on a terminal, so that what they hold cannot steer it."""
    from qingwen.report.terminal import printed

    if sys.stdout.isatty():
        for line in lines:
            print(printed(line.decode().rstrip()))
    else:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()


def compact(arguments: argparse.Namespace) -> int:
    """Join the small files of a dataset."""
    from qingwen.corpus import upkeep
    from qingwen.corpus.place import place_of

    done = upkeep.compact(place_of(arguments.dataset), arguments.file_megabytes * 1024 * 1024)
    for name, (before, after) in done.files.items():
        print(f"{name:12} {before:6} files -> {after}")
    print(f"{done.refreshed} records got what duplicates says of them now. Old files stay until qingwen vacuum.")
    return DONE


def vacuum(arguments: argparse.Namespace) -> int:
    """Remove the files that a dataset does not use any more."""
    from qingwen.corpus import upkeep
    from qingwen.corpus.place import place_of

    print(f"{upkeep.vacuum(place_of(arguments.dataset), arguments.keep_hours)} files removed.")
    return DONE


def changes(arguments: argparse.Namespace) -> int:
    """Print what became of records since a run, one a line: id, tab, added, changed or withdrawn."""
    from qingwen.corpus import upkeep
    from qingwen.corpus.place import place_of

    for name, change in upkeep.changes(place_of(arguments.dataset), arguments.since):
        print(f"{name}\t{change}")
    return DONE


def forget(arguments: argparse.Namespace) -> int:
    """Take pages down."""
    from qingwen.corpus import upkeep
    from qingwen.corpus.place import place_of

    if not (arguments.id or arguments.url or arguments.site):
        raise SetupError("forget: name what to take down: --id, --url or --site, as often as needed.")
    found = upkeep.forget(place_of(arguments.dataset), arguments.id, arguments.url, arguments.site)
    pages = "1 page" if len(found.ids) == 1 else f"{len(found.ids)} pages"
    print(f"{pages} taken down; no run brings them back. The files that held them go by qingwen vacuum.")
    return DONE
