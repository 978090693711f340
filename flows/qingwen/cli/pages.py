"""What each command does. What it needs is imported when it runs; only ``clean`` and ``serve`` import prefect."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qingwen.errors import SetupError

if TYPE_CHECKING:
    from qingwen.config import Config
    from qingwen.model import Cleaned, Rejection
    from qingwen.rules.book import RuleBook
    from qingwen.run.report import RunReport
    from qingwen.run.request import Request

DONE, PENDING, WRONG, REFUSED = 0, 1, 2, 3
FIELDS = ("text", "html", "url", "date", "title")
INPUTS, OUTPUT, REVIEW = ["seeds"], "data/corpus", "review.html"
# What the parser and a request call by the same name.
_RUN = "workers batch_pages page_seconds worker_gib rebuild verify accept runner cluster partition_by".split()


def said(fault: object, status: int) -> int:
    """Print what is wrong; return the exit status. What files hold cannot steer the terminal."""
    print(f"qingwen: {_shown(fault)}", file=sys.stderr)
    return status


def _shown(fault: object) -> str:
    from qingwen.review.terminal import printed

    return "\n".join(map(printed, str(fault).split("\n")))


def _settings(arguments: argparse.Namespace) -> tuple[Config, str | None]:
    """Return the configuration, and where the user's own rules are."""
    from qingwen.config import load_config, read_rules_setting

    stated = vars(arguments)
    project = Path("pyproject.toml")
    path = Path(stated["config"]) if stated["config"] else project if project.exists() else None
    names = ("html_reader", "mask_personal_data", "url_prefix", *(f"{field}_field" for field in FIELDS))
    overrides: dict[str, Any] = {name: stated[name] for name in names if stated.get(name) is not None}
    if stated.get("crawl_date"):
        try:
            overrides["crawl_date"] = date.fromisoformat(stated["crawl_date"])
        except ValueError:
            raise SetupError(f"--crawl-date {stated['crawl_date']}: not a date such as 2023-05-30.") from None
    rules = stated["rules"] or (read_rules_setting(path) if path else None)
    return load_config(path, overrides), rules


def _book(rules: str | None) -> RuleBook:
    from qingwen.rules.book import load_rules

    return load_rules(Path(rules) if rules else None)


def clean(arguments: argparse.Namespace) -> int:
    """Run the flow over pages, or time its stages."""
    from qingwen.review.terminal import show_progress
    from qingwen.run.engine import run as run_bare
    from qingwen.run.request import INLINE, LOCAL, check_request

    if arguments.profile:
        return _profile(arguments)
    request = _request(arguments)
    if arguments.no_prefect:
        if arguments.review:
            raise SetupError("--review: goes through Prefect; leave out --no-prefect, or use qingwen report.")
        if request.runner not in (LOCAL, INLINE):
            raise SetupError(f"--runner {request.runner}: goes through Prefect; leave out --no-prefect.")
        with show_progress() as progress:
            report = run_bare(request, progress, arguments.stop)
    else:
        check_request(request, stores=False)  # a misspelt input need not wait for Prefect's start
        if not arguments.verbose:
            # What goes wrong is said here, in a sentence.
            os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        with show_progress() as progress:
            progress("start Prefect", 0, 0)
            from qingwen import flow

            report = flow.run(request, progress, arguments.review, arguments.stop)
    return _told(report)


def _request(arguments: argparse.Namespace) -> Request:
    from qingwen.run.request import Request

    config, rules = _settings(arguments)
    return Request(
        inputs=tuple(arguments.inputs or INPUTS),
        output=arguments.output or OUTPUT,
        config=config,
        rules=rules,
        **{name: getattr(arguments, name) for name in _RUN},
    )


def serve(arguments: argparse.Namespace) -> int:
    """Serve the flow as a deployment, until interrupted."""
    from qingwen import flow

    flow.serve(_request(arguments), arguments.name, arguments.cron, arguments.timezone, arguments.review)
    return DONE


def _profile(arguments: argparse.Namespace) -> int:
    from qingwen.read.inputs import list_sources
    from qingwen.review.profile import profile

    config, rules = _settings(arguments)
    for line in profile(list_sources(arguments.inputs or INPUTS), config, _book(rules)).lines():
        print(line)
    return DONE


def _told(report: RunReport) -> int:
    from qingwen.review.terminal import summary

    for line in summary(report):
        print(line)
    return PENDING if report.pending else DONE


def show(arguments: argparse.Namespace) -> int:
    """Print one page's article."""
    from qingwen.model import Rejection

    result = _cleaned(arguments)
    if isinstance(result, Rejection):
        return said(f"{arguments.page}: no article ({result.stage}: {result.rule}). {result.detail}", PENDING)
    if arguments.format == "json":
        print(json.dumps(result.record.row(), ensure_ascii=False, indent=1, default=str))
    else:
        print(result.record.title, result.record.text, sep="\n\n")
    return DONE


