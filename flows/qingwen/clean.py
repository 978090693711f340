"""One page: the whole pipeline on one screen. No input or output; steps propose, this module applies."""

import hashlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.label.labeller import FLAGGED, Labelled, label
from qingwen.metadata.metadata import read_metadata
from qingwen.metadata.quality import fault_of, signals
from qingwen.metadata.site import site_key
from qingwen.model import (
    BODY,
    HTML,
    NO_TEXT,
    TITLE,
    Cleaned,
    Document,
    Label,
    LabelledBlock,
    Metadata,
    Page,
    Record,
    Rejection,
    Segmented,
)
from qingwen.normalize.inline_ads import cut_inline
from qingwen.normalize.layout import lay_out
from qingwen.normalize.masking import Hidden, hide, run_masked
from qingwen.normalize.passes import Context, Draft, Pass
from qingwen.normalize.pinyin import drop_readings
from qingwen.normalize.punctuation import looks_folded, widen_punctuation
from qingwen.normalize.script import to_simplified
from qingwen.normalize.spacing import fix_spacing
from qingwen.normalize.swapped_words import restore_swapped_nonwords, restore_swapped_words
from qingwen.normalize.unicode import fix_unicode, undo_entities, undo_mojibake
from qingwen.read.page import RawPage, page_of
from qingwen.read.table_rows import raw_page_of
from qingwen.rules.book import RuleBook, compile_rules, extra_tables, load_rules
from qingwen.rules.site_book import SiteBook, parse_sites
from qingwen.segment.segment import segment
from qingwen.text.spans import Edit, Span, undo

PASSES: tuple[Pass, ...] = (
    undo_mojibake,  # UTF-8 that was read as Latin-1
    lay_out,  # slices of the page become paragraphs
    cut_inline,  # advertising inside a paragraph
    undo_entities,  # &ldquo; left in a dump
    fix_unicode,  # invisible and compatibility characters
    drop_readings,  # 國(guó): pinyin after its character
    to_simplified,  # Traditional to Simplified
    restore_swapped_nonwords,  # 蕞 → 最: proves that words of the page are swapped
    restore_swapped_words,  # 头部 → 第一, in a page with that proof
    widen_punctuation,  # marks that were folded to ASCII
    fix_spacing,  # spaces that no writer typed
)


def clean_page(
    page: bytes | Page,
    *,
    source_path: str = "",
    url: str | None = None,
    crawled_at: datetime | None = None,
    config: Config | None = None,
    rules: RuleBook | None = None,
    sites: SiteBook | None = None,
) -> Cleaned | Rejection:
    """Return the article of a page with the receipt for every change, or the rejection that says why it has no article.

    ``page`` is a `Page`, or the bytes as crawled, not compressed. ``source_path`` names the bytes (its ending shows
    HTML where the content does not), ``url`` is their address. ``crawled_at`` (UTC) resolves partial and relative
    dates. ``rules`` are the shipped ones by default; ``sites`` is what a survey of many pages learned about sites. A
    fault of the page is a `Rejection`; an exception is a fault of this program or of the machine.

    >>> clean_page(b"").rule
    'read.empty'
    """
    config, book = config or Config(), rules or load_rules()
    read = page if isinstance(page, Page) else page_of(RawPage(source_path, page, url, crawled_at), config)
    if isinstance(read, Rejection):
        return read
    segmented = segment(read, config)
    if isinstance(segmented, Rejection):
        return segmented
    shown, hidden = hide(segmented, config, book.personal)  # the same page where masking is off
    site = site_key(read, shown)
    labelled = label(segmented, book, sites, site)  # of the page without masks: they change no verdict
    document = document_of(shown, labelled)
    if not document.is_article:
        if NO_TEXT in segmented.meta:
            detail = "The page shows next to no text, and no string of its scripts alone can be the article."
            return _rejected(read, document, "label", "reject.script-page", detail)
        return _rejected(read, document, "label", "reject.no-article", "No block is an article's.")
    metadata = read_metadata(read, shown, labelled.verdicts, config, crawled_at or read.fetched_at)
    if not (metadata.authors or metadata.source_name) and (other := book.pages.refusal(shown.lines())):
        rule, signs = other
        return _rejected(read, document, "label", rule.id, f"{rule.why.partition(':')[0]}, by {'; '.join(signs)}.")
    spun_site = sites is not None and sites.is_spun(site)
    context = Context(config, book, dump=read.media_type != HTML, site=site, spun_site=spun_site)
    draft = normalize(document, context, hidden=hidden)
    draft = replace(draft, flags=(*draft.flags, *labelled.flags))
    return _assessed(read, document, draft, metadata, context, labelled.confidence.value)


def document_of(segmented: Segmented, labelled: Labelled) -> Document:
    """Return the kept slices of a page's text as title and body, with all blocks and their verdicts."""
    blocks: list[LabelledBlock] = []
    slices: dict[str, list[str]] = {TITLE: [], BODY: []}
    title: Span | None = None
    for block, verdict in zip(segmented.blocks, labelled.verdicts, strict=True):
        text = block.span.of(segmented.text)
        blocks.append(LabelledBlock(block, verdict, None if verdict.kept else text))
        if verdict.kept:
            slices[blocks[-1].part].append(text)
            if labelled.title is not None and verdict.label is Label.TITLE:
                title = labelled.title.shifted(-block.span.start)
    parts = {part: "".join(pieces) for part, pieces in slices.items()}
    return Document(parts, title, tuple(blocks), segmented.text)


