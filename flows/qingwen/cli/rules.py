"""Work on the rules: rules, repairs."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from qingwen.cli.exits import DONE, WRONG, put, safe
from qingwen.cli.options import Settings, with_rules, with_settings
from qingwen.errors import SetupError


@with_rules
def rules(
    settings: Settings,
    action: Annotated[Literal["check", "show"], Argument(help="Check all rows, or show some.")],
    id: Annotated[str | None, Argument(metavar="ID", help="With show: a rule's id, or how ids begin.")] = None,
    cases: Annotated[Path | None, Option(metavar="FILE", help="With check: exported complaints, too.")] = None,
) -> int:
    """Check the rule tables, or show a row.

    check tests every row against every case, your own rows (--rules) included. show prints the row that explain
    named, with its pattern, its reason and its cases.

    \b
    Examples:
      qingwen rules check
      qingwen rules show ad.contact-line
    """
    if action == "show":
        return _show(id, settings.rules)
    if id:
        raise SetupError(f"rules check {id}: checks all rows; to see one: qingwen rules show {id}")
    return _check(settings, cases)


def _check(settings: Settings, cases: Path | None) -> int:
    from qingwen.review.terminal import counted

    book = settings.book()
    faults, n_cases = book.check(), book.n_cases
    if cases:
        from qingwen.review.complaints import check_cases, count_cases

        try:
            text = cases.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as unread:
            raise SetupError(f"--cases {cases}: cannot be read: {unread}.") from unread
        faults += check_cases(text, book, settings.config)
        n_cases += count_cases(text)
    for fault in faults:
        print(safe(fault), file=sys.stderr)
    n_rules = len(book.rules) + len(book.spun.rows) + len(book.keep.rows) + book.personal.n_rows
    put(f"{n_rules} rules, {n_cases} cases: {counted(len(faults), 'fault') if faults else 'all hold'}.")
    return WRONG if faults else DONE


def _show(id: str | None, rules: str | None) -> int:
    from qingwen.rules.show import rows_named

    if not id:
        raise SetupError("rules show: name a rule, as qingwen explain does, or how ids begin: qingwen rules show ad.")
    for row in rows_named(id, Path(rules) if rules else None):
        put(row, end="\n\n")
    return DONE


@with_settings
def repairs(
    settings: Settings,
    action: Annotated[Literal["mine"], Argument(help="Learn rows from pages.")],
    inputs: Annotated[list[str], Argument(metavar="INPUT", help="Pages of farms and of honest sites.")],
    trusted: Annotated[list[str] | None, Option(metavar="SITE", help="A site that swaps no words; repeatable.")] = None,
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="FILE.toml", help="File for the rows; by default standard output."),
    ] = None,
) -> int:
    """Learn swapped words from near-duplicate articles on two sites.

    Proposed rows never act: review each, write its clauses, and set its status to active.

    \b
    Examples:
      qingwen repairs mine seeds --output proposed.toml
    """
    from qingwen.read.inputs import list_sources
    from qingwen.review.learn_swaps import mine, to_toml

    mined = mine(list_sources(inputs), settings.config, settings.book(), trusted or [])
    if mined.new and output:
        output.write_text(to_toml(mined.new), "utf-8")
    elif mined.new:
        put(to_toml(mined.new), exact=True, end="")
    where = f" in {output}" if mined.new and output else ""
    print(safe(f"{mined.summary}, {len(mined.new)} proposed{where}."), file=sys.stderr)
    return DONE
