"""Blocks to verdicts: the public entry of labelling, the decision from top to bottom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qingwen.label.block_stats import TEASER_TITLE, BlockStats, measure
from qingwen.label.crf import BODY, DIRT, HEAD, NAMES, TAIL, decode, load_model
from qingwen.label.crf_features import page_features
from qingwen.label.rescue import rescue
from qingwen.label.second_article import SECOND, keep_one_article
from qingwen.label.title import decide_title, title_hint, title_span
from qingwen.label.zones import score_zones
from qingwen.model import Label, Segmented, Verdict
from qingwen.rules.book import RuleBook
from qingwen.rules.site_book import SiteBook
from qingwen.text.spans import Span

# The scopes of rules that may act on a block in each state.
_SCOPES = {HEAD: ("any", "head"), BODY: ("any", "article"), DIRT: ("any", "article"), TAIL: ("any", "tail")}
# A whole paragraph of the article that other pages of its site have too is kept, and the page is flagged by this name.
RECURRING = "site.recurring-paragraph"
# Rules whose verdict flags the page by their name: it holds a part of an article, or more than one.
FLAGGED = frozenset({RECURRING, SECOND, "nav.pagination"})


@dataclass(frozen=True, slots=True)
class Labelled:
    """The verdict of each block, in page order, and the span of the title in the page's text (None: no title)."""

    verdicts: tuple[Verdict, ...]
    title: Span | None


def label(segmented: Segmented, book: RuleBook, sites: SiteBook | None = None, site: str | None = None) -> Labelled:
    """Return what each block is; ``site`` is the page's name in ``sites``.

    Rules are evidence; the state of each block (head, body, dirt inside the article, tail) is decided over the whole
    sequence; then the first rule that may act in its state judges the block, else the state does.
    """
    blocks = measure(segmented, book, sites, site)
    zones = score_zones(blocks)
    hint = title_hint(blocks, zones.find_article(None))
    zone = zones.find_article(hint)
    features = page_features(blocks, hint, zone)
    model = load_model("html" if any(block.path for block in blocks) else "plain")
    scores = model.score(features)
    path = decode(model, scores.totals.tolist())
    states, others = keep_one_article(blocks, path, hint)
    states, rescued = rescue(blocks, states, hint)
    has_article = any(block.prose for block, state in zip(blocks, states, strict=True) if state == BODY)
    states = states if has_article else [HEAD] * len(blocks)
    title = decide_title(blocks, hint, states.index(BODY)) if has_article else hint
    span = title_span(segmented, title) if title is not None and has_article else None
    verdicts = []
    judged = zip(blocks, segmented.blocks, states, scores.reasons(states), scores.margins(BODY), strict=True)
    for n, (block, cut, state, why, score) in enumerate(judged):
        words_at = segmented.text.index(block.words, cut.span.start)
        verdict = _by_rule(block, words_at, state, score) or _by_state(why, state, score)
        if n == title and has_article:
            verdict = Verdict(Label.TITLE, "sequence.title", "the heading of the article", kept=True)
        elif n in others and state != BODY:
            verdict = Verdict(Label.RELATED, SECOND, "another article, with a byline of its own", False, score)
        elif n in rescued and verdict.kept and verdict.rule not in FLAGGED:
            verdict = replace(verdict, rule=rescued[n].rule, why=rescued[n].why)
        verdicts.append(verdict)
    return Labelled(tuple(_named_by_context(verdicts, blocks, title)), span)


def _by_rule(block: BlockStats, words_at: int, state: int, score: float) -> Verdict | None:
    """Return the verdict of the first rule that may act on a block in its state, or of its site's template or shape."""
    hit = next((hit for hit in block.block_hits if hit.rule.scope in _SCOPES[state]), None)
    if hit is not None:
        return Verdict(hit.rule.label, hit.rule.id, hit.rule.why, False, score, hit.span.shifted(words_at))
    if block.template and state == BODY and block.prose and block.ends_sentence:
        # A paper prints the same background in many stories: a sentence of an article stays, and the page is flagged.
        return Verdict(Label.BODY, RECURRING, block.template, True, score)
    if block.template:
        return Verdict(Label.SITE, "site.template", block.template, False, score)
    if block.teaser and state != BODY:
        what = "a title that stands twice" if block.teaser == TEASER_TITLE else "a snippet cut off at its end"
        return Verdict(Label.RELATED, block.teaser, f"{what}: the shape of a teaser", False, score)
    return None


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
