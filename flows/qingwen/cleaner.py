"""A cleaner for page after page: rules read and compiled once, and again in each process that it is sent to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from qingwen.clean import clean_page
from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.model import Cleaned, Page, Rejection
from qingwen.read.files import page_of
from qingwen.read.rows import to_item
from qingwen.rules.book import RuleBook, compile_rules, extra_tables
from qingwen.rules.sites import SiteBook, parse_sites


class Cleaner:
    """Thresholds, compiled rules and what is known of sites, held for as many pages as you have.

    ``rules`` is your own rule table (a TOML file, or a folder of them) beside the shipped ones; ``sites`` is what a
    run learned of sites (`qingwen.load_sites` reads it from a dataset's ``_state/sites.json``). ``book`` holds the
    compiled rules, ``config`` the thresholds. A cleaner can be pickled: another process compiles the same rules again,
    or refuses where it ships others.

    >>> cleaner = Cleaner()
    >>> cleaner.clean(b"").rule
    'read.empty'

    Raises:
        RuleError: the rule table cannot be read, or a row of it is wrong.
    """

    __slots__ = ("_tables", "book", "config", "sites")

    config: Config
    book: RuleBook
    sites: SiteBook | None

    def __init__(
        self,
        config: Config | None = None,
        *,
        rules: str | Path | None = None,
        sites: SiteBook | None = None,
    ) -> None:
        self._set(config or Config(), tuple(extra_tables(Path(rules))) if rules is not None else (), sites)

    def clean(
        self,
        page: bytes | Page,
        *,
        source_path: str = "",
        url: str | None = None,
        crawled_at: datetime | None = None,
    ) -> Cleaned | Rejection:
        """Return the article of a page with its receipt, or the rejection that says why there is none.

        ``page`` is the bytes as crawled or a `Page`; see `clean_page`.
        """
        return clean_page(
            page,
            source_path=source_path,
            url=url,
            crawled_at=crawled_at,
            config=self.config,
            rules=self.book,
            sites=self.sites,
        )

    def clean_row(self, row: Mapping[str, Any], *, source_path: str = "") -> Cleaned | Rejection:
        """Return the article of a row of a table, whose fields are named as crawlers name them.

        Text or HTML, URL, title and date of the crawl are found as in JSON Lines and Parquet files: by the settings
        ``text_field``, ``html_field``, … or, without them, under the names of the usual tools.

        >>> Cleaner().clean_row({"id": 1}).rule
        'read.no-text'
        """
        page = page_of(to_item(row, source_path, self.config), self.config)
        return page if isinstance(page, Rejection) else self.clean(page)

    def __repr__(self) -> str:
        return f"Cleaner(rules={self.book.version}, config={self.config.digest})"

    def _set(self, config: Config, tables: tuple[tuple[str, str], ...], sites: SiteBook | None) -> None:
        self.config, self._tables, self.sites = config, tables, sites
        self.book = compile_rules(tables)

    def __getstate__(self) -> tuple[Config, tuple[tuple[str, str], ...], str | None, str]:
        return self.config, self._tables, None if self.sites is None else self.sites.to_json(), self.book.version

    def __setstate__(self, state: tuple[Config, tuple[tuple[str, str], ...], str | None, str]) -> None:
        config, tables, sites, version = state
        self._set(config, tables, None if sites is None else parse_sites(sites, "a cleaner's sites"))
        if self.book.version != version:
            raise SetupError(
                f"The cleaner was made with rules of version {version}, this machine ships {self.book.version}: "
                "install the same version of qingwen on all machines."
            )
