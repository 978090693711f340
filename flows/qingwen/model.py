"""The values that the steps pass on: pages, blocks, verdicts, documents, records, rejections.

Every offset belongs to a named text: a block's span to the page's text, an edit's or a flag's span to a part (title or
body).
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from qingwen.text.spans import Edit, Span

SCHEMA_VERSION = 3
# Fields of `Metadata` that are no columns of records.
_NO_COLUMNS = ("flags", "places")
# The flag of a page whose article is in hidden elements, and a key of `Segmented.meta`.
HIDDEN_TEXT = "segment.hidden-text"
# So is one whose text stands in its scripts alone. Keys alone: a page that shows next to nothing, and the text that the
# markup states for the article.
SCRIPT_TEXT, NO_TEXT, STATED_BODY = "segment.script-text", "no text", "articleBody"
# Keys of `Segmented.meta` for what the markup states outside ``<meta>``, and for what a row of a table states. Several
# values are joined by newlines.
LD_PUBLISHED, LD_PEOPLE, LD_PUBLISHER = "ld:published", "ld:people", "ld:publisher"
TIMES, MARKED_AUTHORS, MARKED_SOURCES = "times", "marked:authors", "marked:sources"
WECHAT_ACCOUNT, WECHAT_AUTHOR, WECHAT_PUBLISHED = "wechat:account", "wechat:author", "wechat:published"
ROW_PUBLISHED, ROW_AUTHORS, ROW_SITE = "row:published", "row:authors", "row:site"
TITLE, BODY = "title", "body"
PLAIN, HTML = "text/plain", "text/html"
# The DOM path of the block that holds the page's <title>.
HEAD_PATH = "head/title"


class Label(StrEnum):
    """The kind of a block. Blocks labelled title and body make the record; the others are dropped with a verdict.

    >>> Label("ad") is Label.AD, f"label: {Label.AD}"
    (True, 'label: ad')
    """

    TITLE = "title"
    BYLINE = "byline"
    BODY = "body"
    CAPTION = "caption"
    NAV = "nav"
    AD = "ad"
    COPYRIGHT = "copyright"
    SHARE = "share"
    RELATED = "related"
    COMMENT = "comment"
    SITE = "site"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Page:
    """One scraped item as received; `clean_page` makes one from bytes.

    ``text`` is the decoded text of a dump (``media_type`` is ``text/plain``) or markup of a page (``text/html``).
    ``id`` is the first 32 hex digits of ``sha256``, the digest of the bytes after transfer and content decoding;
    ``size`` counts those bytes. ``damaged`` counts the replacement characters that decoding wrote; ``fetched_at`` is
    UTC. ``stated`` is what the row of a table states of the article (``row:published``, ``row:authors``, ``row:site``).

    >>> from qingwen import clean_page
    >>> page = Page("0f" * 16, "a.txt", "text/plain", "utf-8", "404 Not Found", "0f" * 32, size=13)
    >>> clean_page(page).page_id == page.id
    True
    """

    id: str
    source_path: str
    media_type: str
    encoding: str
    text: str
    sha256: str
    size: int
    damaged: int = 0
    url: str | None = None
    fetched_at: datetime | None = None
    stated: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    r"""One run of text between block-level boundaries; its span in the page's text includes the white space after it.

    The blocks of a page tile its text: the first starts at 0, each other where the one before ends; ``n`` counts from
    0. ``path`` is the DOM path (empty in a dump), ``link_density`` the share of characters inside links (0 to 1).

    >>> Block(0, Span(0, 3)).span.of("头条\n正文")
    '头条\n'
    """

    n: int
    span: Span
    path: str = ""
    link_density: float = 0.0


@dataclass(frozen=True, slots=True)
class Segmented:
    """A page cut into blocks that tile its text; ``meta`` holds what the markup states of the page (author, date …)."""

    text: str
    blocks: tuple[Block, ...]
    meta: Mapping[str, str] = field(default_factory=dict)

    def words(self, block: Block) -> str:
        """Return a block's text without the white space around it."""
        return block.span.of(self.text).strip()

    def lines(self) -> list[str]:
        """Return what `words` returns, of all blocks."""
        return [self.words(block) for block in self.blocks]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The label of a block, the rule that decided it, and why.

    ``rule`` is the id of a rule, or ``sequence.*`` if the sequence of all blocks decided; ``evidence`` is the span of
    the page's text that the rule hit; ``score`` is the evidence that the block belongs to the article, about its log
    odds (positive: article).

    >>> from qingwen import clean_page
    >>> verdict = clean_page("长按识别二维码，关注“今日观察”".encode()).blocks[0].verdict
    >>> verdict.label, verdict.rule, verdict.kept
    (<Label.AD: 'ad'>, 'ad.scan-qr-code', False)
    """

    label: Label
    rule: str
    why: str
    kept: bool
    score: float = 0.0
    evidence: Span | None = None


@dataclass(frozen=True, slots=True)
class LabelledBlock:
    """A block with its verdict; ``text`` is the block's slice of the page when it is not kept, else None.

    >>> from qingwen import clean_page
    >>> clean_page("长按识别二维码，关注“今日观察”".encode()).blocks[0].text
    '长按识别二维码，关注“今日观察”'
    """

    block: Block
    verdict: Verdict
    text: str | None

    @property
    def part(self) -> str:
        """Return the part that the block belongs to if it is kept: title or body."""
        return TITLE if self.verdict.label is Label.TITLE else BODY


@dataclass(frozen=True, slots=True)
class Document:
    """Title and body of a page before any pass, the blocks that they come from, and the page's text.

    ``parts`` maps ``title`` and ``body`` to the joined slices of their blocks; ``title`` is the span of the title in
    its part, where the block holds more (the name of the site). ``text`` is None where only the parts are known.

    >>> Document({"title": "头条_晚报", "body": "正文。"}, title=Span(0, 2)).is_article
    False
    """

    parts: Mapping[str, str]
    title: Span | None = None
    blocks: tuple[LabelledBlock, ...] = ()
    text: str | None = None

    @property
    def is_article(self) -> bool:
        """Tell whether a block of the page is kept as body."""
        return any(judged.verdict.label is Label.BODY and judged.verdict.kept for judged in self.blocks)


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that was not changed and that a person may want to see; the span is in the finished part.

    ``form`` is the text there, ``candidate`` what may be right instead; ``clause`` and ``score`` (0 to 1) name the
    context of a swapped word that matched, and how reliable it is.

    >>> flag = Flag("body", "spun.diyi", Span(0, 2), "头部", "第一")
    >>> flag.span.of("头部品牌") == flag.form
    True
    """

    part: str
    rule: str
    span: Span
    form: str
    candidate: str | None = None
    clause: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the page states about the article; None for what it does not state.

    ``published_at`` is Beijing local time without a zone, as exact as ``published_precision`` says: minute, day,
    address (the day in the page's address), month, month-day, year, none. ``published_raw`` is the date as printed,
    ``rights`` the copyright notice as printed. ``flags`` say what to doubt, ``places`` where each fact stands.

    >>> Metadata(source_name="晚报").published_precision
    'none'
    """

    site: str | None = None
    category: str | None = None
    authors: tuple[str, ...] | None = None
    source_name: str | None = None
    place: str | None = None
    rights: str | None = None
    published_at: datetime | None = None
    published_precision: str = "none"
    published_raw: str | None = None
    flags: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the corpus; the columns are described in ``dataset/schema.py``.

    ``text`` is the body, its paragraphs joined by one newline, without the title. ``removed_ratio`` is the share of
    the page's characters that are not in it (0 to 1), ``quality`` the signals by name, ``confidence`` how sure the text
    is: the F1 that it is expected to have (0 to 1); ``n_edits`` counts all edits, ``n_repairs`` those that restored
    swapped words. ``fetched_at`` is UTC.

    >>> from qingwen import clean_page
    >>> page = "文旅局公布的数据显示，假期首日老街接待游客三万人次，创历史之蕞。有关部门提醒游客错峰出行，自觉排队。"
    >>> row = clean_page(page.encode(), source_path="a.txt").record.row()  # flat: one value a column
    >>> row["source_path"], row["n_chars"], row["n_paragraphs"], row["n_repairs"], row["language"]
    ('a.txt', 50, 1, 1, 'zh')
    """

    id: str
    source_path: str
    source_sha256: str
    source_format: str
    source_encoding: str
    url: str | None
    fetched_at: datetime | None
    title: str
    text: str
    script: str
    metadata: Metadata
    removed_ratio: float
    n_edits: int
    n_repairs: int
    spun: bool
    flags: tuple[str, ...]
    quality: Mapping[str, float]
    confidence: float
    text_sha256: str
    rules_version: str
    language: str = "zh"
    schema_version: int = SCHEMA_VERSION

    @property
    def facts(self) -> Metadata:
        """Return `metadata`, by its name in version 1.0."""
        warnings.warn("Record.facts is now Record.metadata", DeprecationWarning, stacklevel=2)
        return self.metadata

    def row(self) -> dict[str, Any]:
        """Return the record as a row: one flat mapping of column to value."""
        return {
            **{name: getattr(self, name) for name in self.__slots__ if name != "metadata"},
            **{
                name: getattr(self.metadata, name)
                for name in self.metadata.__slots__
                if name not in ("flags", "places")
            },
            "authors": list(self.metadata.authors) if self.metadata.authors else None,
            "flags": list(self.flags),
            "quality": dict(self.quality),
            "n_chars": len(self.text),
            "n_paragraphs": self.text.count("\n") + 1,
            "han_ratio": self.quality["han_ratio"],
            "duplicate_of": None,
            "duplicate_kind": None,
            "cluster_size": 1,
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """A page that is no article or could not be read, with the stage and the rule that rejected it and the detail.

    It is a value and never raised. ``blocks`` holds the verdicts if the page was cut into blocks.

    >>> from qingwen import clean_page
    >>> rejection = clean_page(b"%PDF-1.4")
    >>> rejection.stage, rejection.rule, rejection.detail
    ('read', 'read.binary', 'The bytes are those of a binary format, not of text.')
    """

    page_id: str
    source_path: str
    stage: str
    rule: str
    detail: str
    blocks: tuple[LabelledBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned page: the record, and the receipt for every character that was removed or changed.

    >>> from qingwen import clean_page
    >>> page = "文旅局公布的数据显示，假期首日老街接待游客三万人次，创历史之蕞。有关部门提醒游客错峰出行，自觉排队。"
    >>> cleaned = clean_page(page.encode())
    >>> [(edit.before, edit.after, edit.rule) for edit in cleaned.edits]
    [('蕞', '最', 'spun.zui')]
    >>> cleaned.record.flags
    ('label.no-title',)
    """

    record: Record
    blocks: tuple[LabelledBlock, ...]
    edits: tuple[Edit, ...]
    flags: tuple[Flag, ...]
