"""How inputs are damaged, each kind in its own way: bytes of pages, markup, lines of text, containers, TOML, JSON.

A mutator takes an input and a source of chance and returns another input; all chance comes from that source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from qingwen import load_rules

Mutator = Callable[[bytes, Random], bytes]

# What decoders, parsers and passes treat apart.
TOKENS = (
    *(b"\x00", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b"\r", b"\r\n", b"\n\n", b"\x0b", b"\x1c"),
    *(b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xe2\x80\x8b", b"\xe2\x80\xae", b"\xef\xbf\xbd", b"\xee\x80\x80"),
    *(b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x8f\xbf\xbf", b"\xcc\x81", b"\xc2\xad", b"\xe3\x80\x80\xe3\x80\x80"),
    *(b"&#0;", b"&#x1b;", b"&#xd800;", b"&#x110000;", b"&amp;nbsp;", b"&amp;amp;lt;", b"&ldquo", b"&#", b"&#133;"),
    *(b"...", b",", b".", b"\"", b"'", b"(", b")", b"  ", b"\t", b"100%", b"1,000", b"3:05", b"http://a.b/c", b"<", b">"),
    *("\u00e4\u00b8\u00ad".encode(), "\u00c2\u0080".encode(), "\u00e2\u20ac\u0153".encode(), "(gu\u00f3)".encode(), "國".encode(), "頭部".encode()),
    *("蕕".encode(), "头部".encode(), "⺟".encode(), "\u2460".encode(), "，".encode(), "アの".encode(), "\ufe4f".encode()),
    *("中國".encode("gbk", "replace"), "中國".encode("big5"), b"\x81\x30\x81\x30", b"\x80", b"\xff"),
    *("记者 王某".encode(), "2023年5月30日 10:20".encode(), "8个月前 (09-29)".encode(), "版权声明:".encode()),
)  # fmt: skip
TAGS = (
    "p div span b a li ul td tr table th tbody h1 br img title head body html meta script style noscript template svg "
    "math select option textarea iframe form button frameset section pre caption font center nobr plaintext xmp object "
    "foreignObject desc mi annotation-xml"
).split()
ATTRIBUTES = (
    ' class="a b"', " id=c", " hidden", ' style="display:none"', ' href="//n.example/x"', " href=#", " name=author", ' content="王"',
    ' property="og:title"', ' rel=canonical', ' class="<&quot;>"', " id='a b/c'", " a=1 a=2", ' style="visibility :hidden', " encoding=text/html", " /",
)  # fmt: skip
_MARKUP = re.compile(rb"<[^<>]*>|[^<>]+|[<>]")
_WORDS = "清 文。 新华社5月30日电 &amp; &nbsp; &lt;p&gt; a 1".split()


def several(*ways: Mutator) -> Mutator:
    """Return a mutator that damages in one to four of these ways."""

    def mutate(octets: bytes, chance: Random) -> bytes:
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
            octets = chance.choice(ways)(octets, chance)
        return octets

    return mutate


def _stretch(octets: bytes, chance: Random, most: int = 400) -> tuple[int, int]:
    start = chance.randint(0, len(octets))
    return start, chance.randint(start, min(len(octets), start + chance.choice((1, 4, 30, most))))


def moved(octets: bytes, chance: Random) -> bytes:
    """Cut, double, or move a stretch."""
    start, end = _stretch(octets, chance)
    piece, rest = octets[start:end], octets[:start] + octets[end:]
    at = chance.randint(0, len(rest))
    return chance.choice((rest, octets[:end] + piece + octets[end:], rest[:at] + piece + rest[at:], octets[:end]))


def token(octets: bytes, chance: Random) -> bytes:
    """Put in what decoders and passes treat apart, once or more times, or in the place of something."""
    start, end = _stretch(octets, chance, 8)
    return octets[: chance.choice((start, end))] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 9)) + octets[end:]


def flipped(octets: bytes, chance: Random) -> bytes:
    """Change one byte."""
    at = chance.randint(0, max(0, len(octets) - 1))
    return octets[:at] + bytes([chance.randint(0, 255)]) + octets[at + 1 :]


def recoded(octets: bytes, chance: Random) -> bytes:
    """Write the text in another encoding, or in UTF-8 twice."""
    text = octets.decode("utf-8", "replace")
    name = chance.choice("gb18030 gbk big5hkscs utf-16 utf-16-le utf-16-be utf-32 utf-7 twice shift_jis".split())
    return octets.decode("latin-1").encode() if name == "twice" else text.encode(name, "replace")


@lru_cache(maxsize=1)
def phrases() -> tuple[bytes, ...]:
    """Return the cases of all rule tables: lines that a rule hits, or nearly."""
    book = load_rules()
    found = [case for rule in book.rules for case in (*rule.matches, *rule.spares, *rule.not_this)]
    found += [case for sub in book.spun.rows for case in (sub.form, *sub.restores, *sub.keeps)]
    found += [before for row in book.keep.rows for before, _ in row.turns]
    found += people()
    return tuple(case.encode() for case in found)


def people() -> list[str]:
    """Return the cases of the table of personal data, as they stand and with a character between or an entity."""
    rows = load_rules().personal
    found = [case for row in (*rows.masks, *rows.spares) for case in (*getattr(row, "matches", ()), *row.spares)]
    return [
        *found,
        *("\u200b".join(case) for case in found[::3]),
        *(case.replace("1", "&#49;") for case in found[1::3]),
    ]


def lines(octets: bytes, chance: Random) -> bytes:
    """Put in a line of the rules' cases, or double, join, shuffle or drop lines."""
    found = octets.split(b"\n")
    at = chance.randint(0, len(found) - 1)
    how = chance.randint(0, 5)
    if how == 0:
        found.insert(at, chance.choice(phrases()))
    elif how == 1:
        found[at] = found[at] + chance.choice((b"", b" ", b"    ")) + chance.choice(phrases())
    elif how == 2:
        found[at : at + 1] = [found[at]] * chance.choice((0, 2, 2, 5))
    elif how == 3:
        found[at : at + 2] = [chance.choice((b"", b" ", "　　".encode())).join(found[at : at + 2])]
    elif how == 4:
        found[at], found[-1] = found[-1], found[at]
    else:
        cut = chance.randint(0, len(found[at]))
        found[at : at + 1] = [found[at][:cut], found[at][cut:]]
    return b"\n".join(found)


