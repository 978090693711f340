"""Fit what labelling learns, and judge it on sites that it did not see.

    python -m tests.quality.fit_labels SET... [--farm FARM] [--out flows/qingwen/rules] [--no-cv]

A SET holds pages/, dumps/ and gold.jsonl (id, host or url, paragraphs; optional: article, optional, title), FARM *.txt and
gold.jsonl (file, template, paragraphs). Made pages (`furniture`) are added. A site, a template of the farm or a layout is
never in training and in test at once. Needs the extra ``fit``. Without --out nothing is written.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq
from tests.quality.fits import (
    SEQUENCE_ITERATIONS,
    SEQUENCE_PENALTY,
    Flags,
    Floats,
    Sequences,
    fit_confidence,
    fit_elements,
    fit_lexical,
)
from tests.quality.furniture import KINDS, hard_news, lines, made_pages, plain_news

from qingwen import Config, clean_page, load_rules
from qingwen.label import article_element, confidence, labeller, lexical
from qingwen.label.article_element import element_features, elements_of, place
from qingwen.label.block_stats import BlockStats, measure, running_chars
from qingwen.label.crf import BODY, DIRT, HEAD, TAIL, Model
from qingwen.label.crf_features import page_features
from qingwen.label.feature_names import NAMES
from qingwen.label.title import named_title
from qingwen.metadata.site import registrable_domain
from qingwen.model import Cleaned, Page, Segmented
from qingwen.read.page import read_page
from qingwen.rules.book import weights_of_features
from qingwen.segment.segment import segment, segment_plain
from qingwen.text.match_view import folding

FOLDS = 5
# So many models share a way's sites, each without its part of them; one sees all.
BAGS = {"html": 8, "plain": 1}
SEED = 1
MADE_PAGES, MADE_LINES, MADE_NEWS = 400, 150, 2_500
# A made line counts for less than a real one.
MADE_COUNTS = 0.3
_KEPT_CHARS = set("0123456789")
Lexical = tuple[Floats, float]


@dataclass
class Example:
    """A page: what its gold says, its blocks, the states that each block may have, and its fold."""

    name: str
    path: Path | None
    family: str
    blocks: list[BlockStats]
    allowed: Flags
    paragraphs: Sequence[str] = ()
    optional: Sequence[str] = ()
    article: bool = True
    fold: int = 0
    lexical: list[float] = field(default_factory=list)

    @property
    def real(self) -> bool:
        """Whether a person marked the page."""
        return self.path is not None and not self.family.startswith("farm ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--farm", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--no-cv", action="store_true")
    arguments = parser.parse_args()
    table: dict[str, Any] = {}
    signals: list[tuple[str, dict[str, float], float]] = []
    examples = {way: list(read_sets(arguments.sets, way)) for way in ("html", "plain")}
    examples["plain"] += [*read_farm(arguments.farm), *read_made()] if arguments.farm else [*read_made()]
    for way, some in examples.items():
        deal(some)
        known = lexical_by_fold(some)
        real = [example for example in some if example.real]
        table[way] = {"pages": len(real), "blocks": sum(len(example.blocks) for example in some)}
        if not arguments.no_cv:
            found = [judged for fold in range(FOLDS) for judged in judge(some, known, way, fold)]
            signals += found
            table[way]["F1 on sites left out"] = round(statistics.mean(score for _, _, score in found), 4)
            print(way, table[way], flush=True)
    if signals:
        table["confidence"] = fit_confidence(
            [each for _, each, _ in signals], np.array([score for _, _, score in signals])
        )
        table["confidence card"] = card_of(signals)
        print(json.dumps(table["confidence card"]), flush=True)
    if arguments.out:
        if arguments.no_cv:
            shipped = json.loads(weights_of_features())
            table |= {name: shipped[name] for name in ("confidence", "confidence card")}
        write(arguments.out, table, examples)


def write(out: Path, table: dict[str, Any], examples: dict[str, list[Example]]) -> None:
    """Fit everything on all pages and write it where the package reads it."""
    known = train_lexical([example for some in examples.values() for example in some])
    scale = float(np.abs(known[0]).max()) / 127
    (out / "lexical.bin").write_bytes(np.round(known[0] / scale).astype(np.int8).tobytes())
    table["lexical"] = {"scale": round(scale, 8), "bias": round(known[1], 4)}
    table["element"] = train_elements(examples["html"])
    use(elements=table["element"])
    for way, some in examples.items():
        weights, moves = train_sequences(some, way)
        signs = {
            name: row.tolist() for name, row in zip(NAMES, weights, strict=True) if name and np.abs(row).max() >= 0.02
        }
        table[way] = {"card": table[way], "moves": moves.tolist(), "signs": signs}
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"')
    (out / "weights.json").write_text(text + "\n", "utf-8")


def read_sets(sets: Sequence[Path], way: str) -> Iterator[Example]:
    """Yield the marked pages, as HTML or as dumps."""
    for folder in sets:
        for line in (folder / "gold.jsonl").read_text("utf-8").strip().split("\n"):
            gold = json.loads(line)
            kind, ending = ("pages", "html") if way == "html" else ("dumps", "txt")
            path = folder / kind / f"{gold['id']}.{ending}"
            host = gold.get("host") or gold.get("url") or gold["id"]
            if (example := read(path, registrable_domain(host) or host, gold)) is not None:
                yield example


def read_farm(farm: Path) -> Iterator[Example]:
    """Yield the farm's pages."""
    for line in (farm / "gold.jsonl").read_text("utf-8").strip().split("\n"):
        gold = json.loads(line)
        if (example := read(farm / f"{gold['id']}.txt", f"farm {gold['template']}", gold)) is not None:
            yield example


