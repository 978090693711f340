"""The command line. Starts fast: what a command needs is imported when it runs; only ``clean`` imports prefect."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from qingwen import __version__
from qingwen.errors import BatchError, PublishError, SetupError

if TYPE_CHECKING:
    from qingwen.config import Config
    from qingwen.corpus.report import RunReport
    from qingwen.rules.book import RuleBook

DONE, PENDING, WRONG, REFUSED = 0, 1, 2, 3
INPUTS, OUTPUT = ["seeds"], "data/corpus"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    0 done; 1 done, but pages are pending (``show``: the page is no article); 2 the command, a rule table or the
    configuration is wrong, and nothing was touched; 3 cleaned, but refused to publish; 130 and 143 on signals.
    """
    signal.signal(signal.SIGTERM, _terminated)
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
        return status
    except SetupError as fault:
        return _said(fault, WRONG)
    except PublishError as fault:
        return _said(fault, REFUSED)
    except BatchError as fault:
        return _said(fault, PENDING)
    except KeyboardInterrupt:
        return _said("Interrupted. The dataset is as it was; run again to go on.", 130)
    except BrokenPipeError:
        # The reader of our output went away (head, less): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _said(fault: object, status: int) -> int:
    print(f"qingwen: {fault}", file=sys.stderr)
    return status


def _terminated(number: int, frame: object) -> NoReturn:
    print("qingwen: Terminated. The dataset is as it was; run again to go on.", file=sys.stderr)
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qingwen",
        description="Clean Chinese news out of dirty pages, with a receipt for every character removed or changed.",
    )
    parser.add_argument("--version", action="version", version=f"qingwen {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    clean = _command(commands, "clean", _clean, "run the flow over pages and add their articles to a dataset")
    clean.add_argument("inputs", nargs="*", metavar="INPUT", help="files, folders or quoted globs (default: seeds)")
    clean.add_argument("-o", "--output", metavar="DIR", help=f"folder of the dataset (default: {OUTPUT})")
    clean.add_argument("--workers", type=int, default=0, metavar="N", help="worker processes (default: one a core)")
    clean.add_argument("--batch-pages", type=int, default=500, metavar="N", help="most pages in a batch (default: 500)")
    clean.add_argument("--rebuild", action="store_true", help="make every row of the dataset anew, by the rules of now")
    clean.add_argument("--no-prefect", action="store_true", help="run the bare engine, without a Prefect server")
    clean.add_argument(
        "--profile", action="store_true", help="clean nothing: time stages, passes and rules on a sample"
    )
    clean.add_argument("--verbose", action="store_true", help="show Prefect's own log")
    _shared(clean)

    show = _command(commands, "show", _show, "print one page's article, without Prefect")
    show.add_argument("page", metavar="PAGE")
    show.add_argument("--format", choices=("text", "json"), default="text")
    _shared(show)

    explain = _command(commands, "explain", _explain, "print a page with each removal and change marked and named")
    explain.add_argument("page", metavar="PAGE|DATASET", help="a page's file; or a dataset's folder, with an ID")
    explain.add_argument("id", nargs="?", metavar="ID", help="a page of the dataset (the first digits are enough)")
    _shared(explain)

    restore = _command(commands, "restore", _restore, "print a page's text as it was, rebuilt from the tables")
    restore.add_argument("dataset", metavar="DATASET")
    restore.add_argument("id", metavar="ID")

    repairs = _command(commands, "repairs", _repairs, "learn swapped words from articles that stand on two sites")
    repairs.add_argument("action", choices=("mine",), help="mine: write proposed rows of the substitution table")
    repairs.add_argument("inputs", nargs="+", metavar="INPUT", help="pages of farms and of honest sites")
    repairs.add_argument("--trusted", action="append", default=[], metavar="SITE", help="a site that swaps nothing")
    repairs.add_argument("-o", "--output", metavar="FILE.toml", help="where the rows go (default: standard output)")
    _shared(repairs)

    rules = _command(commands, "rules", _rules, "check the rule tables")
    rules.add_argument("action", choices=("check",), help="check: every rule row against every case")
    _shared(rules)
    return parser


def _command(commands: Any, name: str, run: object, says: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
    parser.set_defaults(command=run)
    return parser


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rules", metavar="FILE|DIR", help="your own rule tables: rows added to, or put over, the shipped"
    )
    parser.add_argument("--config", metavar="FILE.toml", help="thresholds (default: [tool.qingwen] of pyproject.toml)")
    parser.add_argument("--html-reader", choices=("lexbor", "soup"), help="lexbor (default), or the slow reference")
    parser.add_argument("--crawl-date", metavar="DATE", help="the day of the crawl; resolves relative dates")
    parser.add_argument("--url-prefix", metavar="URL", help="what makes a URL of a source path")


def _settings(arguments: argparse.Namespace) -> tuple[Config, str | None]:
    """Return the configuration, and where the user's own rules are."""
    from qingwen.config import load_config, read_rules_setting

    project = Path("pyproject.toml")
    path = Path(arguments.config) if arguments.config else project if project.exists() else None
    overrides: dict[str, Any] = {}
    if arguments.crawl_date:
        try:
            overrides["crawl_date"] = date.fromisoformat(arguments.crawl_date)
        except ValueError:
            raise SetupError(f"--crawl-date {arguments.crawl_date}: not a date such as 2023-05-30.") from None
    if arguments.html_reader:
        overrides["html_reader"] = arguments.html_reader
    if arguments.url_prefix:
        overrides["url_prefix"] = arguments.url_prefix
    rules = arguments.rules or (read_rules_setting(path) if path else None)
    return load_config(path, overrides), rules


def _book(rules: str | None) -> RuleBook:
    from qingwen.rules.book import load_rules

    return load_rules(Path(rules) if rules else None)


def _clean(arguments: argparse.Namespace) -> int:
    from qingwen.corpus.request import Request
    from qingwen.corpus.run import run as run_bare
    from qingwen.report.progress import show_progress

    config, rules = _settings(arguments)
    if arguments.profile:
        return _profile(arguments, config, rules)
    request = Request(
        inputs=tuple(arguments.inputs or INPUTS),
        output=arguments.output or OUTPUT,
        config=config,
        rules=rules,
        workers=arguments.workers,
        batch_pages=arguments.batch_pages,
        rebuild=arguments.rebuild,
    )
    if arguments.no_prefect:
        with show_progress() as progress:
            report = run_bare(request, progress)
    else:
        if not arguments.verbose:
            os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "ERROR")
        with show_progress() as progress:
            progress("start Prefect", 0, 0)
            from qingwen import flow

            report = flow.run(request, progress)
    return _told(report)


