"""Blocks to verdicts: the one public door of labelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qingwen.label.block_stats import Features, mark_outside, measure
from qingwen.label.crf import BODY, DIRT, HEAD, NAMES, TAIL, decode, load_model
from qingwen.label.crf_features import signs_of
from qingwen.label.rescue import RESCUES, rescue
from qingwen.label.second_article import SECOND, part_articles
from qingwen.label.teasers import TEASER_TITLE, mark_teasers
from qingwen.label.title import below_title, best_title, likely_title, title_span
from qingwen.model import Label, Segmented, Verdict
from qingwen.rules.book import Hit, RuleBook
from qingwen.rules.site_book import SiteBook
from qingwen.text.spans import Span

# Where each state lies, in the words of a rule's scope.
_SCOPES = {HEAD: "head", BODY: "article", DIRT: "article", TAIL: "tail"}
# A whole paragraph of the article that its site's other pages hold too: kept, and the page flagged by this name.
RECURRING = "site.recurring-paragraph"
# Rules whose hit flags the page by their name: it holds a part of an article, or more than one.
FLAGGED = frozenset({RECURRING, SECOND, "nav.pagination"})


@dataclass(frozen=True, slots=True)
class Labelled:
    """The verdict of each block, in page order, and the span of the title in the page's text (None: there is none)."""

    verdicts: tuple[Verdict, ...]
    title: Span | None


def label(segmented: Segmented, book: RuleBook, sites: SiteBook | None = None, site: str | None = None) -> Labelled:
    """Return what each block is; ``site`` is the page's name in the ``sites``.

    Rules are evidence; the state of each block (head, body, dirt inside the article, tail) is decided over the whole
    sequence; then each block is judged by the first rule that may act where it stands, else by its state.
    """
    features = mark_teasers(measure(segmented, book, sites, site))
    marked_up = any(block.path for block in segmented.blocks)
    if marked_up:
        features = mark_outside(features)
    title = likely_title(features)
    model = load_model("html" if marked_up else "plain")
    weighed = model.weigh(signs_of(features, title))
    emissions = weighed.totals.tolist()
    path = decode(model, emissions)
    if title is not None:
        path = below_title(features, path, title)
    path, others = part_articles(features, path, title)
    states, rescued = rescue(features, path, title)
    body = [n for n, state in enumerate(states) if state == BODY]
    if not any(features[n].prose for n in body):
        states, body = [HEAD] * len(features), []
    elif title is None or title >= body[0]:
        title = best_title(features, body[0])
    whys = weighed.why(states) if features else []
    verdicts = []
    for n, feature in enumerate(features):
        if n == title and body:
            verdicts.append(Verdict(Label.TITLE, "sequence.title", "the heading of the article", kept=True))
            continue
        score = round(emissions[n][BODY] - max(emissions[n][state] for state in (HEAD, DIRT, TAIL)), 3)
        words_at = segmented.text.index(feature.words, segmented.blocks[n].span.start)
        if n in others and states[n] != BODY:
            verdicts.append(Verdict(Label.RELATED, SECOND, "another article, with a byline of its own", False, score))
            continue
        found = _by_rule(feature, words_at, states[n], score) or _by_state(whys[n], states[n], score)
        if found.kept and n in rescued and found.rule not in FLAGGED:
            found = replace(found, rule=rescued[n], why=RESCUES[rescued[n]])
        verdicts.append(found)
    span = title_span(segmented, title) if title is not None and body else None
    return Labelled(tuple(_renamed(verdicts, features, title)), span)


def _by_rule(feature: Features, words_at: int, state: int, score: float) -> Verdict | None:
    hit = _deciding(feature.block_hits, _SCOPES[state])
    if hit is not None:
        return Verdict(hit.rule.label, hit.rule.id, hit.rule.why, False, score, hit.span.shifted(words_at))
    if feature.template and state == BODY and feature.prose and feature.ends:
        # A paper prints the same background in many stories: a sentence of an article stays, and is named.
        return Verdict(Label.BODY, RECURRING, feature.template, True, score)
    if feature.template:
        return Verdict(Label.SITE, "site.template", feature.template, False, score)
    if feature.structure and state != BODY:
        what = "a title that stands twice" if feature.structure == TEASER_TITLE else "a snippet cut off at its end"
        return Verdict(Label.RELATED, feature.structure, f"{what}: the shape of a teaser", False, score)
    return None


def _by_state(signs: str, state: int, score: float) -> Verdict:
    why = signs or "what stands around it"
    if state == BODY:
        return Verdict(Label.BODY, "sequence.body", why, True, score)
    return Verdict(Label.OTHER, f"sequence.{NAMES[state]}", why, False, score)


def _deciding(hits: Sequence[Hit], zone: str) -> Hit | None:
    """Return the first hit, in the order in which the book tells them, that may act in the zone."""
    return next((hit for hit in hits if hit.rule.scope in (zone, "any")), None)


def _renamed(verdicts: list[Verdict], features: Sequence[Features], title: int | None) -> list[Verdict]:
    """Name what the sequence alone dropped: a copy of the title, and what follows a heading of related articles."""
    wanted = "" if title is None else features[title].words
    below: Label | None = None
    named = []
    for feature, verdict in zip(features, verdicts, strict=True):
        if feature.opens_tail and not verdict.kept:
            below = verdict.label
        if not verdict.kept and wanted and feature.words == wanted and verdict.rule.startswith("sequence."):
            verdict = replace(verdict, label=Label.TITLE, rule="sequence.title-again", why="the title once more")
        elif below is not None and verdict.rule == "sequence.tail":
            why = f"below the heading of {below.value} matter"
            verdict = Verdict(below, verdict.rule, why, False, verdict.score, verdict.evidence)
        named.append(verdict)
    return named
