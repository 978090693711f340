"""The sequence model: a linear-chain conditional random field over head, body, dirt inside the article, and tail.

The states only move forward (head, article, tail); inside the article body and dirt alternate. Weights are data
(``rules/weights.json``), fitted by ``tests/quality/fit_labels.py``; decoding is plain Python over the blocks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.label.crf_features import PageFeatures
from qingwen.label.feature_names import NAMES as FEATURES
from qingwen.rules.book import weights_of_features

HEAD, BODY, DIRT, TAIL = range(4)
NAMES = ("head", "body", "dirt", "tail")
_NEVER = float("-inf")
# Below these, a score (as a logarithm) or a share is taken for as little: sums stay above zero.
_LEAST, _TINY = -60.0, 1e-280
# A line too many is a lesser evil than a sentence lost: a block is body before it is as likely as not.
LIKELY = 0.35
# Which states may follow which; the others are impossible, not merely unlikely. `decode` is written out for these.
FOLLOWS = {HEAD: (HEAD, BODY), BODY: (BODY, DIRT, TAIL), DIRT: (BODY, DIRT), TAIL: (TAIL,)}
STARTS, ENDS = (HEAD, BODY), (BODY, TAIL)


@dataclass(frozen=True)
class Model:
    """Weights of one kind of page: four for each feature by its number (one a state), one for each pair of states."""

    weights: npt.NDArray[np.float64]
    moves: tuple[tuple[float, ...], ...]

    def score(self, features: PageFeatures) -> BlockScores:
        """Return how much each block's features speak for each state."""
        parts = self.weights[features.table]
        return BlockScores(features, parts, parts.sum(axis=0))


@dataclass(frozen=True)
class BlockScores:
    """The weights of a page's features: ``parts[group, block, state]``, and their sums ``totals[block, state]``."""

    features: PageFeatures
    parts: npt.NDArray[np.float64]
    totals: npt.NDArray[np.float64]

    def margins(self, state: int) -> list[float]:
        """Return how much more each block's features speak for a state than for the best of the others, rounded."""
        others = [other for other in range(len(NAMES)) if other != state]
        margins = self.totals[:, state] - self.totals[:, others].max(axis=1)
        return [round(margin, 3) for margin in margins.tolist()]

    def reasons(self, states: Sequence[int], most: int = 3) -> list[str]:
        """Return, for each block, its strongest features for its state against the best of the other states."""
        blocks, mine = np.arange(len(states)), np.asarray(states, dtype=np.int64)
        others = self.totals.copy()
        others[blocks, mine] = _NEVER
        rival = others.argmax(axis=1)
        against = self.parts[:, blocks, rival] - self.parts[:, blocks, mine]
        order = np.argsort(against, axis=0, kind="stable")[:most]
        speaks = np.take_along_axis(against, order, axis=0) < 0
        numbers = np.where(speaks, np.take_along_axis(self.features.table, order, axis=0), 0)
        return ["; ".join(FEATURES[number] for number in column if number) for column in numbers.T.tolist()]


@lru_cache(maxsize=2)
def load_model(kind: str) -> Model:
    """Return the fitted model for ``html`` or ``plain`` pages."""
    table = json.loads(weights_of_features())[kind]
    return model_of(table["signs"], table["moves"])


def model_of(weights: Mapping[str, Sequence[float]], moves: Sequence[Sequence[float]]) -> Model:
    """Return a model from its weights by the names of the features; a feature without weights weighs nothing."""
    rows = np.array([weights.get(name, (0.0,) * 4) for name in FEATURES], dtype=np.float64)
    return Model(rows, tuple(map(tuple, moves)))


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
        # Ties go to the first state.
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


def likely_path(odds: npt.NDArray[np.float64]) -> list[int]:
    """Return the states that follow from how likely each block is body, each for itself; [] if none is likely."""
    body = np.flatnonzero(odds > LIKELY)
    if not len(body):
        return []
    states = np.full(len(odds), DIRT)
    states[: body[0]], states[body[-1] + 1 :], states[body] = HEAD, TAIL, BODY
    return list(map(int, states.tolist()))


def widened(states: Sequence[int], odds: npt.NDArray[np.float64]) -> list[int]:
    """Return a path whose article goes on, up and down, over the blocks beside it that are likely body."""
    found = list(states)
    inside = [n for n, state in enumerate(states) if state == BODY]
    for start, step in ((inside[0] - 1, -1), (inside[-1] + 1, 1)) if inside else ():
        n = start
        while 0 <= n < len(found) and odds[n] > LIKELY:
            found[n] = BODY
            n += step
    return found


def body_odds(model: Model, emissions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return, for each block, the probability that it is body, over all paths (forward and backward, scaled)."""
    if not len(emissions):
        return np.zeros(0)
    moves = np.exp(np.array(model.moves))
    (stay_head, enter, *_), (_, stay_body, soil, leave), (_, clean, stay_dirt, _), (*_, stay_tail) = moves.tolist()
    scores = np.exp(np.maximum(emissions - emissions.max(axis=1, keepdims=True), _LEAST)).tolist()
    starts, ends = (np.isin(range(4), some).tolist() for some in (STARTS, ENDS))
    head, body, dirt, tail = (start * score for start, score in zip(starts, scores[0], strict=True))
    forward = [(head, body, dirt, tail)]
    for to_head, to_body, to_dirt, to_tail in scores[1:]:
        tail = (body * leave + tail * stay_tail) * to_tail
        dirt, body, head = (
            (body * soil + dirt * stay_dirt) * to_dirt,
            (head * enter + body * stay_body + dirt * clean) * to_body,
            head * stay_head * to_head,
        )
        total = head + body + dirt + tail
        head, body, dirt, tail = head / total, max(body / total, _TINY), dirt / total, tail / total
        forward.append((head, body, dirt, tail))
    head, body, dirt, tail = map(float, ends)
    backward = [(head, body, dirt, tail)]
    for to_head, to_body, to_dirt, to_tail in reversed(scores[1:]):
        head, body, dirt, tail = head * to_head, body * to_body, dirt * to_dirt, tail * to_tail
        head, body, dirt, tail = (
            head * stay_head + body * enter,
            body * stay_body + dirt * soil + tail * leave,
            body * clean + dirt * stay_dirt,
            tail * stay_tail,
        )
        total = head + body + dirt + tail
        head, body, dirt, tail = head / total, body / total, dirt / total, tail / total
        backward.append((head, body, dirt, tail))
    both = np.array(forward) * np.array(backward[::-1])
    odds: npt.NDArray[np.float64] = both[:, BODY] / both.sum(axis=1)
    return odds