def explain(arguments: argparse.Namespace) -> int:
    """Print a page with each removal and change marked."""
    from qingwen.model import BODY, TITLE, Rejection
    from qingwen.review.explain import explain
    from qingwen.review.terminal import print_lines

    if arguments.id is not None:
        from qingwen.dataset.location import location_of
        from qingwen.dataset.lookup import look_up

        stored = look_up(location_of(arguments.page), arguments.id)
        row = stored.row
        outcome = (
            f"rejected ({row['stage']}: {row['rule']}). {row['detail']}" if stored.rejected else f"record {row['id']}"
        )
        heading = f"{row['source_path']}: {outcome}"
        print_lines(explain(heading, stored.parts, stored.blocks, stored.edits, stored.flags))
        return DONE
    result = _cleaned(arguments)
    if isinstance(result, Rejection):
        heading = f"{arguments.page}: rejected ({result.stage}: {result.rule}). {result.detail}"
        print_lines(explain(heading, {TITLE: "", BODY: ""}, result.blocks, (), ()))
    else:
        record = result.record
        parts = {TITLE: record.title, BODY: record.text}
        print_lines(explain(f"{arguments.page}: record {record.id}", parts, result.blocks, result.edits, result.flags))
    return DONE


def _cleaned(arguments: argparse.Namespace) -> Cleaned | Rejection:
    """Clean the page that the user names."""
    from qingwen.clean import clean_page
    from qingwen.model import Rejection
    from qingwen.read.containers import page_named, page_on

    config, rules = _settings(arguments)
    book = _book(rules)
    if arguments.page == "-":
        page = page_on(sys.stdin.buffer, config, arguments.url)
    else:
        page = page_named(arguments.page, config, arguments.url)
    return page if isinstance(page, Rejection) else clean_page(page, config=config, rules=book)


def restore(arguments: argparse.Namespace) -> int:
    """Print a page's text as it was."""
    from qingwen.clean import restore_parts
    from qingwen.dataset.location import location_of
    from qingwen.dataset.lookup import look_up

    stored = look_up(location_of(arguments.dataset), arguments.id)
    if not stored.blocks:
        raise SetupError(
            f"{arguments.id}: rejected before it was cut into blocks ({stored.row['rule']}); no text is held."
        )
    sys.stdout.write(restore_parts(stored.parts, stored.blocks, stored.edits))
    return DONE


def repairs(arguments: argparse.Namespace) -> int:
    """Write proposed rows of swapped words."""
    from qingwen.read.inputs import list_sources
    from qingwen.review.learn_swaps import mine, to_toml

    config, rules = _settings(arguments)
    mined = mine(list_sources(arguments.inputs), config, _book(rules), arguments.trusted)
    if mined.new and arguments.output:
        Path(arguments.output).write_text(to_toml(mined.new), "utf-8")
    elif mined.new:
        sys.stdout.write(to_toml(mined.new))
    where = f" in {arguments.output}" if mined.new and arguments.output else ""
    print(f"{mined.summary}, {len(mined.new)} proposed{where}.", file=sys.stderr)
    return DONE


def rules(arguments: argparse.Namespace) -> int:
    """Check every rule row against every case, and the rules against a reviewer's complaints; or show rows."""
    config, rules = _settings(arguments)
    if arguments.action == "show":
        return _shown_rows(arguments.id, rules)
    if arguments.id:
        raise SetupError(f"rules check {arguments.id}: checks all rows; to see one: qingwen rules show {arguments.id}")
    book = _book(rules)
    faults, cases = book.check(), book.n_cases
    if arguments.cases:
        from qingwen.review.complaints import check_cases, count_cases

        try:
            text = Path(arguments.cases).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as unread:
            raise SetupError(f"--cases {arguments.cases}: cannot be read: {unread}.") from unread
        faults += check_cases(text, book, config)
        cases += count_cases(text)
    for fault in faults:
        print(_shown(fault), file=sys.stderr)
    n_rules = len(book.rules) + len(book.spun.subs) + len(book.keep.rows) + book.personal.n_rows
    print(f"{n_rules} rules, {cases} cases: {f'{len(faults)} faults' if faults else 'all hold'}.")
    return WRONG if faults else DONE


def _shown_rows(wanted: str | None, rules: str | None) -> int:
    from qingwen.rules.show import rows_named

    if not wanted:
        raise SetupError("rules show: name a rule, as qingwen explain does, or how ids begin: qingwen rules show ad.")
    for row in rows_named(wanted, Path(rules) if rules else None):
        print(_shown(row), end="\n\n")
    return DONE


def completion(arguments: argparse.Namespace) -> int:
    """Print the script that completes the command line in a shell."""
    import shtab

    for action in _options_of(arguments.parser):
        named = set(re.findall("[A-Z]+", str(action.metavar)))
        if action.help == argparse.SUPPRESS:
            action.help = None  # what the help lists in its own way is completed all the same
        if named & {"FILE", "PAGE", "INPUT"}:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif named & {"DIR", "DATASET", "OLD", "NEW"}:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(arguments.parser, arguments.shell))
    return DONE


def _options_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield every option of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options_of(command)
