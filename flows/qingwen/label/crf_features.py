"""The features that the sequence model weighs: for each block what is true of it and of its neighbours.

Sizes and shares are cut into steps, so that every feature is either there or not and a weight has one meaning. A page's
features are a table of their numbers: a row for each group of `feature_names`, a column for each block.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qingwen.label.block_stats import DATE, LINE_CHARS, SOME_LINKS, BlockStats, Ints, steps
from qingwen.label.feature_names import (
    ELEMENTS,
    GROUPS,
    INSIDE,
    LABELS,
    LEXICAL,
    LINES,
    NAMES,
    NEARBY_LEXICAL,
    NEARBY_SIZES,
    NEIGHBOURS,
    PLACES,
    SCOPES,
    SHARES,
    SIZES,
    TAGS,
    TITLE_SHARES,
)

_SEPARATOR = re.compile(r"[|｜>»›·•/]|\s-\s")
_BULLET = re.compile(r"[·•●■▶◆★※・*#-]")
_ITEM = re.compile(r"(?:[一二三四五六七八九十]{1,9}|[0-9]{1,2})[、.．)）]")
_BRACKET = re.compile(r"[\[【(（“《]")
_GAPS = re.compile(r"[ \u3000\xa0]+")
_TAG = re.compile(r"[a-z0-9]+")
_NO_LINE = (False,) * len(LINES)
# A shorter block shares words with the title by chance.
_TITLE_WORDS_CHARS = 8

Flags = npt.NDArray[np.bool_]
_NUMBERS = {name: n for n, name in enumerate(NAMES)}
# The numbers of each group's features by case; the last, -1, is for none.
_GROUP_NUMBERS = {key: np.array([*map(_NUMBERS.__getitem__, names), 0]) for key, names in GROUPS.items()}


@dataclass(frozen=True)
class PageFeatures:
    """The features of a page's blocks; ``table[group, block]`` is a feature's number, 0 for none."""

    table: Ints

    def names(self, n: int) -> list[str]:
        """Return the names of a block's features, in the order of the groups."""
        return [NAMES[number] for number in self.table[:, n].tolist() if number]


def page_features(blocks: Sequence[BlockStats], title: int | None) -> PageFeatures:
    """Return the features of each block, in page order.

    ``title``: the block that the page names as its title.
    """
    if not blocks:
        return PageFeatures(np.zeros((0, 0), dtype=np.int64))
    page = _Page(blocks)
    own = (*page.words(), *page.rules(), *page.markup())
    return PageFeatures(np.vstack((*own, *page.place(), *page.title(title), *page.neighbours())))


