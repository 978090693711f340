"""What both HTML readers share: which elements bound a block or are not shown, and how blocks make up a page."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qingwen.model import Block, Segmented
from qingwen.text.spans import Span

BLOCK = frozenset(
    "address article aside blockquote body br button caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol "
    "optgroup option p pre section select summary table tbody td tfoot th thead tr ul".split()
)
UNSEEN = frozenset(
    "script style noscript template iframe object embed applet textarea select svg math canvas audio video "
    "noframes noembed map datalist base link meta head rp rt".split()
)
# What bounds a block elsewhere, and only a line inside a cell of a data table.
IN_CELLS = frozenset("br center div p".split())
META = frozenset(
    "author description keywords source publishdate pubdate date og:title og:site_name og:url og:type article:author "
    "article:published_time article:published datepublished weibo:article:create_at mediaid contentsource sitename "
    "dc.date dc.date.issued dc.date.created dcterms.created dcterms.date dcterms.issued publish_date publish-date "
    "publication_date pub_date publishtime og:release_date og:published_time bytedance:published_time "
    "parsely-pub-date release_date firstpublishedtime apub:time dc.creator byl".split()
)
SPACE = re.compile(r"[ \t\r\n\f]+")
_NOT_SHOWN = re.compile(r"display\s*:\s*none", re.I)
_INVISIBLE = re.compile(r"visibility\s*:\s*hidden", re.I)
_HOST = re.compile(r"\s*(?:https?:)?//([\w.-]+)", re.I)
# Running text has a sentence's end, and at most this share of its characters inside links.
_SENTENCE, _SOME_LINKS = re.compile("[。！？]"), 0.3
# A table with a longer cell lays out a page. In characters.
_MOST_CELL_CHARS = 200


class TooDeepError(Exception):
    """The markup nests deeper, or holds more tags or blocks, than the limits allow."""

    rule = "segment.too-deep"


class ParserError(TooDeepError):
    """The parser of the reference reader fails on the markup."""

    rule = "segment.parser"


@dataclass(slots=True)
class BlockBuilder:
    """The finished blocks (words, DOM path, share of characters inside links), and the pieces of the open block."""

    max_blocks: int
    max_path_chars: int
    blocks: list[tuple[str, str, float]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    linked_chars: int = 0

    def add(self, words: str, *, linked: bool) -> None:
        """Add text to the open block."""
        self.pieces.append(words)
        if linked:
            self.linked_chars += len(SPACE.sub("", words))

    def flush(self, path: str) -> None:
        """Close the open block; ``path`` is its DOM path."""
        if self.pieces:
            self.close(SPACE.sub(" ", "".join(self.pieces)).strip(), path)

    def close(self, words: str, path: str) -> None:
        """Close the open block with these words; without words there is no block."""
        if words.strip():
            if len(self.blocks) >= self.max_blocks:
                raise TooDeepError(f"The page has more than {self.max_blocks} blocks (max_blocks).")
            size = len(words.replace(" ", ""))
            # Strip again: a row whose first cell is empty begins with a tab.
            self.blocks.append((words.strip(), path, min(1.0, self.linked_chars / max(1, size))))
        self.pieces.clear()
        self.linked_chars = 0

    def below(self, path: str, step: str) -> str:
        """Return the DOM path of an element below a path."""
        if len(path) + len(step) >= self.max_path_chars:
            raise TooDeepError(f"A block's DOM path has more than {self.max_path_chars} characters (max_path_chars).")
        return f"{path}/{step}"

    def segmented(self, meta: Mapping[str, str]) -> Segmented:
        """Return the page: the block texts joined by newlines."""
        return Segmented("\n".join(words for words, _, _ in self.blocks), tuple(_tiles(self.blocks)), meta)


def _tiles(found: Sequence[tuple[str, str, float]]) -> Iterator[Block]:
    at = 0
    for n, (words, path, density) in enumerate(found):
        end = at + len(words) + (n + 1 < len(found))
        yield Block(n, Span(at, end), path, round(density, 3))
        at = end


def is_hidden(tag: str, attributes: Mapping[str, Any]) -> bool:
    """Tell whether an element is not shown.

    A block that is only invisible keeps its place on the page: WeChat and others serve the article so, and their
    scripts show it.
    """
    if "hidden" in attributes:
        return True
    style = str(attributes.get("style") or "")
    return bool(_NOT_SHOWN.search(style) or (tag not in BLOCK and _INVISIBLE.search(style)))


def running_chars(segmented: Segmented) -> int:
    """Return how many characters stand in blocks that read like sentences and are no links."""
    return sum(
        len(block.span)
        for block in segmented.blocks
        if block.link_density < _SOME_LINKS and _SENTENCE.search(block.span.of(segmented.text))
    )


def step_of(tag: str, name: str | None, classes: Sequence[str]) -> str:
    """Return an element's step in a DOM path: its name, id and first classes (``div#main.content``)."""
    return f"{tag}{f'#{name}' if name else ''}{''.join(f'.{token}' for token in classes[:3])}"


def cells_of(words: Sequence[str]) -> list[str]:
    """Return the cells of a row of a data table; an empty list if fewer than two have text, or one has too much."""
    cells = [SPACE.sub(" ", cell).strip(" ") for cell in words]
    filled = [cell for cell in cells if cell.strip()]
    return cells if len(filled) >= 2 and max(map(len, filled)) <= _MOST_CELL_CHARS else []


def page_metadata(
    metas: Iterable[tuple[str, str | None]], canonical: str | None, links: Iterable[str]
) -> dict[str, str]:
    """Return what the markup states about the page; ``links`` are the addresses of its links."""
    found: dict[str, str] = {}
    for key, content in metas:
        if key.lower() in META and content is not None and content.strip():
            found.setdefault(key.lower(), content.strip())
    if canonical is not None:
        found["canonical"] = canonical
    hosts = Counter(host[1].lower() for link in links if (host := _HOST.match(link)))
    if hosts:
        # The host of most links: the likeliest host of a page that states no address.
        found["links"] = max(hosts, key=lambda host: (hosts[host], host))
    return found
