"""Learn what a farm swaps: consistent differences between its articles and the same articles on an honest site.

What is learned are *proposed* rows of the substitution table, with their evidence: they act only after a person has
reviewed them.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from qingwen.clean import clean_page
from qingwen.config import Config
from qingwen.metadata.site import site_key
from qingwen.model import Cleaned, Rejection
from qingwen.normalize.masking import hide
from qingwen.read.containers import pages_of
from qingwen.read.page import Source
from qingwen.rules.book import RuleBook
from qingwen.rules.swapped_words import SwappedWordTable
from qingwen.segment.segment import segment

# Reposts differ in punctuation and white space for other reasons.
_SOLID = re.compile(r"[^\W_]+")

_SHINGLE, _SKETCH = 8, 64

# Values that two sketches must share; a value on more pages than the second number is boilerplate.
_SHARED, _COMMON = 6, 50

# Two texts are one article if this share of the shorter one is aligned.
_ALIGNED = 0.6


@dataclass(frozen=True)
class Text:
    """An article reduced to letters and digits, with its site and page."""

    page_id: str
    site: str
    solid: str

    @classmethod
    def of(cls, page_id: str, site: str, text: str) -> Text:
        """Return a text without its punctuation and white space."""
        return cls(page_id, site, "".join(_SOLID.findall(text)))

    @cached_property
    def sketch(self) -> tuple[int, ...]:
        """Return the smallest digests of the text's shingles of eight characters."""
        starts = range(max(1, len(self.solid) - _SHINGLE + 1))
        codes = {zlib.crc32(self.solid[at : at + _SHINGLE].encode("utf-8", "surrogatepass")) for at in starts}
        return tuple(heapq.nsmallest(_SKETCH, codes))


@dataclass(frozen=True)
class Pair:
    """One article on two sites; ``there[i]`` is the position in ``other`` of character ``i`` of ``here``, or -1."""

    here: Text
    other: Text
    there: tuple[int, ...]

    def turned(self) -> Pair:
        """Return the pair with both sides exchanged."""
        back = [-1] * len(self.other.solid)
        for at, place in enumerate(self.there):
            if place >= 0:
                back[place] = at
        return Pair(self.other, self.here, tuple(back))

    def across(self, start: int, end: int) -> str | None:
        """Return the other text's counterpart of a run, or None if the run's neighbours are not aligned."""
        left = self.there[start - 1] if start else -1
        right = self.there[end] if end < len(self.there) else len(self.other.solid)
        if (start and left < 0) or right < 0 or right - left - 1 > end - start + _SHINGLE:
            return None
        return self.other.solid[left + 1 : right]


