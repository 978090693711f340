"""The command line. Starts fast: what a command needs is imported when it runs; only ``clean`` imports prefect."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from qingwen import __version__, actions, keeping
from qingwen.actions import DONE, FIELDS, OUTPUT, PENDING, REFUSED, WRONG, said
from qingwen.errors import BatchError, EndedError, PublishError, SetupError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    0 done; 1 done, but pages are pending (``show``: the page is no article); 2 the command, a rule table or the
    configuration is wrong, and nothing was touched; 3 cleaned, but refused to publish; 130 and 143 on signals.
    """
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _signalled)
    if arguments.command is actions.clean:
        signal.signal(signal.SIGINT, _signalled)
    try:
        status: int = arguments.command(arguments)
        return status
    except SetupError as fault:
        return said(fault, WRONG)
    except PublishError as fault:
        return said(fault, REFUSED)
    except EndedError as fault:
        return said(fault, 128 + _signals[0] if _signals else PENDING)
    except BatchError as fault:
        return said(fault, PENDING)
    except KeyboardInterrupt:
        return said("Interrupted.", 130)
    except BrokenPipeError:
        # The reader of our output went away (head, less): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


_signals: list[int] = []


def _signalled(number: int, frame: object) -> None:
    """End a run with the batches that are under way; anything else, and at a second signal, at once."""
    _signals.append(number)
    engine = sys.modules.get("qingwen.corpus.run")
    word = "Interrupted" if number == signal.SIGINT else "Terminated"
    if len(_signals) == 1 and engine is not None and engine.end_runs():
        said(f"{word}: what is under way is finished first. Once more ends at once.", DONE)
        return
    said(f"{word}. The dataset is as it was; run again to go on.", DONE)
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qingwen",
        description="Clean Chinese news out of dirty pages, with a receipt for every character removed or changed.",
    )
    parser.add_argument("--version", action="version", version=f"qingwen {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    clean = _command(commands, "clean", actions.clean, "run the flow over pages and add their articles to a dataset")
    _run_options(clean)
    clean.add_argument("--no-prefect", action="store_true", help="run the bare engine, without a Prefect server")
    clean.add_argument(
        "--profile", action="store_true", help="clean nothing: time stages, passes and rules on a sample"
    )
    clean.add_argument("--verbose", action="store_true", help="show Prefect's own log")
    _shared(clean)

    served = _command(commands, "serve", actions.serve, "serve the flow as a scheduled deployment, until interrupted")
    _run_options(served)
    served.add_argument(
        "--cron", action="append", default=[], metavar="LINE", help='when, as in "0 3 * * *"; repeatable'
    )
    served.add_argument(
        "--timezone", default="Asia/Shanghai", metavar="ZONE", help="of --cron (default: Asia/Shanghai)"
    )
    served.add_argument("--name", default="news", help="name of the deployment (default: news)")
    _shared(served)

    show = _command(commands, "show", actions.show, "print one page's article, without Prefect")
    show.add_argument("page", metavar="PAGE")
    show.add_argument("--format", choices=("text", "json"), default="text")
    _shared(show)

    explain = _command(commands, "explain", actions.explain, "print a page with every change marked and named")
    explain.add_argument("page", metavar="PAGE|DATASET", help="a page's file; or a dataset's folder, with an ID")
    explain.add_argument("id", nargs="?", metavar="ID", help="a page of the dataset (the first digits are enough)")
    _shared(explain)

    restore = _command(commands, "restore", actions.restore, "print a page's text as it was, rebuilt from the tables")
    restore.add_argument("dataset", metavar="DATASET")
    restore.add_argument("id", metavar="ID")

    joined = _command(commands, "compact", keeping.compact, "join small files; refresh what records say of duplicates")
    joined.add_argument("dataset", metavar="DATASET")
    joined.add_argument("--file-megabytes", type=int, default=256, metavar="N", help="size of a file (default: 256)")

    cleared = _command(commands, "vacuum", keeping.vacuum, "remove the files that a dataset does not use any more")
    cleared.add_argument("dataset", metavar="DATASET")
    cleared.add_argument("--keep-hours", type=int, default=0, metavar="N", help="spare the files of older versions")

    reviewed = _command(
        commands, "report", keeping.report, "write the review page: the dataset in numbers, and pages to read"
    )
    reviewed.add_argument("dataset", metavar="DATASET")
    reviewed.add_argument("-o", "--output", metavar="FILE.html", help="where (default: review.html in DATASET)")
    reviewed.add_argument("--pages", type=int, default=200, metavar="N", help="pages to read (default: 200)")
    reviewed.add_argument("--compare", metavar="OLD", help="show what differs from another dataset, too")

    compared = _command(
        commands, "diff", keeping.diff, "print what differs between two datasets, by rule, with examples"
    )
    compared.add_argument("old", metavar="OLD")
    compared.add_argument("new", metavar="NEW")
    compared.add_argument("--examples", type=int, default=3, metavar="N", help="examples of a rule (default: 3)")
    compared.add_argument("--records", action="store_true", help="list each record: id, change, rules, path")

    told = _command(commands, "changes", keeping.changes, "print which records came, changed and went since a run")
    told.add_argument("dataset", metavar="DATASET")
    told.add_argument("--since", required=True, metavar="RUN", help="a run's name, as in _runs")

    gone = _command(commands, "forget", keeping.forget, "take pages down: out of every table, and never back")
    gone.add_argument("dataset", metavar="DATASET")
    gone.add_argument("--id", action="append", default=[], metavar="ID", help="the id of a page, all of it")
    gone.add_argument("--url", action="append", default=[], metavar="URL", help="the URL of a page")
    gone.add_argument("--site", action="append", default=[], metavar="SITE", help="a site, as records name it")

    repairs = _command(commands, "repairs", actions.repairs, "learn swapped words from articles on two sites")
    repairs.add_argument("action", choices=("mine",), help="mine: write proposed rows of the substitution table")
    repairs.add_argument("inputs", nargs="+", metavar="INPUT", help="pages of farms and of honest sites")
    repairs.add_argument("--trusted", action="append", default=[], metavar="SITE", help="a site that swaps nothing")
    repairs.add_argument("-o", "--output", metavar="FILE.toml", help="where the rows go (default: standard output)")
    _shared(repairs)

    rules = _command(commands, "rules", actions.rules, "check the rule tables")
    rules.add_argument("action", choices=("check",), help="check: every rule row against every case")
    rules.add_argument("--cases", metavar="FILE", help="complaints too, as the review page exports them")
    _shared(rules)
    return parser


def _command(commands: Any, name: str, run: object, says: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
    parser.set_defaults(command=run)
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="files, folders or quoted globs (default: seeds)")
    parser.add_argument("-o", "--output", metavar="DIR", help=f"folder of the dataset (default: {OUTPUT})")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="worker processes (default: one a core)")
    parser.add_argument("--runner", choices=("local", "dask", "ray"), default="local", help="where work is done")
    parser.add_argument("--cluster", metavar="ADDRESS", help="a Dask or Ray cluster (default: one is started)")
    parser.add_argument(
        "--batch-pages", type=int, default=500, metavar="N", help="most pages in a batch (default: 500)"
    )
    parser.add_argument(
        "--page-seconds", type=int, default=120, metavar="N", help="longest time at a page (default: 120)"
    )
    parser.add_argument(
        "--worker-gib",
        type=float,
        default=0,
        metavar="N",
        help="memory of a worker (default: its share of the machine's)",
    )
    parser.add_argument("--partition-by", choices=("month",), help="lay records of a new dataset in folders by month")
    parser.add_argument(
        "--rebuild", action="store_true", help="make every row of the dataset anew, by the rules of now"
    )
    parser.add_argument("--accept", action="store_true", help="publish although the run is very unlike the last ones")
    parser.add_argument("--verify", action="store_true", help="read known inputs again, whatever size and time say")
    parser.add_argument(
        "--review", type=int, default=0, metavar="N", help="write a review page with N pages (through Prefect)"
    )


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rules", metavar="FILE|DIR", help="your own rule tables: rows added to, or put over, the shipped"
    )
    parser.add_argument("--config", metavar="FILE.toml", help="thresholds (default: [tool.qingwen] of pyproject.toml)")
    parser.add_argument("--html-reader", choices=("lexbor", "soup"), help="lexbor (default), or the slow reference")
    parser.add_argument(
        "--mask-personal-data",
        action=argparse.BooleanOptionalAction,
        help="mask mobile numbers, identity and bank cards, e-mail, licence plates in all that is made (default: no)",
    )
    parser.add_argument("--crawl-date", metavar="DATE", help="the day of the crawl; resolves relative dates")
    for field in FIELDS:
        says = f"field of a row (JSON Lines, Parquet) that holds the {field}; a.b leads into a structure"
        parser.add_argument(f"--{field}-field", metavar="NAME", help=says)
    parser.add_argument("--url-prefix", metavar="URL", help="what makes a URL of a source path")


if __name__ == "__main__":
    sys.exit(main())
