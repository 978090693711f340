"""Blocks to verdicts: the public entry of labelling, the decision from top to bottom."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qingwen.label.article_element import BELOW_TITLE, place
from qingwen.label.block_stats import LINE_CHARS, NEVER_BODY, SECOND, TEASERS, BlockStats, mark_of, measure
from qingwen.label.confidence import Confidence, confidence_of
from qingwen.label.crf import BODY, DIRT, HEAD, NAMES, TAIL, Model, body_odds, decode, likely_path, load_model, widened
from qingwen.label.crf_features import page_features
from qingwen.label.rescue import rescue
from qingwen.label.second_article import keep_one_article
from qingwen.label.title import decide_title, named_title, title_span
from qingwen.model import BODY as BODY_PART
from qingwen.model import HIDDEN_TEXT, SCRIPT_TEXT, Flag, Label, Segmented, Verdict
from qingwen.rules.book import RuleBook
from qingwen.rules.line_rules import Rule
from qingwen.rules.site_book import SiteBook
from qingwen.text.spans import Span

# The scopes of rules that may act on a block in each state.
_SCOPES = {HEAD: ("any", "head"), BODY: ("any", "article"), DIRT: ("any", "article"), TAIL: ("any", "tail")}
# An article holds so much of the running text in its element.
_MOST_TEXT = 0.8
_ALL_LINK = 0.95
# So many characters of running text above the comments may be an article.
_LEAST_ARTICLE = 40
# A shorter sentence may be said twice.
_REPEATED_CHARS = 20
# Words of furniture, as log odds: a sentence with less reads as news.
_NEWS_WORDS = -0.5
# More, as log odds, changes nothing.
_CERTAIN = 50.0
# A text whose expected F1 is lower is flagged; so is one with a wider gap, as a share of its characters.
SURE, _WIDE_GAP = 0.9, 0.2
UNSURE, GAP = "label.unsure", "label.gap"
# A whole paragraph of the article that other pages of its site have too is kept, and the page is flagged by this name.
RECURRING = "site.recurring-paragraph"
# So is a sentence that reads as news, though a rule for advertisements hits it.
SPARED = "label.news-like-advertisement"
# Rules whose verdict flags the page by their name: these, and that it holds a part of an article, or more than one.
FLAGGED = frozenset({RECURRING, SECOND, SPARED, "nav.pagination"})


@dataclass(frozen=True, slots=True)
class Labelled:
    """The verdict of each block, in page order, and the span of the title in the page's text (None: no title).

    ``confidence`` says how sure the text is, ``flags`` what a person may want to know of the page as a whole.
    """

    verdicts: tuple[Verdict, ...]
    title: Span | None
    confidence: Confidence
    flags: tuple[Flag, ...]


def label(segmented: Segmented, book: RuleBook, sites: SiteBook | None = None, site: str | None = None) -> Labelled:
    """Return what each block is; ``site`` is the page's name in ``sites``.

    Rules are evidence; the state of each block (head, body, dirt inside the article, tail) is decided over the whole
    sequence; then the first rule that may act in its state judges the block, else the state does.
    """
    blocks = place(measure(segmented, book, sites, site))
    named = named_title(blocks)
    model = load_model("html" if any(block.path for block in blocks) else "plain")
    scores = model.score(page_features(blocks, named))
    emissions = scores.totals + _impossible(blocks, named)
    odds = body_odds(model, emissions)
    states, others = keep_one_article(blocks, _decide(model, emissions, odds, blocks), named)
    title = decide_title(blocks, named, states.index(BODY)) if BODY in states else named
    states, rescued = rescue(blocks, states, title)
    has_article = any(block.prose for block, state in zip(blocks, states, strict=True) if state == BODY)
    states = states if has_article else [HEAD] * len(blocks)
    repeated = _repeats(blocks, states)
    span = title_span(segmented, title) if title is not None and has_article else None
    verdicts = []
    judged = zip(blocks, segmented.blocks, states, scores.reasons(states), scores.margins(BODY), strict=True)
    for n, (block, cut, state, why, score) in enumerate(judged):
        words_at = segmented.text.index(block.words, cut.span.start)
        verdict = _by_rule(block, book, words_at, state, score) or _by_state(why, state, score)
        if n == title and has_article:
            verdict = Verdict(Label.TITLE, "sequence.title", "the heading of the article", kept=True)
        elif n in repeated:
            verdict = Verdict(
                Label.OTHER, "structure.repeated", "a paragraph that stands in the article already", False, score
            )
        elif n in others and state != BODY:
            verdict = Verdict(Label.RELATED, SECOND, "another article, with a byline of its own", False, score)
        elif n in rescued and verdict.kept and verdict.rule not in FLAGGED:
            verdict = replace(verdict, rule=rescued[n].rule, why=rescued[n].why)
        verdicts.append(verdict)
    kept = [verdict.kept and verdict.label is Label.BODY for verdict in verdicts]
    confidence = confidence_of(blocks, kept, odds, title)
    flags = tuple(_flags(blocks, kept, confidence, segmented))
    return Labelled(tuple(_named_by_context(verdicts, blocks, title)), span, confidence, flags)


def _decide(
    model: Model, emissions: npt.NDArray[np.float64], odds: npt.NDArray[np.float64], blocks: Sequence[BlockStats]
) -> list[int]:
    """Return the state of each block.

    In the markup, where the article's element bounds it, the likely one of each for itself; in a dump the best path
    over the whole page, which holds the surest paragraph if it holds no other, and what is likely beside it.
    """
    if blocks and blocks[-1].path and (likely := likely_path(odds)):
        return likely
    path = decode(model, emissions.tolist())
    text = np.array([block.running for block in blocks])
    if not text.any() or text[np.equal(path, BODY)].any():
        return widened(path, odds)
    others = np.delete(emissions, BODY, axis=1).max(axis=1)
    surest = int((text / (1 + np.exp(np.minimum(others - emissions[:, BODY], _CERTAIN)))).argmax())
    sure = emissions.copy()
    sure[surest, [HEAD, DIRT, TAIL]] = -np.inf
    return widened(decode(model, sure.tolist()), odds)


def _flags(
    blocks: Sequence[BlockStats], kept: Sequence[bool], confidence: Confidence, segmented: Segmented
) -> Iterator[Flag]:
    """Yield what goes wrong in silence elsewhere: an unsure text, a wide gap in it, a text that the page hides."""
    start = Span(0, 0)
    if confidence.value < SURE:
        yield Flag(BODY_PART, UNSURE, start, f"confidence {confidence.value}", None, "; ".join(confidence.doubts))
    inside = [n for n, mine in enumerate(kept) if mine]
    sizes = [0] * len(blocks)
    for n in range(inside[0], inside[-1]) if inside else ():
        block = blocks[n]
        if not kept[n] and block.prose and block.ends_sentence and not block.block_hits and block.link_density == 0:
            sizes[n] = block.size
    if sum(sizes) > _WIDE_GAP * sum(blocks[n].size for n in inside):
        yield Flag(BODY_PART, GAP, start, f"{sum(sizes)} characters", None, "left out between its paragraphs")
    for rule in (HIDDEN_TEXT, SCRIPT_TEXT):
        if rule in segmented.meta:
            yield Flag(BODY_PART, rule, start, "hidden", None, "the page shows next to nothing else")


def _repeats(blocks: Sequence[BlockStats], states: Sequence[int]) -> frozenset[int]:
    """Return the paragraphs that another element of the article repeats: its summary, or its copy for telephones.

    The one at the place of most of the article's text stays. A text that says a paragraph twice by itself keeps both.
    """
    text = Counter[str]()
    places: dict[str, list[int]] = {}
    for n, (block, state) in enumerate(zip(blocks, states, strict=True)):
        if state == BODY:
            text[block.path_kind] += block.size
            if block.prose and block.size >= _REPEATED_CHARS:
                places.setdefault(block.compact, []).append(n)
    found: set[int] = set()
    for same in places.values():
        stays = max((blocks[n].path_kind for n in same), key=lambda kind: (text[kind], kind))
        found.update(n for n in same if blocks[n].path_kind != stays)
    return frozenset(found)


def _impossible(blocks: Sequence[BlockStats], title: int | None) -> npt.NDArray[np.float64]:
    """Return minus infinity for each state that a block cannot have, else 0.

    No article is above the page's own title, if enough of the running text is below it. In the markup, where it is
    known what stands inside the article's element, the article neither ends before most of its text nor begins behind;
    what the markup states for its text is inside it.
    """
    found = np.zeros((len(blocks), len(NAMES)))
    found[[block.teaser in NEVER_BODY for block in blocks], BODY] = -np.inf
    text = np.array([block.inside * block.running for block in blocks])
    if not text.any():
        return found
    above, below = np.cumsum(text) / text.sum(), np.cumsum(text[::-1])[::-1] / text.sum()
    if blocks[-1].path:
        found[below > _MOST_TEXT, TAIL] = found[above > _MOST_TEXT, HEAD] = -np.inf
        found[np.ix_([block.stated is True for block in blocks], [HEAD, TAIL])] = -np.inf
        own = max(range(len(blocks)), key=text.__getitem__)
        found[[mark is not None for mark in _marks(blocks, blocks[own].path)], BODY] = -np.inf
        for n, block in enumerate(blocks):
            # A headline or an advertisement that is all link, and no paragraph like the article's.
            if block.link_density >= _ALL_LINK and not block.prose and block.path_kind != blocks[own].path_kind:
                found[n, BODY] = -np.inf
        found[_comments(blocks, text), BODY] = -np.inf
    if title is not None and 1 - above[title] >= BELOW_TITLE:
        found[: title + 1] = 0.0, -np.inf, -np.inf, -np.inf
    return found


def _marks(blocks: Sequence[BlockStats], own: str) -> list[str | None]:
    """Return what the markup says of each short line, if it does not say the same of the article's paragraphs."""
    mine = mark_of(own)
    marks = [mark_of(block.path) if block.size <= LINE_CHARS and block.path else None for block in blocks]
    return [
        mark if mark != mine and not (mark == "ad" and block.prose) else None
        for mark, block in zip(marks, blocks, strict=True)
    ]


