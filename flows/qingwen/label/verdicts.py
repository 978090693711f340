"""Blocks to verdicts: the one public door of labelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qingwen.config import Config
from qingwen.label.features import Features, mark_outside, measure
from qingwen.label.sequence import ARTICLE, HEAD, TAIL, article_weight, zones
from qingwen.label.structure import TEASER_TITLE, mark_teasers
from qingwen.label.title import best_title, sure_title, title_span
from qingwen.model import Label, Segmented, Verdict
from qingwen.rules.book import Hit, RuleBook
from qingwen.text import Span

# Inside the article a line that is mostly links is a link list or a menu; names in running text are linked too.
_LIST_DENSITY = 0.7


@dataclass(frozen=True, slots=True)
class Labelled:
    """The verdict of each block, in page order, and the span of the title in the page's text (None: there is none)."""

    verdicts: tuple[Verdict, ...]
    title: Span | None
    title_block: int | None


def label(segmented: Segmented, book: RuleBook, config: Config) -> Labelled:
    """Return what each block is.

    Rules are evidence; the zones (head, article, tail) are decided over the whole sequence; then each block is judged
    by the rules that may act in its zone.
    """
    features = mark_teasers(measure(segmented, book))
    if any(block.path for block in segmented.blocks):
        features = mark_outside(features)
    title = sure_title(features)
    start, end = zones(features, title)
    if start < end and (title is None or title >= start):
        title = best_title(features, start)
    verdicts = []
    for n, (feature, block) in enumerate(zip(features, segmented.blocks, strict=True)):
        if n == title and start < end:
            verdicts.append(Verdict(Label.TITLE, "sequence.title", "the heading of the article", kept=True))
            continue
        zone = HEAD if n < start else ARTICLE if n < end else TAIL
        words_at = segmented.text.index(feature.words, block.span.start)
        verdicts.append(_verdict(feature, words_at, zone))
    span = title_span(segmented, title) if title is not None and start < end else None
    return Labelled(tuple(_renamed(verdicts, features, title)), span, title)


def _verdict(feature: Features, words_at: int, zone: str) -> Verdict:
    score = round(article_weight(feature), 3)
    hit = _deciding(feature.block_hits, zone)
    if hit is not None:
        return Verdict(hit.rule.label, hit.rule.id, hit.rule.why, False, score, hit.span.shifted(words_at))
    if feature.structure:
        label = Label.RELATED
        why = "a title that stands twice" if feature.structure == TEASER_TITLE else "a snippet cut off at its end"
        return Verdict(label, feature.structure, f"{why}: the shape of a teaser", False, score)
    if zone == ARTICLE:
        if feature.link_density >= _LIST_DENSITY and not feature.ends:
            why = f"{feature.link_density:.0%} of it is links"
            return Verdict(Label.NAV, "sequence.links", why, False, score)
        if feature.outside:
            return Verdict(Label.OTHER, "sequence.outside", "away from the container of the article", False, score)
        why = "running text between head and tail" if feature.prose else "a short line between paragraphs"
        return Verdict(Label.BODY, "sequence.article", why, True, score)
    if zone == HEAD:
        return Verdict(Label.OTHER, "sequence.head", "above the article", False, score)
    return Verdict(Label.OTHER, "sequence.tail", "below the article", False, score)


def _deciding(hits: Sequence[Hit], zone: str) -> Hit | None:
    """Return the first hit, in the order of the tables, that may act in the zone."""
    return next((hit for hit in hits if hit.rule.scope in (zone, "any")), None)


def _renamed(verdicts: list[Verdict], features: Sequence[Features], title: int | None) -> list[Verdict]:
    """Name what the zones alone dropped: a copy of the title, and what follows a heading of related articles."""
    wanted = "" if title is None else features[title].words
    below: Label | None = None
    named = []
    for feature, verdict in zip(features, verdicts, strict=True):
        if feature.opens_tail and not verdict.kept:
            below = verdict.label
        if not verdict.kept and wanted and feature.words == wanted and verdict.rule.startswith("sequence."):
            verdict = replace(verdict, label=Label.TITLE, rule="sequence.title-again", why="the title once more")
        elif below is not None and verdict.rule == "sequence.tail":
            verdict = replace(verdict, label=below, why=f"below the heading of {below.value} matter")
        named.append(verdict)
    return named
