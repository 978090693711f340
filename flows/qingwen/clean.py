"""One page: the whole pipeline on one screen. No input or output; steps propose, this module applies."""

from __future__ import annotations

import hashlib
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.label.labeller import FLAGGED, Labelled, label
from qingwen.metadata.metadata import read_facts
from qingwen.metadata.quality import fault_of, signals
from qingwen.metadata.site import site_key
from qingwen.model import BODY, HTML, TITLE, Cleaned, Label, LabelledBlock, Metadata, Page, Record, Rejection, Segmented
from qingwen.normalize.inline_ads import cut_inline
from qingwen.normalize.layout import lay_out
from qingwen.normalize.masking import Hits, hide, mask, masked_of, settle
from qingwen.normalize.passes import Context, Draft, Pass, run
from qingwen.normalize.pinyin import drop_readings
from qingwen.normalize.punctuation import looks_folded, widen_punctuation
from qingwen.normalize.script import simplify
from qingwen.normalize.spacing import fix_spacing
from qingwen.normalize.swapped_words import restore_nonwords, restore_words
from qingwen.normalize.unicode import fix_unicode, undo_entities, undo_mojibake
from qingwen.read.page import page_of, to_page
from qingwen.read.table_rows import to_item
from qingwen.rules.book import RuleBook, compile_rules, extra_tables, load_rules
from qingwen.rules.personal_data import PersonalDataMatch as Found
from qingwen.rules.site_book import SiteBook, parse_sites
from qingwen.segment.segment import segment
from qingwen.text.spans import Edit, Span, undo

