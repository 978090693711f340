"""What a user may set: every threshold that rows depend on, with its reason and its risk in the lines above it.

The fields of `Config` carry what pydantic reads of a plain dataclass. Importing pydantic takes longer than the whole
help of the command line, so it is imported where a value has to be checked.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from qingwen.errors import SetupError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

# A table that a person writes: 5,000 rows are 2 MiB, a list of words has no dots, and a clause stands three deep.
_MAX_TOML_BYTES, _MAX_DOTS, _MAX_NESTING = 16 << 20, 1_000, 50

Reader = Literal["lexbor", "soup"]
Conversion = Literal["t2s", "tw2s", "tw2sp", "hk2s"]
HTML_READERS: tuple[str, ...] = get_args(Reader)
CONVERSIONS: tuple[str, ...] = get_args(Conversion)


def setting(default: Any, description: str, **bounds: Any) -> Any:
    """Return a dataclass field with what pydantic, the command line and the flow's form need to know of it.

    >>> setting(3, "How often.", ge=0).metadata["ge"]
    0
    """
    return field(default=default, metadata={"description": description, **bounds})


def description_of(settings: type, name: str) -> str:
    """Return the description of a field that `setting` made."""
    description: str = settings.__dataclass_fields__[name].metadata["description"]  # type: ignore[attr-defined]
    return description


def _count(default: int, description: str) -> Any:
    return setting(default, description, ge=0, strict=True)


def _share(default: float, description: str) -> Any:
    return setting(default, description, ge=0, le=1, strict=True)


@dataclass(frozen=True, slots=True)
class Config:
    """Thresholds that rows depend on; their digest keeps rows of other thresholds out of a dataset.

    >>> Config().min_article_chars
    40
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    # A news page of 32 MiB does not exist; a log file does. Too low: long documents are rejected (and say so).
    max_page_bytes: int = _count(32 * 1024 * 1024, "Largest page, in bytes.")
    # The largest of 255 real pages has 370,000, one with its pictures written into it millions. A parser's memory grows
    # with them.
    max_page_chars: int = _count(10_000_000, "Most characters of a page with its markup.")
    # The longest of 255 real pages shows 35,000, a novel on one page a million. The time of cleaning grows with them.
    max_text_chars: int = _count(2_000_000, "Most characters that a page shows.")
    # The largest of 255 real pages has 15,400; a parser takes 1 KB for each.
    max_tags: int = _count(300_000, "Most tags of a page's markup.")
    # Each block keeps a path of its own. The longest of 255 real pages has 460.
    max_path_chars: int = _count(4_000, "Longest DOM path of a block, in characters.")
    # Old portals have up to 3,000 blocks; a generated page of a million would hold a worker for minutes.
    max_blocks: int = _count(20_000, "Most blocks of a page.")
    html_reader: Reader = setting(
        "lexbor", "Parser of HTML: lexbor (default), or soup, ten times slower, the reference."
    )
    # html5lib nests as deep as the page asks; beyond this the markup is an attack or a loop.
    max_depth: int = _count(2_000, "Deepest nesting of a page's markup.")
    # The shortest notice that papers print (a correction, an obituary) has about 40 characters. Higher loses news in
    # brief; lower lets error pages in.
    min_article_chars: int = _count(40, "Shortest article, in characters.")
    # FineWeb-2 takes .30 for Chinese. Below it a page is another language or code.
    min_han_ratio: float = _share(0.30, "Least share of Han characters in an article.")
    # Real Traditional pages have .15 and more, Simplified pages that quote names below .01. Lower harms Simplified
    # pages; higher leaves mixed pages Traditional.
    min_traditional_ratio: float = _share(0.05, "Share of Traditional-only among Han characters that is converted.")
    # Taiwan's words (軟體, 行動數據) become the mainland's only with tw2sp.
    conversion: Conversion = setting("t2s", "OpenCC's conversion of Traditional articles.")
    # Fewer commas prove nothing: the author may have typed a short page half-width.
    folded_min_commas: int = _count(20, "ASCII commas from which a page's punctuation may be folded to ASCII.")
    folded_max_wide_share: float = _share(0.05, "Largest share of full-width commas on a folded page.")
    # Fewer are a writer's glosses, or a language lesson.
    min_readings: int = _count(5, "Bracketed readings that make a pinyin farm.")
    # More show a font against scraping.
    max_private_use: int = _count(5, "Private-use characters above which a page is flagged.")
    max_kana_ratio: float = _share(0.10, "Share of kana among the letters above which a page is Japanese.")
    # FineWeb-2's minimum for Chinese. On a list page no line ends so.
    min_line_punct: float = _share(0.106, "Least share of kept lines that end in sentence punctuation.")
    # Reposts of an article had .53 and more, articles that share a part .35 and less (10 pairs, and farm pages of one
    # article .64 and more).
    min_similarity: float = _share(0.45, "Jaccard similarity from which two texts are near duplicates.")
    min_site_pages: int = _count(3, "Different pages of a site before anything is learned of it.")
    # Fewer take a paragraph that a series shares for boilerplate.
    min_template_pages: int = _count(3, "Pages that hold a line before it counts as the site's own.")
    # Lower finds the menus of single sections too, and sooner takes the day's quotation, printed in several articles,
    # for a menu.
    min_template_share: float = _share(0.2, "Share of a site's surveyed pages that hold such a line.")
    # They are evidence for each page of the site. Lower takes a forum where one writer spells 蕞 for a farm.
    min_spun_pages: int = _count(3, "Surveyed pages with swapped words in lines of their own that make a site a farm.")
    min_spun_share: float = _share(0.2, "Share of such pages that makes a site a farm.")
    # More find rarer templates and cost time: the survey reads each of its pages once.
    max_site_pages: int = _count(60, "Most pages of one site that are compared.")
    survey_pages: int = _count(5_000, "Most inputs that a run surveys.")
    # Before anything is stored: what is masked is gone, no table gives it back.
    mask_personal_data: bool = setting(
        False, "Mask mobile numbers, identity and bank cards, e-mail addresses and licence plates.", strict=True
    )
    crawl_date: date | None = setting(None, "Day of the crawl, as 2023-05-30; resolves relative dates.")
    # None tries the names that crawlers use (`read/table_rows.py`); a dot leads into a structure.
    text_field: str | None = setting(None, "Field of a row that holds the page as text; a.b leads into a structure.")
    html_field: str | None = setting(None, "Field of a row that holds the page as HTML.")
    url_field: str | None = setting(None, "Field of a row that holds the page's URL.")
    date_field: str | None = setting(None, "Field of a row that holds the date of the crawl.")
    title_field: str | None = setting(None, "Field of a row that holds the title, where the text has none.")
    url_prefix: str | None = setting(None, "Prefix that makes a URL of a page's path.")

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
        present = asdict(self)
        changed = {name: value for name, value in values.items() if name not in present or value != present[name]}
        if not changed:
            return self
        from pydantic import ValidationError

        with suppress(ValueError, TypeError, KeyError):  # ISO 8601 in all its forms, 20230530 too
            changed["crawl_date"] = date.fromisoformat(changed["crawl_date"])
        try:
            return _adapter().validate_python({**present, **changed})
        except ValidationError as fault:
            (name, *_), value = fault.errors()[0]["loc"], fault.errors()[0]["input"]
        if name not in present:
            raise SetupError(f"{origin}: unknown setting {name!r}. Known: {', '.join(sorted(present))}.")
        kind = Config.__dataclass_fields__[str(name)].type
        raise SetupError(f"{origin}: {name} must be {_KINDS[str(kind)]}, not {value!r:.200}.")