class _Page:
    """A page's blocks as columns, and the rows of their features."""

    def __init__(self, blocks: Sequence[BlockStats]) -> None:
        self.blocks, self.n, self.places = blocks, len(blocks), np.arange(len(blocks))
        columns: Any = BlockStats._make(zip(*blocks, strict=True))
        self.columns = columns
        self.prose, self.size, self.density, self.opens_tail = map(
            np.array, (columns.prose, columns.size, columns.link_density, columns.opens_tail)
        )
        self.marked_up, self.teaser, self.hit = (
            np.array([bool(value) for value in column]) for column in (columns.path, columns.teaser, columns.block_hits)
        )
        self.size_steps = steps(self.size, SIZES)
        # The characters of running text with nothing against it: in each block, and above each.
        running = self.prose & (self.density < SOME_LINKS) & ~self.hit & ~self.teaser
        self.inside, self.lexical = np.array(columns.inside), np.array(columns.lexical)
        self.text = np.where(running, self.size, 0) * self.inside / (1 + np.exp(self.lexical - 1))
        self.text_above = np.concatenate(([0], np.cumsum(self.text)))

    def _row(self, group: str, cases: Ints | int, where: Flags | None = None) -> Ints:
        """Return the features of a group: each block's case (-1: none), in the blocks where it is asked."""
        found = _GROUP_NUMBERS[group][cases]
        return found if where is None else np.where(where, found, 0)

    def _prose_row(self, group: str, cases: Ints | int, where: Flags | None = None) -> Ints:
        """Return the features of a group that tells blocks of prose from others."""
        return self._row(group, cases + self.prose * (len(GROUPS[group]) // 2), where)

    def words(self) -> Iterator[Ints]:
        """Yield what a block's words say."""
        columns = self.columns
        yield self._row("size", self.size_steps)
        yield self._prose_row("size and prose", self.size_steps)
        yield self._row("sentence marks", np.minimum(4, columns.sentence_marks))
        yield self._row("commas", np.minimum(4, columns.commas))
        yield self._prose_row("sentence end", np.array(columns.ends_sentence, dtype=np.int64))
        yield self._prose_row("lexical", steps(self.lexical, LEXICAL))
        lines = np.array([_line(block.words) if block.size < LINE_CHARS else _NO_LINE for block in self.blocks])
        for at, line in enumerate(LINES):
            yield self._row(f"line {line}", 0, lines[:, at])
        yield self._prose_row("cut off", 0, np.array(columns.cut_off))
        yield self._row("repeated", 0, np.array(columns.copies) > 1)
        yield self._row("teaser", 0, self.teaser)

    def rules(self) -> Iterator[Ints]:
        """Yield the labels and scopes of the rules that hit a block; groups that no block has are left out."""
        found: dict[str, list[int]] = {}
        for n in np.flatnonzero(self.hit).tolist():
            for hit in self.blocks[n].block_hits:
                found.setdefault(f"rule label {hit.rule.label.value}", []).append(n)
                found.setdefault(f"rule scope {hit.rule.scope}", []).append(n)
        for group in (*(f"rule label {label}" for label in LABELS), *(f"rule scope {scope}" for scope in SCOPES)):
            if group in found:
                there = np.zeros(self.n, dtype=np.bool_)
                there[found[group]] = True
                yield self._row(group, 0, there)
        yield self._row("opens tail", 0, self.opens_tail)

    def markup(self) -> Iterator[Ints]:
        """Yield what a block's place in the markup says."""
        if not self.marked_up.any():
            return
        described = {path: _tag(path) for path in set(self.columns.path)}
        paths = np.array([described[path] for path in self.columns.path])
        density = steps(self.density, SHARES)
        yield self._row("tag", paths, self.marked_up)
        yield self._row("links", density, self.marked_up)
        yield self._prose_row("links and prose", density, self.marked_up)
        yield self._prose_row("inside", steps(self.inside, INSIDE), self.marked_up)

    def place(self) -> Iterator[Ints]:
        """Yield where a block is on the page and among its text."""
        total = max(1.0, float(self.text_above[-1]))
        yield self._row("place", steps(self.places / self.n, PLACES))
        yield self._prose_row("text above", steps(self.text_above[:-1] / total, PLACES))
        yield self._prose_row("text below", steps(1 - self.text_above[1:] / total, PLACES))
        kinds = np.zeros(self.n, dtype=np.int64)
        if self.marked_up.any():
            sizes = self.text.tolist()
            for up, what in enumerate(ELEMENTS):
                keys = [kind.rsplit("/", up)[0] if up else kind for kind in self.columns.path_kind]
                inside: Counter[str] = Counter()
                for key, size in zip(keys, sizes, strict=True):
                    inside[key] += size
                shares = np.array([inside[key] for key in keys]) / total
                yield self._prose_row(f"text in {what}", steps(shares, SHARES), self.marked_up)
            by_kind: Counter[str] = Counter()
            for kind, size in zip(self.columns.path_kind, self.text.tolist(), strict=True):
                by_kind[kind] += size
            own = max(by_kind, key=lambda kind: (by_kind[kind], kind))
            near = own.rsplit("/", 1)[0]
            cases = [0 if kind == own else 1 if kind.startswith(near) else 2 for kind in self.columns.path_kind]
            kinds = np.array(cases)
            yield self._prose_row("own kind", kinds, self.marked_up)
        openers = self.opens_tail & (self.density < 0.5)
        below = np.concatenate(([0], np.cumsum(openers)))[:-1] > 0
        yield self._prose_row("below opener", np.minimum(kinds, 1), below)

    def title(self, title: int | None) -> Iterator[Ints]:
        """Yield where a block is beside the title, and how many of its words it shares."""
        if title is not None:
            away = self.places - title
            yield self._row("side of title", np.sign(away) + 1)
            yield self._prose_row("below title", np.clip(away - 1, 0, 2), (away > 0) & (away <= 3))
        words = self.blocks[title or 0].compact
        pairs = {words[at : at + 2] for at in range(len(words) - 1)}
        if pairs:
            shared = [
                sum(map(block.compact.__contains__, pairs)) if block.size >= _TITLE_WORDS_CHARS else 0
                for block in self.blocks
            ]
            asked = (self.size >= _TITLE_WORDS_CHARS) & (self.places > 0)
            yield self._prose_row("title words", steps(np.array(shared) / len(pairs), TITLE_SHARES), asked)

    def neighbours(self) -> Iterator[Ints]:
        """Yield what is around a block."""
        sizes = self.size_steps + self.prose * (len(SIZES) + 1)
        labels = [block.block_hits[0].rule.label.value if block.block_hits else None for block in self.blocks]
        rules = np.array([-1 if label is None else LABELS.index(label) for label in labels])
        dated, numbers = np.array(self.columns.dated), dict[str, int]()
        kinds = np.array([numbers.setdefault(kind, len(numbers)) for kind in self.columns.path_kind])
        for away, where in NEIGHBOURS.items():
            at = self.places + away
            there = (at >= 0) & (at < self.n)
            at = np.clip(at, 0, self.n - 1)
            yield self._row(f"{where}: edge", 0, ~there)
            yield self._row(f"{where}: size", sizes[at], there)
            yield self._row(f"{where}: rule", rules[at], there)
            yield self._row(f"{where}: lexical", steps(self.lexical[at], NEARBY_LEXICAL), there)
            marked_up = there & self.marked_up[at]
            yield self._row(f"{where}: path", (kinds[at] == kinds).astype(np.int64), marked_up)
            yield self._row(f"{where}: link", 0, marked_up & (self.density[at] > 0.5))
            yield self._prose_row(f"{where}: dated", 0, there & dated[at])
            yield self._row(f"{where}: teaser", 0, there & self.teaser[at])
            yield self._row(f"{where}: opener", 0, there & self.opens_tail[at])
        first, last = np.maximum(0, self.places - 3), np.minimum(self.n, self.places + 4)
        nearby = self.text_above[last] - self.text_above[first] - self.text
        yield self._prose_row("text nearby", steps(nearby, NEARBY_SIZES))


def _line(words: str) -> tuple[bool, ...]:
    """Return how a short line is written, in the order of `LINES`."""
    return (
        DATE.search(words) is not None,
        len(_SEPARATOR.findall(words)) >= 2,
        _BULLET.match(words) is not None,
        _ITEM.match(words) is not None,
        _BRACKET.match(words) is not None,
        words[-1:] in ":：",
        len(_GAPS.findall(words)) >= 3,
    )


def _tag(path: str) -> int:
    """Return the case of a path's last tag (-1: none)."""
    tag = _TAG.match(path, path.rfind("/") + 1)
    name = tag[0] if tag else "?"
    return TAGS.index(name) if name in TAGS else -1