def _comments(blocks: Sequence[BlockStats], text: npt.NDArray[np.float64]) -> list[int]:
    """Return what stands below the heading of the comments, in other elements than the article's paragraphs."""
    for n, block in enumerate(blocks):
        if block.opens_tail and block.block_hits[0].rule.label is Label.COMMENT and text[:n].sum() >= _LEAST_ARTICLE:
            own = {above.path_kind for above, chars in zip(blocks[:n], text.tolist(), strict=False) if chars}
            return [below for below in range(n, len(blocks)) if blocks[below].path_kind not in own]
    return []


def _by_rule(block: BlockStats, book: RuleBook, words_at: int, state: int, score: float) -> Verdict | None:
    """Return the verdict of the first rule that may act on a block in its state, or of its site's template or shape."""
    hit = next((hit for hit in block.block_hits if hit.rule.scope in _SCOPES[state]), None)
    if hit is not None and state == BODY and _is_news_to(hit.rule, book, block):
        return Verdict(Label.BODY, SPARED, f"reads as news, though {hit.rule.id} hits it", True, score)
    if hit is not None:
        return Verdict(hit.rule.label, hit.rule.id, hit.rule.why, False, score, hit.span.shifted(words_at))
    if state != BODY and block.size <= LINE_CHARS and mark_of(block.path) == "caption":
        return Verdict(Label.CAPTION, "structure.caption", "the markup says that it belongs to a picture", False, score)
    if block.template and state == BODY and block.prose and block.ends_sentence:
        # A paper prints the same background in many stories: a sentence of an article stays, and the page is flagged.
        return Verdict(Label.BODY, RECURRING, block.template, True, score)
    if block.template:
        return Verdict(Label.SITE, "site.template", block.template, False, score)
    if block.teaser and state != BODY:
        return Verdict(Label.RELATED, block.teaser, f"{TEASERS[block.teaser]}: another article's", False, score)
    return None