def read_made() -> Iterator[Example]:
    """Yield made pages, with the states that the grammar gives."""
    for n, page in enumerate(made_pages(MADE_PAGES, SEED)):
        blocks = measure(segment_plain("\n".join(page.lines)), load_rules())
        allowed = np.zeros((len(blocks), 4), dtype=np.bool_)
        allowed[np.arange(len(blocks)), list(page.states)] = True
        yield Example(f"made {n}", None, f"made {n % 50}", blocks, allowed)


def read(path: Path, family: str, gold: dict[str, Any]) -> Example | None:
    """Return a marked page with its blocks; None if it is not there or shows nothing."""
    page = read_page(str(path), Config()) if path.exists() else None
    found = segment(page, Config()) if isinstance(page, Page) else None
    if not isinstance(found, Segmented):
        return None
    blocks = measure(found, load_rules())
    optional, article = gold.get("optional", ()), gold.get("article", True)
    words = [block.words for block in blocks]
    allowed = (
        allowed_states(words, gold["paragraphs"], optional) if article else np.zeros((len(words), 4), dtype=np.bool_)
    )
    return Example(path.name, path, family, blocks, allowed, gold["paragraphs"], optional, article)


def solid(text: str) -> str:
    """Return the Han characters and digits of a text, folded: what spinning, folding and readings leave alone."""
    folded = unicodedata.normalize("NFKC", text).translate(folding())
    return "".join(char for char in folded if char in _KEPT_CHARS or "\u3400" <= char <= "\u9fff")


def allowed_states(words: Sequence[str], paragraphs: Sequence[str], optional: Sequence[str]) -> Flags:
    """Return the states that each block may have: body, or any other, or all where the gold leaves it open."""
    states = true_states(words, paragraphs)
    free = [solid(line) for line in optional]
    allowed = np.zeros((len(words), 4), dtype=np.bool_)
    for n, (text, state) in enumerate(zip(words, states, strict=True)):
        mine = solid(text)
        is_free = len(mine) >= 2 and any(mine in line or (len(line) >= 6 and line in mine) for line in free if line)
        allowed[n] = [False, True, False, False] if state == BODY else [True, is_free, True, True]
    return allowed


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


def deal(examples: Sequence[Example]) -> None:
    """Deal the examples to folds of like size; a family is never in two of them."""
    families: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        families[example.family].append(example)
    sizes = [0] * FOLDS
    for family in sorted(families, key=lambda name: (-len(families[name]), name)):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(families[family])
        for example in families[family]:
            example.fold = fold


