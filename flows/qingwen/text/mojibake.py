"""Mojibake that can be undone exactly: UTF-8 that was read as Latin-1 or Windows-1252 and written again.

Nothing is guessed: a run is undone only if its characters are the bytes of valid UTF-8, so that repeating the damage
gives the run back, and if ftfy's ``fix_encoding`` agrees. Damage by GBK or by lost bytes cannot be undone.
"""

import re
from functools import lru_cache

# Windows-1252 has characters for most bytes of C1 controls; the other five bytes stay as they are.
_WINDOWS = {bytes((code,)).decode("cp1252", "ignore"): code for code in range(0x80, 0xA0)}
_BYTES = {**{chr(code): code for code in range(0x100)}, **{char: code for char, code in _WINDOWS.items() if char}}
# A run begins with one of these; most texts hold none.
LEADS = re.compile("[\u00c2-\u00f4]")
# If this share of a page's non-ASCII text is such runs, the whole page was encoded twice.
_WHOLE_PAGE = 0.5


@lru_cache(maxsize=1)
def runs() -> re.Pattern[str]:
    """Return the pattern of runs of characters that are the bytes of UTF-8 sequences."""
    follow = "[\\u0080-\\u00bf" + "".join(map(re.escape, sorted(set(_WINDOWS) - {""}))) + "]"
    sequence = f"(?:[\\u00c2-\\u00df]{follow}|[\\u00e0-\\u00ef]{follow}{{2}}|[\\u00f0-\\u00f4]{follow}{{3}})"
    # Beside other Latin-1 characters a run may be chance: GBK read as Latin-1 holds such pairs too.
    return re.compile(f"(?<![\\u0080-\\u00ff]){sequence}+(?![\\u0080-\\u009f\\u00a1-\\u00ff])")


def undone(run: str) -> str | None:
    """Return the text that a run was before it was read in a wrong encoding, or None if that is uncertain.

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
    """Return the text of a page that was encoded as UTF-8 twice, decoded once more; None if it was encoded once."""
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
