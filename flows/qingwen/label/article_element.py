"""Which element of an HTML page holds the article: how likely each block is to stand inside it.

Every element that holds running text is a candidate. A linear model compares them: how much of the page's running text
an element holds, how pure it is, where it stands beside the page's title, what its tag and names say. A block is inside
the article's element as likely as the candidates that hold it are together. Weights are data (``rules/weights.json``).
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.label.block_stats import MOST_BLOCK_CHARS, MOSTLY_LINKED, SECOND, BlockStats
from qingwen.label.second_article import next_article
from qingwen.label.title import named_title
from qingwen.model import HEAD_PATH
from qingwen.rules.book import weights_of_features

# An element with fewer characters of running text is no candidate.
_LEAST_TEXT = 20
# A paragraph with so many is more than a teaser.
_LONG_TEXT = 60
_LITTLE_TEXT, _SHORT_CHARS = 300, 20
# No article ends above the title that the page names, if so much of the page's running text is below it.
BELOW_TITLE = 0.3
_NEARLY_ALL, _NEAR, _FAR, _MOST_KINDS, _MOST_STEPS = 0.98, 4, 30, 5, 8
_TAG = re.compile(r"[a-z0-9]*")
_TAGS = ("article", "blockquote", "body", "figcaption", "footer", "li", "p", "section", "td", "ul")
_NAMES = {
    "comment": re.compile("comment|cmt|cmnt|reply|replies|review|pinglun|liuyan|guestbook|discuss|disqus|feedback"),
    "footer": re.compile("foot|copyright|disclaim"),
    "side": re.compile("side|right|rank|hot|recomm|relat"),
    "article": re.compile("article|artic|content|body|detail|text|post|entry"),
}


@dataclass(slots=True)
class Element:
    """What stands in an element; sizes in characters, ``first`` and ``last`` number its blocks of running text."""

    running: int = 0
    chars: int = 0
    counted: int = 0
    linked: float = 0.0
    blocks: int = 0
    running_blocks: int = 0
    short: int = 0
    hits: int = 0
    below_heads: int = 0
    above_title: int = 0
    first: int = 1 << 30
    last: int = -1
    kind: str = ""
    kinds: dict[str, int] = field(default_factory=dict)
    best_child: int = 0


def place(blocks: Sequence[BlockStats]) -> list[BlockStats]:
    """Return the blocks with the place that each has beside the article's element; running text of others is told."""
    title = named_title(blocks)
    others = next_article(blocks, title)
    if others:
        blocks = [
            block._replace(teaser=block.teaser or SECOND, running=0) if n in others and block.prose else block
            for n, block in enumerate(blocks)
        ]
    inside = inside_article(blocks, title)
    return [block._replace(inside=share) for block, share in zip(blocks, inside.tolist(), strict=True)]


def heads_item(block: BlockStats) -> bool:
    """Tell whether a line heads an item of a list: a link, or the name and the time of a comment or a post."""
    return block.link_density >= MOSTLY_LINKED or block.dated


def inside_article(blocks: Sequence[BlockStats], title: int | None) -> npt.NDArray[np.float64]:
    """Return, for each block, how likely it stands inside the article's element (0 to 1); ``title``: its block.

    All are 1 on a page without markup, or without running text.
    """
    elements = elements_of(blocks, title)
    running = [block.running for block in blocks]
    if title is not None and sum(running[title + 1 :]) >= BELOW_TITLE * sum(running):
        elements = {path: element for path, element in elements.items() if element.last > title}
    if not elements:
        return np.ones(len(blocks))
    weights = _weights()
    scores = np.array(
        [
            sum(weights.get(name, 0.0) * value for name, value in features.items())
            for features in element_features(blocks, elements, title)
        ]
    )
    odds = np.exp(scores - scores.max())
    odds /= odds.sum()
    shares = dict(zip(elements, odds.tolist(), strict=True))
    inside = {path: sum(shares.get(element, 0.0) for element in _upward(path)) for path in {b.path for b in blocks}}
    most = max(inside[block.path] for block in blocks if block.running)
    return np.array([min(1.0, inside[block.path] / most) ** 2 for block in blocks])


def elements_of(blocks: Sequence[BlockStats], title: int | None) -> dict[str, Element]:
    """Return the elements that hold running text, by DOM path; elements of the same path are one."""
    by_path: dict[str, Element] = {}
    for n, block in enumerate(blocks):
        element = by_path.setdefault(block.path, Element())
        running = block.running
        element.running += running
        element.chars += block.size
        element.counted += min(block.size, MOST_BLOCK_CHARS)
        element.linked += block.size * block.link_density
        element.blocks += 1
        element.short += block.size < _SHORT_CHARS
        element.hits += bool(block.block_hits) or bool(block.teaser)
        if running:
            element.kind = block.path_kind
            element.running_blocks += 1
            element.below_heads += int(n > 0 and heads_item(blocks[n - 1]))
            element.first, element.last = min(element.first, n), n
            element.above_title += running if title is not None and n < title else 0
    found: dict[str, Element] = {}
    for path, own in by_path.items():
        if not path or path == HEAD_PATH:
            continue
        for above in _upward(path):
            element = found.setdefault(above, Element())
            element.running += own.running
            element.chars += own.chars
            element.counted += own.counted
            element.linked += own.linked
            element.blocks += own.blocks
            element.running_blocks += own.running_blocks
            element.short += own.short
            element.hits += own.hits
            element.below_heads += own.below_heads
            element.above_title += own.above_title
            element.first, element.last = min(element.first, own.first), max(element.last, own.last)
            if own.kind:
                element.kinds[own.kind] = element.kinds.get(own.kind, 0) + own.running
    for path, element in found.items():
        if (parent := found.get(path.rpartition("/")[0])) is not None:
            parent.best_child = max(parent.best_child, element.running)
    # Of elements with the same running text the innermost is the candidate.
    return {
        path: element
        for path, element in found.items()
        if element.running >= _LEAST_TEXT and element.best_child < element.running - 1
    }


