"""HTML to blocks through lexbor (selectolax): the fast reader. The only file that imports selectolax.

The tree drops what is not shown and unwraps what bounds no block, all in C; what is left is written out as clean
markup, of which one pattern reads tag after tag. The blocks are those of the reference reader (``soup.py``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import unescape

from selectolax.lexbor import LexborHTMLParser

from qingwen.config import Config
from qingwen.model import HEAD_PATH, Segmented
from qingwen.segment.hostile_markup import refuse_hostile
from qingwen.segment.markup import (
    BLOCK,
    HIDDEN,
    SPACE,
    UNSEEN,
    TooDeepError,
    Walk,
    cells_of,
    stated,
    step_of,
)

# Elements inside a line; links stay, their text is counted.
_INLINE = (
    "span b i strong em font u small sub sup s strike ins del big tt nobr label abbr acronym cite code kbd var samp q "
    "time mark img input wbr bdo dfn output picture source"
).split()
_VOID = frozenset("br hr img input wbr col area source track param keygen frame".split())
# Written out, text holds no "<", and no attribute's value holds ">"; in broken markup names may hold anything else.
_TOKEN = re.compile(r"<!--.*?-->|<(/?)([A-Za-z][^\s>/]*)([^>]*)>|([^<]+)", re.DOTALL)
# Elements whose text is no markup, and is written out as it is.
_RAW = re.compile("<(?:xmp|plaintext)", re.I)
_ID, _CLASS = re.compile(r'\sid="([^"]*)"'), re.compile(r'\sclass="([^"]*)"')

Token = tuple[str, str, str, str]


_DEFAULT = Config()


def segment_lexbor(markup: str, config: Config = _DEFAULT) -> Segmented:
    """Cut a page's markup into its blocks; the page's text is the block texts joined by newlines.

    The ``<title>`` is the first block. What a browser does not show (scripts, styles, hidden elements) is no text.
    A row of a data table is one block, its cells joined by tabs.

    Raises:
        TooDeepError: the limits are passed; the message says which. ``max_depth`` counts elements that bound blocks.
    """
    refuse_hostile(markup, max_depth=config.max_depth, max_tags=config.max_tags)
    tree = LexborHTMLParser(markup.encode("utf-8", "replace"))
    walk = Walk(config.max_blocks, config.max_path_chars)
    title = tree.css_first("title")
    if title is not None and (words := title.text()):
        walk.put(words, linked=False)
        walk.flush(HEAD_PATH)
    meta = _meta(tree)
    body = tree.body
    if body is not None:
        tree.strip_tags(list(UNSEEN - {"head"}))
        _drop_hidden(tree, markup)
        if _RAW.search(markup):
            for node in body.css("xmp,plaintext"):
                node.replace_with(node.text())
        body.unwrap_tags(_INLINE)
        _read(_TOKEN.findall(body.html or ""), walk, config.max_depth)
    return walk.segmented(meta)


def _drop_hidden(tree: LexborHTMLParser, markup: str) -> None:
    if "hidden" in markup or HIDDEN.search(markup):
        # The root stays: it cannot be left out, and pages hide it until their scripts have run.
        for node in tree.css(":not(html):is([hidden],[style])"):
            attributes = node.attributes
            if "hidden" in attributes or HIDDEN.search(attributes.get("style") or ""):
                node.decompose()


def _read(tokens: Sequence[Token], walk: Walk, max_depth: int) -> None:
    """Read clean markup; a block-level boundary closes the block under way."""
    paths: list[str] = []
    path, links, at = "body", 0, 1  # the first tag is the body's own
    while at < len(tokens):
        closes, tag, attributes, text = tokens[at]
        at += 1
        if text:
            # White space in front of a block is none of its.
            if walk.pieces or not text.isspace():
                walk.put(unescape(text) if "&" in text else text, linked=links > 0)
        elif tag == "a":
            links += -1 if closes else 1
        elif tag not in BLOCK:  # other elements, and comments
            continue
        elif closes:
            walk.flush(path)
            path = paths.pop() if paths else path
        else:
            walk.flush(path)
            if tag in _VOID:
                continue
            below = walk.below(path, _step(tag, attributes))
            if tag == "tr" and (end := _row(tokens, at, walk, below)):
                at = end
                continue
            paths.append(path)
            path = below
            if len(paths) > max_depth:
                raise TooDeepError(f"The markup nests deeper than {max_depth} elements (max_depth).")
    walk.flush(path)


def _row(tokens: Sequence[Token], at: int, walk: Walk, path: str) -> int:
    """Read a row of a data table as one block and return where the tokens go on; 0: it is none."""
    cells: list[str] = []
    cell: list[str] | None = None
    links = linked = beside = 0
    while True:
        if at == len(tokens):
            return 0  # broken markup, written out, may lack the end
        closes, tag, _, text = tokens[at]
        at += 1
        if text:
            if cell is not None:
                words = unescape(text) if "&" in text else text
                cell.append(words)
                linked += len(SPACE.sub("", words)) if links else 0
        elif tag == "a":
            links += -1 if closes else 1
        elif tag in ("td", "th") and not beside:
            if closes and cell is not None:
                cells.append("".join(cell))
            cell = None if closes else []
        elif tag == "tr":
            break
        elif tag in BLOCK and cell is not None:
            return 0
        elif tag in BLOCK and tag not in _VOID:
            beside += -1 if closes else 1  # an element that is no cell
    found = cells_of(cells) if len(cells) >= 2 else []
    if not found:
        return 0
    walk.linked = linked
    walk.close("\t".join(found), path)
    return at


@lru_cache(maxsize=4096)
def _step(tag: str, attributes: str) -> str:
    name, classes = _ID.search(attributes), _CLASS.search(attributes)
    return step_of(tag, unescape(name[1]) if name else None, unescape(classes[1]).split() if classes else ())


def _meta(tree: LexborHTMLParser) -> dict[str, str]:
    metas = []
    for node in tree.css("meta"):
        attributes = node.attributes
        key = attributes.get("name") or attributes.get("property") or attributes.get("itemprop") or ""
        metas.append((key, attributes.get("content")))
    link = tree.css_first('link[rel~="canonical"][href]')
    links = (node.attributes.get("href") or "" for node in tree.css('a[href*="//"]'))
    return stated(metas, (link.attributes.get("href") or "") if link is not None else None, links)
