"""The text of an article that a page keeps in its scripts: JSON-LD, WeChat's and others' state.

A page that is drawn by its script shows nothing, and holds its text as a string. It is read where one string alone can
be the article. Where the page shows its text, what JSON-LD states (``articleBody``) tells which part of the page it is.
"""

import json
import re
from collections.abc import Iterator
from html import escape, unescape

# The most certain names first: a string under the first of these groups that holds an article is taken.
_NAMES = (
    r"articleBody",
    r"content_noencode",
    r"(?:article|news|post)?_?(?:content|body|text|html|detail)(?:_?(?:html|text))?",
)
_STRING = r"""["']?\s{0,9}[:=]\s{0,9}(?:[A-Za-z_]{1,20}\(\s{0,9})?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
_VALUES = [re.compile(rf"""(?:^|[^A-Za-z_-]){name}{_STRING}""", re.I | re.S) for name in _NAMES]
_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script", re.I | re.S)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.S)
_NAMED = {"n": "\n", "r": "\n", "t": " ", "b": " ", "f": " ", "v": " "}
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_BREAKS = re.compile(r"</?(?:p|div|br|li|h[1-6]|section|tr)\b[^<>]*>", re.I)
_HAN = re.compile("[\u4e00-\u9fff]")
_SENTENCE = re.compile("[。！？]")
# A string with less is no article; beside one, another with so large a share of its characters leaves open which it is.
_LEAST_HAN, _LEAST_SENTENCES, _RIVAL = 80, 2, 0.3
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def scripted_markup(markup: str) -> str | None:
    """Return the markup of the article that a page's scripts alone hold; None if not exactly one string can be it."""
    scripts = [found[1] for found in _SCRIPT.finditer(markup)]
    # State inside state: a string that holds JSON again.
    for texts in (scripts, [_decoded(text) for text in scripts if '\\"' in text]):
        for pattern in _VALUES:
            found = _only({text for value in _values(pattern, texts) if (text := _plain(value))})
            if found is not None:
                return found if _TAG.search(found) else "".join(f"<p>{escape(line)}</p>" for line in found.split("\n"))
    return None


def stated_body(markup: str) -> str:
    """Return the text that JSON-LD states for the article (``articleBody``), without white space; "" if none."""
    if "articleBody" not in markup:
        return ""
    scripts = (found[1] for found in _SCRIPT.finditer(markup) if "articleBody" in found[1])
    return max((_bare(_plain(value)) for value in _values(_VALUES[0], scripts)), key=len, default="")


def _values(pattern: re.Pattern[str], scripts: Iterator[str] | list[str]) -> Iterator[str]:
    for script in scripts:
        for found in pattern.finditer(script):
            yield _decoded(found[1] if found[1] is not None else found[2])


def _decoded(text: str) -> str:
    """Return the characters of a string of JavaScript or JSON."""

    def character(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else _NAMED.get(found[3], found[3])

    return _SURROGATES.sub(_joined, _ESCAPE.sub(character, text)) if "\\" in text else text


def _joined(pair: re.Match[str]) -> str:
    return str(json.loads(f'"\\u{ord(pair[0][0]):04x}\\u{ord(pair[0][1]):04x}"'))


def _plain(text: str) -> str:
    """Return a text whose markup is markup, not entities."""
    return unescape(text) if "&lt;" in text and not _TAG.search(text) else text


def _bare(text: str) -> str:
    return "".join(unescape(_TAG.sub("", _BREAKS.sub("\n", text))).split())


def _only(texts: set[str]) -> str | None:
    """Return the one text that can be an article, if no other but its own parts comes near it."""
    bare = sorted(((_bare(text), text) for text in texts), key=lambda pair: (-len(pair[0]), pair))
    able = [(words, text) for words, text in bare if _is_article(words)]
    if not able:
        return None
    longest, found = able[0]
    rivals = (words for words, _ in able[1:] if words not in longest)
    return None if any(len(words) > _RIVAL * len(longest) for words in rivals) else found


def _is_article(words: str) -> bool:
    return len(_HAN.findall(words)) >= _LEAST_HAN and len(_SENTENCE.findall(words)) >= _LEAST_SENTENCES
