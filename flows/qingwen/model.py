"""What the parts hand to each other: pages, blocks, verdicts, records, rejections.

Every offset belongs to a named text: a block's span to the page's text, an edit's or a flag's to a part (title or
body).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from qingwen.text import Edit, Span

SCHEMA_VERSION = 2
TITLE, BODY = "title", "body"
PLAIN, HTML = "text/plain", "text/html"


class Label(StrEnum):
    """What a block is. Blocks labelled title and body make the record; the others are dropped with a verdict."""

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
    """One scraped item as received.

    ``text`` is what the decoder made of the bytes: a dump's text, or a page's markup. ``id`` is the first 32 hex digits
    of ``sha256``, the digest of the bytes after transfer and content decoding. ``damaged`` counts the replacement
    characters that the decoder had to write; ``fetched_at`` is UTC.
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


@dataclass(frozen=True, slots=True)
class Block:
    """One run of text between block-level boundaries; its span in the page's text includes the white space after it.

    ``path`` is the DOM path (empty in a dump), ``link_density`` the share of its characters inside links (0 to 1).
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a block was found to be, who said so and why.

    ``rule`` is a rule's id or ``sequence.*`` for the decision over the sequence; ``evidence`` is the span, in the
    page's text, that the rule hit; ``score`` is the block's weight as an article block (positive: article).
    """

    label: Label
    rule: str
    why: str
    kept: bool
    score: float = 0.0
    evidence: Span | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A block with its verdict; ``text`` is the block's slice of the page when it is not kept, else None."""

    block: Block
    verdict: Verdict
    text: str | None


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that was left as it stands and that a person may want to see; the span is in the finished part."""

    part: str
    rule: str
    span: Span
    form: str
    candidate: str | None = None
    clause: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page states about the article."""

    site: str | None = None
    category: str | None = None
    authors: tuple[str, ...] | None = None
    source_name: str | None = None
    place: str | None = None
    rights: str | None = None
    published_at: datetime | None = None
    published_precision: str = "none"
    published_raw: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the corpus; the columns are described in ``corpus/schemas.py``."""

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
    facts: Facts
    removed_ratio: float
    n_edits: int
    n_repairs: int
    spun: bool
    flags: tuple[str, ...]
    quality: Mapping[str, float]
    text_sha256: str
    rules_version: str
    language: str = "zh"
    schema_version: int = SCHEMA_VERSION

    def row(self) -> dict[str, Any]:
        """Return the record as a row: one flat mapping of column to value."""
        row: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name not in ("facts", "flags")}
        row.update({name: getattr(self.facts, name) for name in self.facts.__slots__})
        row["authors"] = list(self.facts.authors) if self.facts.authors else None
        row["flags"] = list(self.flags)
        row["quality"] = dict(self.quality)
        row["n_chars"] = len(self.text)
        row["n_paragraphs"] = self.text.count("\n") + 1
        row["han_ratio"] = self.quality["han_ratio"]
        row["duplicate_of"] = row["duplicate_kind"] = None
        row["cluster_size"] = 1
        return row


@dataclass(frozen=True, slots=True)
class Rejection:
    """A page that is no article, or that could not be read: at which stage, by which rule, and the detail.

    ``blocks`` holds the verdicts, where the page came as far as being cut into blocks.
    """

    page_id: str
    source_path: str
    stage: str
    rule: str
    detail: str
    blocks: tuple[Judged, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned page: the record, and the receipt for every character that was removed or changed."""

    record: Record
    blocks: tuple[Judged, ...]
    edits: tuple[Edit, ...]
    flags: tuple[Flag, ...]
