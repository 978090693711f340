"""The signs that the sequence model weighs: for each block what is true of it and of its neighbours.

A sign has a name, a sentence fragment that an explanation can print. Sizes and shares are cut into steps, so that every
sign is either there or not and a weight has one meaning. Signs come in families, of which a block has at most one each:
a page's signs are a table of numbers, a row for each family and a column for each block.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.label import feature_names
from qingwen.label.block_stats import Features, Ints, steps
from qingwen.label.feature_names import NAMES, Family
from qingwen.label.zones import zones

_DATE = re.compile(
    r"(?:19|20)[0-9]{2}\s{0,9}[-\u5e74/.]\s{0,9}[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}\s{1,9}[0-9]{1,2}:[0-9]{2}|[0-9]{1,2}:[0-9]{2}"
)
_SEPARATOR = re.compile(r"[|\uff5c>\u00bb\u203a\u00b7\u2022/]|\s-\s")
_OPENS = re.compile(r"[\u00b7\u2022\u25cf\u25a0\u25b6\u25c6\u2605\u203b\u30fb*#-]")
_ITEM = re.compile(
    r"(?:[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,9}|[0-9]{1,2})[\u3001.\uff0e)\uff09]"
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


@dataclass(frozen=True)
class Signs:
    """The signs of a page's blocks; ``table[family, block]`` is a sign's number, 0 for none."""

    table: Ints

    def names(self, n: int) -> list[str]:
        """Return the names of a block's signs, in the order of the families."""
        return [NAMES[number] for number in self.table[:, n].tolist() if number]


def signs_of(features: Sequence[Features], title: int | None) -> Signs:
    """Return the signs of each block, in page order. ``title`` is the block that is surely the title, or None."""
    if not features:
        return Signs(np.zeros((0, 0), dtype=np.int64))
    page = _Page(features, title)
    rows = [*page.zoned(), *page.own(), *page.markup(), *page.placed(), *page.titled(), *page.beside()]
    return Signs(np.vstack(rows))


