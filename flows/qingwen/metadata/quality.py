"""Quality signals of a finished text, and whether it is an article at all.

The signals and their limits are those of FineWeb-2 and Gopher, with FineWeb-2's values for Chinese. Users filter by
these columns; a page is rejected only if a signal shows that it holds no article.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qingwen.config import Config
from qingwen.text.characters import CLOSING_MARKS, HAN_RANGES, SENTENCE_ENDS, code_points

_KANA = re.compile(r"[\u3041-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
# A line that ends with one of these is prose, not a heading or an item of a list.
_LINE_ENDS = tuple(SENTENCE_ENDS + "；;.")
_NGRAM_DUP = (5, 6, 7, 8, 9, 10)
Codes = npt.NDArray[np.uint32]
Grams = npt.NDArray[np.uint64]
# Odd, so that multiplying loses no bit.
_STEP = np.uint64(0x9E3779B97F4A7C15)
# More of a text changes no figure and costs time.
_NGRAM_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no article: the rule and the detail."""

    rule: str
    detail: str


def signals(text: str, page_chars: int, masked: str = "") -> dict[str, float]:
    """Return the named quality signals of a text: shares from 0 to 1, except ``mean_paragraph`` (characters).

    ``page_chars`` counts the characters of the page without white space; ``removed_ratio`` is the share of them that is
    not in the text. ``masked`` are the characters behind the masks in the text: Han characters among them count.
    """
    lines = [line for line in text.split("\n") if line]
    solid = "".join(text.split())
    codes = code_points(solid + masked)
    counted = Counter(lines)
    repeated = sum(n * len(line) for line, n in counted.items() if n > 1) - sum(
        len(line) for line, n in counted.items() if n > 1
    )
    found = {
        "han_ratio": _han(codes) / max(1, len(solid)),
        "line_punct": sum(line.rstrip(CLOSING_MARKS).endswith(_LINE_ENDS) for line in lines) / max(1, len(lines)),
        "dup_line": sum(n - 1 for n in counted.values()) / max(1, len(lines)),
        "dup_char": repeated / max(1, len(solid)),
        "newline_ratio": text.count("\n") / max(1, len(text)),
        "mean_paragraph": len(solid) / max(1, len(lines)),
        "removed_ratio": max(0.0, 1 - len(solid) / max(1, page_chars)),
    }
    found.update(_ngrams(codes[: min(len(solid), _NGRAM_CHARS)]))
    return {name: round(value, 4) for name, value in found.items()}


def _han(codes: Codes) -> int:
    found = np.zeros(len(codes), dtype=np.bool_)
    for first, last in HAN_RANGES:
        found |= (codes >= first) & (codes <= last)
    return int(np.count_nonzero(found))


def _ngrams(codes: Codes) -> dict[str, float]:
    """Return the share of the most frequent 2- to 4-gram, and of repeated 5- to 10-grams, of characters.

    N-grams are compared by a hash of 64 bits: two different ones are equal once in 10^14 texts.
    """
    wide = codes.astype(np.uint64)
    size = max(1, len(wide))
    found = {f"dup_{n}gram": 0.0 for n in _NGRAM_DUP}
    grams = wide
    for n in range(2, _NGRAM_DUP[0]):
        grams = grams[:-1] * _STEP + wide[n - 1 :]
        found[f"top_{n}gram"] = min(1.0, _most(grams) * n / size)
    places = np.arange(len(grams))
    for n in _NGRAM_DUP:
        # Only a gram whose shorter beginning is repeated can be repeated.
        inside = places + n <= len(wide)
        grams = grams[inside] * _STEP + wide[places[inside] + n - 1]
        twice = _repeated(grams)
        places, grams = places[inside][twice], grams[twice]
        if not len(places):
            break
        found[f"dup_{n}gram"] = min(1.0, (n + int(np.minimum(np.diff(places), n).sum())) / size)
    return found


def _most(grams: Grams) -> int:
    if not len(grams):
        return 0
    ordered = np.sort(grams)
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    return int(np.diff(ends, prepend=-1).max())


def _repeated(grams: Grams) -> npt.NDArray[np.bool_]:
    order = np.argsort(grams)
    ordered = grams[order]
    same = ordered[1:] == ordered[:-1]
    found = np.zeros(len(grams), dtype=np.bool_)
    found[order[1:][same]] = True
    found[order[:-1][same]] = True
    return found


def fault_of(text: str, quality: Mapping[str, float], config: Config, masked: str = "") -> Fault | None:
    """Return why the text is no Chinese article, or None.

    The reasons are another language, too short a text, and a list page; a poor text is kept, with its signals. Letters
    behind masks (``masked``) count as letters.
    """
    size = len("".join(text.split()))
    if _KANA.search(text) or _HANGUL.search(text):
        letters = len(re.findall(r"\w", text + masked)) or 1
        kana = len(_KANA.findall(text)) / letters
        if kana > config.max_kana_ratio:
            return Fault("reject.language", f"{kana:.0%} of the letters are kana: Japanese.")
        if len(_HANGUL.findall(text)) / letters > config.max_kana_ratio:
            return Fault("reject.language", "The text has Hangul: Korean.")
    if quality["han_ratio"] < config.min_han_ratio:
        return Fault(
            "reject.language", f"{quality['han_ratio']:.0%} Han characters, {config.min_han_ratio:.0%} needed."
        )
    if size < config.min_article_chars:
        return Fault("reject.too-short", f"{size} characters are left, {config.min_article_chars} needed.")
    if quality["line_punct"] < config.min_line_punct and quality["mean_paragraph"] < config.min_article_chars:
        detail = f"{quality['line_punct']:.0%} of the lines end a sentence, {config.min_line_punct:.1%} needed: a list."
        return Fault("reject.list-page", detail)
    return None
