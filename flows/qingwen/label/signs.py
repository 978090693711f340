"""The signs that the sequence model weighs: for each block the names of what is true of it and of its neighbours.

A name is a sentence fragment that an explanation can print. Sizes and shares are cut into steps, so that every sign is
either there or not and a weight has one meaning.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from qingwen.label.features import Features
from qingwen.label.sequence import ARTICLE, HEAD, TAIL, zones

_SIZES = (0, 3, 6, 10, 15, 25, 40, 80, 160, 400)
_SHARES = (0.001, 0.25, 0.5, 0.8, 0.95)
_PLACES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_DIGIT = re.compile(r"[0-9]")
_LATIN = re.compile(r"[A-Za-z]")
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}\s*[-\u5e74/.]\s*[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}\s+[0-9]{1,2}:[0-9]{2}|[0-9]{1,2}:[0-9]{2}"
)
_SEPARATOR = re.compile(r"[|\uff5c>\u00bb\u203a\u00b7\u2022/]|\s-\s")
_OPENS = re.compile(r"[\u00b7\u2022\u25cf\u25a0\u25b6\u25c6\u2605\u203b\u30fb*#-]")
_ITEM = re.compile(
    r"(?:[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]+|[0-9]{1,2})[\u3001.\uff0e)\uff09]"
)
_BRACKET = re.compile(r"[\[\u3010(\uff08\u201c\u300a]")
_GAPS = re.compile(r"[ \u3000\xa0]+")
_TAG = re.compile(r"[a-z0-9]+")
_TOKEN = re.compile(r"[a-z]{3,}")
# Words that makers of pages put into ids and classes.
_GOOD = frozenset(
    "article content contents text body detail main news story zoom post entry cont artibody endtext editor "
    "contenttext paragraph neirong zhengwen wenzhang trs".split()
)
_BAD = frozenset(
    "nav menu foot footer copyright comment comments related relate side sidebar share tool tools hot rank ranking "
    "list link links head header top bottom banner login search recommend tag tags pic ads adv bread crumb "
    "page pages left right".split()
)


def signs_of(features: Sequence[Features], title: int | None) -> list[list[str]]:
    """Return the signs of each block, in page order. ``title`` is the block that is surely the title, or None."""
    if not features:
        return []
    page = _Page(features, title)
    start, end = zones(features, title)
    signs = []
    for n, feature in enumerate(features):
        zone = HEAD if n < start else ARTICLE if n < end else TAIL
        kind = "prose" if feature.prose else "no prose"
        by_hand = [f"the hand-set weights say {zone}", f"{kind}, the hand-set weights say {zone}"]
        signs.append(by_hand + _own(feature) + page.placed(n) + page.beside(n))
    return signs


def _step(value: float, steps: Sequence[float]) -> str:
    at = bisect_right(steps, value)
    return f"{steps[at - 1] if at else 0:g}-{steps[at]:g}" if at < len(steps) else f"{steps[-1]:g}+"


def _size(feature: Features) -> str:
    return _step(feature.size, _SIZES)


def _own(feature: Features) -> list[str]:
    """Return what a block says by itself."""
    words, size = feature.words, max(1, feature.size)
    prose = "prose" if feature.prose else "no prose"
    signs = [
        f"{_size(feature)} characters",
        f"{prose}, {_size(feature)} characters",
        f"{min(feature.sentences, 4)} sentence marks",
        f"{min(feature.commas, 4)} commas",
        f"{prose}, {'ends' if feature.ends else 'does not end'} a sentence",
    ]
    if feature.han * 2 < size:
        signs.append("mostly no Han")
    if len(_DIGIT.findall(words)) * 3 > size:
        signs.append("a third digits")
    if len(_LATIN.findall(words)) * 3 > size:
        signs.append("a third Latin letters")
    if feature.size < 60:
        signs += _line(feature)
    if feature.cut_off:
        signs.append(f"{prose}, breaks off in dots")
    if feature.copies > 1:
        signs.append("stands twice on the page")
    if feature.structure:
        signs.append("shape of a teaser")
    signs += sorted({f"rule of {hit.rule.label.value}" for hit in feature.block_hits})
    signs += sorted({f"rule for the {hit.rule.scope}" for hit in feature.block_hits})
    if feature.opens_tail:
        signs.append("heading of other matter")
    if feature.path:
        signs += _markup(feature, prose)
    return signs


def _line(feature: Features) -> list[str]:
    """Return what tells short lines apart."""
    words = feature.words
    signs = []
    if _DATE.search(words):
        signs.append("short, with a date or time")
    if len(_SEPARATOR.findall(words)) >= 2:
        signs.append("short, with separators")
    if _OPENS.match(words):
        signs.append("short, opens with a bullet")
    if _ITEM.match(words):
        signs.append("short, opens with a number")
    if _BRACKET.match(words):
        signs.append("short, opens with a bracket")
    if words[-1:] in ":\uff1a":
        signs.append("short, ends in a colon")
    if len(_GAPS.findall(words)) >= 3:
        signs.append("short, with gaps")
    return signs


def _markup(feature: Features, prose: str) -> list[str]:
    steps = feature.path.split("/")
    tag = _TAG.match(steps[-1])
    density = _step(feature.link_density, _SHARES)
    signs = [
        f"tag {tag[0] if tag else '?'}",
        f"link density {density}",
        f"{prose}, link density {density}",
    ]
    tokens = {token for step in steps[-4:] for token in _TOKEN.findall(step.partition(".")[2].lower())}
    tokens |= {token for step in steps[-4:] for token in _TOKEN.findall(step.partition("#")[2].lower())}
    if tokens & _GOOD:
        signs.append("class names say article")
    if tokens & _BAD:
        signs.append("class names say chrome")
    if feature.outside:
        signs.append(f"{prose}, outside the main container")
    return signs


_WHERE = ("in elements like this", "in parents like this", "in grandparents like this")


def _above(path: str, up: int) -> str:
    return path.rsplit("/", up)[0] if up else path


class _Page:
    """What blocks have in common: where the running text lies, where the title is."""

    def __init__(self, features: Sequence[Features], title: int | None) -> None:
        self.features, self.title = features, title
        weights = [feature.size if _solid(feature) else 0 for feature in features]
        self.before = [0, *accumulate(weights)]
        self.shares: list[Counter[str]] = [Counter(), Counter(), Counter()]
        for feature, weight in zip(features, weights, strict=True):
            for up, counter in enumerate(self.shares):
                counter[_above(feature.kind, up)] += weight
        openers = [feature.opens_tail and feature.link_density < 0.5 for feature in features]
        self.openers = [0, *accumulate(openers)]
        self.title_grams = _grams(features[title].words) if title is not None else _grams(features[0].words)

    def placed(self, n: int) -> list[str]:
        """Return where a block stands on the page."""
        feature, total = self.features[n], max(1, self.before[-1])
        above, below = self.before[n] / total, 1 - self.before[n + 1] / total
        prose = "prose" if feature.prose else "no prose"
        signs = [
            f"{_step(n / len(self.features), _PLACES)} of the page above",
            f"{prose}, {_step(above, _PLACES)} of the text above",
            f"{prose}, {_step(below, _PLACES)} of the text below",
        ]
        if feature.path:
            signs += (
                f"{prose}, {_step(counter[_above(feature.kind, up)] / total, _SHARES)} of the text {_WHERE[up]}"
                for up, counter in enumerate(self.shares)
            )
        if feature.main:
            signs.append(f"{prose}, where most text stands")
        if self.openers[n]:
            signs.append(f"{prose}, below a heading of other matter")
        if self.title is not None:
            away = n - self.title
            signs.append("the title" if away == 0 else f"{'below' if away > 0 else 'above'} the title")
            if 0 < away <= 3:
                signs.append(f"{prose}, {away} below the title")
        if n and feature.size >= 8 and self.title_grams:
            shared = len(self.title_grams & _grams(feature.words)) / len(self.title_grams)
            signs.append(f"{prose}, shares {_step(shared, (0.1, 0.3, 0.6))} of the title")
        return signs

    def beside(self, n: int) -> list[str]:
        """Return what stands around a block."""
        signs = []
        for away in (-2, -1, 1, 2):
            at = n + away
            name = f"{abs(away)} {'above' if away < 0 else 'below'}"
            if not 0 <= at < len(self.features):
                signs.append(f"{name}: the page's edge")
                continue
            other = self.features[at]
            signs.append(f"{name}: {'prose' if other.prose else 'no prose'}, {_size(other)} characters")
            if other.block_hits:
                signs.append(f"{name}: rule of {other.block_hits[0].rule.label.value}")
            if abs(away) == 1:
                if other.path:
                    same = "the same path" if other.kind == self.features[n].kind else "another path"
                    signs.append(f"{name}: {same}")
                    if other.link_density > 0.5:
                        signs.append(f"{name}: a link")
                if other.structure:
                    signs.append(f"{name}: shape of a teaser")
                if other.opens_tail:
                    signs.append(f"{name}: heading of other matter")
        near = self.before[min(len(self.features), n + 4)] - self.before[max(0, n - 3)]
        mine = self.features[n].size if _solid(self.features[n]) else 0
        prose = "prose" if self.features[n].prose else "no prose"
        signs.append(f"{prose}, {_step(near - mine, (1, 40, 120, 300))} characters of text around")
        return signs


def _solid(feature: Features) -> bool:
    """Tell whether a block is running text with nothing against it."""
    return feature.prose and feature.link_density < 0.3 and not feature.block_hits and not feature.structure


def _grams(words: str) -> frozenset[str]:
    solid = "".join(words.split())
    return frozenset(solid[at : at + 2] for at in range(len(solid) - 1))
