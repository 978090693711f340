"""What must hold of any page: each target takes the bytes of an input and raises when a law is broken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from html5lib import HTMLParser

from qingwen import Config, clean_page, load_rules, restore
from qingwen.clean import PASSES, normalize
from qingwen.label.labeller import Labelled, label
from qingwen.metadata.metadata import read_metadata
from qingwen.model import BODY, TITLE, Cleaned, Document, Flag, Label, Page, Rejection, Segmented
from qingwen.normalize.passes import Context, Draft
from qingwen.read.page import RawPage
from qingwen.read.page import page_of as decoded
from qingwen.review.explain import explain
from qingwen.review.terminal import printed
from qingwen.rules.personal_data import MASKED
from qingwen.rules.site_book import Site, SiteBook, Template, line_key
from qingwen.segment.lexbor import segment_lexbor
from qingwen.segment.markup import TooDeepError
from qingwen.segment.segment import segment, segment_plain
from qingwen.segment.soup import segment_soup
from qingwen.text.spans import Edit, align, apply, invert, undo

CONFIG, BOOK = Config(), load_rules()
_MASKING = Config(mask_personal_data=True)
_LINE_BREAK = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
# A doctype that is missing or old.
_NO_DISAGREEMENT = {"unknown-doctype", "expected-doctype-but-got-start-tag", "expected-doctype-but-got-chars"}
_PRECISIONS = ("minute", "day", "address", "month", "month-day", "year", "none")


def text_of(octets: bytes) -> str:
    """Return an input as text."""
    return octets.decode("utf-8", "replace")


def page_of(octets: bytes) -> Page | Rejection:
    """Return the page that an input is: markup where it begins like some."""
    return decoded(RawPage("page.html" if octets.lstrip()[:1] == b"<" else "page.txt", octets), CONFIG)


def strange(text: str) -> set[str]:
    """Return the characters of a text that no article holds: controls but for breaks and tabs, lone surrogates."""
    return {char for char in set(text) if unicodedata.category(char) in ("Cc", "Cs")} - set("\n\t")


def holds_rejection(found: Rejection) -> None:
    """A rejection says at which stage, by which rule and why; what it holds can be written."""
    assert found.page_id
    assert found.stage
    assert found.rule
    assert found.detail
    found.detail.encode()


def tiles(found: Segmented) -> None:
    """Blocks tile the text; each begins with what is no white space."""
    assert "".join(block.span.of(found.text) for block in found.blocks) == (found.text if found.blocks else "")
    assert [block.n for block in found.blocks] == list(range(len(found.blocks)))
    assert all(left.span.end == right.span.start for left, right in pairwise(found.blocks))
    for block in found.blocks:
        assert found.words(block)
        assert block.n == 0 or not block.span.of(found.text)[:1].isspace()
        assert 0 <= block.link_density <= 1
    found.text.encode()


def dump(octets: bytes) -> None:
    """A dump is cut so that its blocks tile it, a line each."""
    text = text_of(octets)
    found = segment_plain(text)
    tiles(found)
    assert found.text == text
    lines = [line.strip() for line in _LINE_BREAK.split(text)]
    assert [found.words(block) for block in found.blocks] == [line for line in lines if line]


def _shape(found: Segmented) -> list[tuple[str, float, str]]:
    return [(block.path, block.link_density, found.words(block)) for block in found.blocks]


def segment_html(octets: bytes) -> None:
    """Both readers cut any markup so that blocks tile the text, or name the limit that it passes."""
    markup = text_of(octets)
    for read in (segment_lexbor, segment_soup):
        try:
            found = read(markup)
        except TooDeepError:
            continue
        tiles(found)
        assert "\r" not in found.text
        for key, value in found.meta.items():
            assert isinstance(value, str), key


def readers_agree(octets: bytes) -> None:
    """Markup without a parse error, as html5lib counts them, is cut into the same blocks by both readers."""
    markup = text_of(octets)
    if "<html" not in markup[:300]:
        markup = f"<!doctype html><html><head></head><body>{markup}</body></html>"
    parser = HTMLParser()
    parser.parse(markup)
    if not {code for _, code, _ in parser.errors} - _NO_DISAGREEMENT:
        fast, reference = segment_lexbor(markup), segment_soup(markup)
        assert _shape(fast) == _shape(reference), (_shape(fast), _shape(reference))
        assert fast.meta == reference.meta


def labelled(octets: bytes) -> None:
    """Each block has a verdict with a rule and a reason; evidence lies in its block, the title in the title's."""
    page = page_of(octets)
    found = segment(page, CONFIG) if isinstance(page, Page) else page
    if isinstance(found, Rejection):
        holds_rejection(found)
        return
    judged = label(found, BOOK)
    assert judged == label(found, BOOK)
    _verdicts(found, judged)
    templates = {line_key(found.words(block)): Template(3, "x") for block in found.blocks[1::3]}
    _verdicts(found, label(found, BOOK, SiteBook({"n.example": Site(5, templates, 2)}), "n.example"))
    if isinstance(page, Page):
        _facts(page, found, judged)