def _element(chance: Random) -> str:
    tag = chance.choice(TAGS)
    attributes = "".join(chance.sample(ATTRIBUTES, chance.choice((0, 0, 1, 2))))
    return chance.choice((f"<{tag}{attributes}>", f"</{tag}>", f"<{tag}{attributes}>{chance.choice(_WORDS)}</{tag}>"))


def markup(octets: bytes, chance: Random) -> bytes:
    """Change the tags of a page: one more, one less, another order, other attributes, comments and sections."""
    found = _MARKUP.findall(octets) or [b""]
    at = chance.randint(0, len(found) - 1)
    how = chance.randint(0, 4)
    if how == 0:
        found.insert(at, _element(chance).encode() * chance.choice((1, 1, 3)))
    elif how == 1:
        del found[at : at + chance.choice((1, 1, 4))]
    elif how == 2:
        found.insert(chance.randint(0, len(found)), found[at])
    elif how == 3:
        found.insert(
            at, chance.choice((b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x", b"<!doctype html>", b"</", b"<"))
        )
    elif found[at].startswith(b"<"):
        found[at] = found[at][:-1] + chance.choice(ATTRIBUTES).encode() + found[at][-1:]
    return b"".join(found)


def wellformed(octets: bytes, chance: Random) -> bytes:
    """Write new markup, of which each element is closed where its writer meant it."""

    def inside(depth: int) -> str:
        pieces = []
        for _ in range(chance.choice((0, 1, 1, 2, 3, 4))):
            if depth == 0 or chance.random() < 0.45:
                pieces.append(
                    chance.choice(
                        (*_WORDS, " ", "\n", "<br>", "<img src=x>", "<script>x</script>", "<!-- x -->", "<hr>")
                    )
                )
                continue
            tag = chance.choice("p div span b a ul li h2 em section table blockquote article".split())
            attributes = "".join(
                chance.sample((' class="a b"', " id=c", " hidden", ' style="display:none"'), chance.choice((0, 0, 1)))
            )
            rows = "".join(
                f"<tr>{''.join(f'<td>{inside(0)}</td>' for _ in range(chance.randint(1, 3)))}</tr>" for _ in range(2)
            )
            pieces.append(
                f"<{tag}{attributes}>{f'<tbody>{rows}</tbody>' if tag == 'table' else inside(depth - 1)}</{tag}>"
            )
        return "".join(pieces)

    return inside(chance.randint(1, 6)).encode()


_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_NUMBERS = (b"0", b"-1", b"1", b"7", b"99", b"65536", b"4294967295", b"9" * 20, b"1e9", b"0777", b"", b"NaN")


def fields(octets: bytes, chance: Random) -> bytes:
    """Change what a container's reader believes: a number in digits or in binary, a header's name or value."""
    how = chance.randint(0, 3)
    if how == 0 and (found := list(re.finditer(rb"\d+", octets))):
        number = chance.choice(found)
        return octets[: number.start()] + chance.choice(_NUMBERS) + octets[number.end() :]
    if how == 1 and octets:
        at, size = chance.randint(0, len(octets) - 1), chance.choice((1, 2, 4, 8))
        value = (chance.choice(_EDGES) & (256**size - 1)).to_bytes(size, chance.choice(("little", "big")))
        return octets[:at] + value + octets[at + size :]
    if how == 2 and (found := list(re.finditer(rb"[A-Za-z-]+: [^\r\n]*", octets))):
        header = chance.choice(found)
        other = (
            chance.choice(found)[0]
            if chance.random() < 0.5
            else header[0].split(b":")[0] + b": " + chance.choice(TOKENS)
        )
        return octets[: header.start()] + chance.choice((other, b"")) + octets[header.end() :]
    return moved(octets, chance)


_TOML = ("1", "-1", "0.5", "inf", "nan", '""', '"x"', '"("', '"(a+)+$"', "[]", '[""]', "[1]", "[[1]]", "{}", "{a=1}", "true", "false", "1979-05-27", '"\\ud800"', '"\\U0010ffff"', "9" * 30)  # fmt: skip


def toml(octets: bytes, chance: Random) -> bytes:
    """Give a key of a table a value of another kind, or another name, or drop, double or move a row."""
    found = octets.split(b"\n")
    at = chance.randint(0, len(found) - 1)
    key, equals, value = found[at].partition(b"=")
    how = chance.randint(0, 4)
    if how <= 1 and equals:
        found[at] = key + b"= " + chance.choice(_TOML).encode()
    elif how == 2 and equals:
        found[at] = chance.choice((b"id ", b"colour ", b"left ", key.strip() + b".x ", b'"" ')) + b"=" + value
    elif how == 3:
        found[at : at + 1] = [found[at]] * chance.choice((0, 2))
    else:
        found.insert(
            chance.randint(0, len(found)),
            chance.choice(
                (
                    found[at],
                    b"[[rule]]",
                    b"[rule]",
                    b"[[sub]]",
                    b"[[sub.clause]]",
                    b"[[keep]]",
                    b"rule = 1",
                    b"[words]",
                    b"sub = {}",
                )
            ),
        )
    return b"\n".join(found)


_VALUES: Sequence[Any] = (None, True, 0, -1, 1.5, 10**30, float("inf"), float("nan"), "", "x", "\ud800", "\x00", [], {}, [1], {"a": 1}, [[]], "2023-05-30", "清文把新闻取出来。" * 20)  # fmt: skip


def tree(octets: bytes, chance: Random) -> bytes:
    """Change the JSON of an input (or of one of its lines) at one place: another value, a key less, a key more."""
    found = octets.split(b"\n") if octets.count(b"\n{") else [octets]
    at = chance.randint(0, len(found) - 1)
    try:
        stated = json.loads(found[at])
    except (ValueError, RecursionError):
        return moved(octets, chance)
    holder = [stated]
    here: Any = holder
    place: Any = 0
    while isinstance(here[place], dict | list) and here[place] and chance.random() < 0.8:
        here = here[place]
        place = chance.choice(list(here)) if isinstance(here, dict) else chance.randint(0, len(here) - 1)
    if isinstance(here, dict) and chance.random() < 0.3:
        here[chance.choice(("format", "__proto__", "", "x", "\ud800", *here))] = here.pop(place)
    elif len(here) > 1 and chance.random() < 0.2:
        del here[place]
    else:
        here[place] = chance.choice(_VALUES)
    found[at] = json.dumps(holder[0], ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    return b"\n".join(found)


BYTES = several(moved, token, flipped, recoded, lines)
PAGE = several(moved, token, lines, lines, markup)
TEXT = several(token, lines, lines, moved)
MARKUP = several(markup, markup, markup, token, moved)
WELLFORMED = several(wellformed, wellformed)
CONTAINER = several(fields, fields, moved, flipped)
TOML = several(toml, toml, toml, token, moved)
JSON = several(tree, tree, tree, moved, flipped)