def element_features(
    blocks: Sequence[BlockStats], elements: Mapping[str, Element], title: int | None
) -> Iterator[dict[str, float]]:
    """Yield the features of each element by name."""
    running, openers = [0], [0]
    for block in blocks:
        running.append(running[-1] + block.running)
        openers.append(openers[-1] + (block.opens_tail and block.link_density < MOSTLY_LINKED))
    title_path = None if title is None else blocks[title].path
    below_title = range(0 if title is None else title + 1, len(blocks))
    opening = next((blocks[n].path for n in below_title if blocks[n].running >= _LEAST_TEXT), "")
    opening_long = next((blocks[n].path for n in below_title if blocks[n].running >= _LONG_TEXT), "")
    for path, element in elements.items():
        share = element.running / running[-1]
        above = (elements[outer] for outer in _upward(path.rpartition("/")[0]) if outer in elements)
        parent = next(above, element)
        of_parent = element.running / parent.running
        found: dict[str, float] = {
            "log share of running text": math.log(share),
            "share of running text": share,
            "log running text": math.log(element.running / 100),
            "little text": max(0.0, 1 - element.running / _LITTLE_TEXT),
            "running share of its characters": element.running / max(1, element.counted),
            "linked share": element.linked / max(1, element.chars),
            "share of its main kind": max(element.kinds.values()) / element.running,
            "kinds": min(_MOST_KINDS, len(element.kinds)) / _MOST_KINDS,
            "share of its best child": element.best_child / element.running,
            "has a child of nearly all": element.best_child / element.running > _NEARLY_ALL,
            "holds no element": element.best_child == 0,
            "share of its parent": of_parent,
            "less than its parent": of_parent < 0.9,
            "much less than its parent": of_parent < 0.5,
            "running text above": running[element.first] / running[-1],
            "place": element.first / len(blocks),
            "log blocks": math.log(1 + element.blocks),
            "log running blocks": math.log(element.running_blocks),
            "one running block": element.running_blocks == 1,
            "share of running blocks": element.running_blocks / element.blocks,
            "share of text below links and dates": element.below_heads / element.running_blocks,
            "share of short blocks": element.short / element.blocks,
            "share of rule hits": element.hits / element.blocks,
            "below an opener": openers[element.first] > 0,
            "depth": path.count("/") / 10,
        }
        names = "/".join(path.lower().rsplit("/", 2)[-2:])
        found |= {f"names say {what}": pattern.search(names) is not None for what, pattern in _NAMES.items()}
        tag = _TAG.match(names.rpartition("/")[2])
        found[f"tag {tag[0] if tag and tag[0] in _TAGS else '?'}"] = True
        if title is not None and title_path is not None:
            below, away = element.first > title, element.first - title
            between = (running[element.first] - running[title + 1]) / running[-1] if below else 0.0
            up, down = _steps_between(title_path, path)
            found |= {
                "holds the opening": f"{opening}/".startswith(f"{path}/"),
                "holds the long opening": f"{opening_long}/".startswith(f"{path}/"),
                "title inside": f"{title_path}/".startswith(f"{path}/"),
                "begins below the title": below,
                "ends above the title": element.last < title,
                "running text between title and it": between,
                "any running text between title and it": between > 0,
                "log blocks below the title": math.log(away) if below else 0.0,
                "right below the title": below and away <= _NEAR,
                "far below the title": below and away > _FAR,
                "an opener between title and it": below and openers[element.first] > openers[title + 1],
                "share above the title": element.above_title / element.running,
                "steps from title up": min(_MOST_STEPS, up) / _MOST_STEPS,
                "steps down from there": min(_MOST_STEPS, down) / _MOST_STEPS,
                "beside the title": up <= 1,
            }
        yield found


def _upward(path: str) -> Iterator[str]:
    """Yield a path and the paths above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _steps_between(path: str, other: str) -> tuple[int, int]:
    """Return how many steps lead from one path up to what both are in, and down from there to the other."""
    mine, others = path.split("/"), other.split("/")
    common = next((n for n, pair in enumerate(zip(mine, others, strict=False)) if pair[0] != pair[1]), None)
    common = min(len(mine), len(others)) if common is None else common
    return len(mine) - common, len(others) - common


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    weights: dict[str, float] = json.loads(weights_of_features())["element"]
    return weights