def _is_news_to(rule: Rule, book: RuleBook, block: BlockStats) -> bool:
    """Tell whether a whole sentence has the words of news: what a shipped rule for advertisements hits is its topic."""
    news = block.prose and block.ends_sentence and not block.cut_off and block.lexical <= _NEWS_WORDS
    return news and rule.label is Label.AD and rule.id not in book.own


def _by_state(why: str, state: int, score: float) -> Verdict:
    why = why or "what stands around it"
    if state == BODY:
        return Verdict(Label.BODY, "sequence.body", why, True, score)
    return Verdict(Label.OTHER, f"sequence.{NAMES[state]}", why, False, score)


def _named_by_context(verdicts: Sequence[Verdict], blocks: Sequence[BlockStats], title: int | None) -> list[Verdict]:
    """Name what the sequence alone dropped: a copy of the title, and what is below a heading of related articles."""
    title_words = None if title is None else blocks[title].words
    below: Label | None = None
    named = []
    for block, verdict in zip(blocks, verdicts, strict=True):
        if block.opens_tail and not verdict.kept:
            below = verdict.label
        if not verdict.kept and block.words == title_words and verdict.rule.startswith("sequence."):
            verdict = replace(verdict, label=Label.TITLE, rule="sequence.title-again", why="the title once more")
        elif below is not None and verdict.rule == "sequence.tail":
            verdict = replace(verdict, label=below, why=f"below the heading of {below.value} matter")
        named.append(verdict)
    return named