def find_pairs(texts: Sequence[Text]) -> Iterator[Pair]:
    """Yield each text paired with its nearest text of every other site, each pair once, in a stable order."""
    holders: dict[int, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for code in text.sketch:
            holders[code].append(number)
    done: set[tuple[int, int]] = set()
    for number, text in enumerate(texts):
        shared: Counter[int] = Counter()
        for code in text.sketch:
            if len(holders[code]) <= _COMMON:
                shared.update(other for other in holders[code] if texts[other].site != text.site)
        best: dict[str, int] = {}
        for other, n in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
            if n >= _SHARED:
                best.setdefault(texts[other].site, other)
        for other in best.values():
            key = (min(number, other), max(number, other))
            if key not in done:
                done.add(key)
                pair = align(texts[key[0]], texts[key[1]])
                if pair is not None:
                    yield pair


def align(here: Text, other: Text) -> Pair | None:
    """Align two texts; return None if they are not the same article.

    >>> align(Text.of("1", "a", "天地玄黄，最好的宇宙洪荒"), Text.of("2", "b", "天地玄黄蕞好的宇宙洪荒")).across(4, 5)
    '蕞'
    """
    there = [-1] * len(here.solid)
    for op in Levenshtein.opcodes(here.solid, other.solid):
        if op.tag == "equal":
            there[op.src_start : op.src_end] = range(op.dest_start, op.dest_end)
    aligned = sum(place >= 0 for place in there)
    shorter = min(len(here.solid), len(other.solid))
    return Pair(here, other, tuple(there)) if aligned >= _ALIGNED * max(1, shorter) else None


# A difference counts if this many equal characters bound it on both sides, and neither side is longer than this.
_BOUND, _LONGEST = 3, 6

# Differences that are this few equal characters apart are one: 最高级 and 高水平 share 高.
_GLUE = 1

# Characters of context tried on each side of a difference.
_WIDEST = 2

# Share of a difference that one context must cover; where several contexts share it, the least share of each.
_COVER, _LEAST_COVER = 0.8, 0.15

# Least occurrences of a swap, least pages, and least share of the original's occurrences that are swapped.
_OCCURRENCES, _PAGES, _CONSISTENT = 5, 3, 0.93

# Share of a form's occurrences that replace the original: from here on class A (not a word) or B (contexts decide).
_PURE, _MOSTLY = 0.99, 0.9

_SHOWN, _AROUND = 3, 8


@dataclass(frozen=True, slots=True)
class Swap:
    """A learned substitution: how often it was seen, how consistently, and how pure its form is.

    ``native`` counts the form in the articles of all other sites.
    """

    site: str
    original: str
    form: str
    n: int
    pages: int
    consistency: float
    purity: float
    contexts: tuple[str, ...] = ()
    native: int = 0

    @property
    def kind(self) -> str:
        """Return the class of the row: A not a word, B contexts decide, C a synonym."""
        return "A" if self.purity >= _PURE and not self.native else "B" if self.purity >= _MOSTLY else "C"


@dataclass(frozen=True, slots=True)
class Mined:
    """Swaps of a crawl that the table does not know yet, and a one-line summary."""

    new: tuple[Swap, ...]
    summary: str


def mine(sources: Iterable[Source], config: Config, book: RuleBook, trusted: Iterable[str] = ()) -> Mined:
    """Learn swaps from a crawl's pages; ``trusted`` are sites that swap nothing."""
    texts = list(read_texts(sources, config, book))
    swaps = mine_swaps(texts, trusted)
    known = {(sub.form, sub.original) for sub in book.spun.rows}
    new = tuple(swap for swap in swaps if (swap.form, swap.original) not in known)
    sites = len({text.site for text in texts})
    found = f"{len(texts)} articles of {sites} sites: {len(swaps)} swaps found, {len(swaps) - len(new)} of them known"
    return Mined(new, found)


def read_texts(sources: Iterable[Source], config: Config, book: RuleBook) -> Iterator[Text]:
    """Yield the cleaned articles of pages with a known site, their swapped words not restored."""
    raw = replace(book, spun=SwappedWordTable())
    for page in pages_of(sources, config):
        segmented = page if isinstance(page, Rejection) else segment(page, config)
        if isinstance(page, Rejection) or isinstance(segmented, Rejection):
            continue
        site = site_key(page, hide(segmented, config, book.personal)[0])
        result = clean_page(page, config=config, rules=raw)
        if site is not None and isinstance(result, Cleaned):
            yield Text.of(page.id, site, f"{result.record.title}\n{result.record.text}")


def mine_swaps(texts: Sequence[Text], trusted: Iterable[str] = ()) -> list[Swap]:
    """Return the swaps of each site that shares articles with another, most frequent first.

    ``trusted`` says which of two sites is honest; without it, the farm is the site whose forms are rarer elsewhere.
    """
    honest = set(trusted)
    by_sites: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in find_pairs(texts):
        # Either side may be the honest one.
        for turned in (pair, pair.turned()):
            by_sites[turned.here.site, turned.other.site].append(turned)
    found: dict[str, list[Pair]] = defaultdict(list)
    for (here, other), pairs in sorted(by_sites.items()):
        if other in honest or (here not in honest and not _is_farm(other, here, pairs, texts)):
            continue
        found[other] += pairs
    swaps = [
        replace(swap, native=sum(text.solid.count(swap.form) for text in texts if text.site != site))
        for site, pairs in sorted(found.items())
        for swap in _swaps(site, pairs)
    ]
    return sorted(swaps, key=lambda swap: (-swap.n, swap.site, swap.original))


def _is_farm(site: str, honest: str, pairs: Sequence[Pair], texts: Sequence[Text]) -> bool:
    """Return whether a site's forms are rarer than their originals on all other sites."""
    others = [text.solid for text in texts if text.site not in (site, honest)]
    score = 0.0
    for swap in _swaps(site, pairs):
        n_original = sum(text.count(swap.original) for text in others)
        n_form = sum(text.count(swap.form) for text in others)
        if n_original != n_form:
            score += swap.n if n_original > n_form else -swap.n
        else:
            score += swap.n * (_commonness(swap.original) - _commonness(swap.form))
    return score > 0


def _commonness(word: str) -> float:
    """Return the share of a word's characters in GB 2312's first level, the common characters."""
    return sum(b"\xb0\xa1" <= char.encode("gb2312", "ignore") <= b"\xd7\xfe" for char in word) / max(1, len(word))


def _swaps(site: str, pairs: Sequence[Pair]) -> list[Swap]:
    """Return the smallest swaps that explain a site's differences."""
    backs = [pair.turned() for pair in pairs]
    accepted: list[Swap] = []
    for core, seen in sorted(_differences(pairs).items(), key=lambda item: (len(item[0][0] + item[0][1]), item[0])):
        tried = [
            (measured, n)
            for (original, form), n in sorted(seen.items(), key=lambda item: (len(item[0][0]), item[0]))
            if n >= max(_OCCURRENCES, _LEAST_COVER * seen[core]) and original and form
            if (measured := _measured(site, original, form, pairs, backs)) is not None
        ]
        # One context covers most of the difference; a wider one wins if its form is a purer word (国级, not 级).
        whole = [swap for swap, n in tried if n >= _COVER * seen[core]]
        if whole:
            chosen = [min(whole, key=lambda swap: (swap.kind, len(swap.original)))]
        else:  # two rows share the difference (首个, 首次)
            chosen = [swap for swap, _ in sorted(tried, key=lambda item: (len(item[0].original), -item[1]))]
        for swap in chosen:
            if not _explained(swap, accepted):
                accepted.append(swap)
    return accepted


def _differences(pairs: Sequence[Pair]) -> dict[tuple[str, str], Counter[tuple[str, str]]]:
    found: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for pair in pairs:
        here, other = pair.here.solid, pair.other.solid
        for (a, b), (c, d) in _cores(pair):
            core = (here[a:b], other[c:d])
            for left in range(_WIDEST + 1):
                for right in range(_WIDEST + 1):
                    found[core][here[a - left : b + right], other[c - left : d + right]] += 1
    return found


def _cores(pair: Pair) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the short differences of a pair that equal characters bound: the run here, the run there."""
    there = pair.there
    runs: list[list[int]] = []  # equal runs: start here, start there, length
    for at, place in enumerate(there):
        if place < 0:
            continue
        if runs and runs[-1][0] + runs[-1][2] == at and runs[-1][1] + runs[-1][2] == place:
            runs[-1][2] += 1
        else:
            runs.append([at, place, 1])
    solid = [run for run in runs if run[2] > _GLUE]
    for (a, c, size), (b, d, after) in pairwise(solid):
        core = (a + size, b), (c + size, d)
        longest = max(b - a - size, d - c - size)
        if min(size, after) >= _BOUND and 0 < longest <= _LONGEST:
            yield core


def _measured(site: str, original: str, form: str, pairs: Sequence[Pair], backs: Sequence[Pair]) -> Swap | None:
    """Return a swap with its figures, or None if it is too rare or inconsistent."""
    became, pages, contexts = _across(original, pairs, form)
    n = became[form]
    if n < _OCCURRENCES or pages < _PAGES or n < _CONSISTENT * sum(became.values()):
        return None
    came, _, _ = _across(form, backs, original)
    purity = came[original] / max(1, sum(came.values()))
    return Swap(site, original, form, n, pages, n / sum(became.values()), purity, contexts)


def _across(word: str, pairs: Sequence[Pair], wanted: str) -> tuple[Counter[str], int, tuple[str, ...]]:
    """Count the counterparts of a word; return them, the pages where it is ``wanted``, and some contexts of those."""
    found: Counter[str] = Counter()
    pages: set[str] = set()
    contexts: list[str] = []
    for pair in pairs:
        text = pair.here.solid
        at = text.find(word)
        while at >= 0:
            across = pair.across(at, at + len(word))
            if across is not None:
                found[across] += 1
            if across == wanted and pair.other.page_id not in pages:
                pages.add(pair.other.page_id)
                end = at + len(word)
                contexts.append(text[max(0, at - _AROUND) : at] + wanted + text[end : end + _AROUND])
            at = text.find(word, at + len(word))
    return found, len(pages), tuple(contexts[:_SHOWN])


def _explained(swap: Swap, accepted: Iterable[Swap]) -> bool:
    """Return whether smaller, accepted swaps produce the same form."""
    text = swap.original
    for smaller in accepted:
        text = text.replace(smaller.original, smaller.form)
    return text == swap.form


def to_toml(swaps: Iterable[Swap]) -> str:
    """Return swaps as proposed rows of a substitution table."""
    rows = [_row(swap) for swap in swaps]
    head = (
        "# Mined by `qingwen repairs mine`. A proposed row never acts: review it, write its clauses and cases,\n"
        '# and set status = "active".\n'
        "# Class A: the form is no word. Class B: write clauses that tell it from the word.\n"
        "# Class C: a synonym; no context tells it, and the row can only flag.\n"
    )
    return "\n".join([head, *rows])


def _row(swap: Swap) -> str:
    digest = hashlib.blake2b(f"{swap.site}\0{swap.original}\0{swap.form}".encode(), digest_size=4).hexdigest()
    why = (
        f"{swap.n} of the original on {swap.pages} pages of {swap.site}; consistency {swap.consistency:.3f}, "
        f"purity {swap.purity:.3f}; the form occurs {swap.native} times on other sites."
    )
    action = "restore" if swap.kind == "A" else "flag"
    values = {
        "id": f"mined.{digest}", "form": swap.form, "original": swap.original, "class": swap.kind,
        "status": "proposed", "source": "mined", "sites": [swap.site], "why": why, "since": "mined",
        "restores": list(swap.contexts),
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["[[sub]]", *lines, "", "[[sub.clause]]", 'id = "everywhere"', f'action = "{action}"', ""])
