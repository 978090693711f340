"""The tables on disk: every column with its type and what it says, declared once.

Delta keeps timestamps in microseconds; ``published_at`` carries no zone and means Beijing local time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from qingwen.metadata.quality import signals
from qingwen.model import SCHEMA_VERSION

_TEXT, _INT, _LONG, _REAL, _BOOL = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()
_SIGNALS = {
    "han_ratio": "share of Han characters among those that are no white space",
    "line_punct": "share of lines that end a sentence (FineWeb-2 keeps >= .106)",
    "dup_line": "share of lines that repeat another (FineWeb-2 keeps <= .287)",
    "dup_char": "share of characters in repeated lines (<= .1)",
    "newline_ratio": "line breaks for each character (<= .178)",
    "mean_paragraph": "characters in a paragraph, on average",
    "removed_ratio": "share of the page's characters that is not in the text",
    "top_2gram": "share of the most frequent 2-gram of characters (<= .256)",
    "top_3gram": "the same of 3-grams (<= .201)",
    "top_4gram": "the same of 4-grams (<= .171)",
    "dup_5gram": "share of characters in repeated 5-grams (<= .198)",
    "dup_6gram": "the same of 6-grams (<= .182)",
    "dup_7gram": "the same of 7-grams (<= .167)",
    "dup_8gram": "the same of 8-grams (<= .154)",
    "dup_9gram": "the same of 9-grams (<= .140)",
    "dup_10gram": "the same of 10-grams (<= .127)",
}
assert set(_SIGNALS) == set(signals("", 0)), "every signal is described, and nothing else"


def _field(name: str, kind: Any, says: str, nullable: bool = False) -> Any:
    return pa.field(name, kind, nullable=nullable, metadata={"description": says, "comment": says})


def _maybe(name: str, kind: Any, says: str) -> Any:
    return _field(name, kind, says, nullable=True)


_QUALITY = pa.struct([_field(name, _REAL, says) for name, says in _SIGNALS.items()])
_ID = "first 32 hex digits of the SHA-256 of the page's bytes after transfer and content decoding"
_PART_SPAN = (
    _field("start", _INT, "first code point of the span in the part as it stood before the pass"),
    _field("end", _INT, "end of the span, exclusive"),
)

RECORDS = pa.schema(
    [
        _field("id", _TEXT, _ID),
        _field("source_path", _TEXT, "path as the user gave it (POSIX); of identical copies the smallest"),
        _field("source_sha256", _TEXT, "SHA-256 of the page's bytes"),
        _field("source_format", _TEXT, "txt or html"),
        _field("source_encoding", _TEXT, "encoding that the bytes were read in"),
        _maybe("url", _TEXT, "address of the page, where known"),
        _maybe("site", _TEXT, "registrable domain of the URL, else the site's name as the page states it"),
        _maybe("fetched_at", pa.timestamp("us", tz="UTC"), "when the crawler fetched the page"),
        _field("title", _TEXT, "headline, one line; empty where the page states none"),
        _field("text", _TEXT, "body: paragraphs joined by one newline, no indent, without the title"),
        _field("language", _TEXT, "ISO 639 code"),
        _field("script", _TEXT, "script of the input: Hans or Hant"),
        _maybe("published_at", pa.timestamp("us"), "Beijing local time; null when unknown"),
        _field("published_precision", _TEXT, "minute, day, month, month-day, year or none"),
        _maybe("published_raw", _TEXT, "the date as the page prints it"),
        _maybe("authors", pa.list_(pa.string()), "people; an account of the content manager is none"),
        _maybe("source_name", _TEXT, "the source that the page names"),
        _maybe("place", _TEXT, "place of the dateline"),
        _maybe("category", _TEXT, "section of the site"),
        _maybe("rights", _TEXT, "the copyright notice as printed"),
        _field("n_chars", _INT, "code points of text"),
        _field("n_paragraphs", _INT, "lines of text"),
        _field("han_ratio", _REAL, _SIGNALS["han_ratio"]),
        _field("removed_ratio", _REAL, _SIGNALS["removed_ratio"]),
        _field("n_edits", _INT, "rows of this page in edits"),
        _field("n_repairs", _INT, "edits that took back a swapped word"),
        _field("spun", _BOOL, "words of the page were swapped to dodge filters"),
        _field("flags", pa.list_(pa.string()), "names of what a person may want to look at, sorted"),
        _field("quality", _QUALITY, "quality signals by name"),
        _field("text_sha256", _TEXT, "SHA-256 of text in UTF-8"),
        _maybe("duplicate_of", _TEXT, "id of the record that stands for this one's cluster"),
        _maybe("duplicate_kind", _TEXT, "exact: the text of the one that stands for the cluster; near: one like it"),
        _field("cluster_size", _INT, "records in the cluster, when this row was written (see the table duplicates)"),
        _field("rules_version", _TEXT, "digest of the rule tables"),
        _field("schema_version", _INT, "version of these columns"),
    ]
)
BLOCKS = pa.schema(
    [
        _field("page_id", _TEXT, _ID),
        _field("n", _INT, "number of the block on its page, from 0"),
        _field("start", _INT, "first code point in the page's text; blocks tile it"),
        _field("end", _INT, "end of the block, exclusive"),
        _field("path", _TEXT, "DOM path; empty in a dump"),
        _field(
            "label", _TEXT, "title, byline, body, caption, nav, ad, copyright, share, related, comment, site or other"
        ),
        _field("rule", _TEXT, "rule, structure or sequence decision that said so"),
        _field("score", _REAL, "weight as a block of the article; positive speaks for it"),
        _field("why", _TEXT, "the reason in words"),
        _maybe("evidence_start", _INT, "what the rule hit: first code point in the page's text"),
        _maybe("evidence_end", _INT, "its end, exclusive"),
        _field("kept", _BOOL, "stands in the record"),
        _maybe("text", _TEXT, "the block's slice of the page where it is not kept, else null"),
    ]
)
EDITS = pa.schema(
    [
        _field("page_id", _TEXT, _ID),
        _field("part", _TEXT, "title or body"),
        _field("pass", _INT, "number of the pass; passes follow one another"),
        _field("n", _INT, "number of the edit in its pass and part, from the left"),
        _field("rule", _TEXT, "rule that asked for the edit"),
        _field("label", _TEXT, "family of the rule: layout, ad, unicode, script, spun, punct, space, title"),
        *_PART_SPAN,
        _field("before", _TEXT, "what the span held"),
        _field("after", _TEXT, "what took its place"),
    ]
)
FLAGS = pa.schema(
    [
        _field("page_id", _TEXT, _ID),
        _field("part", _TEXT, "title or body"),
        _field("rule", _TEXT, "rule that was not sure"),
        _field("start", _INT, "first code point of the span in the finished part"),
        _field("end", _INT, "end of the span, exclusive"),
        _field("form", _TEXT, "what stands there"),
        _maybe("candidate", _TEXT, "what it may have been"),
        _maybe("clause", _TEXT, "clause of the rule that decided to flag"),
        _maybe("score", _REAL, "score of the clause"),
    ]
)
REJECTIONS = pa.schema(
    [
        _field("page_id", _TEXT, _ID + "; of a file that cannot be read, of its path"),
        _field("source_path", _TEXT, "path as the user gave it (POSIX)"),
        _field("stage", _TEXT, "read, segment, label, assess or fault"),
        _field("rule", _TEXT, "rule that rejected the page"),
        _field("detail", _TEXT, "what was found, in words"),
    ]
)
SOURCES = pa.schema(
    [
        _field("source_path", _TEXT, "path as the user gave it (POSIX)"),
        _maybe("page_id", _TEXT, "page that the path holds; null while pending"),
        _maybe("container", _TEXT, "file that holds the item; null where the item is the file"),
        _maybe("url", _TEXT, "address of the page, where known"),
        _maybe("fetched_at", pa.timestamp("us", tz="UTC"), "when the crawler fetched the page"),
        _field("size", _LONG, "bytes of the file (the container) as it lies"),
        _field("modified", _LONG, "time of its last change, nanoseconds since 1970"),
        _field("outcome", _TEXT, "record, rejection, copy, pending or superseded"),
    ]
)
DUPLICATES = pa.schema(
    [
        _field("id", _TEXT, "a record of a cluster of two and more"),
        _maybe("duplicate_of", _TEXT, "id of the record that stands for the cluster; null for that one itself"),
        _field("kind", _TEXT, "exact: the text of the one that stands for the cluster; near: one like it"),
        _field("cluster_size", _INT, "records in the cluster"),
    ]
)
SIGNATURES = pa.schema(
    [
        _field("id", _TEXT, "a record"),
        _field("signature", pa.binary(), "MinHash of its text: 256 numbers of 32 bits, little-endian"),
    ]
)

# Side tables first, records last: a reader who sees a record finds all that belongs to it.
TABLES: Mapping[str, Any] = {
    "blocks": BLOCKS,
    "edits": EDITS,
    "flags": FLAGS,
    "rejections": REJECTIONS,
    "sources": SOURCES,
    "signatures": SIGNATURES,
    "duplicates": DUPLICATES,
    "records": RECORDS,
}
KEYS: Mapping[str, str] = {
    "blocks": "page_id",
    "edits": "page_id",
    "flags": "page_id",
    "rejections": "page_id",
    "sources": "source_path",
    "signatures": "id",
    "duplicates": "id",
    "records": "id",
}
ORDERS: Mapping[str, Sequence[str]] = {
    "blocks": ("page_id", "n"),
    "edits": ("page_id", "part", "pass", "n"),
    "flags": ("page_id", "part", "start"),
    "rejections": ("page_id",),
    "sources": ("source_path",),
    "signatures": ("id",),
    "duplicates": ("id",),
    "records": ("id",),
}
VERSION = SCHEMA_VERSION
