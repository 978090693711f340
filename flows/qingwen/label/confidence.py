"""How sure the text of a page is: the F1 that it is expected to have against what a person would mark.

A logistic model over what the sequence model leaves open, what was dropped between the kept paragraphs, and what
anchors the article. It is fitted on pages of other sites than those that it is judged on; its card is in
``rules/weights.json``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.label.article_element import heads_item
from qingwen.label.block_stats import SOME_LINKS, BlockStats
from qingwen.rules.book import weights_of_features

# An article's paragraph has so many characters on average, and its paragraphs stand in so few kinds of elements.
_USUAL_PARAGRAPH, _MOST_KINDS = 100, 6
_SURE = 1e-3


@dataclass(frozen=True, slots=True)
class Confidence:
    """The expected F1 (0 to 1), and what lowered it: the signals that speak against the text, the strongest first."""

    value: float
    doubts: tuple[str, ...]


def confidence_of(
    blocks: Sequence[BlockStats], kept: Sequence[bool], odds: npt.NDArray[np.float64], title: int | None
) -> Confidence:
    """Return how sure a page's text is.

    ``kept``: which blocks are its body; ``odds``: how likely each block is body; ``title``: its number, or None.
    """
    weights = _weights()
    signals = confidence_signals(blocks, kept, odds, title)
    parts = {name: weights[name] * value for name, value in signals.items() if name in weights}
    value = 1 / (1 + math.exp(-weights.get("always", 0.0) - sum(parts.values())))
    doubts = sorted((part, name) for name, part in parts.items() if part < -0.3)
    return Confidence(round(value, 3), tuple(name for _, name in doubts))


def confidence_signals(
    blocks: Sequence[BlockStats], kept: Sequence[bool], odds: npt.NDArray[np.float64], title: int | None
) -> dict[str, float]:
    """Return the signals of a page by name."""
    sizes = np.array([block.size for block in blocks], dtype=np.float64)
    inside = np.array([block.inside for block in blocks])
    lexical = np.array([block.lexical for block in blocks])
    running = np.array(
        [
            block.prose and block.link_density < SOME_LINKS and not block.block_hits and block.lexical < 1
            for block in blocks
        ]
    )
    mine = np.array(kept, dtype=np.bool_)
    text, likely = sizes[mine].sum(), (sizes * odds).sum()
    expected = 2 * (sizes * odds)[mine].sum() / max(1.0, text + likely)
    places = np.flatnonzero(mine)
    left_out = sizes[running & ~mine].sum()
    first = places[0] if len(places) else len(blocks)
    above = running[(title or 0) + 1 : first] if title is not None else running[:0]
    heads = np.array([n > 0 and heads_item(blocks[n - 1]) for n in places.tolist()])
    return {
        "the sequence leaves it open": 1 - math.log(max(_SURE, 1 - expected)) / math.log(_SURE),
        "running text was left out": float(left_out / max(1.0, text + left_out)),
        "running text stands between its title and it": float(
            (sizes[first - len(above) : first] * above).sum() / max(1.0, text)
        ),
        "its paragraphs stand below links and dates": float(heads[1:].mean()) if len(heads) > 1 else 0.0,
        "outside the article's element": float(1 - (sizes * inside)[mine].sum() / max(1.0, text)),
        "short paragraphs": 1 - min(1.0, float(text) / max(1, len(places)) / _USUAL_PARAGRAPH),
        "many kinds of elements": min(1.0, len({blocks[n].path_kind for n in places.tolist()}) / _MOST_KINDS),
        "words of furniture": float(1 / (1 + math.exp(-(sizes * lexical)[mine].sum() / max(1.0, text)))),
        "lines that are no prose": float(
            (sizes * ~np.array([block.prose for block in blocks]))[mine].sum() / max(1.0, text)
        ),
    }


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    weights: dict[str, float] = json.loads(weights_of_features()).get("confidence", {})
    return weights