def lexical_by_fold(examples: Sequence[Example]) -> list[Lexical]:
    """Return a lexical model without each fold, and give each example the scores of the one that did not see its site."""
    known = [train_lexical([example for example in examples if example.fold != fold]) for fold in range(FOLDS)]
    for example in examples:
        use(words=known[example.fold])
        example.lexical = lexical.lexical_scores([block.words for block in example.blocks]).tolist()
    return known


def train_lexical(examples: Sequence[Example]) -> Lexical:
    """Fit the lexical model on the lines of real pages and on made lines."""
    words, furniture, counts = list[str](), list[bool](), list[float]()
    for example in examples:
        if example.path is None or not example.article:
            continue
        seen = set()
        for block, (_, body, *others) in zip(example.blocks, example.allowed.tolist(), strict=True):
            if (body and any(others)) or (block.words, body) in seen:
                continue
            seen.add((block.words, body))
            words.append(block.words)
            furniture.append(not body)
            counts.append(1.0)
    made = [(line, True) for kind in KINDS for line in sorted(set(lines(kind, MADE_LINES, SEED)))]
    made += [(text, False) for text in sorted({*hard_news(MADE_NEWS, SEED), *plain_news(MADE_NEWS, SEED)})]
    made += [
        (line, state != BODY)
        for page in made_pages(MADE_PAGES, SEED + 1)
        for line, state in zip(page.lines, page.states, strict=True)
    ]
    words += [line for line, _ in made]
    furniture += [is_furniture for _, is_furniture in made]
    counts += [MADE_COUNTS] * len(made)
    return fit_lexical(words, np.array(furniture), np.array(counts))


def train_elements(examples: Sequence[Example]) -> dict[str, float]:
    """Fit the choice of the article's element: the target is the F1 of the running text inside each."""
    pages = []
    for example in examples:
        blocks = with_words(example)
        elements = elements_of(blocks, named_title(blocks))
        sizes = np.array([block.size for block in blocks])
        prose, body = np.array([block.prose for block in blocks]), example.allowed[:, BODY] & ~example.allowed[:, HEAD]
        if not elements or not body.any():
            continue
        scores = []
        for element in elements:
            inside = np.array([f"{block.path}/".startswith(f"{element}/") for block in blocks])
            hit = sizes[inside & prose & body].sum()
            precision, recall = (
                hit / max(1, sizes[inside & prose].sum()),
                sizes[inside & body].sum() / sizes[body].sum(),
            )
            scores.append(2 * precision * recall / (precision + recall) if hit else 0.0)
        pages.append((list(element_features(blocks, elements, named_title(blocks))), np.array(scores)))
    return fit_elements(pages)


def train_sequences(examples: Sequence[Example], way: str) -> tuple[Floats, Floats]:
    """Fit the sequence model; each example's lexical scores are those of a model that did not see its site.

    The model is the mean of several, each of which does not see some of the sites: one site more or less then says little.
    """
    bags = BAGS[way]
    families = {family: n % bags for n, family in enumerate(sorted({example.family for example in examples}))}
    pages: list[list[tuple[npt.NDArray[np.int64], Flags]]] = [[] for _ in range(bags)]
    for example in examples:
        if example.allowed[:, BODY].any():
            blocks = place(with_words(example))
            page = page_features(blocks, named_title(blocks)).table, example.allowed
            for bag in range(bags):
                if bags == 1 or families[example.family] != bag:
                    pages[bag].append(page)
    fits = [Sequences(some, len(NAMES), SEQUENCE_PENALTY[way]).fit(SEQUENCE_ITERATIONS[way]) for some in pages]
    weights, moves = (np.mean(each, axis=0) for each in zip(*fits, strict=True))
    return np.round(weights, 3), np.round(moves, 3)


