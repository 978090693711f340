"""What the commands do that read and keep a dataset: head, report, diff, export, compact, vacuum, changes, forget."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from qingwen.cli.pages import DONE, REVIEW
from qingwen.errors import SetupError


def head(arguments: argparse.Namespace) -> int:
    """Print the first records, or rejections, as a table."""
    from qingwen.dataset.location import location_of
    from qingwen.dataset.lookup import head
    from qingwen.review.terminal import counted, print_table, record_table, rejection_table

    if arguments.rows < 1:
        raise SetupError(f"--rows {arguments.rows}: at least 1.")
    if arguments.rejected and arguments.flag:
        raise SetupError("--flag: is of records; leave out --rejected.")
    found = head(location_of(arguments.dataset), arguments.rows, rejected=arguments.rejected, flag=arguments.flag)
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
    from qingwen.dataset.dataset import check_dataset
    from qingwen.dataset.location import is_local, location_of
    from qingwen.review.diff import compare, tables
    from qingwen.review.review_page import write_review

    dataset = check_dataset(location_of(arguments.dataset))
    beside = Path(arguments.dataset) / REVIEW if is_local(dataset) else Path(REVIEW)
    path = Path(arguments.output) if arguments.output else beside
    old = check_dataset(location_of(arguments.compare)) if arguments.compare else None
    shown = write_review(
        dataset, path, pages=arguments.pages, comparison=tables(compare(old, dataset)) if old else None
    )
    print(f"{path}: {shown} pages to read. Open it in a browser; it needs no network.")
    return DONE


def diff(arguments: argparse.Namespace) -> int:
    """Print what differs between two datasets."""
    from qingwen.dataset.location import location_of
    from qingwen.review.diff import changes, compare, lines
    from qingwen.review.terminal import printed

    old, new = location_of(arguments.old), location_of(arguments.new)
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
    from qingwen.dataset.export import COMPRESSION, ExportOptions, export, exported
    from qingwen.dataset.export_files import Output
    from qingwen.dataset.location import location_of
    from qingwen.review.terminal import counted, show_progress

    dataset = location_of(arguments.dataset)
    wanted = ExportOptions(
        arguments.to, arguments.title, arguments.source, arguments.without_duplicates, arguments.since
    )
    if arguments.file_megabytes < 1:
        raise SetupError(f"--file-megabytes {arguments.file_megabytes}: at least 1.")
    if arguments.output == "-":
        with exported(dataset, wanted) as lines:
            _poured(lines)
        return DONE
    place, compression = location_of(arguments.output), arguments.compression or COMPRESSION[arguments.to]
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
    from qingwen.review.terminal import printed

    if sys.stdout.isatty():
        for line in lines:
            print(printed(line.decode().rstrip()))
    else:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()


def compact(arguments: argparse.Namespace) -> int:
    """Join the small files of a dataset."""
    from qingwen.dataset.location import location_of
    from qingwen.run import maintenance

    done = maintenance.compact(location_of(arguments.dataset), arguments.file_megabytes * 1024 * 1024)
    for name, (before, after) in done.files.items():
        print(f"{name:12} {before:6} files -> {after}")
    print(f"{done.refreshed} records got what duplicates says of them now. Old files stay until qingwen vacuum.")
    return DONE


def vacuum(arguments: argparse.Namespace) -> int:
    """Remove the files that a dataset does not use any more."""
    from qingwen.dataset.location import location_of
    from qingwen.run import maintenance

    print(f"{maintenance.vacuum(location_of(arguments.dataset), arguments.keep_hours)} files removed.")
    return DONE


def changes(arguments: argparse.Namespace) -> int:
    """Print what became of records since a run, one a line: id, tab, added, changed or withdrawn."""
    from qingwen.dataset import changes
    from qingwen.dataset.location import location_of

    for name, change in changes.changes(location_of(arguments.dataset), arguments.since):
        print(f"{name}\t{change}")
    return DONE


def forget(arguments: argparse.Namespace) -> int:
    """Take pages down."""
    from qingwen.dataset.location import location_of
    from qingwen.run import maintenance

    if not (arguments.id or arguments.url or arguments.site):
        raise SetupError("forget: name what to take down: --id, --url or --site, as often as needed.")
    found = maintenance.forget(location_of(arguments.dataset), arguments.id, arguments.url, arguments.site)
    pages = "1 page" if len(found.ids) == 1 else f"{len(found.ids)} pages"
    print(f"{pages} taken down; no run brings them back. The files that held them go by qingwen vacuum.")
    return DONE
