"""HTML to blocks through BeautifulSoup and html5lib: the reference reader. The only file that imports bs4."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from qingwen.model import Block, Segmented
from qingwen.text import Span

_BLOCK = frozenset(
    "address article aside blockquote body br button caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol "
    "optgroup option p pre section select summary table tbody td tfoot th thead tr ul".split()
)
_UNSEEN = frozenset(
    "script style noscript template iframe object embed applet textarea select svg math canvas audio video "
    "noframes map datalist base link meta head".split()
)
_META = frozenset(
    "author description keywords source publishdate pubdate date og:title og:site_name og:url og:type article:author "
    "article:published_time datepublished weibo:article:create_at mediaid contentsource sitename".split()
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HOST = re.compile(r"\s*(?:https?:)?//([\w.-]+)", re.I)
_ENTER, _LEAVE = 0, 1


class TooDeepError(Exception):
    """The markup nests deeper, or holds more blocks, than the limits allow."""


def segment_html(markup: str, *, max_depth: int = 2000, max_blocks: int = 20_000) -> Segmented:
    """Cut a page's markup into its blocks; the page's text is the block texts joined by newlines.

    The ``<title>`` is the first block. What a browser does not show (scripts, styles, hidden elements) is no text.
    A row of a data table is one block, its cells joined by tabs.

    Raises:
        TooDeepError: the limits are passed; the message says which.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = BeautifulSoup(markup, "html5lib")
        except RecursionError:
            raise TooDeepError(f"The markup nests deeper than html5lib follows (max_depth {max_depth}).") from None
    walk = _Walk(max_blocks)
    if tree.title is not None and tree.title.string:
        walk.put(str(tree.title.string), linked=False)
        walk.flush("head/title")
    body = tree.body or tree
    _read(body, walk, max_depth)
    return _joined(walk.found, _meta(tree))


@dataclass(slots=True)
class _Walk:
    """The block under way and those that are done."""

    max_blocks: int
    found: list[tuple[str, str, float]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    linked: int = 0

    def put(self, words: str, *, linked: bool) -> None:
        self.pieces.append(words)
        if linked:
            self.linked += len(_SPACE.sub("", words))

    def flush(self, path: str) -> None:
        words = _SPACE.sub(" ", "".join(self.pieces)).strip()
        self.close(words, path)

    def close(self, words: str, path: str) -> None:
        if words.strip():
            if len(self.found) >= self.max_blocks:
                raise TooDeepError(f"The page has more than {self.max_blocks} blocks (max_blocks).")
            size = len(words.replace(" ", ""))
            self.found.append((words, path, min(1.0, self.linked / max(1, size))))
        self.pieces.clear()
        self.linked = 0


def _read(root: Tag, walk: _Walk, max_depth: int) -> None:
    """Walk the tree without recursion; a block-level boundary closes the block under way."""
    stack: list[tuple[int, object, str, int, int]] = [(_ENTER, root, "body", 0, 0)]
    while stack:
        side, node, path, links, depth = stack.pop()
        if isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):  # comments, doctypes
                walk.put(str(node), linked=links > 0)
            continue
        assert isinstance(node, Tag)
        if side == _LEAVE:
            walk.flush(path)
            continue
        if depth > max_depth:
            raise TooDeepError(f"The markup nests deeper than {max_depth} elements (max_depth).")
        if node.name in _UNSEEN or _hidden(node):
            continue
        if node.name in _BLOCK:
            walk.flush(path)
            path = f"{path}/{_step(node)}" if node is not root else path
            if node.name == "tr" and (cells := _cells(node)):
                walk.linked = sum(len(_SPACE.sub("", link.get_text())) for link in node.find_all("a"))
                walk.close("\t".join(cells), path)
                continue
            stack.append((_LEAVE, node, path, 0, depth))
        links += node.name == "a"
        stack.extend((_ENTER, child, path, links, depth + 1) for child in reversed(node.contents))


def _step(node: Tag) -> str:
    """Return an element's step in a DOM path: name, id and class tokens (``div#main.content``)."""
    stated = node.get("class")
    classes = stated if isinstance(stated, list) else [stated] if stated else []
    tokens = "".join(f".{token}" for token in classes[:3])
    name = node.get("id")
    return f"{node.name}{f'#{name}' if isinstance(name, str) and name else ''}{tokens}"


def _hidden(node: Tag) -> bool:
    style = node.get("style")
    return node.has_attr("hidden") or (isinstance(style, str) and _HIDDEN.search(style) is not None)


def _cells(row: Tag) -> list[str]:
    """Return the cells of a row of a data table; of a layout table (whose cells hold blocks or one cell) none."""
    cells = [cell for cell in row.children if isinstance(cell, Tag) and cell.name in ("td", "th")]
    if len(cells) < 2 or any(cell.find(_is_block) is not None for cell in cells):
        return []
    words = [_SPACE.sub(" ", cell.get_text()).strip(" ") for cell in cells if cell.find(_UNSEEN) is None]
    filled = [word for word in words if word.strip()]
    return words if len(filled) >= 2 and max(map(len, filled)) <= 200 else []


def _is_block(tag: Tag) -> bool:
    return tag.name in _BLOCK


def _meta(tree: BeautifulSoup) -> dict[str, str]:
    stated: dict[str, str] = {}
    for tag in tree.find_all("meta"):
        key = str(tag.get("name") or tag.get("property") or tag.get("itemprop") or "").lower()
        content = tag.get("content")
        if key in _META and isinstance(content, str) and content.strip():
            stated.setdefault(key, content.strip())
    link = tree.find("link", rel="canonical")
    if isinstance(link, Tag) and isinstance(link.get("href"), str):
        stated["canonical"] = str(link["href"])
    hosts = Counter(
        found[1].lower() for tag in tree.find_all("a") if (found := _HOST.match(str(tag.get("href") or "")))
    )
    if hosts:
        # The host that most links lead to: of a page that states no address of its own, the likeliest.
        stated["links"] = max(hosts, key=lambda host: (hosts[host], host))
    return stated


def _joined(found: list[tuple[str, str, float]], meta: dict[str, str]) -> Segmented:
    return Segmented("\n".join(words for words, _, _ in found), tuple(_tiles(found)), meta)


def _tiles(found: list[tuple[str, str, float]]) -> Iterator[Block]:
    at = 0
    for n, (words, path, density) in enumerate(found):
        end = at + len(words) + (n + 1 < len(found))
        yield Block(n, Span(at, end), path, round(density, 3))
        at = end
