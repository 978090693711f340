"""Fit the sequence model, and compare it with the hand-set weights by cross-validation over families of sites.

    python tests/quality/fit_labels.py SET FARM [--out flows/qingwen/rules/weights.json]

SET holds pages/, dumps/ and gold.jsonl (id, url, paragraphs), FARM *.txt and gold.jsonl (file, template, paragraphs). A
family (a registrable domain, or a template of the farm) is never in training and in test at once. Needs numpy, scipy and
rapidfuzz. Without --out nothing is written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure import folded
from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq
from scipy import optimize, sparse

from qingwen import Config, clean_page, load_rules
from qingwen.label import labeller
from qingwen.label.block_stats import BlockStats, measure
from qingwen.label.crf import BODY, DIRT, ENDS, FOLLOWS, HEAD, STARTS, TAIL, Model, decode, model_of
from qingwen.label.crf_features import PageFeatures, page_features
from qingwen.label.feature_names import NAMES
from qingwen.label.title import named_title, title_hint
from qingwen.label.zones import score_zones
from qingwen.metadata.site import registrable_domain
from qingwen.model import Cleaned, Page, Segmented
from qingwen.read.page import read_page
from qingwen.segment.segment import segment
from qingwen.text.match_view import folding

NEVER = -1e9
FOLDS = 5
# Penalty of the weights' squares, and most iterations. Dumps: run to its end under a stronger penalty, best on families
# held out. HTML: stopped early under a weak one; README.md says what a stronger one gains and loses.
PENALTIES = {"html": 10.0, "plain": 60.0}
ITERATIONS = {"html": 60, "plain": 150}
RAREST = 6  # a feature of fewer blocks describes one page, not pages
_KEPT = re.compile(r"[\u3400-\u9fff0-9]+")


@dataclass(frozen=True)
class Example:
    """A page with the true state of each block."""

    name: str
    path: Path
    family: str
    paragraphs: Sequence[str]
    blocks: list[BlockStats]
    names: list[list[str]]
    features: PageFeatures
    states: list[int]


def solid(text: str) -> str:
    """Return the Han characters and digits of a text, folded: what spinning, folding and readings leave alone."""
    folded = unicodedata.normalize("NFKC", text).translate(folding())
    return "".join(_KEPT.findall(folded))


def true_states(words: Sequence[str], paragraphs: Sequence[str]) -> list[int]:
    """Return the state of each block: those that stand in the gold, in the gold's order, are body."""
    gold = "".join(map(solid, paragraphs))
    spots: list[tuple[int, int, int]] = []  # block, place in the gold, characters
    for n, text in enumerate(words):
        mine = solid(text)
        if len(mine) < 2:
            continue
        at = gold.find(mine)
        while at >= 0 and len(spots) < 100_000:
            spots.append((n, at, len(mine)))
            at = gold.find(mine, at + 1)
        if gold.find(mine) < 0 and len(mine) >= 12:
            found = fuzz.partial_ratio_alignment(mine, gold, score_cutoff=80)
            if found is not None and found.dest_end - found.dest_start >= 0.7 * len(mine):
                spots.append((n, found.dest_start, found.dest_end - found.dest_start))
    body = _chain(spots)
    if not body:
        return [HEAD] * len(words)
    first, last = min(body), max(body)
    return [BODY if n in body else HEAD if n < first else TAIL if n > last else DIRT for n in range(len(words))]


def _chain(spots: list[tuple[int, int, int]]) -> set[int]:
    """Return the blocks of the heaviest chain whose places in the gold follow one another."""
    best: list[tuple[int, int]] = []
    for i, (n, at, size) in enumerate(spots):
        came, value = -1, size
        for j in range(max(0, i - 400), i):
            m, there, extent = spots[j]
            if m < n and there + extent <= at + 2 and best[j][0] + size > value:
                came, value = j, best[j][0] + size
        best.append((value, came))
    if not best:
        return set()
    i = max(range(len(best)), key=lambda k: best[k][0])
    chain = set()
    while i >= 0:
        chain.add(spots[i][0])
        i = best[i][1]
    return chain


def read_example(path: Path, family: str, paragraphs: Sequence[str]) -> Example | None:
    page = read_page(str(path), Config())
    found = segment(page, Config()) if isinstance(page, Page) else page
    if not isinstance(found, Segmented):
        return None
    blocks = measure(found, load_rules())
    zones = score_zones(blocks)
    hint = title_hint(blocks, zones.find_article(None))
    features = page_features(blocks, hint, zones.find_article(hint))
    names = [features.names(n) for n in range(len(blocks))]
    states = true_states([block.words for block in blocks], paragraphs)
    return Example(path.name, path, family, paragraphs, blocks, names, features, states)


