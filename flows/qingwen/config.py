"""The configuration: every threshold that rows depend on, with its reason and its risk in the lines above it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from qingwen.errors import SetupError

# What HTML is read by: lexbor, or BeautifulSoup with html5lib, ten times slower and the reference.
HTML_READERS = ("lexbor", "soup")
# OpenCC's conversions to Simplified: of the script; of Taiwan's variants; of its words too; of Hong Kong's variants.
CONVERSIONS = ("t2s", "tw2s", "tw2sp", "hk2s")


@dataclass(frozen=True, slots=True)
class Config:
    """Thresholds that rows depend on; part of the digest that keeps unlike rows from mixing.

    >>> Config().min_article_chars
    40
    """

    # A news page of 32 MiB does not exist; a log file does. Too low: long documents are rejected (and say so).
    max_page_bytes: int = 32 * 1024 * 1024
    # Characters of the decoded page, markup and all. The largest of 255 real pages has 370,000, one with its pictures
    # written into it millions. What a parser holds grows with them.
    max_page_chars: int = 10_000_000
    # Characters that the page shows. The longest of 255 real pages shows 35,000, a novel on one page a million; the
    # time of cleaning grows with them.
    max_text_chars: int = 2_000_000
    # Tags of a page's markup. The largest of 255 real pages has 15,400; each takes a parser 1 KB.
    max_tags: int = 300_000
    # Characters of a block's DOM path, of which each block keeps its own. The longest of 255 real pages has 460.
    max_path_chars: int = 4_000
    # Old portals have up to 3,000 blocks; a generated page of a million would hold a worker for minutes.
    max_blocks: int = 20_000
    html_reader: str = "lexbor"
    # html5lib nests as deep as the page asks; beyond this the markup is an attack or a loop.
    max_depth: int = 2_000
    # The shortest notice that papers print (a correction, an obituary) has about 40 characters. Higher loses
    # news in brief; lower lets error pages in.
    min_article_chars: int = 40
    # FineWeb-2 takes .30 for Chinese. Below it a page is another language or code.
    min_han_ratio: float = 0.30
    # Share of Traditional-only characters among Han ones. Real Traditional pages have .15 and more, Simplified pages
    # that quote names below .01. Lower harms Simplified pages; higher leaves mixed pages Traditional.
    min_traditional_ratio: float = 0.05
    # What Traditional articles are converted by. Taiwan's words (軟體, 行動數據) become the mainland's only with tw2sp.
    conversion: str = "t2s"
    # A page looks folded when it has this many ASCII commas and full-width ones are rarer than the share.
    # Fewer commas prove nothing: a short Simplified page may be typed half-width by its author.
    folded_min_commas: int = 20
    folded_max_wide_share: float = 0.05
    # So many bracketed readings make a pinyin farm. Fewer are a writer's glosses, or a lesson in the language.
    min_readings: int = 5
    # More private-use characters than this show an anti-scrape font: the page is flagged.
    max_private_use: int = 5
    # Kana beyond this share of the letters shows Japanese.
    max_kana_ratio: float = 0.10
    # Share of kept lines that end in sentence punctuation; FineWeb-2's Chinese minimum. A list page ends in none.
    min_line_punct: float = 0.106
    # Jaccard similarity of two texts' shingles from which they are near duplicates. Reposts of an article had .53 and
    # more, articles that share a part .35 and less (10 pairs, and farm pages of one article .64 and more).
    min_similarity: float = 0.45
    # Unlike pages of a site before anything is learned of it, and pages that must hold a line before it counts as the
    # site's own. Fewer take a series' shared paragraph for boilerplate.
    min_site_pages: int = 3
    min_template_pages: int = 3
    # Share of the site's surveyed pages that must hold the line. Lower finds the menus of single sections too, and
    # sooner takes the day's quotation, printed by several articles, for a menu.
    min_template_share: float = 0.2
    # Surveyed pages of a site with swapped words in lines of their own, and their share, before the site counts as
    # spun: evidence for each of its pages. Lower takes a forum where one writer spells 蕞 for a farm.
    min_spun_pages: int = 3
    min_spun_share: float = 0.2
    # Most unlike pages of one site that are compared, and most inputs that a run surveys. More find rarer templates
    # and cost time: the survey reads each of its pages once.
    max_site_pages: int = 60
    survey_pages: int = 5_000
    # Personal data in the text (mobile numbers, identity cards, bank cards, e-mail, licence plates) is overwritten
    # before anything is stored. What is masked is gone: no table gives it back.
    mask_personal_data: bool = False
    # The day the pages were fetched, as given by the user: resolves "8个月前 (09-29)".
    crawl_date: date | None = None
    # Fields of rows (JSON Lines, Parquet) that hold the page, as text or as HTML, its URL, the date of the crawl and
    # the title; a dot leads into a structure. None tries the names that crawlers use (`read/table_rows.py`).
    text_field: str | None = None
    html_field: str | None = None
    url_field: str | None = None
    date_field: str | None = None
    title_field: str | None = None
    # Prefix that turns a source path into a URL, as given by the user.
    url_prefix: str | None = None

    @property
    def digest(self) -> str:
        """Return 16 hex digits that change with any threshold."""
        canonical = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def with_values(self, values: Mapping[str, Any], origin: str) -> Config:
        """Return a copy with some thresholds replaced; ``origin`` names the file or option in errors.

        >>> Config().with_values({"crawl_date": "2023-05-30"}, "options").crawl_date
        datetime.date(2023, 5, 30)

        Raises:
            SetupError: a setting is unknown or of the wrong kind.
        """
        kinds = {entry.name: entry.type for entry in fields(self)}
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in kinds:
                raise SetupError(f"{origin}: unknown setting {name!r}. Known: {', '.join(sorted(kinds))}.")
            checked[name] = _checked(name, value, str(kinds[name]), origin)
        for name, allowed in (("conversion", CONVERSIONS), ("html_reader", HTML_READERS)):
            if checked.get(name, allowed[0]) not in allowed:
                raise SetupError(f"{origin}: {name} must be one of {', '.join(allowed)}, not {checked[name]!r}.")
        return Config(**{**{name: getattr(self, name) for name in kinds}, **checked})


_WANTED = {"int": "a whole number >= 0", "float": "a number between 0 and 1", "bool": "true or false"}


def _checked(name: str, value: Any, kind: str, origin: str) -> Any:
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if kind == "float" and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind.startswith("date"):
        if value is None or isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise SetupError(f"{origin}: {name} must be a date such as 2023-05-30, not {value!r}.") from None
    if kind.startswith("str") and (value is None or isinstance(value, str)):
        return value
    raise SetupError(f"{origin}: {name} must be {_WANTED.get(kind, kind)}, not {value!r}.")


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration of a TOML file (its ``[tool.qingwen]`` table if it has one), then the overrides.

    Raises:
        SetupError: the file cannot be read, or a setting is unknown or of the wrong kind.
    """
    config = Config()
    if path is not None:
        config = config.with_values(read_settings(path), str(path))
    return config.with_values(overrides or {}, "options")


def read_settings(path: Path) -> dict[str, Any]:
    """Return the thresholds that a TOML file states, in its ``[tool.qingwen]`` table or at its top level."""
    return {name: value for name, value in _table(path).items() if name != "rules"}


def read_rules_setting(path: Path) -> str | None:
    """Return where a TOML file says that the user's own rules are: ``rules = "my-rules"``, beside the file."""
    rules = _table(path).get("rules")
    return None if rules is None else str(path.parent / str(rules))


def _table(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise SetupError(f"{path}: cannot read the configuration: {fault.strerror}.") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SetupError(f"{path}: not valid TOML: {fault}.") from fault
    if path.name == "pyproject.toml" or "tool" in table:
        found: dict[str, Any] = table.get("tool", {}).get("qingwen", {})
        return found
    return table