def normalize(
    document: Document, context: Context, *, passes: Sequence[Pass] = PASSES, hidden: Hidden | None = None
) -> Draft:
    """Run the passes over title and body; if the configuration masks personal data, none is left in them.

    ``hidden`` is the personal data that is masked in the document already.
    """
    page_text = "\n".join(document.parts.values()) if document.text is None else document.text
    context = replace(context, title=document.title, folded=looks_folded(page_text, context.config))
    return run_masked(document, passes, context, hidden)


def _assessed(
    page: Page, document: Document, draft: Draft, metadata: Metadata, context: Context, confidence: float
) -> Cleaned | Rejection:
    """Return the record of an article with its receipt, or the rejection of a text that is no article."""
    text = draft.parts[BODY]
    quality = signals(text, len("".join((document.text or "").split())), draft.masked)
    fault = fault_of(text, quality, context.config, draft.masked)
    if fault is not None:
        return _rejected(page, document, "assess", fault.rule, fault.detail)
    repairs = [edit for edit in draft.edits if edit.rule.startswith("spun.")]
    record = Record(
        id=page.id,
        source_path=page.source_path,
        source_sha256=page.sha256,
        source_format="html" if page.media_type == HTML else "txt",
        source_encoding=page.encoding,
        url=page.url,
        fetched_at=page.fetched_at,
        title=draft.parts[TITLE],
        text=text,
        script="Hant" if any(edit.rule.startswith("script.") for edit in draft.edits) else "Hans",
        metadata=metadata,
        removed_ratio=quality["removed_ratio"],
        n_edits=len(draft.edits),
        n_repairs=len(repairs),
        spun=bool(repairs),
        flags=tuple(sorted({*_flags(page, document.blocks, draft, context.config), *metadata.flags})),
        quality=quality,
        confidence=confidence,
        text_sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        rules_version=context.book.version,
    )
    return Cleaned(record, document.blocks, draft.edits, draft.flags)


def _flags(page: Page, blocks: Sequence[LabelledBlock], draft: Draft, config: Config) -> tuple[str, ...]:
    """Return the page's flags by name, sorted: what a person may want to look at."""
    names = {flag.rule for flag in draft.flags}
    names |= {judged.verdict.rule for judged in blocks if judged.verdict.rule in FLAGGED}
    if page.damaged:
        names.add("read.damaged")
    if sum(flag.rule == "unicode.private-use" for flag in draft.flags) <= config.max_private_use:
        names.discard("unicode.private-use")
    if not draft.parts[TITLE]:
        names.add("label.no-title")
    return tuple(sorted(names))


def _rejected(page: Page, document: Document, stage: str, rule: str, detail: str) -> Rejection:
    """Return the rejection of a page with its blocks; nothing of the page is kept, so every block carries its text."""
    blocks = tuple(replace(judged, text=judged.block.span.of(document.text or "")) for judged in document.blocks)
    return Rejection(page.id, page.source_path, stage, rule, detail, blocks)


def unforeseen(page_id: str, source_path: str, fault: Exception) -> Rejection:
    """Return the rejection of a page on which an unexpected exception was raised: its type and the function's name."""
    frames = traceback.extract_tb(fault.__traceback__)
    where = frames[-1].name if frames else "?"
    detail = f"{type(fault).__name__} in {where}: please report the page."
    return Rejection(page_id, source_path, "fault", "fault.unforeseen", detail)


def restore(record: Record, blocks: Sequence[LabelledBlock], edits: Sequence[Edit]) -> str:
    """Give back the page's decoded text exactly, from the record and the receipt (with masking on: up to the masks).

    >>> page = "文旅局公布的数据显示，假期首日老街接待游客三万人次，创历史之蕞。有关部门提醒游客错峰出行，自觉排队。"
    >>> cleaned = clean_page(page.encode())
    >>> restore(cleaned.record, cleaned.blocks, cleaned.edits) == page
    True

    Raises:
        EditError: the edits are not those of the record.
    """
    return restore_parts({TITLE: record.title, BODY: record.text}, blocks, edits)


def restore_parts(parts: Mapping[str, str], blocks: Sequence[LabelledBlock], edits: Sequence[Edit]) -> str:
    """Give back the page's text from the finished title and body, the blocks and the edits of all passes."""
    rest = {part: undo(text, [edit for edit in edits if edit.part == part]) for part, text in parts.items()}
    pieces: list[str] = []
    for judged in blocks:
        if judged.text is not None:
            pieces.append(judged.text)
            continue
        part, size = judged.part, len(judged.block.span)
        pieces.append(rest[part][:size])
        rest[part] = rest[part][size:]
    return "".join(pieces)


class Cleaner:
    """Cleans many pages with one configuration, one set of compiled rules and one `SiteBook`.

    ``rules`` is your own rule table (a TOML file, or a folder of them) beside the shipped ones; ``sites`` is what a
    run learned about sites (`qingwen.load_sites` reads it from a dataset's ``_state/sites.json``). ``book`` holds the
    compiled rules, ``config`` the thresholds. A cleaner can be pickled: another process compiles the same rules again,
    and refuses if it ships others.

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
        """Return what `clean_page` returns, with this cleaner's configuration, rules and sites."""
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
        """Return the article of a row of a table whose fields have the names that crawlers give them.

        Text or HTML, URL, title and crawl date are found as in JSON Lines and Parquet files: by the settings
        ``text_field``, ``html_field``, …, else under the names that common tools use.

        >>> Cleaner().clean_row({"id": 1}).rule
        'read.no-text'
        """
        page = page_of(raw_page_of(row, source_path, self.config), self.config)
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
