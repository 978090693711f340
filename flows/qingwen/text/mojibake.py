"""Mojibake that can be undone exactly: UTF-8 that was read as Latin-1 or as Windows-1252, and written again.

Nothing is guessed: a run is undone only when its characters are the bytes of valid UTF-8, so that doing the damage
again gives the run back, and when ftfy's ``fix_encoding`` says the same. What GBK or lost bytes made of a text cannot
be undone.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Windows-1252 has characters in the place of most C1 controls; the other five bytes pass as they are.
_WINDOWS = {bytes((code,)).decode("cp1252", "ignore"): code for code in range(0x80, 0xA0)}
_BYTES = {**{chr(code): code for code in range(0x100)}, **{char: code for char, code in _WINDOWS.items() if char}}
# What a run begins with: most texts hold none of them.
LEADS = re.compile("[\u00c2-\u00f4]")
# So much of a page's text beyond ASCII must be such runs before the whole page counts as written twice.
_WHOLE_PAGE = 0.5


@lru_cache(maxsize=1)
def runs() -> re.Pattern[str]:
    """Return the pattern of runs of characters that are the bytes of UTF-8 sequences."""
    follow = "[\\u0080-\\u00bf" + "".join(map(re.escape, sorted(set(_WINDOWS) - {""}))) + "]"
    sequence = f"(?:[\\u00c2-\\u00df]{follow}|[\\u00e0-\\u00ef]{follow}{{2}}|[\\u00f0-\\u00f4]{follow}{{3}})"
    # Beside other characters of Latin-1 the run is a chance: GBK read as Latin-1 holds such pairs too.
    return re.compile(f"(?<![\\u0080-\\u00ff]){sequence}+(?![\\u0080-\\u009f\\u00a1-\\u00ff])")


def undone(run: str) -> str | None:
    """Return what a run stood for before it was read wrongly, or None: it cannot be told exactly.

    >>> undone("ä¸\\xadå›½"), undone("naïve")
    ('中国', None)
    """
    from ftfy import fix_encoding

    text = run
    while runs().fullmatch(text):
        before = _once(text)
        if before is None:
            break
        text = before
    return text if text != run and fix_encoding(run) == text else None


def undone_page(text: str) -> str | None:
    """Return a page's text that was written as UTF-8 twice, read once more; None: it was not."""
    if not LEADS.search(text):
        return None
    strange = sum(char > "\x7f" for char in text[:20_000])
    inside = sum(len(found[0]) for found in runs().finditer(text[:20_000]))
    return _once(text) if strange and inside > _WHOLE_PAGE * strange else None


def _once(text: str) -> str | None:
    try:
        return bytes(_BYTES[char] for char in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