def _verdicts(found: Segmented, judged: Labelled) -> None:
    assert len(judged.verdicts) == len(found.blocks)
    for block, verdict in zip(found.blocks, judged.verdicts, strict=True):
        assert verdict.rule
        assert verdict.why
        assert not verdict.kept or verdict.label in (Label.TITLE, Label.BODY, Label.CAPTION), verdict
        assert abs(verdict.score) < 1e6
        if verdict.evidence is not None:
            assert block.span.start <= verdict.evidence.start < verdict.evidence.end <= block.span.end, verdict
    titles = [
        block
        for block, verdict in zip(found.blocks, judged.verdicts, strict=True)
        if verdict.kept and verdict.label is Label.TITLE
    ]
    assert len(titles) <= 1
    if judged.title is not None:
        assert len(titles) == 1
        assert titles[0].span.start <= judged.title.start < judged.title.end <= titles[0].span.end


def _facts(page: Page, found: Segmented, judged: Labelled) -> None:
    """Metadata are words of the page, a precision that is known, and a date only where there is one."""
    other = tuple(
        replace(verdict, label=(Label.BYLINE, Label.BODY, Label.COPYRIGHT, verdict.label)[n % 4])
        for n, verdict in enumerate(judged.verdicts)
    )
    for verdicts in (judged.verdicts, other):
        facts = read_metadata(page, found, verdicts, CONFIG, None)
        assert facts.published_precision in _PRECISIONS
        assert facts.published_at is None or facts.published_precision in ("minute", "day", "address", "month", "year")
        assert facts.authors is None or (facts.authors and all(facts.authors))
        for name in ("site", "category", "source_name", "place", "rights", "published_raw"):
            value = getattr(facts, name)
            assert value is None or value.strip(), name


def _parts(octets: bytes) -> dict[str, str]:
    title, _, body = text_of(octets).partition("\n")
    return {TITLE: title, BODY: body}


def passes(octets: bytes) -> None:
    """What each pass proposes alone applies and is undone; it brings in no control character; flags lie in their part."""
    parts = _parts(octets)
    for folded, dump, spun in ((False, True, False), (True, False, True)):
        context = Context(CONFIG, BOOK, folded, None, dump, None, spun)
        for propose in PASSES:
            proposal = propose(Draft(parts), context)
            assert proposal == propose(Draft(parts), context), propose.__name__
            assert {edit.part for edit in proposal.edits} <= set(parts)
            for part, text in parts.items():
                _one_pass(text, [edit for edit in proposal.edits if edit.part == part], propose.__name__)
            _within(proposal.flags, parts)


def _one_pass(text: str, edits: list[Edit], name: str) -> None:
    after = apply(text, edits)
    assert apply(after, invert(edits)) == text, name
    assert all(edit.before != edit.after for edit in edits), name
    assert strange(after) <= strange(text), (name, strange(after))


