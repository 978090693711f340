"""The options that commands share, in the groups that their help shows."""

from __future__ import annotations

import argparse

from qingwen.cli.pages import FIELDS, OUTPUT

Parser = argparse.ArgumentParser
SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")


def page(parser: Parser) -> None:
    """Add what names one page, and where it came from."""
    parser.add_argument(
        "page",
        metavar="PAGE",
        help="a page's file; an item of a container: crawl.warc.gz#17, pages.zip!a.html; - for standard input",
    )
    _url(parser)


def page_or_id(parser: Parser) -> None:
    """Add what names one page, by itself or in a dataset."""
    parser.add_argument("page", metavar="PAGE|DATASET", help="a page, as in qingwen show; or a dataset, with an ID")
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="a page of the dataset: first digits of its id, path or URL"
    )
    _url(parser)


def _url(parser: Parser) -> None:
    parser.add_argument("--url", metavar="URL", help="the address that the page was saved from")


def dataset(parser: Parser) -> None:
    """Add the dataset that a command reads or keeps."""
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder, or its URL in a store")


def settings(parser: Parser) -> None:
    """Add what pages are cleaned with."""
    group = parser.add_argument_group("what pages are cleaned with")
    rules(group)
    group.add_argument("--html-reader", choices=("lexbor", "soup"), help="lexbor (default), or the slow reference")
    group.add_argument(
        "--mask-personal-data",
        action=argparse.BooleanOptionalAction,
        help="mask mobile numbers, identity and bank cards, e-mail, licence plates in all that is made (default: no)",
    )
    group.add_argument("--crawl-date", metavar="DATE", help="the day of the crawl, 2023-05-30; resolves relative dates")
    group.add_argument("--url-prefix", metavar="URL", help="what, put before a page's path, makes its URL")
    rows = parser.add_argument_group(
        "rows of JSON Lines and Parquet", "which field holds what (default: known names); a.b leads into a structure"
    )
    for field in FIELDS:
        rows.add_argument(f"--{field}-field", metavar="NAME", help=_FIELD[field])


_FIELD = {
    "text": "the page as text",
    "html": "the page as HTML",
    "url": "its address",
    "date": "when it was fetched",
    "title": "its title, where the text has none",
}


def rules(parser: argparse._ActionsContainer) -> None:
    """Add where rules and thresholds of one's own are."""
    parser.add_argument(
        "--rules",
        metavar="FILE|DIR",
        help="your own rule table, or a folder of them: rows beside, or over, the shipped",
    )
    parser.add_argument("--config", metavar="FILE.toml", help="thresholds (default: [tool.qingwen] of pyproject.toml)")


def run(parser: Parser) -> None:
    """Add what a run reads, where it writes, and how its work is done."""
    parser.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="files, folders, quoted globs, URLs of stores (default: seeds)"
    )
    data = parser.add_argument_group("the dataset")
    data.add_argument("-o", "--output", metavar="DIR", help=f"its folder, or URL in a store (default: {OUTPUT})")
    data.add_argument("--rebuild", action="store_true", help="make every row anew, by the rules of now")
    data.add_argument("--verify", action="store_true", help="read known inputs again, whatever size and time say")
    data.add_argument("--accept", action="store_true", help="publish although the run is very unlike the last ones")
    data.add_argument("--partition-by", choices=("month",), help="lay records of a new dataset in folders by month")
    data.add_argument(
        "--review", type=int, default=0, metavar="N", help="write a review page with N pages (through Prefect)"
    )
    work = parser.add_argument_group("the work")
    work.add_argument("--workers", type=int, default=0, metavar="N", help="worker processes (default: one a core)")
    work.add_argument("--batch-pages", type=int, default=500, metavar="N", help="most pages in a batch (default: 500)")
    work.add_argument(
        "--page-seconds", type=int, default=120, metavar="N", help="longest time at a page (default: 120)"
    )
    work.add_argument(
        "--worker-gib",
        type=float,
        default=0,
        metavar="N",
        help="memory of a worker (default: its share of the machine's)",
    )
    work.add_argument(
        "--runner", choices=("local", "inline", "dask", "ray"), default="local", help="where work is done (default: local)"
    )
    work.add_argument("--cluster", metavar="ADDRESS", help="a Dask or Ray cluster (default: one is started)")


def clean(parser: Parser) -> None:
    """Add how the flow is run."""
    parser.add_argument("--no-prefect", action="store_true", help="run the bare engine, without a Prefect server")
    parser.add_argument(
        "--profile", action="store_true", help="clean nothing: time stages, passes and rules on a sample"
    )
    parser.add_argument("--verbose", action="store_true", help="show Prefect's own log")