def read_sets(pages: Path, farm: Path) -> dict[str, list[Example]]:
    """Return the examples by kind of page."""
    found: dict[str, list[Example]] = {"html": [], "plain": []}
    for line in (pages / "gold.jsonl").read_text("utf-8").strip().split("\n"):
        gold = json.loads(line)
        family = registrable_domain(gold["url"]) or gold["id"]
        for kind, path in (
            ("html", pages / "pages" / f"{gold['id']}.html"),
            ("plain", pages / "dumps" / f"{gold['id']}.txt"),
        ):
            example = read_example(path, family, gold["paragraphs"])
            if example:
                found[kind].append(example)
    for line in (farm / "gold.jsonl").read_text("utf-8").strip().split("\n"):
        gold = json.loads(line)
        example = read_example(farm / f"{gold['id']}.txt", f"farm {gold['template']}", gold["paragraphs"])
        if example:
            found["plain"].append(example)
    return found


class Trainer:
    """The likelihood of a set of examples and its gradient, all pages of like length at once."""

    def __init__(self, examples: Sequence[Example], penalty: float) -> None:
        counts = Counter(name for example in examples for names in example.names for name in names)
        self.names = sorted(name for name, n in counts.items() if n >= RAREST)
        self.penalty = penalty
        index = {name: n for n, name in enumerate(self.names)}
        rows, columns = [], []
        self.pages: list[tuple[int, np.ndarray]] = []
        at = 0
        for example in examples:
            for n, names in enumerate(example.names):
                known = [index[name] for name in names if name in index]
                rows += [at + n] * len(known)
                columns += known
            self.pages.append((at, np.array(example.states)))
            at += len(example.states)
        shape = (at, len(self.names))
        self.matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
        self.states = np.concatenate([states for _, states in self.pages])
        self.allowed = np.full((4, 4), NEVER)
        for state, following in FOLLOWS.items():
            self.allowed[state, list(following)] = 0.0
        self.seen = sparse.csr_matrix((np.ones(at), (range(at), self.states)), shape=(at, 4))
        self.pairs = np.zeros((4, 4))
        for _, states in self.pages:
            np.add.at(self.pairs, (states[:-1], states[1:]), 1)
        order = sorted(range(len(self.pages)), key=lambda n: len(self.pages[n][1]))
        self.groups = [order[n : n + 24] for n in range(0, len(order), 24)]

    def loss(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, moves = self.shaped(flat)
        scores = self.matrix @ weights
        expected, expected_pairs, partition = np.zeros_like(scores), np.zeros((4, 4)), 0.0
        for group in self.groups:
            partition += self._group(group, scores, moves + self.allowed, expected, expected_pairs)
        truth = scores[np.arange(len(self.states)), self.states].sum() + (self.pairs * moves).sum()
        loss = partition - truth + 0.5 * self.penalty * (weights**2).sum() + 0.005 * (moves**2).sum()
        slope = self.matrix.T @ (expected - self.seen.toarray()) + self.penalty * weights
        slope_moves = np.where(self.allowed == 0, expected_pairs - self.pairs, 0) + 0.01 * moves
        return loss, np.concatenate([slope.ravel(), slope_moves.ravel()])

    def shaped(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return flat[:-16].reshape(-1, 4), flat[-16:].reshape(4, 4)

    def _group(
        self, group: list[int], scores: np.ndarray, moves: np.ndarray, expected: np.ndarray, pairs: np.ndarray
    ) -> float:
        """Forward and backward over some pages at once, padded to the longest; return the sum of log partitions."""
        sizes = np.array([len(self.pages[n][1]) for n in group])
        longest, count = sizes.max(), len(group)
        padded = np.zeros((count, longest, 4))
        for k, n in enumerate(group):
            at = self.pages[n][0]
            padded[k, : sizes[k]] = scores[at : at + sizes[k]]
        start = np.full(4, NEVER)
        start[list(STARTS)] = 0
        end = np.full(4, NEVER)
        end[list(ENDS)] = 0
        forward = np.zeros_like(padded)
        forward[:, 0] = padded[:, 0] + start
        for t in range(1, longest):
            forward[:, t] = padded[:, t] + np.logaddexp.reduce(forward[:, t - 1, :, None] + moves, axis=1)
        lasts = sizes - 1
        total = np.logaddexp.reduce(forward[np.arange(count), lasts] + end, axis=1)
        backward = np.zeros_like(padded)
        backward[np.arange(count), lasts] = end
        for t in range(longest - 2, -1, -1):
            step = np.logaddexp.reduce(moves + (padded[:, t + 1] + backward[:, t + 1])[:, None, :], axis=2)
            inside = (t < lasts)[:, None]
            backward[:, t] = np.where(inside, step, backward[:, t])
        for k, n in enumerate(group):
            at, size = self.pages[n][0], sizes[k]
            expected[at : at + size] = np.exp(forward[k, :size] + backward[k, :size] - total[k])
            if size > 1:
                joint = forward[k, : size - 1, :, None] + moves + (padded[k, 1:size] + backward[k, 1:size])[:, None, :]
                pairs += np.exp(joint - total[k]).sum(axis=0)
        return float(total.sum())

    def fit(self, iterations: int) -> Model:
        start = np.zeros(len(self.names) * 4 + 16)
        found = optimize.minimize(self.loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
        weights, moves = self.shaped(found.x)
        found_weights = {
            name: tuple(float(value) for value in np.round(row, 3))
            for name, row in zip(self.names, weights, strict=True)
            if np.abs(row).max() >= 0.02
        }
        return model_of(found_weights, [[float(value) for value in np.round(row, 3)] for row in moves])


def hand_set(example: Example) -> set[int]:
    blocks = example.blocks
    article = range(*score_zones(blocks).find_article(named_title(blocks)))
    return {n for n in article if not blocks[n].block_hits and not blocks[n].teaser}


def by_model(model: Model) -> Callable[[Example], set[int]]:
    def chosen(example: Example) -> set[int]:
        states = decode(model, model.score(example.features).totals.tolist())
        return {n for n, state in enumerate(states) if state == BODY}

    return chosen


def scores(examples: Sequence[Example], choose: Callable[[Example], set[int]]) -> dict[str, float]:
    """Return the means of the pages' precision, recall and F1 in characters of blocks."""
    found = []
    for example in examples:
        sizes = [block.size for block in example.blocks]
        mine, truth = choose(example), {n for n, state in enumerate(example.states) if state == BODY}
        hit = sum(sizes[n] for n in mine & truth)
        precision = hit / max(1, sum(sizes[n] for n in mine)) if mine else float(not truth)
        recall = hit / max(1, sum(sizes[n] for n in truth)) if truth else float(not mine)
        found.append((precision, recall, 2 * precision * recall / max(1e-9, precision + recall)))
    return {
        name: round(float(np.mean(column)), 4)
        for name, column in zip(("P", "R", "F1"), zip(*found, strict=True), strict=True)
    }


def split(examples: Sequence[Example]) -> list[list[Example]]:
    """Return the examples in folds of like size; a family is never in two of them."""
    families: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        families[example.family].append(example)
    folds: list[list[Example]] = [[] for _ in range(FOLDS)]
    for family in sorted(families, key=lambda name: (-len(families[name]), name)):
        min(folds, key=len).extend(families[family])
    return folds


def cross_validate(
    examples: Sequence[Example], penalty: float, iterations: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the scores of the fitted model on families that it did not see, and those of the hand-set weights."""
    outcome: dict[str, set[int]] = {}
    texts: list[float] = []
    for fold in split(examples):
        held_out = {example.name for example in fold}
        model = Trainer([example for example in examples if example.name not in held_out], penalty).fit(iterations)
        outcome.update({example.name: by_model(model)(example) for example in fold})
        texts += [text_score(example, model) for example in fold if not example.family.startswith("farm")]
    parts = {
        "pages": [example for example in examples if not example.family.startswith("farm")],
        "farm": [example for example in examples if example.family.startswith("farm")],
    }
    fitted: dict[str, Any] = {
        name: scores(some, lambda example: outcome[example.name]) for name, some in parts.items() if some
    }
    fitted["pages"]["text F1"] = round(float(np.mean(texts)), 4)
    return fitted, {name: scores(some, hand_set) for name, some in parts.items() if some}


def text_score(example: Example, model: Model) -> float:
    """Return the F1 of the whole way of a page, with another model in the place of the shipped one."""
    shipped = labeller.load_model
    labeller.load_model = lambda kind: model  # type: ignore[assignment]
    try:
        page = read_page(str(example.path), Config())
        found = clean_page(page) if isinstance(page, Page) else page
    finally:
        labeller.load_model = shipped
    mine = folded(found.record.text) if isinstance(found, Cleaned) else ""
    truth = folded("\n".join(example.paragraphs))
    return 2 * LCSseq.similarity(mine, truth) / max(1, len(mine) + len(truth))


def digest_of(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in sorted(examples, key=lambda entry: entry.name):
        digest.update(f"{example.name}\t{''.join(map(str, example.states))}\n".encode())
    return digest.hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("farm", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--no-cv", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    for kind, examples in read_sets(arguments.set, arguments.farm).items():
        print(kind, len(examples), "pages", sum(len(example.states) for example in examples), "blocks", flush=True)
        penalty = PENALTIES[kind]
        card: dict[str, Any] = {
            "pages": len(examples),
            "states_digest": digest_of(examples),
            "penalty": penalty,
        }
        if not arguments.no_cv:
            card["cross_validated"], card["hand_set_weights"] = cross_validate(examples, penalty, ITERATIONS[kind])
            print(
                "  hand-set:",
                card["hand_set_weights"],
                "\n  fitted, cross-validated:",
                card["cross_validated"],
                flush=True,
            )
        if arguments.out:
            model = Trainer(examples, penalty).fit(ITERATIONS[kind])
            signs = {
                name: weights.tolist() for name, weights in zip(NAMES, model.weights, strict=True) if weights.any()
            }
            found[kind] = {"card": card, "moves": model.moves, "signs": signs}
    if arguments.out:
        lines = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"')
        arguments.out.write_text(lines + "\n", "utf-8")


if __name__ == "__main__":
    main()
