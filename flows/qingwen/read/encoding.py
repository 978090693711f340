"""Bytes to text: byte-order mark, declaration, detection; damaged bytes are replaced and counted, never fatal."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

from qingwen.text.mojibake import undone_page

REPLACEMENT = "\ufffd"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Declared names are widened to the superset that browsers use for them (WHATWG Encoding Standard).
_WIDENED = {
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030",
    "gb_2312-80": "gb18030", "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "big5hkscs": "big5hkscs",
    "cp950": "big5hkscs", "utf8": "utf-8", "utf-8": "utf-8",
}  # fmt: skip
# Python's names of the encodings that pages are written in (those of the WHATWG standard, HZ, UTF-16 and UTF-32). A
# page may declare any name; what Python knows besides makes no text of bytes, or takes time without end (punycode).
_OF_PAGES = frozenset(
    "utf_8 utf_8_sig gb18030 big5hkscs big5 cp950 gbk gb2312 hz euc_jp euc_jis_2004 shift_jis shift_jisx0213 cp932 "
    "iso2022_jp euc_kr cp949 johab iso2022_kr koi8_r koi8_u cp866 mac_roman mac_cyrillic cp874 tis_620 latin_1 ascii "
    "utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be".split()
    + [f"cp{number}" for number in range(1250, 1259)]
    + [f"iso8859_{number}" for number in range(1, 17)]
)
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.I)
_HEAD_BYTES = 4096
_SAMPLE_CHARS = 6000
# Bytes that are no UTF-16 give, read as such, characters from all over: fewer than a third are common ones.
_SURELY = 0.8
# What a page's encoding is called that was encoded once more by a program that took its UTF-8 for Latin-1.
TWICE = "utf-8 twice"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded text, the encoding it was read in, and how many replacement characters stand for damaged bytes."""

    text: str
    encoding: str
    damaged: int = 0


def decode(octets: bytes, declared: str | None = None) -> Decoded:
    """Return the text of a file's bytes.

    The order is that of the WHATWG standard, with detection where it has none: byte-order mark; text that is valid
    UTF-8 (read once more where it was written twice); then, of what the page declares, what the detector says and the
    encodings of Chinese pages, the one that gives the most common Chinese characters for the fewest damaged ones.

    >>> decode("清文".encode("gbk")).text, decode("清文".encode("gbk")).encoding
    ('清文', 'gb18030')
    """
    for mark, encoding in _MARKS:
        if octets.startswith(mark):
            return _replaced(octets[len(mark) :], encoding)
    wide = _utf16(octets)
    if wide:
        return _replaced(octets, wide)
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        twice = undone_page(text)
        return Decoded(text, "utf-8") if twice is None else Decoded(twice, TWICE)
    return max((_replaced(octets, name) for name in _candidates(octets, declared)), key=_plausibility)


def _candidates(octets: bytes, declared: str | None) -> list[str]:
    found = _DECLARED.search(octets[:_HEAD_BYTES])
    stated = declared or (found[1].decode("ascii") if found else None)
    names = [_known(stated), _known(_detected(octets)), "utf-8", "gb18030", "big5hkscs"]
    return list(dict.fromkeys(name for name in names if name))


def _known(name: str | None) -> str | None:
    """Return the name of an encoding that pages are written in, or None, without a look-up (which imports modules)."""
    if not name:
        return None
    name = name.strip().lower()
    name = _WIDENED.get(name, name)
    if not (name.isascii() and name.isprintable()):
        return None  # normalised, such characters are left out; the codec is asked for the name as it stands
    plain = normalize_encoding(name)
    return name if aliases.get(plain, plain) in _OF_PAGES else None


def _detected(octets: bytes) -> str | None:
    from resiliparse.parse.encoding import detect_encoding

    name = detect_encoding(octets[:200_000])
    return str(name) if name else None


def _replaced(octets: bytes, encoding: str) -> Decoded:
    try:
        # What is valid may hold replacement characters of its own: they are no damage of these bytes.
        return Decoded(octets.decode(encoding), encoding)
    except UnicodeDecodeError:
        text = octets.decode(encoding, errors="replace")
    return Decoded(text, encoding, text.count(REPLACEMENT))


def _utf16(octets: bytes) -> str | None:
    """Tell UTF-16 without a mark by its zero bytes, more in one half of the pairs, and by what it then says."""
    sample = octets[:_HEAD_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(octets) % 2 or even + odd < 2:
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    return encoding if _common_share(sample.decode(encoding, errors="replace")) > _SURELY else None


def _plausibility(decoded: Decoded) -> float:
    sample = decoded.text[:_SAMPLE_CHARS]
    return _common_share(sample) - 3 * decoded.damaged / max(1, len(decoded.text))


def _common_share(text: str) -> float:
    common = _common()
    strange = [char for char in text if char > "\x7f"]
    return sum(char in common for char in strange) / len(strange) if strange else 1.0


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """Return the characters common in Chinese pages: level 1 of GB 2312 and of Big5, and both sets of marks."""
    chars = set()
    for encoding, rows in (("gb2312", (*range(0xA1, 0xA4), *range(0xB0, 0xD8))), ("big5", range(0xA1, 0xC7))):
        for row in rows:
            for cell in range(0x40, 0xFF):
                try:
                    chars.add(bytes((row, cell)).decode(encoding))
                except UnicodeDecodeError:
                    continue
    return frozenset(chars | set("\u2022\u00b7\u00a0\u3000\u00a9"))
