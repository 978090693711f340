"""HTML to blocks with lexbor (selectolax): the fast reader. The only file that imports selectolax.

The tree drops what is not shown and unwraps what bounds no block, all in C. The rest is serialized to clean markup,
which one pattern reads tag after tag. The blocks equal those of the reference reader (``soup.py``).
"""

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
    IN_CELLS,
    SPACE,
    UNSEEN,
    BlockBuilder,
    TooDeepError,
    cells_of,
    is_hidden,
    page_metadata,
    step_of,
)

# Elements inside a line. Links are not among them: their text is counted.
_INLINE = (
    "span b i strong em font u small sub sup s strike ins del big tt nobr label abbr acronym cite code kbd var samp q "
    "time mark img input wbr bdo dfn output picture source"
).split()
_VOID = frozenset("br hr img input wbr col area source track param keygen frame".split())
# In serialized markup text has no "<" and an attribute's value no ">"; names in broken markup may have anything else.
_TOKEN = re.compile(r"<!--.*?-->|<(/?)([A-Za-z][^\s>/]*)([^>]*)>|([^<]+)", re.DOTALL)
# Elements whose text is not markup and is serialized unescaped.
_RAW = re.compile("<(?:xmp|plaintext)", re.I)
_ID, _CLASS = re.compile(r'\sid="([^"]*)"'), re.compile(r'\sclass="([^"]*)"')

Token = tuple[str, str, str, str]


_DEFAULT = Config()


def segment_lexbor(markup: str, config: Config = _DEFAULT, *, hidden: bool = False) -> Segmented:
    """Cut a page's markup into its blocks; the page's text is the block texts joined by newlines.

    The ``<title>`` is the first block. What a browser does not show (scripts, styles, and hidden elements unless
    ``hidden``) is not text. A row of a data table is one block, its cells joined by tabs.

    Raises:
        TooDeepError: the markup passes a limit; the message says which. ``max_depth`` counts block-level elements.
    """
    refuse_hostile(markup, max_depth=config.max_depth, max_tags=config.max_tags)
    tree = LexborHTMLParser(markup.encode("utf-8", "replace"))
    builder = BlockBuilder(config.max_blocks, config.max_path_chars)
    title = tree.css_first("title")
    if title is not None and (words := title.text()):
        builder.add(words, linked=False)
        builder.flush(HEAD_PATH)
    meta = _meta(tree)
    body = tree.body
    if body is not None:
        tree.strip_tags(list(UNSEEN - {"head"}))
        if not hidden:
            _drop_hidden(tree)
        if _RAW.search(markup):
            for node in body.css("xmp,plaintext"):
                node.replace_with(node.text())
        body.unwrap_tags(_INLINE)
        _read(_TOKEN.findall(body.html or ""), builder, config.max_depth)
    return builder.segmented(meta)


def _drop_hidden(tree: LexborHTMLParser) -> None:
    # The root stays: it cannot be dropped, and pages hide it until their scripts have run.
    for node in tree.css(':not(html):is([hidden],[style*="none" i],[style*="hidden" i])'):
        if is_hidden(node.tag or "", node.attributes):
            node.decompose()


def _read(tokens: Sequence[Token], builder: BlockBuilder, max_depth: int) -> None:
    """Read clean markup; a block-level boundary closes the open block."""
    paths: list[str] = []
    path, links, at = "body", 0, 1  # the first tag is the body's own
    while at < len(tokens):
        closes, tag, attributes, text = tokens[at]
        at += 1
        if text:
            # White space before a block is not part of it.
            if builder.pieces or not text.isspace():
                builder.add(unescape(text) if "&" in text else text, linked=links > 0)
        elif tag == "a":
            links += -1 if closes else 1
        elif tag not in BLOCK:  # other elements, and comments
            continue
        elif closes:
            builder.flush(path)
            path = paths.pop() if paths else path
        else:
            builder.flush(path)
            if tag in _VOID:
                continue
            below = builder.below(path, _step(tag, attributes))
            if tag == "tr" and (end := _row(tokens, at, builder, below)):
                at = end
                continue
            paths.append(path)
            path = below
            if len(paths) > max_depth:
                raise TooDeepError(f"The markup nests deeper than {max_depth} elements (max_depth).")
    builder.flush(path)


def _row(tokens: Sequence[Token], at: int, builder: BlockBuilder, path: str) -> int:
    """Read a row of a data table as one block and return the index of the next token; 0: it is not a data row."""
    cells: list[str] = []
    cell: list[str] | None = None
    links = linked = beside = 0
    while True:
        if at == len(tokens):
            return 0  # broken markup may lack the end tag
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
        elif tag in IN_CELLS and cell is not None:
            cell.append(" ")
        elif tag in BLOCK and cell is not None:
            return 0
        elif tag in BLOCK and tag not in _VOID:
            beside += -1 if closes else 1  # an element that is not a cell
    found = cells_of(cells) if len(cells) >= 2 else []
    if not found:
        return 0
    builder.linked_chars = linked
    builder.close("\t".join(found), path)
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
    return page_metadata(metas, (link.attributes.get("href") or "") if link is not None else None, links)
