"""The tables of a dataset: every column with its type and its description, declared once.

Delta keeps timestamps in microseconds. ``published_at`` has no time zone and means Beijing local time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

_TEXT, _INT, _LONG, _REAL, _BOOL = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()
# The quality signals of `qingwen.metadata.quality`; limits in brackets are those of FineWeb-2 for Chinese.
SIGNALS = {
    "han_ratio": "share of Han characters, white space left out",
    "line_punct": "share of lines that end in sentence punctuation (>= .106)",
    "dup_line": "share of lines that repeat another line (<= .287)",
    "dup_char": "share of characters in repeated lines (<= .1)",
    "newline_ratio": "line breaks per character (<= .178)",
    "mean_paragraph": "mean length of paragraphs, in characters",
    "removed_ratio": "share of the page's characters that are not in the text",
    "top_2gram": "share of characters in the most frequent 2-gram (<= .256)",
    "top_3gram": "share of characters in the most frequent 3-gram (<= .201)",
    "top_4gram": "share of characters in the most frequent 4-gram (<= .171)",
    "dup_5gram": "share of characters in repeated 5-grams (<= .198)",
    "dup_6gram": "share of characters in repeated 6-grams (<= .182)",
    "dup_7gram": "share of characters in repeated 7-grams (<= .167)",
    "dup_8gram": "share of characters in repeated 8-grams (<= .154)",
    "dup_9gram": "share of characters in repeated 9-grams (<= .140)",
    "dup_10gram": "share of characters in repeated 10-grams (<= .127)",
}


def _field(name: str, kind: Any, description: str, nullable: bool = False) -> Any:
    return pa.field(name, kind, nullable=nullable, metadata={"description": description, "comment": description})


def _maybe(name: str, kind: Any, description: str) -> Any:
    return _field(name, kind, description, nullable=True)


_QUALITY = pa.struct([_field(name, _REAL, description) for name, description in SIGNALS.items()])
_ID = "first 32 hex digits of the SHA-256 of the page's bytes after transfer and content decoding"
_PART_SPAN = (
    _field("start", _INT, "start of the span in the part before the pass, in code points"),
    _field("end", _INT, "end of the span, exclusive"),
)

RECORDS = pa.schema(
    [
        _field("id", _TEXT, _ID),
        _field("source_path", _TEXT, "path as the user gave it (POSIX); the smallest path of identical copies"),
        _field("source_sha256", _TEXT, "SHA-256 of the page's bytes"),
        _field("source_format", _TEXT, "txt or html"),
        _field("source_encoding", _TEXT, "encoding of the bytes"),
        _maybe("url", _TEXT, "address of the page, if known"),
        _maybe("site", _TEXT, "registrable domain of the URL, or the site's name as the page states it"),
        _maybe("fetched_at", pa.timestamp("us", tz="UTC"), "when the crawler fetched the page"),
        _field("title", _TEXT, "headline, one line; empty if the page has none"),
        _field("text", _TEXT, "body: paragraphs joined by one newline, no indent, without the title"),
        _field("language", _TEXT, "ISO 639 code"),
        _field("script", _TEXT, "script of the input: Hans or Hant"),
        _maybe("published_at", pa.timestamp("us"), "Beijing local time; null when unknown"),
        _field(
            "published_precision",
            _TEXT,
            "minute, day, address (the day in the page's address), month, month-day, year or none",
        ),
        _maybe("published_raw", _TEXT, "the date as the page prints it"),
        _maybe(
            "authors",
            pa.list_(pa.string()),
            "who wrote it: people, or an account that stands alone; an editor only under metadata.editor-as-author",
        ),
        _maybe("source_name", _TEXT, "the source that the page names"),
        _maybe("place", _TEXT, "place of the dateline"),
        _maybe("category", _TEXT, "section of the site"),
        _maybe("rights", _TEXT, "the copyright notice as printed"),
        _field("n_chars", _INT, "length of text, in code points"),
        _field("n_paragraphs", _INT, "number of lines of text"),
        _field("han_ratio", _REAL, SIGNALS["han_ratio"]),
        _field("removed_ratio", _REAL, SIGNALS["removed_ratio"]),
        _field("n_edits", _INT, "number of this page's rows in edits"),
        _field("n_repairs", _INT, "number of edits that restored a swapped word"),
        _field("spun", _BOOL, "whether words of the page were swapped to evade filters"),
        _field("flags", pa.list_(pa.string()), "names of what a person may want to review, sorted"),
        _field("quality", _QUALITY, "quality signals by name"),
        _field("confidence", _REAL, "how sure the text is: the F1 that it is expected to have, from 0 to 1"),
        _field("text_sha256", _TEXT, "SHA-256 of text, encoded in UTF-8"),
        _maybe(
            "duplicate_of",
            _TEXT,
            "id of the representative of the record's cluster; null for a representative and outside of clusters",
        ),
        _maybe(
            "duplicate_kind", _TEXT, "exact: the same text as the representative of the cluster; near: a similar text"
        ),
        _field(
            "cluster_size",
            _INT,
            "number of records in the cluster when this row was written (see the table duplicates)",
        ),
        _field("rules_version", _TEXT, "digest of the rule tables"),
        _field("schema_version", _INT, "version of these columns"),
    ]
)
BLOCKS = pa.schema(
    [
        _field("page_id", _TEXT, _ID),
        _field("n", _INT, "number of the block on its page, from 0"),
        _field("start", _INT, "start of the block in the page's text, in code points; blocks tile the text"),
        _field("end", _INT, "end of the block, exclusive"),
        _field("path", _TEXT, "DOM path; empty in a dump"),
        _field(
            "label", _TEXT, "title, byline, body, caption, nav, ad, copyright, share, related, comment, site or other"
        ),
        _field("rule", _TEXT, "rule, structure or sequence decision that gave the label"),
        _field("score", _REAL, "score as a block of the article; a positive one speaks for it"),
        _field("why", _TEXT, "the reason in words"),
        _maybe("evidence_start", _INT, "start of what the rule matched in the page's text, in code points"),
        _maybe("evidence_end", _INT, "end of what the rule matched, exclusive"),
        _field("kept", _BOOL, "whether the record holds the block"),
        _maybe("text", _TEXT, "text of the block if it is not kept, else null"),
    ]
)
EDITS = pa.schema(
    [
        _field("page_id", _TEXT, _ID),
        _field("part", _TEXT, "title or body"),
        _field("pass", _INT, "number of the pass, in their order"),
        _field("n", _INT, "number of the edit in its pass and part, in text order"),
        _field("rule", _TEXT, "rule that made the edit"),
        _field("label", _TEXT, "family of the rule: layout, ad, unicode, script, spun, punct, space, title"),
        *_PART_SPAN,
        _field("before", _TEXT, "text of the span before the edit"),
        _field("after", _TEXT, "text of the span after the edit"),
    ]
)
FLAGS = pa.schema(
    [
        _field("page_id", _TEXT, _ID),
        _field("part", _TEXT, "title or body"),
        _field("rule", _TEXT, "rule that was not sure enough to edit"),
        _field("start", _INT, "start of the span in the finished part, in code points"),
        _field("end", _INT, "end of the span, exclusive"),
        _field("form", _TEXT, "the text as it is"),
        _maybe("candidate", _TEXT, "the text that it may have been"),
        _maybe("clause", _TEXT, "clause of the rule that decided to flag"),
        _maybe("score", _REAL, "score of the clause"),
    ]
)
REJECTIONS = pa.schema(
    [
        _field("page_id", _TEXT, _ID + "; of the path if the file cannot be read"),
        _field("source_path", _TEXT, "path as the user gave it (POSIX)"),
        _field("stage", _TEXT, "read, segment, label, assess or fault"),
        _field("rule", _TEXT, "rule that rejected the page"),
        _field("detail", _TEXT, "the reason in words"),
    ]
)
SOURCES = pa.schema(
    [
        _field("source_path", _TEXT, "path as the user gave it (POSIX)"),
        _maybe("page_id", _TEXT, "id of the page in the path; null while it is pending"),
        _maybe("container", _TEXT, "file that holds the page; null if the file is the page"),
        _maybe("url", _TEXT, "address of the page, if known"),
        _maybe("fetched_at", pa.timestamp("us", tz="UTC"), "when the crawler fetched the page"),
        _field("size", _LONG, "size of the file or container, in bytes"),
        _field("modified", _LONG, "time of the file's last change, in nanoseconds since 1970"),
        _field("outcome", _TEXT, "record, rejection, copy, pending or superseded"),
    ]
)
DUPLICATES = pa.schema(
    [
        _field("id", _TEXT, "id of a record in a cluster of at least two"),
        _maybe("duplicate_of", _TEXT, "id of the representative of the cluster; null for the representative"),
        _field("kind", _TEXT, "exact: the same text as the representative of the cluster; near: a similar text"),
        _field("cluster_size", _INT, "number of records in the cluster"),
    ]
)
SIGNATURES = pa.schema(
    [
        _field("id", _TEXT, "id of a record"),
        _field("signature", pa.binary(), "MinHash of its text: 256 numbers of 32 bits, little-endian"),
    ]
)

# In the order of commits, records last: a reader that sees a record finds its rows in the other tables.
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
KEYS: Mapping[str, str] = {name: order[0] for name, order in ORDERS.items()}