class _Page:
    """A page's blocks as columns: what each says by itself, where it stands, and what it has in common with others."""

    def __init__(self, features: Sequence[Features], title: int | None) -> None:
        self.features, self.title, self.n = features, title, len(features)
        self.prose = self._flags(feature.prose for feature in features)
        self.size = self._ints(feature.size for feature in features)
        self.density = np.fromiter((feature.link_density for feature in features), dtype=np.float64, count=self.n)
        self.marked_up = self._flags(bool(feature.path) for feature in features)
        self.opens = self._flags(feature.opens_tail for feature in features)
        self.teaser = self._flags(bool(feature.structure) for feature in features)
        self.hit = self._flags(bool(feature.block_hits) for feature in features)
        self.sizes = steps(self.size, feature_names.SIZES)
        # Running text with nothing against it.
        solid = self.prose & (self.density < 0.3) & ~self.hit & ~self.teaser
        self.weights = np.where(solid, self.size, 0)
        self.before = np.concatenate(([0], np.cumsum(self.weights)))

    def _flags(self, values: Iterable[bool]) -> npt.NDArray[np.bool_]:
        return np.fromiter(values, dtype=np.bool_, count=self.n)

    def _ints(self, values: Iterable[int]) -> Ints:
        return np.fromiter(values, dtype=np.int64, count=self.n)

    def _prosed(self, family: Family, cases: Ints, here: npt.NDArray[np.bool_] | None = None) -> Ints:
        """Return the signs of a family of `_by_prose`."""
        return family.of(cases + self.prose * ((len(family.numbers) - 1) // 2), here)

    def zoned(self) -> list[Ints]:
        """Return what the hand-set weights say."""
        start, end = zones(self.features, self.title)
        places = np.arange(self.n)
        zone = (places >= start).astype(np.int64) + (places >= end)
        return [feature_names.HAND.of(zone), self._prosed(feature_names.HAND_PROSE, zone)]

    def own(self) -> list[Ints]:
        """Return what a block says by itself."""
        features, none = self.features, np.zeros(self.n, dtype=np.int64)
        size = np.maximum(1, self.size)
        rows = [
            feature_names.SIZE.of(self.sizes),
            self._prosed(feature_names.SIZE_PROSE, self.sizes),
            feature_names.SENTENCES.of(np.minimum(4, self._ints(feature.sentences for feature in features))),
            feature_names.COMMAS.of(np.minimum(4, self._ints(feature.commas for feature in features))),
            self._prosed(feature_names.ENDS, self._ints(feature.ends for feature in features)),
            feature_names.LITTLE_HAN.of(none, self._ints(feature.han for feature in features) * 2 < size),
            feature_names.DIGITS.of(none, self._ints(feature.digits for feature in features) * 3 > size),
            feature_names.LATIN.of(none, self._ints(feature.latin for feature in features) * 3 > size),
        ]
        said = np.array([_line(feature.words) if feature.size < _SHORT else _NO_LINE for feature in features])
        rows += (family.of(none, said[:, at]) for at, family in enumerate(feature_names.LINES))
        rows += (
            self._prosed(feature_names.CUT_OFF, none, self._flags(feature.cut_off for feature in features)),
            feature_names.TWICE.of(none, self._flags(feature.copies > 1 for feature in features)),
            feature_names.TEASER.of(none, self.teaser),
        )
        rows += self._rules()
        return [*rows, feature_names.OPENS_TAIL.of(none, self.opens)]

    def _rules(self) -> list[Ints]:
        """Return which labels and scopes the rules have that hit a block; families that no block has are left out."""
        labels: dict[str, list[int]] = {}
        scopes: dict[str, list[int]] = {}
        for n in np.flatnonzero(self.hit).tolist():
            for hit in self.features[n].block_hits:
                labels.setdefault(hit.rule.label.value, []).append(n)
                scopes.setdefault(hit.rule.scope, []).append(n)
        rows = []
        of_labels = (feature_names.LABELS, feature_names.RULES, labels)
        of_scopes = (feature_names.SCOPES, feature_names.RULE_SCOPES, scopes)
        for names, some, found in (of_labels, of_scopes):
            for name, family in zip(names, some, strict=True):
                if name in found:
                    row = np.zeros(self.n, dtype=np.int64)
                    row[found[name]] = family.numbers[0]
                    rows.append(row)
        return rows

    def markup(self) -> list[Ints]:
        """Return what a block's place in the markup says."""
        if not self.marked_up.any():
            return []
        none = np.zeros(self.n, dtype=np.int64)
        said = np.array([_path(feature.path) for feature in self.features])
        density = steps(self.density, feature_names.SHARES)
        outside = self._flags(feature.outside for feature in self.features) & self.marked_up
        return [
            feature_names.TAG_NAMES.of(said[:, 0], self.marked_up),
            feature_names.LINKED.of(density, self.marked_up),
            self._prosed(feature_names.LINKED_PROSE, density, self.marked_up),
            feature_names.CLASS_GOOD.of(none, self.marked_up & (said[:, 1] > 0)),
            feature_names.CLASS_BAD.of(none, self.marked_up & (said[:, 2] > 0)),
            self._prosed(feature_names.OUTSIDE, none, outside),
        ]

    def placed(self) -> list[Ints]:
        """Return where a block stands on the page and among its text."""
        total, none = max(1, int(self.before[-1])), np.zeros(self.n, dtype=np.int64)
        rows = [
            feature_names.PLACE.of(steps(np.arange(self.n) / self.n, feature_names.PLACES)),
            self._prosed(feature_names.ABOVE, steps(self.before[:-1] / total, feature_names.PLACES)),
            self._prosed(feature_names.BELOW, steps(1 - self.before[1:] / total, feature_names.PLACES)),
        ]
        if self.marked_up.any():
            weights = self.weights.tolist()
            for up, family in enumerate(feature_names.ALIKE):
                keys = [_above(feature.kind, up) for feature in self.features]
                shares: Counter[str] = Counter()
                for key, weight in zip(keys, weights, strict=True):
                    shares[key] += weight
                share = np.array([shares[key] for key in keys]) / total
                rows.append(self._prosed(family, steps(share, feature_names.SHARES), self.marked_up))
            rows.append(self._prosed(feature_names.MAIN, none, self._flags(feature.main for feature in self.features)))
        openers = self.opens & (self.density < 0.5)
        below = np.concatenate(([0], np.cumsum(openers)))[:-1] > 0
        return [*rows, self._prosed(feature_names.BELOW_OPENER, none, below)]

    def titled(self) -> list[Ints]:
        """Return how a block stands to the title, and how many of its words it shares."""
        rows = []
        if self.title is not None:
            away = np.arange(self.n) - self.title
            rows = [
                feature_names.TITLE_SIDE.of(np.sign(away) + 1),
                self._prosed(feature_names.BELOW_TITLE, np.clip(away - 1, 0, 2), (away > 0) & (away <= 3)),
            ]
        grams = _grams(self.features[self.title or 0].solid)
        if grams:
            shared = np.array(
                [_shared(grams, feature.solid) if feature.size >= _LEAST_SHARED else 0 for feature in self.features]
            )
            here = (self.size >= _LEAST_SHARED) & (np.arange(self.n) > 0)
            rows.append(
                self._prosed(feature_names.TITLE_WORDS, steps(shared / len(grams), feature_names.TITLE_SHARES), here)
            )
        return rows

    def beside(self) -> list[Ints]:
        """Return what stands around a block."""
        rows: list[Ints] = []
        sized = self.sizes + self.prose * (len(feature_names.SIZES) + 1)
        first = self._ints(
            feature_names.LABELS.index(feature.block_hits[0].rule.label.value) if feature.block_hits else -1
            for feature in self.features
        )
        kinds: dict[str, int] = {}
        kind = self._ints(kinds.setdefault(feature.kind, len(kinds)) for feature in self.features)
        linked = self.density > 0.5
        for other in feature_names.BESIDES:
            at = np.arange(self.n) + other.away
            there = (at >= 0) & (at < self.n)
            at = np.clip(at, 0, self.n - 1)
            none = np.zeros(self.n, dtype=np.int64)
            rows += (
                other.edge.of(none, ~there),
                other.size.of(sized[at], there),
                other.rule.of(first[at], there),
            )
            if abs(other.away) == 1:
                marked = there & self.marked_up[at]
                rows += (
                    other.path.of((kind[at] == kind).astype(np.int64), marked),
                    other.link.of(none, marked & linked[at]),
                    other.teaser.of(none, there & self.teaser[at]),
                    other.opener.of(none, there & self.opens[at]),
                )
        places = np.arange(self.n)
        near = self.before[np.minimum(self.n, places + 4)] - self.before[np.maximum(0, places - 3)] - self.weights
        return [*rows, self._prosed(feature_names.NEAR, steps(near, feature_names.AROUND))]


# A shorter block is a line, told apart by how it is written.
_SHORT = 60
_NO_LINE = (False,) * len(feature_names.LINES)
# A shorter block shares words with the title by chance.
_LEAST_SHARED = 8


@lru_cache(maxsize=65536)
def _line(words: str) -> tuple[bool, ...]:
    """Return what tells short lines apart, in the order of the families."""
    return (
        _DATE.search(words) is not None,
        len(_SEPARATOR.findall(words)) >= 2,
        _OPENS.match(words) is not None,
        _ITEM.match(words) is not None,
        _BRACKET.match(words) is not None,
        words[-1:] in ":\uff1a",
        len(_GAPS.findall(words)) >= 3,
    )


@lru_cache(maxsize=65536)
def _path(path: str) -> tuple[int, bool, bool]:
    """Return the case of a path's last tag, and whether its names say article or chrome."""
    parts = path.split("/")
    tag = _TAG.match(parts[-1])
    tokens = {token for step in parts[-4:] for token in _TOKEN.findall(step.partition(".")[2].lower())}
    tokens |= {token for step in parts[-4:] for token in _TOKEN.findall(step.partition("#")[2].lower())}
    name = tag[0] if tag else "?"
    case = feature_names.TAGS.index(name) if name in feature_names.TAGS else len(feature_names.TAGS)
    return case, bool(tokens & _GOOD), bool(tokens & _BAD)


@lru_cache(maxsize=65536)
def _above(path: str, up: int) -> str:
    return path.rsplit("/", up)[0] if up else path


def _grams(solid: str) -> frozenset[str]:
    return frozenset(solid[at : at + 2] for at in range(len(solid) - 1))


def _shared(grams: frozenset[str], solid: str) -> int:
    return sum(map(solid.__contains__, grams))