PASSES: tuple[Pass, ...] = (
    undo_mojibake,  # UTF-8 that was read as Latin-1
    lay_out,  # slices of the page become paragraphs
    cut_inline,  # advertising inside a paragraph
    undo_entities,  # &ldquo; left in a dump
    fix_unicode,  # invisible and compatibility characters
    drop_readings,  # 國(guó): pinyin behind its character
    simplify,  # Traditional to Simplified
    restore_nonwords,  # 蕞 → 最: proves that the page is spun
    restore_words,  # 头部 → 第一, in a page that is proved spun
    widen_punctuation,  # folded marks
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
    """Return the article of a page with the receipt for every change, or the rejection that says why there is none.

    ``page`` is the bytes as crawled, packed by nothing, or a `Page`; of bytes ``source_path`` names them (its ending
    tells HTML where the content does not) and ``url`` is where they stood. ``crawled_at`` (UTC) resolves partial and
    relative dates. ``rules`` are the shipped ones by default; ``sites`` is what was learned of sites by surveying many
    pages. A page's fault is a `Rejection`; what is raised is a fault of this program or of the machine.

    >>> clean_page(b"").rule
    'read.empty'
    """
    config, book = config or Config(), rules or load_rules()
    if isinstance(page, bytes):
        read = to_page(page, source_path, config, url=url, fetched_at=crawled_at)
        if isinstance(read, Rejection):
            return read
        page = read
    segmented = segment(page, config)
    if isinstance(segmented, Rejection):
        return segmented
    shown, found = hide(segmented, config, book.personal)
    site = site_key(page, shown)
    labelled = label(segmented, book, sites, site)  # of the page as it is: masks change no verdict
    blocks = labelled_blocks(shown, labelled)
    if not any(judged.verdict.label is Label.BODY and judged.verdict.kept for judged in blocks):
        dropped = _dropped(blocks, shown)
        return Rejection(page.id, page.source_path, "label", "reject.no-article", "No block is an article's.", dropped)
    facts = read_facts(page, shown, labelled.verdicts, config, crawled_at or page.fetched_at)
    parts, title = parts_of(shown, labelled, blocks)
    draft = normalize(
        parts,
        config,
        book,
        page_text=shown.text,
        title=title,
        hits=_hits_of(found, blocks),
        dump=page.media_type != HTML,
        site=site,
        spun_site=sites is not None and sites.is_spun(site),
    )
    masked = masked_of(draft, BODY, parts_of(segmented, labelled, blocks)[0][BODY]) if config.mask_personal_data else ""
    return _assessed(page, shown, blocks, draft, facts, config, book, masked)


def unforeseen(page_id: str, source_path: str, fault: Exception) -> Rejection:
    """Return the rejection of a page at which a fault came up that nobody foresaw: its type, the function's name."""
    frames = traceback.extract_tb(fault.__traceback__)
    where = frames[-1].name if frames else "?"
    detail = f"{type(fault).__name__} in {where}: please report the page."
    return Rejection(page_id, source_path, "fault", "fault.unforeseen", detail)


def labelled_blocks(segmented: Segmented, labelled: Labelled) -> tuple[LabelledBlock, ...]:
    """Return the blocks with their verdicts, and the text of each that is not kept."""
    return tuple(
        LabelledBlock(block, verdict, None if verdict.kept else block.span.of(segmented.text))
        for block, verdict in zip(segmented.blocks, labelled.verdicts, strict=True)
    )


def normalize(
    parts: dict[str, str],
    config: Config,
    book: RuleBook,
    *,
    page_text: str | None = None,
    title: Span | None = None,
    dump: bool = True,
    site: str | None = None,
    spun_site: bool = False,
    passes: Sequence[Pass] = PASSES,
    hits: Hits | None = None,
) -> Draft:
    """Run the passes over title and body; where the configuration asks for it, no personal data is left in them.

    ``page_text`` shows whether the page's punctuation was folded (default: the parts do); ``title`` is the span of the
    title part that is the title; ``dump``: the lines come from a dump and may hold several paragraphs each; ``site``:
    what the page's site is known by; ``spun_site``: its pages are known to have words swapped; ``hits``: what is masked
    in the parts already.
    """
    context = Context(
        config=config,
        book=book,
        folded=looks_folded(page_text if page_text is not None else "\n".join(parts.values()), config),
        title=title,
        dump=dump,
        site=site,
        spun_site=spun_site,
    )

    def normalized(parts: Mapping[str, str], masks: tuple[Edit, ...]) -> Draft:
        return run(parts, (mask, *passes), replace(context, masks=masks)) if masks else run(parts, passes, context)

    return settle(parts, hits or {}, book.personal, normalized) if config.mask_personal_data else normalized(parts, ())


def parts_of(
    segmented: Segmented, labelled: Labelled, blocks: Sequence[LabelledBlock]
) -> tuple[dict[str, str], Span | None]:
    """Return title and body as their kept slices of the page's text, and the span of the title in its part."""
    slices: dict[str, list[str]] = {TITLE: [], BODY: []}
    title: Span | None = None
    for judged in blocks:
        if judged.text is None:
            span = judged.block.span
            slices[part_of(judged)].append(span.of(segmented.text))
            if labelled.title is not None and judged.verdict.label is Label.TITLE:
                title = labelled.title.shifted(-span.start)
    return {part: "".join(found) for part, found in slices.items()}, title


def _hits_of(found: Sequence[Found], blocks: Sequence[LabelledBlock]) -> Hits:
    """Return what was found in kept blocks, by part and in its positions; none of it crosses the end of a block."""
    hits: dict[str, list[Found]] = {TITLE: [], BODY: []}
    sizes = {TITLE: 0, BODY: 0}
    left = deque(found)
    for judged in blocks:
        span, part = judged.block.span, part_of(judged)
        while left and left[0].span.start < span.end:
            hit = left.popleft()
            if judged.text is None:
                hits[part].append(replace(hit, span=hit.span.shifted(sizes[part] - span.start)))
        sizes[part] += len(span) if judged.text is None else 0
    return hits


def part_of(judged: LabelledBlock) -> str:
    """Return the part that a kept block belongs to."""
    return TITLE if judged.verdict.label is Label.TITLE else BODY


def _assessed(
    page: Page,
    segmented: Segmented,
    blocks: tuple[LabelledBlock, ...],
    draft: Draft,
    facts: Metadata,
    config: Config,
    book: RuleBook,
    masked: str,
) -> Cleaned | Rejection:
    text = draft.parts[BODY]
    quality = signals(text, len("".join(segmented.text.split())), masked)
    fault = fault_of(text, quality, config, masked)
    if fault is not None:
        return Rejection(page.id, page.source_path, "assess", fault.rule, fault.detail, _dropped(blocks, segmented))
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
        facts=facts,
        removed_ratio=quality["removed_ratio"],
        n_edits=len(draft.edits),
        n_repairs=len(repairs),
        spun=bool(repairs),
        flags=_flags(page, blocks, draft, config),
        quality=quality,
        text_sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        rules_version=book.version,
    )
    return Cleaned(record, blocks, draft.edits, draft.flags)


def _dropped(blocks: Sequence[LabelledBlock], segmented: Segmented) -> tuple[LabelledBlock, ...]:
    """Return the blocks of a rejected page: nothing of it is kept, so that each carries its text."""
    return tuple(replace(judged, text=judged.block.span.of(segmented.text)) for judged in blocks)


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
        part, size = part_of(judged), len(judged.block.span)
        pieces.append(rest[part][:size])
        rest[part] = rest[part][size:]
    return "".join(pieces)


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
