"""Decode pages: byte-order mark, declaration, detection. Damaged bytes are replaced and counted, never fatal."""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

import webencodings

from qingwen.text.mojibake import undone_page

REPLACEMENT = "\ufffd"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Names that are no WHATWG labels, though pages and crawlers use them for these encodings.
_MORE_LABELS = {"cp936": "gbk", "cp950": "big5", "big5hkscs": "big5"}
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.I)
_HEAD_BYTES = 4096
_SAMPLE_CHARS = 6000
# Other bytes read as UTF-16 give characters from everywhere: fewer than a third of them are common.
_MIN_COMMON_SHARE_OF_UTF16 = 0.8
# The encoding of a page that a program encoded once more because it took its UTF-8 for Latin-1.
TWICE = "utf-8 twice"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded text, its encoding, and the number of replacement characters in the place of damaged bytes."""

    text: str
    encoding: str
    damaged: int = 0


def decode(octets: bytes, declared: str | None = None) -> Decoded:
    """Decode the bytes of a page.

    A byte-order mark decides, then valid UTF-8 (decoded twice if it was encoded twice). Otherwise the declared
    encoding, the detected one and those of Chinese pages are tried; the one that gives the most common Chinese
    characters and the fewest damaged ones wins.

    >>> decode("清文".encode("gbk")).text, decode("清文".encode("gbk")).encoding
    ('清文', 'gb18030')
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
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
    names = [codec_of(stated), codec_of(_detected(octets)), "utf-8", "gb18030", "big5hkscs"]
    return list(dict.fromkeys(name for name in names if name))


def codec_of(label: str | None) -> str | None:
    """Return Python's codec for a label of the WHATWG Encoding Standard, or None.

    Other codecs that Python knows by name make no text of bytes, or take time without end (punycode). As in browsers, a
    label means the superset of its encoding: Latin-1 is windows-1252, Big5 has the characters of Hong Kong.
    """
    if not label or not label.isascii():
        return None
    label = label.strip().lower()
    found = webencodings.lookup(_MORE_LABELS.get(label, label))
    if found is None or found.name in ("replacement", "x-user-defined"):
        return None
    if found.name == "gbk":
        return "gb18030"
    name: str = webencodings.PYTHON_NAMES.get(found.name, found.name)
    return name


def _detected(octets: bytes) -> str | None:
    from resiliparse.parse.encoding import detect_encoding

    name = detect_encoding(octets[:200_000])
    return str(name) if name else None


def _replaced(octets: bytes, encoding: str) -> Decoded:
    try:
        # A valid text may hold replacement characters of its own: they are not damage of these bytes.
        return Decoded(octets.decode(encoding), encoding)
    except UnicodeDecodeError:
        text = octets.decode(encoding, errors="replace")
    return Decoded(text, encoding, text.count(REPLACEMENT))


def _utf16(octets: bytes) -> str | None:
    """Detect UTF-16 without a byte-order mark: zero bytes mostly in one half of the pairs, and common characters."""
    sample = octets[:_HEAD_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(octets) % 2 or even + odd < 2:
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    return encoding if _common_share(sample.decode(encoding, errors="replace")) > _MIN_COMMON_SHARE_OF_UTF16 else None


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
    tables = (("gb2312", (*range(0xA1, 0xA4), *range(0xB0, 0xD8))), ("big5", range(0xA1, 0xC7)))
    chars = {
        bytes((row, cell)).decode(encoding, "ignore")
        for encoding, rows in tables
        for row in rows
        for cell in range(0x40, 0xFF)
    }
    return frozenset(chars | set("•·\u00a0\u3000©"))
