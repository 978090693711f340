"""The commands: what each runs, what its help says, and examples that run as they stand."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple, NoReturn

from qingwen import __version__
from qingwen.cli import arguments as add
from qingwen.cli import datasets, pages

_DATASET = "data/corpus"
_PAGE = "seeds/000_fa0feccd83b6dce8.txt"
_STATUS = (
    "0 done; 1 done, but pages are pending (show: the page is no article); 2 the command, a rule table or the "
    "configuration is wrong, and nothing was touched; 3 refused to publish; 130, 143 ended by a signal"
)


class Command(NamedTuple):
    """A command: its group in the help, what runs, a line and a paragraph on it, examples, what adds its options."""

    group: str
    name: str
    usage: str
    run: Callable[[argparse.Namespace], int]
    says: str
    about: str
    examples: tuple[str, ...]
    add: tuple[Callable[[add.Parser], None], ...]


COMMANDS: tuple[Command, ...] = (
    Command(
        "clean",
        "clean",
        "[OPTION ...] [INPUT ...]",
        pages.clean,
        "run the flow over pages and add their articles to a dataset",
        "Pages are dumps (.txt), HTML, and containers: WARC, JSON Lines, Parquet, zip, tar. Run it again and only "
        "what is new or changed is cleaned; a run that was killed is finished by the next.",
        (
            "qingwen clean                                     # the seeds, to data/corpus",
            'qingwen clean "seeds/*.txt" -o news --no-prefect  # your own pages, without a server',
            "qingwen clean --rebuild                           # every row anew, after a rule changed",
        ),
        (add.run, add.clean, add.settings),
    ),
    Command(
        "clean",
        "serve",
        "[OPTION ...] [INPUT ...]",
        pages.serve,
        "serve the flow as a scheduled deployment, until interrupted",
        "Needs a Prefect server (prefect server start, prefect config set PREFECT_API_URL=...). Takes the options "
        "of clean; two runs of a deployment never overlap.",
        ('qingwen serve seeds -o news --cron "0 3 * * *"  # every night at three, Beijing time',),
        (add.run, add.serve, add.settings),
    ),
    Command(
        "read",
        "head",
        "DATASET [OPTION ...]",
        datasets.head,
        "print the first records of a dataset as a table",
        "With --rejected, the first pages that are no articles. Read one: qingwen explain DATASET ID.",
        (f"qingwen head {_DATASET}", f"qingwen head {_DATASET} -n 50 --rejected"),
        (add.dataset, add.head),
    ),
    Command(
        "read",
        "show",
        "PAGE [OPTION ...]",
        pages.show,
        "print one page's article, without Prefect",
        "Nothing is written: for a look at one page, and at what a rule or a threshold does to it.",
        (
            f"qingwen show {_PAGE}",
            f"qingwen show {_PAGE} --format json",
            f"qingwen show - --url http://www.example.cn/a/1.html < {_PAGE}",
        ),
        (add.page, add.show, add.settings),
    ),
    Command(
        "read",
        "explain",
        "PAGE|DATASET [ID] [OPTION ...]",
        pages.explain,
        "print a page with each removal and change marked and its rule named",
        "A line that begins with - was removed, with its label, rule and reason; [a→b] was changed.",
        (f"qingwen explain {_PAGE}", f"qingwen explain {_DATASET} f6ba1c28"),
        (add.page_or_id, add.settings),
    ),
    Command(
        "read",
        "restore",
        "DATASET ID",
        pages.restore,
        "print a page's text as it was, rebuilt from the tables",
        "Exact, up to masks. ID may be the path or the URL of the page.",
        (f"qingwen restore {_DATASET} f6ba1c28",),
        (add.dataset, add.restore),
    ),
    Command(
        "read",
        "report",
        "DATASET [OPTION ...]",
        datasets.report,
        "write the review page: the dataset in numbers, and pages to read",
        "One HTML file that needs no network; marks made there are exported as cases for rules check.",
        (f"qingwen report {_DATASET}",),
        (add.dataset, add.report),
    ),
    Command(
        "read",
        "diff",
        "OLD NEW [OPTION ...]",
        datasets.diff,
        "print what differs between two datasets, by rule, with examples",
        "For two rule versions over the same pages: make the second with --rules and another --output.",
        (f"qingwen diff {_DATASET} {_DATASET}",),
        (add.diff,),
    ),
    Command(
        "read",
        "export",
        "DATASET [--to FORM] [OPTION ...]",
        datasets.export,
        "write the records in the form that another corpus keeps",
        "jsonl: all columns, an object a line. dolma: id, text, source, added, created, metadata. mnbvc: MNBVC's files "
        "of paragraphs. In the order of ids; a file or a folder appears when it is whole.",
        (
            f"qingwen export {_DATASET} -o records.jsonl.zst",
            f"qingwen export {_DATASET} --to dolma -o dolma --without-duplicates",
        ),
        (add.dataset, add.export),
    ),
    Command(
        "read",
        "changes",
        "DATASET --since RUN",
        datasets.changes,
        "print which records came, changed and went since a run",
        "One a line: id, tab, added, changed or withdrawn. Runs are named in DATASET/_runs.",
        (f"qingwen changes {_DATASET} --since 20261125T030000-4711",),
        (add.dataset, add.changes),
    ),
    Command(
        "keep",
        "compact",
        "DATASET [OPTION ...]",
        datasets.compact,
        "join small files; refresh what records say of duplicates",
        "Readers see the dataset before or after. Old files stay until vacuum.",
        (f"qingwen compact {_DATASET}",),
        (add.dataset, add.compact),
    ),
    Command(
        "keep",
        "vacuum",
        "DATASET [OPTION ...]",
        datasets.vacuum,
        "remove the files that a dataset does not use any more",
        "Whoever still reads an older version loses its files: --keep-hours spares those of the last hours.",
        (f"qingwen vacuum {_DATASET} --keep-hours 24",),
        (add.dataset, add.vacuum),
    ),
    Command(
        "keep",
        "forget",
        "DATASET --id ID|--url URL|--site SITE ...",
        datasets.forget,
        "take pages down: out of every table, and never back",
        "Neither a rebuild nor another source brings them back. Their files go by vacuum.",
        (f"qingwen forget {_DATASET} --id f6ba1c28ed88afb4c345ed69926acd7b",),
        (add.dataset, add.forget),
    ),
    Command(
        "rules",
        "rules",
        "check|show [ID] [OPTION ...]",
        pages.rules,
        "check the rule tables, or show a row",
        "check holds every row against every case, your own rows (--rules) among them; show prints the row that "
        "explain named, with its pattern, its reason and its cases.",
        (
            "qingwen rules check",
            "qingwen rules show ad.contact-line",
        ),
        (add.rule_rows,),
    ),
    Command(
        "rules",
        "repairs",
        "mine INPUT ... [OPTION ...]",
        pages.repairs,
        "learn swapped words from near-duplicate articles on two sites",
        "Proposed rows never act: review each, write its clauses, set its status to active.",
        ("qingwen repairs mine seeds --output proposed.toml",),
        (add.repairs, add.settings),
    ),
    Command(
        "shell",
        "completion",
        "SHELL",
        pages.completion,
        "print the script that completes commands and options in a shell",
        "For bash, zsh, fish, tcsh and PowerShell.",
        (
            'eval "$(qingwen completion bash)"    # a line for ~/.bashrc',
            "qingwen completion zsh > _qingwen    # a file for a folder of $fpath",
        ),
        (add.completion,),
    ),
)
NAMES = tuple(command.name for command in COMMANDS)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors say where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}.\nHelp: {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    listed = "".join(
        f"\n{group}:\n" + "".join(f"  {command.name:11} {command.says}\n" for command in commands)
        for group, commands in groupby(COMMANDS, key=lambda command: command.group)
    )
    parser = _Parser(
        prog="qingwen",
        usage="qingwen COMMAND [OPTION ...]",
        description="Clean Chinese news out of dirty pages, with a receipt for every character removed or changed.\n"
        + listed
        + "\nHelp of a command, with its options and examples: qingwen COMMAND --help",
        epilog=_status(),
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"qingwen {__version__}", help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", help=argparse.SUPPRESS, parser_class=_Parser)
    for command in COMMANDS:
        made = commands.add_parser(
            command.name,
            prog=f"qingwen {command.name}",
            help=command.says,
            usage=f"qingwen {command.name} {command.usage}",
            description=_paragraphs(command),
            epilog="examples:\n" + "\n".join(f"  {line}" for line in command.examples) + "\n\n" + _status(),
            formatter_class=_formatter,
            allow_abbrev=False,
        )
        made.set_defaults(command=command.run, parser=parser)
        for options in command.add:
            options(made)
    return parser


def _paragraphs(command: Command) -> str:
    says = f"{command.says[0].upper()}{command.says[1:]}."
    return textwrap.fill(f"{says} {command.about}".strip(), _width())


def _status() -> str:
    return "exit status:\n" + textwrap.fill(_STATUS, _width(), initial_indent="  ", subsequent_indent="  ")


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=_width())


def _width() -> int:
    return min(shutil.get_terminal_size().columns - 2, 110)
