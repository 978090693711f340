"""The sequence model: a linear-chain conditional random field over head, body, dirt inside the article, and tail.

The states only move forward (head, article, tail); inside the article body and dirt alternate. Weights are data
(``weights.json``), fitted by ``tests/quality/fit_labels.py``; decoding is plain Python.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

HEAD, BODY, DIRT, TAIL = range(4)
NAMES = ("head", "body", "dirt", "tail")
_NEVER = float("-inf")
# Which states may follow which; the others are impossible, not merely unlikely.
FOLLOWS = {HEAD: (HEAD, BODY), BODY: (BODY, DIRT, TAIL), DIRT: (BODY, DIRT), TAIL: (TAIL,)}
STARTS, ENDS = (HEAD, BODY), (HEAD, BODY, TAIL)


@dataclass(frozen=True)
class Model:
    """Weights of one kind of page: for each sign four (one a state), and for each pair of neighbours one."""

    signs: Mapping[str, tuple[float, float, float, float]]
    moves: tuple[tuple[float, ...], ...]

    def emissions(self, signs: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return how much each block's signs speak for each state."""
        found = []
        for names in signs:
            totals = [0.0, 0.0, 0.0, 0.0]
            for name in names:
                weights = self.signs.get(name)
                if weights is not None:
                    totals = [total + weight for total, weight in zip(totals, weights, strict=True)]
            found.append(totals)
        return found

    def why(self, names: Sequence[str], state: int, most: int = 3) -> str:
        """Return the strongest signs that speak for a state against the best of the others."""
        known = [(name, self.signs[name]) for name in names if name in self.signs]
        totals = [sum(weights[other] for _, weights in known) for other in range(4)]
        rival = max((other for other in range(4) if other != state), key=lambda other: totals[other])
        ranked = sorted(known, key=lambda entry: entry[1][rival] - entry[1][state])
        return "; ".join(name for name, weights in ranked[:most] if weights[state] > weights[rival])


@lru_cache(maxsize=2)
def load_model(kind: str) -> Model:
    """Return the fitted model for ``html`` or ``plain`` pages."""
    table = json.loads(resources.files("qingwen.label").joinpath("weights.json").read_text("utf-8"))[kind]
    return Model({name: tuple(weights) for name, weights in table["signs"].items()}, tuple(map(tuple, table["moves"])))


def decode(model: Model, emissions: Sequence[Sequence[float]]) -> list[int]:
    """Return the best path of states (Viterbi)."""
    if not emissions:
        return []
    best = [emissions[0][state] if state in STARTS else _NEVER for state in range(4)]
    trail: list[list[int]] = []
    for scores in emissions[1:]:
        came = [HEAD, HEAD, BODY, BODY]
        values = [_NEVER] * 4
        for state, following in FOLLOWS.items():
            for after in following:
                value = best[state] + model.moves[state][after]
                if value > values[after]:
                    values[after], came[after] = value, state
        best = [value + score for value, score in zip(values, scores, strict=True)]
        trail.append(came)
    state = max(ENDS, key=lambda end: best[end])
    path = [state]
    for came in reversed(trail):
        state = came[state]
        path.append(state)
    return path[::-1]