def _within(flags: Iterable[Flag], parts: Mapping[str, str]) -> None:
    for flag in flags:
        assert flag.span.end <= len(parts[flag.part]), flag
        assert flag.rule, flag


def chain(octets: bytes) -> None:
    """All passes together are undone, leave nothing for a second run, and no layout."""
    parts = _parts(octets)
    draft = normalize(Document(parts), Context(CONFIG, BOOK))
    for part, text in parts.items():
        edits = [edit for edit in draft.edits if edit.part == part]
        assert undo(draft.parts[part], edits) == text
        aligned = align(text, edits)
        assert "".join(segment.before for segment in aligned) == text
        assert "".join(segment.after for segment in aligned) == draft.parts[part]
    _within(draft.flags, draft.parts)
    assert strange("".join(draft.parts.values())) <= strange(text_of(octets))
    assert all(line and line == line.strip() for line in draft.parts[BODY].split("\n")) or not draft.parts[BODY]
    assert normalize(Document(dict(draft.parts)), Context(CONFIG, BOOK)).edits == ()


def clean(octets: bytes) -> None:
    """A page is cleaned or rejected, always given back, the same twice and from another path; cleaned is clean."""
    page = page_of(octets)
    if isinstance(page, Rejection):
        holds_rejection(page)
        return
    result, found = clean_page(page), segment(page, CONFIG)
    assert result == clean_page(page)
    elsewhere = clean_page(replace(page, source_path="somewhere/else"))
    if isinstance(result, Rejection):
        holds_rejection(result)
        assert isinstance(elsewhere, Rejection)
        assert replace(elsewhere, source_path=result.source_path) == result
        if result.blocks:
            assert isinstance(found, Segmented)
            assert "".join(judged.text or "" for judged in result.blocks) == found.text
        return
    assert isinstance(found, Segmented)
    assert isinstance(elsewhere, Cleaned)
    assert replace(elsewhere.record, source_path=result.record.source_path) == result.record
    tiles(found)
    assert restore(result.record, result.blocks, result.edits) == found.text
    assert all((judged.text is None) == judged.verdict.kept for judged in result.blocks)
    _cleaned(result)


def _cleaned(result: Cleaned) -> None:
    record = result.record
    assert all(line and line == line.strip() for line in record.text.split("\n"))
    assert "\n" not in record.title
    record.text.encode()
    assert not strange(record.text + record.title), strange(record.text + record.title)
    parts = {TITLE: record.title, BODY: record.text}
    _within(result.flags, parts)
    assert normalize(Document(dict(parts)), Context(CONFIG, BOOK)).edits == ()
    for line in explain("page", parts, result.blocks, result.edits, result.flags):
        shown = printed("".join(run.text for run in line))
        assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in shown), shown


def masked(octets: bytes) -> None:
    """With masks on, a page is what it was but for the masks: the same verdicts, restored sign for sign, at rest, bare of data."""
    page = page_of(octets)
    if isinstance(page, Rejection):
        return
    on, off, found = clean_page(page, config=_MASKING), clean_page(page), segment(page, CONFIG)
    assert type(on) is type(off)
    if isinstance(on, Rejection) and isinstance(off, Rejection):
        assert (on.stage, on.rule) == (off.stage, off.rule)
    assert [judged.verdict for judged in on.blocks] == [judged.verdict for judged in off.blocks]
    if isinstance(on, Rejection):  # what spares a number may stand in the line above: all blocks are looked at together
        assert BOOK.personal.find("".join(judged.text or "" for judged in on.blocks)) == ()
    if isinstance(on, Cleaned) and isinstance(found, Segmented):
        text = restore(on.record, on.blocks, on.edits)
        assert BOOK.personal.find(text) == ()
        assert all(sign in (was, MASKED, "\u200b", " ") for sign, was in zip(text, found.text, strict=True))
        parts = {TITLE: on.record.title, BODY: on.record.text}
        assert not any(map(BOOK.personal.find, parts.values())), parts
        assert normalize(Document(dict(parts)), Context(_MASKING, BOOK)).edits == ()
