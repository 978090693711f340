"""The sequence model: states only move forward, the path is the best one, and a verdict can say why."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingwen.label.crf import BODY, DIRT, ENDS, FOLLOWS, HEAD, STARTS, TAIL, Model, decode, load_model, model_of
from qingwen.label.crf_features import PageFeatures
from qingwen.label.feature_names import NAMES
from qingwen.rules.book import weights_of_features

SCORES = st.lists(st.tuples(*[st.integers(-5, 5)] * 4), min_size=1, max_size=5)
MOVES = ((0.5, -1.0, 0.0, 0.0), (0.0, 1.0, -0.5, 0.25), (0.0, 0.5, 0.5, 0.0), (0.0, 0.0, 0.0, 0.75))


def value(model: Model, scores: list[tuple[int, ...]], path: tuple[int, ...]) -> float:
    steps = sum(model.moves[a][b] for a, b in itertools.pairwise(path))
    return sum(score[state] for score, state in zip(scores, path, strict=True)) + steps


def possible(path: tuple[int, ...]) -> bool:
    moves = all(b in FOLLOWS[a] for a, b in itertools.pairwise(path))
    return moves and path[0] in STARTS and path[-1] in ENDS


@given(SCORES)
def test_the_path_is_the_best_of_all_possible_ones(scores: list[tuple[int, ...]]) -> None:
    model = model_of({}, MOVES)
    found = tuple(decode(model, scores))
    assert possible(found)
    best = max(value(model, scores, path) for path in itertools.product(range(4), repeat=len(scores)) if possible(path))
    assert value(model, scores, found) == pytest.approx(best)


def test_an_empty_page_has_no_states() -> None:
    assert decode(model_of({}, MOVES), []) == []


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_the_shipped_weights_are_whole_and_carry_their_card(kind: str) -> None:
    model = load_model(kind)
    assert model.weights.shape == (len(NAMES), 4)
    assert model.weights.any(axis=1).sum() > 200
    assert [len(row) for row in model.moves] == [4] * 4
    card = json.loads(weights_of_features())[kind]["card"]
    assert card["pages"] > 400
    assert card["F1 on sites left out"] > 0.9


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_every_weight_belongs_to_a_feature(kind: str) -> None:
    table = json.loads(weights_of_features())[kind]
    assert table["signs"].keys() - set(NAMES) == set()


def test_the_reason_names_the_strongest_features_first() -> None:
    plain, long, linked = (NAMES.index(name) for name in ("1 commas", "80 to 160 characters", "the title"))
    model = model_of(
        {"1 commas": (0, 1, 0, 0), "80 to 160 characters": (0, 3, 0, 0), "the title": (0, -1, 0, 2)}, MOVES
    )
    features = PageFeatures(np.array([[plain, 0], [long, 0], [linked, linked]]))
    scores = model.score(features)
    assert features.names(0) == ["1 commas", "80 to 160 characters", "the title"]
    assert scores.totals.tolist() == [[0, 3, 0, 2], [0, -1, 0, 2]]
    assert scores.reasons([BODY, TAIL]) == ["80 to 160 characters; 1 commas", "the title"]
    assert scores.reasons([TAIL, TAIL])[0] == "the title"


def test_states_are_what_their_names_say() -> None:
    assert (HEAD, BODY, DIRT, TAIL) == (0, 1, 2, 3)
    assert TAIL in FOLLOWS[BODY]
    assert FOLLOWS[TAIL] == (TAIL,)