def serve(parser: Parser) -> None:
    """Add when it runs."""
    parser.add_argument(
        "--cron", action="append", default=[], metavar="LINE", help='when, as in "0 3 * * *"; repeatable'
    )
    parser.add_argument(
        "--timezone", default="Asia/Shanghai", metavar="ZONE", help="of --cron (default: Asia/Shanghai)"
    )
    parser.add_argument("--name", default="news", help="name of the deployment (default: news)")


def head(parser: Parser) -> None:
    """Add which records, and how many."""
    parser.add_argument("-n", "--rows", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.add_argument("--rejected", action="store_true", help="pages that are no articles, with the reason")
    parser.add_argument("--flag", metavar="NAME", help="only records with this flag, as in structure.second-article")


def show(parser: Parser) -> None:
    """Add in which form."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text (default), or the record")


def restore(parser: Parser) -> None:
    """Add which page."""
    parser.add_argument("id", metavar="ID", help="a page of the dataset: first digits of its id, path or URL")


def report(parser: Parser) -> None:
    """Add where the review page goes, and what it holds."""
    parser.add_argument("-o", "--output", metavar="FILE.html", help="where (default: review.html in DATASET)")
    parser.add_argument("--pages", type=int, default=200, metavar="N", help="pages to read (default: 200)")
    parser.add_argument("--compare", metavar="OLD", help="show what differs from another dataset, too")


def diff(parser: Parser) -> None:
    """Add the two datasets, and how much to print."""
    parser.add_argument("old", metavar="OLD", help="a dataset")
    parser.add_argument("new", metavar="NEW", help="another, of the same pages by other rules")
    parser.add_argument("--examples", type=int, default=3, metavar="N", help="examples of a rule (default: 3)")
    parser.add_argument("--records", action="store_true", help="list each record: id, change, rules, path")


def export(parser: Parser) -> None:
    """Add in which form, what of the records, and where."""
    parser.add_argument("--to", choices=("jsonl", "dolma", "mnbvc"), default="jsonl", help="form (default: jsonl)")
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE|DIR",
        help="a file (.jsonl, .jsonl.gz, .jsonl.zst), or a folder of several (default: standard output)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an export that stands there")
    parser.add_argument("--without-duplicates", action="store_true", help="of each cluster only what stands for it")
    parser.add_argument("--since", metavar="RUN", help="only what came or changed since a run, as in DATASET/_runs")
    parser.add_argument("--title", action="store_true", help="put the title above the text (dolma, mnbvc)")
    parser.add_argument("--source", metavar="NAME", help="the corpus that dolma's rows name (default: qingwen)")
    parser.add_argument(
        "--compression",
        choices=("gzip", "zstd", "none"),
        help="of the files in a folder (default: gzip; none for mnbvc, whose checker reads plain files)",
    )
    parser.add_argument(
        "--file-megabytes", type=int, default=500, metavar="N", help="most JSON in a file of a folder (default: 500)"
    )


def changes(parser: Parser) -> None:
    """Add since when."""
    parser.add_argument("--since", required=True, metavar="RUN", help="a run's name, as in DATASET/_runs")


def compact(parser: Parser) -> None:
    """Add how large files become."""
    parser.add_argument("--file-megabytes", type=int, default=256, metavar="N", help="size of a file (default: 256)")


def vacuum(parser: Parser) -> None:
    """Add what is spared."""
    parser.add_argument(
        "--keep-hours", type=int, default=0, metavar="N", help="spare the files of younger versions (default: 0)"
    )


def forget(parser: Parser) -> None:
    """Add what is taken down."""
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="the whole id of a page; repeatable")
    parser.add_argument("--url", action="append", default=[], metavar="URL", help="the URL of a page; repeatable")
    parser.add_argument("--site", action="append", default=[], metavar="SITE", help="a site, as records name it")


def rule_rows(parser: Parser) -> None:
    """Add what to do with rows, and which."""
    parser.add_argument("action", choices=("check", "show"), help="check every row; show one")
    parser.add_argument("id", nargs="?", metavar="ID", help="show: the rule's id, or how ids begin")
    parser.add_argument("--cases", metavar="FILE", help="check: complaints too, as the review page exports them")
    rules(parser)


def repairs(parser: Parser) -> None:
    """Add where to learn, and where the rows go."""
    parser.add_argument("action", choices=("mine",), help="mine: write proposed rows of the substitution table")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="pages of farms and of honest sites")
    parser.add_argument("--trusted", action="append", default=[], metavar="SITE", help="a site that swaps nothing")
    parser.add_argument("-o", "--output", metavar="FILE.toml", help="where the rows go (default: standard output)")


def completion(parser: Parser) -> None:
    """Add the shell."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that the script is for")