def _profile(arguments: argparse.Namespace, config: Config, rules: str | None) -> int:
    from qingwen.read.inputs import list_sources
    from qingwen.report.profile import profile

    for line in profile(list_sources(arguments.inputs or INPUTS), config, _book(rules)).lines():
        print(line)
    return DONE


def _told(report: RunReport) -> int:
    from qingwen.report.summary import summary

    for line in summary(report):
        print(line)
    return PENDING if report.pending else DONE


def _show(arguments: argparse.Namespace) -> int:
    from qingwen.clean import clean_page
    from qingwen.model import Rejection

    config, rules = _settings(arguments)
    page = _read(arguments.page, config)
    result = page if isinstance(page, Rejection) else clean_page(page, config=config, rules=_book(rules))
    if isinstance(result, Rejection):
        return _said(f"{arguments.page}: no article ({result.stage}: {result.rule}). {result.detail}", PENDING)
    if arguments.format == "json":
        print(json.dumps(result.record.row(), ensure_ascii=False, indent=1, default=str))
    else:
        print(result.record.title, result.record.text, sep="\n\n")
    return DONE


def _explain(arguments: argparse.Namespace) -> int:
    from qingwen.clean import clean_page
    from qingwen.model import BODY, TITLE, Rejection
    from qingwen.report.explain import explain
    from qingwen.report.terminal import print_lines

    if arguments.id is not None:
        from qingwen.corpus.lookup import look_up

        stored = look_up(Path(arguments.page), arguments.id)
        row = stored.row
        said = (
            f"rejected ({row['stage']}: {row['rule']}). {row['detail']}" if stored.rejected else f"record {row['id']}"
        )
        heading = f"{row['source_path']}: {said}"
        print_lines(explain(heading, stored.parts, stored.blocks, stored.edits, stored.flags))
        return DONE
    config, rules = _settings(arguments)
    page = _read(arguments.page, config)
    result = page if isinstance(page, Rejection) else clean_page(page, config=config, rules=_book(rules))
    if isinstance(result, Rejection):
        heading = f"{arguments.page}: rejected ({result.stage}: {result.rule}). {result.detail}"
        print_lines(explain(heading, {TITLE: "", BODY: ""}, result.blocks, (), ()))
    else:
        record = result.record
        parts = {TITLE: record.title, BODY: record.text}
        print_lines(explain(f"{arguments.page}: record {record.id}", parts, result.blocks, result.edits, result.flags))
    return DONE


def _read(path: str, config: Config) -> Any:
    from qingwen.read.files import read_page

    if Path(path).is_dir():
        raise SetupError(f"{path}: is a folder. Name a page's file, or a dataset's folder with the ID of a page.")
    if not Path(path).exists():
        raise SetupError(f"{path}: there is no such file.")
    return read_page(path, config)


def _restore(arguments: argparse.Namespace) -> int:
    from qingwen.clean import restore_parts
    from qingwen.corpus.lookup import look_up

    stored = look_up(Path(arguments.dataset), arguments.id)
    if not stored.blocks:
        raise SetupError(
            f"{arguments.id}: rejected before it was cut into blocks ({stored.row['rule']}); no text is held."
        )
    sys.stdout.write(restore_parts(stored.parts, stored.blocks, stored.edits))
    return DONE


def _repairs(arguments: argparse.Namespace) -> int:
    from qingwen.corpus.mining import mine, to_toml
    from qingwen.read.inputs import list_sources

    config, rules = _settings(arguments)
    mined = mine(list_sources(arguments.inputs), config, _book(rules), arguments.trusted)
    if mined.new and arguments.output:
        Path(arguments.output).write_text(to_toml(mined.new), "utf-8")
    elif mined.new:
        sys.stdout.write(to_toml(mined.new))
    where = f" in {arguments.output}" if mined.new and arguments.output else ""
    print(f"{mined.summary}, {len(mined.new)} proposed{where}.", file=sys.stderr)
    return DONE


def _rules(arguments: argparse.Namespace) -> int:
    _, rules = _settings(arguments)
    book = _book(rules)
    faults = book.check()
    for fault in faults:
        print(fault, file=sys.stderr)
    n_rules = len(book.rules) + len(book.spun.subs) + len(book.keep.rows)
    print(f"{n_rules} rules, {book.n_cases} cases: {f'{len(faults)} faults' if faults else 'all hold'}.")
    return WRONG if faults else DONE


if __name__ == "__main__":
    sys.exit(main())
