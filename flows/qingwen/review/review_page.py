"""Write the review page: one HTML file with a dataset's numbers and a sample of its pages."""

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qingwen.dataset import delta
from qingwen.dataset.database import Database
from qingwen.dataset.dataset import snapshot, versions_of
from qingwen.dataset.layout import RUN, RUNS
from qingwen.dataset.location import Location, write_whole
from qingwen.dataset.schema import TABLES
from qingwen.review.figures import figures, totals
from qingwen.review.sample import choose, load
from qingwen.review.shown_page import ShownPage, exact, shown, visible

Table = tuple[str, Sequence[str], Sequence[Sequence[object]]]
_VIEWS = ("records", "blocks", "edits", "flags", "rejections", "sources", "duplicates")


def write_review(dataset: Location, out: Path, *, pages: int = 200, comparison: Sequence[Table] | None = None) -> int:
    """Write the review page of a dataset to a file; return how many pages it holds.

    The file needs no network, and no script of a page can run in it. ``comparison`` are tables (title, names
    of columns, rows) that compare the dataset with another; they come before the numbers.

    Raises:
        SetupError: there is no dataset.
    """
    tables = snapshot(dataset)
    with Database() as database:
        for name in _VIEWS:
            database.view(name, delta.files(tables, name), TABLES[name])
        chosen = choose(database, pages)
        found = load(database, list(chosen))
        sampled = [shown(stored, why) for stored, why in zip(found, chosen.values(), strict=True)]
        numbers, pictures = totals(database), figures(database)
    script, style = _asset("review.js"), _asset("review.css")
    html = _environment().get_template("review.html.j2").render(
        dataset=str(dataset),
        run=_last_run(dataset),
        rules_version=versions_of(dataset).get("rules_version", ""),
        totals=numbers,
        figures=pictures,
        comparison=comparison,
        pages=sampled,
        filters=_filters(sampled),
        script=Markup(script),  # our own files hold no text of a page
        style=Markup(style),
        policy=_policy(script, style),
    )  # fmt: skip
    if out.exists() and not out.is_file():  # a pipe, /dev/stdout
        out.write_text(html, "utf-8", newline="\n")
    else:
        write_whole(out, html)
    return len(sampled)


def _environment() -> Environment:
    """Return the template engine: it escapes all values and raises on an unknown name."""
    environment = Environment(
        loader=PackageLoader("qingwen.review", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(visible=visible, exact=exact)
    return environment


def _asset(name: str) -> str:
    return resources.files("qingwen.review").joinpath(name).read_text("utf-8")


def _policy(script: str, style: str) -> str:
    """Return the content security policy, which allows only our own script and style, by digest."""
    digests = [b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    return (
        f"default-src 'none'; script-src 'sha256-{digests[0]}'; style-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _last_run(dataset: Location) -> str:
    """Return the name of the dataset's last run, or an empty text."""
    names = (path.name.removesuffix(".json") for path in (dataset / RUNS).glob("*.json"))
    return max((name for name in names if RUN.fullmatch(name)), default="")


def _filters(pages: Sequence[ShownPage]) -> dict[str, list[tuple[str, int]]]:
    """Return the filters of the sample: each filter's values with their number of pages."""

    def counted(values: Iterable[Any]) -> list[tuple[str, int]]:
        return sorted(Counter(values).items())

    return {
        "label": counted(label for page in pages for label in page.labels),
        "rule": counted(rule for page in pages for rule in page.rules),
        "site": counted(page.site for page in pages if page.site),
        "flag": counted(flag for page in pages for flag in page.flags),
        "chosen": counted(page.why for page in pages),
    }
