"""The sequence model: a linear-chain conditional random field over head, body, dirt inside the article, and tail.

The states only move forward (head, article, tail); inside the article body and dirt alternate. Weights are data
(``weights.json``), fitted by ``tests/quality/fit_labels.py``; decoding is plain Python over the blocks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from qingwen.label.crf_features import Signs
from qingwen.label.feature_names import NAMES as SIGNS

HEAD, BODY, DIRT, TAIL = range(4)
NAMES = ("head", "body", "dirt", "tail")
_NEVER = float("-inf")
# Which states may follow which; the others are impossible, not merely unlikely. `decode` is written out for these.
FOLLOWS = {HEAD: (HEAD, BODY), BODY: (BODY, DIRT, TAIL), DIRT: (BODY, DIRT), TAIL: (TAIL,)}
STARTS, ENDS = (HEAD, BODY), (HEAD, BODY, TAIL)


@dataclass(frozen=True)
class Model:
    """Weights of one kind of page: four for each sign, by its number (one a state); one for each pair of neighbours."""

    signs: npt.NDArray[np.float64]
    moves: tuple[tuple[float, ...], ...]

    def weigh(self, signs: Signs) -> Weighed:
        """Return how much each block's signs speak for each state."""
        parts = self.signs[signs.table]
        return Weighed(signs, parts, parts.sum(axis=0))


@dataclass(frozen=True)
class Weighed:
    """The weights of a page's signs: ``parts[family, block, state]``, and their sums ``totals[block, state]``."""

    signs: Signs
    parts: npt.NDArray[np.float64]
    totals: npt.NDArray[np.float64]

    def why(self, states: Sequence[int], most: int = 3) -> list[str]:
        """Return, for each block, its strongest signs for its state against the best of the others."""
        blocks, mine = np.arange(len(states)), np.asarray(states)
        others = self.totals.copy()
        others[blocks, mine] = _NEVER
        rival = others.argmax(axis=1)
        against = self.parts[:, blocks, rival] - self.parts[:, blocks, mine]
        order = np.argsort(against, axis=0, kind="stable")[:most]
        speaks = np.take_along_axis(against, order, axis=0) < 0
        numbers = np.where(speaks, np.take_along_axis(self.signs.table, order, axis=0), 0)
        return ["; ".join(SIGNS[number] for number in column if number) for column in numbers.T.tolist()]


@lru_cache(maxsize=2)
def load_model(kind: str) -> Model:
    """Return the fitted model for ``html`` or ``plain`` pages."""
    table = json.loads(resources.files("qingwen.label").joinpath("weights.json").read_text("utf-8"))[kind]
    return model_of(table["signs"], table["moves"])


def model_of(signs: Mapping[str, Sequence[float]], moves: Sequence[Sequence[float]]) -> Model:
    """Return a model from its weights by the names of the signs; a sign that it does not know weighs nothing."""
    weights = np.array([signs.get(name, (0.0,) * 4) for name in SIGNS], dtype=np.float64)
    return Model(weights, tuple(map(tuple, moves)))


def decode(model: Model, emissions: Sequence[Sequence[float]]) -> list[int]:
    """Return the best path of states (Viterbi)."""
    if not emissions:
        return []
    moves = model.moves
    stay_head, enter = moves[HEAD][HEAD], moves[HEAD][BODY]
    stay_body, soil, leave = moves[BODY][BODY], moves[BODY][DIRT], moves[BODY][TAIL]
    clean, stay_dirt, stay_tail = moves[DIRT][BODY], moves[DIRT][DIRT], moves[TAIL][TAIL]
    head, body, dirt, tail = (emissions[0][state] if state in STARTS else _NEVER for state in range(4))
    trail: list[tuple[int, int, int, int]] = []
    for scores in emissions[1:]:
        # Of states that are equally good the first came.
        entered, stayed, cleaned = head + enter, body + stay_body, dirt + clean
        into_body = HEAD if entered >= stayed and entered >= cleaned else BODY if stayed >= cleaned else DIRT
        soiled, still_dirt = body + soil, dirt + stay_dirt
        left, still_tail = body + leave, tail + stay_tail
        trail.append((HEAD, into_body, BODY if soiled >= still_dirt else DIRT, BODY if left >= still_tail else TAIL))
        head += stay_head + scores[HEAD]
        body = max(entered, stayed, cleaned) + scores[BODY]
        dirt = max(soiled, still_dirt) + scores[DIRT]
        tail = max(left, still_tail) + scores[TAIL]
    best = (head, body, dirt, tail)
    state = max(ENDS, key=lambda end: best[end])
    path = [state]
    for came in reversed(trail):
        state = came[state]
        path.append(state)
    return path[::-1]
