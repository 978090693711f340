"""The four fits of labelling's weights: lexical evidence, the article's element, the sequence of states, confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from qingwen.label.crf import BODY, ENDS, FOLLOWS, HEAD, STARTS, TAIL
from qingwen.label.lexical import BUCKETS, grams

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Penalties of the weights' squares, and most iterations. Those of the sequence were the best on sites left out.
LEXICAL_PENALTY, LEXICAL_ITERATIONS = 1.0, 40
ELEMENT_PENALTY, ELEMENT_ITERATIONS = 2.0, 400
SEQUENCE_PENALTY, SEQUENCE_ITERATIONS = {"html": 15.0, "plain": 25.0}, {"html": 60, "plain": 150}
CONFIDENCE_PENALTY = 0.3
# An element that is worse than the best by this much of F1 is a target e times less.
_SHARP = 1 / 40
RAREST = 6  # a feature of fewer blocks describes one page, not pages
GROUP = 48  # pages of like length that are summed at once
# Below these, a state is as good as impossible: sums stay above zero.
_LEAST, _FLOOR = -40.0, np.array([0.0, 1e-280, 0.0, 1e-280])


def fit_lexical(words: Sequence[str], furniture: Flags, counts: Floats) -> tuple[Floats, float]:
    """Return the weight of each bucket of n-grams, and the bias; ``counts`` is how much each line counts."""
    buckets, lines, _ = grams(words)
    sizes = np.bincount(lines, minlength=len(words))
    values = (1 / np.sqrt(np.maximum(1, sizes)))[lines]
    matrix = sparse.csr_matrix((values, (lines, buckets)), shape=(len(words), BUCKETS))
    matrix.sum_duplicates()
    transposed, sign = matrix.T.tocsr(), np.where(furniture, 1.0, -1.0)

    def loss(flat: Floats) -> tuple[float, Floats]:
        margins = sign * (matrix @ flat[:-1] + flat[-1])
        slope = -counts * sign / (1 + np.exp(np.clip(margins, -30, 30)))
        value = (counts * np.logaddexp(0, -margins)).sum() + 0.5 * LEXICAL_PENALTY * (flat[:-1] ** 2).sum()
        return value, np.concatenate([transposed @ slope + LEXICAL_PENALTY * flat[:-1], [slope.sum()]])

    found = _least(loss, np.zeros(BUCKETS + 1), LEXICAL_ITERATIONS)
    return found[:-1], float(found[-1])


def fit_elements(pages: Sequence[tuple[Sequence[Mapping[str, float]], Floats]]) -> dict[str, float]:
    """Return the weights that choose the article's element; a page is its elements' features, and the F1 of each."""
    names = sorted({name for features, _ in pages for element in features for name in element})
    values = np.array([[float(element.get(name, 0)) for name in names] for page, _ in pages for element in page])
    scale = values.std(axis=0) + 1e-9
    values /= scale
    ends = np.cumsum([len(page) for page, _ in pages])
    starts, page_of = (
        np.concatenate(([0], ends[:-1])),
        np.repeat(np.arange(len(pages)), [len(page) for page, _ in pages]),
    )
    target = np.exp(np.concatenate([score - score.max() for _, score in pages]) / _SHARP)
    target /= np.add.reduceat(target, starts)[page_of]

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = values @ weights
        most = np.maximum.reduceat(scores, starts)
        odds = np.exp(scores - most[page_of])
        sums = np.add.reduceat(odds, starts)
        value = (most + np.log(sums)).sum() - (target * scores).sum() + 0.5 * ELEMENT_PENALTY * (weights**2).sum()
        return value, values.T @ (odds / sums[page_of] - target) + ELEMENT_PENALTY * weights

    found = _least(loss, np.zeros(len(names)), ELEMENT_ITERATIONS) / scale
    return {name: round(float(weight), 4) for name, weight in zip(names, found, strict=True)}


def fit_confidence(signals: Sequence[Mapping[str, float]], scores: Floats) -> dict[str, float]:
    """Return the weights of the signals of confidence, for the expected F1 of each page."""
    names = sorted({name for page in signals for name in page})
    values = np.array([[1.0, *(page.get(name, 0.0) for name in names)] for page in signals])
    scale = values.std(axis=0)
    scale[scale == 0] = 1.0
    values /= scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = values @ weights
        expected = 1 / (1 + np.exp(-np.clip(margins, -30, 30)))
        value = (np.logaddexp(0, margins) - scores * margins).sum() + 0.5 * CONFIDENCE_PENALTY * (
            weights[1:] ** 2
        ).sum()
        return value, values.T @ (expected - scores) + CONFIDENCE_PENALTY * np.concatenate(([0.0], weights[1:]))

    found = _least(loss, np.zeros(len(names) + 1), 400) / scale
    return {name: round(float(weight), 4) for name, weight in zip(("always", *names), found, strict=True)}


class Sequences:
    """The likelihood of pages and its gradient, all pages of like length at once.

    A page is its table of features (group, block) and the states that each block may have (block, state): one, or more
    where the gold leaves it open.
    """

    def __init__(self, pages: Sequence[tuple[npt.NDArray[np.int64], Flags]], features: int, penalty: float) -> None:
        self.penalty, self.features = penalty, features
        counts = sum(np.bincount(table.ravel(), minlength=features) for table, _ in pages)
        counts[0] = 0
        self.known = np.flatnonzero(counts >= RAREST)
        column = np.full(features, -1)
        column[self.known] = np.arange(len(self.known))
        ends = np.cumsum([len(allowed) for _, allowed in pages])
        rows, columns = [], []
        for (table, _), end in zip(pages, ends, strict=True):
            found = column[table.T]
            at, group = np.nonzero(found >= 0)
            rows.append(at + end - table.shape[1])
            columns.append(found[at, group])
        row, col = np.concatenate(rows), np.concatenate(columns)
        self.matrix = sparse.csr_matrix((np.ones(len(row)), (row, col)), shape=(ends[-1], len(self.known)))
        self.transposed = self.matrix.T.tocsr()
        self.follows = np.zeros((4, 4))
        for state, following in FOLLOWS.items():
            self.follows[state, list(following)] = 1.0
        self.starts, self.ends = (np.isin(range(4), some).astype(float) for some in (STARTS, ENDS))
        order = sorted(range(len(pages)), key=lambda n: -len(pages[n][1]))
        self.groups = []
        for first in range(0, len(order), GROUP):
            group = order[first : first + GROUP]
            sizes = np.array([len(pages[n][1]) for n in group])
            places, mask = np.full((len(group), sizes[0]), -1), np.ones((len(group), sizes[0], 4))
            for k, n in enumerate(group):
                places[k, : sizes[k]] = np.arange(ends[n] - sizes[k], ends[n])
                mask[k, : sizes[k]] = _bounded(pages[n][1])
            self.groups.append((places, sizes, mask))

    def fit(self, iterations: int) -> tuple[Floats, Floats]:
        """Return the weights (feature, state) and the moves (state, state)."""
        found = _least(self.loss, np.zeros(len(self.known) * 4 + 16), iterations)
        weights = np.zeros((self.features, 4))
        weights[self.known] = found[:-16].reshape(-1, 4)
        return np.round(weights, 3), np.round(found[-16:].reshape(4, 4), 3)

    def loss(self, flat: Floats) -> tuple[float, Floats]:
        weights, logs = flat[:-16].reshape(-1, 4), flat[-16:].reshape(4, 4)
        scores = self.matrix @ weights
        likely = np.exp(np.maximum(scores - scores.max(axis=1, keepdims=True), _LEAST))
        moves = self.follows * np.exp(np.clip(logs, -30, 30))
        expected, pairs, value = np.zeros_like(scores), np.zeros((4, 4)), 0.0
        for places, sizes, mask in self.groups:
            here = np.where(places[:, :, None] >= 0, likely[places], 1.0)
            value += self._sum(places, sizes, here, moves, expected, pairs, 1)
            value -= self._sum(places, sizes, here * mask, moves, expected, pairs, -1)
        value += 0.5 * self.penalty * (weights**2).sum() + 0.005 * (logs**2).sum()
        slope = self.transposed @ expected + self.penalty * weights
        return value, np.concatenate([slope.ravel(), (pairs * self.follows + 0.01 * logs).ravel()])

    def _sum(
        self, places: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], here: Floats, moves: Floats,
        expected: Floats, pairs: Floats, sign: int,
    ) -> float:  # fmt: skip
        """Add a group's expected states and pairs, forward and backward in scaled sums; return its log sum."""
        count, longest = places.shape
        ending = [np.flatnonzero(sizes == t + 1) for t in range(longest)]
        active = [int((sizes > t).sum()) for t in range(longest)]
        here = here.copy()
        here[np.arange(count), sizes - 1] *= self.ends
        forward, scale = np.zeros((longest, count, 4)), np.ones((longest, count))
        for t in range(longest):
            k = active[t]
            found = (self.starts if t == 0 else forward[t - 1, :k] @ moves) * here[:k, t]
            found = np.maximum(found, _FLOOR)
            scale[t, :k] = found.sum(axis=1)
            forward[t, :k] = found / scale[t, :k, None]
        backward = np.zeros((longest, count, 4))
        for t in range(longest - 1, -1, -1):
            backward[t, ending[t]] = 1.0
            if t + 1 < longest:
                k = active[t + 1]
                backward[t, :k] = ((here[:k, t + 1] * backward[t + 1, :k]) @ moves.T) / scale[t + 1, :k, None]
        there = np.arange(longest)[:, None] < sizes[None, :]
        expected[places.T[there]] += sign * (forward * backward)[there]
        ahead = here.transpose(1, 0, 2) * backward / scale[:, :, None]
        pairs += sign * (forward[:-1][there[1:]].T @ ahead[1:][there[1:]]) * moves
        return float(np.log(scale[there]).sum())


def _bounded(allowed: Flags) -> Floats:
    """Return the states that each block may have; none is head below, or tail above, a block that is surely body."""
    found = allowed.astype(float)
    sure = np.flatnonzero(allowed[:, BODY] & (allowed.sum(axis=1) == 1))
    if len(sure):
        found[: sure[-1], TAIL] = found[sure[0] + 1 :, HEAD] = 0.0
    return found


def _least(loss: object, start: Floats, iterations: int) -> Floats:
    found: Floats = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x
    return found
