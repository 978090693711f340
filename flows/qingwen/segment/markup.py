"""What both HTML readers share: which elements bound a block, which are not shown, how blocks become a page's text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qingwen.model import Block, Segmented
from qingwen.text.spans import Span

BLOCK = frozenset(
    "address article aside blockquote body br button caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol "
    "optgroup option p pre section select summary table tbody td tfoot th thead tr ul".split()
)
UNSEEN = frozenset(
    "script style noscript template iframe object embed applet textarea select svg math canvas audio video "
    "noframes noembed map datalist base link meta head".split()
)
META = frozenset(
    "author description keywords source publishdate pubdate date og:title og:site_name og:url og:type article:author "
    "article:published_time datepublished weibo:article:create_at mediaid contentsource sitename".split()
)
SPACE = re.compile(r"[ \t\r\n\f]+")
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HOST = re.compile(r"\s*(?:https?:)?//([\w.-]+)", re.I)
# A longer cell is no data.
_LONGEST_CELL = 200


class TooDeepError(Exception):
    """The markup nests deeper, or holds more tags or blocks, than the limits allow."""

    rule = "segment.too-deep"


class ParserError(TooDeepError):
    """The parser of the reference reader cannot cope with the markup."""

    rule = "segment.parser"


@dataclass(slots=True)
class Walk:
    """The block under way and those that are done: words, DOM path, share of the characters inside links."""

    max_blocks: int
    max_path_chars: int
    found: list[tuple[str, str, float]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    linked: int = 0

    def put(self, words: str, *, linked: bool) -> None:
        """Add text to the block under way."""
        self.pieces.append(words)
        if linked:
            self.linked += len(SPACE.sub("", words))

    def flush(self, path: str) -> None:
        """Close the block under way; it stands at a DOM path."""
        if self.pieces:
            self.close(SPACE.sub(" ", "".join(self.pieces)).strip(), path)

    def close(self, words: str, path: str) -> None:
        """Close a block of these words, if there are any."""
        if words.strip():
            if len(self.found) >= self.max_blocks:
                raise TooDeepError(f"The page has more than {self.max_blocks} blocks (max_blocks).")
            size = len(words.replace(" ", ""))
            # A row whose first cell is empty would begin with the tab behind it.
            self.found.append((words.strip(), path, min(1.0, self.linked / max(1, size))))
        self.pieces.clear()
        self.linked = 0

    def below(self, path: str, step: str) -> str:
        """Return the DOM path of a step below another."""
        if len(path) + len(step) >= self.max_path_chars:
            raise TooDeepError(f"A block's DOM path has more than {self.max_path_chars} characters (max_path_chars).")
        return f"{path}/{step}"

    def segmented(self, meta: Mapping[str, str]) -> Segmented:
        """Return the page: the block texts joined by newlines."""
        return Segmented("\n".join(words for words, _, _ in self.found), tuple(_tiles(self.found)), meta)


def _tiles(found: Sequence[tuple[str, str, float]]) -> Iterator[Block]:
    at = 0
    for n, (words, path, density) in enumerate(found):
        end = at + len(words) + (n + 1 < len(found))
        yield Block(n, Span(at, end), path, round(density, 3))
        at = end


def step_of(tag: str, name: str | None, classes: Sequence[str]) -> str:
    """Return an element's step in a DOM path: name, id and class tokens (``div#main.content``)."""
    return f"{tag}{f'#{name}' if name else ''}{''.join(f'.{token}' for token in classes[:3])}"


def cells_of(words: Sequence[str]) -> list[str]:
    """Return the cells of a row of a data table; none where too few say anything, or one says too much."""
    cells = [SPACE.sub(" ", cell).strip(" ") for cell in words]
    filled = [cell for cell in cells if cell.strip()]
    return cells if len(filled) >= 2 and max(map(len, filled)) <= _LONGEST_CELL else []


def stated(metas: Iterable[tuple[str, str | None]], canonical: str | None, links: Iterable[str]) -> dict[str, str]:
    """Return what the markup states of the page; ``links`` are the addresses that its links lead to."""
    found: dict[str, str] = {}
    for key, content in metas:
        if key.lower() in META and content is not None and content.strip():
            found.setdefault(key.lower(), content.strip())
    if canonical is not None:
        found["canonical"] = canonical
    hosts = Counter(host[1].lower() for link in links if (host := _HOST.match(link)))
    if hosts:
        # The host that most links lead to: of a page that states no address of its own, the likeliest.
        found["links"] = max(hosts, key=lambda host: (hosts[host], host))
    return found