def with_words(example: Example) -> list[BlockStats]:
    """Return the blocks with the lexical scores of a model that did not see their site, and what follows from them."""
    columns = {name: [getattr(block, name) for block in example.blocks] for name in BlockStats._fields}
    names = ("size", "prose", "link_density", "block_hits", "teaser", "path", "stated")
    running = running_chars(*(columns[name] for name in names), np.array(example.lexical))
    return [
        block._replace(lexical=score, running=chars)
        for block, score, chars in zip(example.blocks, example.lexical, running, strict=True)
    ]


def judge(
    examples: Sequence[Example], known: Sequence[Lexical], way: str, fold: int
) -> Iterator[tuple[str, dict[str, float], float]]:
    """Yield, for each real page of a fold, its family, its signals of confidence and its F1, by models without its site."""
    train = [example for example in examples if example.fold != fold]
    if way == "html":
        use(elements=train_elements(train))
    weights, moves = train_sequences(train, way)
    use(words=known[fold], model=Model(weights, tuple(map(tuple, moves.tolist()))))
    for example in examples:
        if example.fold != fold or not example.real:
            continue
        assert example.path is not None
        with recorded() as found:
            cleaned = clean_page(example.path.read_bytes(), source_path=str(example.path))
        if isinstance(cleaned, Cleaned):
            yield example.family, found[-1], f1_of(cleaned.record.text, example)
        elif example.article:
            yield example.family, found[-1] if found else {}, 0.0


def f1_of(text: str, example: Example) -> float:
    """Return the F1 of a text in the order of its characters; optional lines count neither for nor against."""
    free = {solid(line) for line in example.optional}
    mine = "".join(line for line in map(solid, text.split("\n")) if line not in free)
    truth = "".join(map(solid, example.paragraphs)) if example.article else ""
    return 2 * LCSseq.similarity(mine, truth) / max(1, len(mine) + len(truth))


def card_of(signals: Sequence[tuple[str, dict[str, float], float]]) -> dict[str, float]:
    """Return what the confidence is worth on sites left out of its own fit."""
    families = sorted({family for family, _, _ in signals})
    fold_of = {family: n % FOLDS for n, family in enumerate(families)}
    expected, scores = [], []
    for fold in range(FOLDS):
        train = [(each, score) for family, each, score in signals if fold_of[family] != fold]
        weights = fit_confidence([each for each, _ in train], np.array([score for _, score in train]))
        for family, each, score in signals:
            if fold_of[family] == fold:
                margin = weights["always"] + sum(weights.get(name, 0.0) * value for name, value in each.items())
                expected.append(1 / (1 + np.exp(-margin)))
                scores.append(score)
    values, truth = np.array(expected), np.array(scores)
    bad, sure = truth < 0.9, values >= 0.9
    ranks = np.argsort(np.argsort(-values)) + 1
    auc = (ranks[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / max(1, bad.sum() * (~bad).sum())
    bins = np.array_split(np.argsort(values), 10)
    return {
        "pages": len(truth),
        "AUC of F1 below .9": round(float(auc), 4),
        "at .9 and more": round(float(sure.mean()), 4),
        "of them F1 .95 and more": round(float((truth[sure] >= 0.95).mean()), 4),
        "error of ten bins": round(float(np.mean([abs(values[n].mean() - truth[n].mean()) for n in bins])), 4),
    }


@contextmanager
def recorded() -> Iterator[list[dict[str, float]]]:
    """Collect the signals of confidence of the pages that are cleaned meanwhile."""
    found: list[dict[str, float]] = []
    signals = confidence.confidence_signals

    def collect(*values: Any, **named: Any) -> dict[str, float]:
        found.append(signals(*values, **named))
        return found[-1]

    confidence.confidence_signals = collect
    yield found
    confidence.confidence_signals = signals


def use(*, words: Lexical | None = None, elements: dict[str, float] | None = None, model: Model | None = None) -> None:
    """Put fitted weights in the place of the shipped ones."""
    if words is not None:
        lexical.load_weights = _always(words)  # type: ignore[assignment]
    if elements is not None:
        article_element._weights = _always(elements)  # type: ignore[assignment]
    if model is not None:
        labeller.load_model = lambda kind: model  # type: ignore[assignment]


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value


if __name__ == "__main__":
    main()
    sys.stdout.flush()