_KINDS = {
    "int": "a whole number >= 0",
    "float": "a number between 0 and 1",
    "bool": "true or false",
    "date | None": "a date such as 2023-05-30",
    "str | None": "text",
    "Reader": f"one of {', '.join(HTML_READERS)}",
    "Conversion": f"one of {', '.join(CONVERSIONS)}",
}


@cache
def _adapter() -> TypeAdapter[Config]:
    from pydantic import TypeAdapter

    return TypeAdapter(Config)


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration of a TOML file (its ``[tool.qingwen]`` table if it has one), then the overrides.

    Raises:
        SetupError: the file cannot be read, or a setting is unknown or of the wrong kind.
    """
    stated = read_settings(path) if path else {}
    return Config().with_values(stated, str(path)).with_values(overrides or {}, "options")


def read_settings(path: Path) -> dict[str, Any]:
    """Return the thresholds that a TOML file states, in its ``[tool.qingwen]`` table or at its top level."""
    return {name: value for name, value in _table(path).items() if name != "rules"}


def read_rules_setting(path: Path) -> str | None:
    """Return the path of the user's own rules that a TOML file states, beside the file: ``rules = "my-rules"``."""
    rules = _table(path).get("rules")
    return None if rules is None else str(path.parent / str(rules))


def read_bounded(path: Path) -> str:
    """Return the text of a table that a person wrote; of a longer file the beginning, which `parse_toml` refuses."""
    with path.open(encoding="utf-8") as file:
        return file.read(_MAX_TOML_BYTES + 1)


def parse_toml(text: str, origin: str, kind: type[SetupError] = SetupError) -> dict[str, Any]:
    """Return a TOML table; ``origin`` names it in errors, which are of a ``kind``.

    The parser takes the square of a dotted key's parts, and no bound: so size and dots are looked at before.

    Raises:
        SetupError: it is no TOML, longer or deeper than a person writes, or holds a number beyond 64 bits.
    """
    if len(text) > _MAX_TOML_BYTES:
        raise kind(f"{origin}: has more than {_MAX_TOML_BYTES >> 20} MiB, more than a table that a person writes.")
    if any(line.count(".") > _MAX_DOTS for line in text.split("\n")):
        raise kind(f"{origin}: a line has more than {_MAX_DOTS} dots; a key is nested too deeply.")
    try:
        table = tomllib.loads(text)
    except RecursionError as fault:
        raise kind(f"{origin}: arrays or tables are nested too deeply.") from fault
    except ValueError as fault:  # a number of 5,000 digits is no TOMLDecodeError
        raise kind(f"{origin}: not valid TOML: {fault}.") from fault
    below: list[tuple[int, Any]] = [(0, table)]
    while below:
        depth, value = below.pop()
        if depth > _MAX_NESTING:
            raise kind(f"{origin}: tables are nested more than {_MAX_NESTING} deep.")
        if isinstance(value, int) and value.bit_length() > 63:
            raise kind(f"{origin}: a number has more than 64 bits.")
        if isinstance(value, dict | list):
            below += [(depth + 1, one) for one in (value.values() if isinstance(value, dict) else value)]
    return table


def _table(path: Path) -> dict[str, Any]:
    try:
        table = parse_toml(read_bounded(path), str(path))
    except OSError as fault:
        raise SetupError(f"{path}: cannot read the configuration: {fault.strerror}.") from fault
    except UnicodeDecodeError as fault:
        raise SetupError(f"{path}: not valid TOML: {fault}.") from fault
    if path.name == "pyproject.toml" or "tool" in table:
        found: dict[str, Any] = table.get("tool", {}).get("qingwen", {})
        return found
    return table
