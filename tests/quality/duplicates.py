"""Score duplicates: pairs of reposts and of unlike articles among the development pages, and generated farm pages."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from qingwen import Config, clean_page
from qingwen.dataset.minhash import SIZE, signature, similarity
from qingwen.model import Cleaned
from qingwen.run.near_duplicates import similar


def pair_scores(found: Sequence[object], wanted: Sequence[object]) -> dict[str, float]:
    """Return recall and precision over pairs: ``found`` and ``wanted`` name the cluster of each text."""
    pairs = list(combinations(range(len(wanted)), 2))
    right = sum(wanted[i] == wanted[j] and found[i] == found[j] for i, j in pairs)
    return {
        "recall": round(right / max(1, sum(wanted[i] == wanted[j] for i, j in pairs)), 4),
        "precision": round(right / max(1, sum(found[i] == found[j] for i, j in pairs)), 4),
    }


def articles_of(gold: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the article of each farm page; two of the generator's articles that are reposts of one count as one."""
    rows = list(gold)
    shingles: dict[str, set[str]] = {}
    for row in rows:
        text = "".join(row["paragraphs"])
        shingles.setdefault(row["article"], {text[at : at + 4] for at in range(len(text) - 3)})
    same = {name: name for name in shingles}
    for one, other in combinations(sorted(shingles), 2):
        shared = len(shingles[one] & shingles[other])
        if shared >= 0.8 * len(shingles[one] | shingles[other]):
            same[other] = same[one]
    return {row["id"]: same[row["article"]] for row in rows}


def clusters(texts: Iterable[str], least: float = Config().min_similarity) -> list[int]:
    """Return the cluster of each text, as a run finds it."""
    matrix = np.array([np.frombuffer(signature(text), "<u4") for text in texts]).reshape(-1, SIZE)
    with tempfile.TemporaryDirectory() as folder:
        found: list[int] = similar(matrix, least, Path(folder)).tolist()
    return found


def judged_pairs(texts: Mapping[str, str], pairs: Iterable[Mapping[str, str]]) -> dict[str, tuple[int, int]]:
    """Return, by kind of pair, how many are found alike, and how many there are."""
    counts: dict[str, tuple[int, int]] = {}
    for pair in pairs:
        alike = similarity(signature(texts[pair["a"]]), signature(texts[pair["b"]])) >= Config().min_similarity
        hits, n = counts.get(pair["kind"], (0, 0))
        counts[pair["kind"]] = hits + alike, n + 1
    return counts


def text_of(path: Path) -> str:
    found = clean_page(path.read_bytes(), source_path=path.name)
    return found.record.text if isinstance(found, Cleaned) else ""


def main() -> None:
    """Print the scores of the development pairs, and of each folder of farm pages that is named."""
    from measure import EVAL, development_pages

    pairs = json.loads((EVAL / "duplicates_dev.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        development_pages(Path(folder))
        named = {name for pair in pairs for name in (pair["a"], pair["b"])}
        files = [path for path in Path(folder).rglob("*") if path.suffix in (".html", ".txt")]
        texts = {path.stem: text_of(path) for path in files if path.stem in named}
    for kind, (hits, n) in judged_pairs(texts, pairs).items():
        print(f"{kind}: {hits} of {n} alike")
    for farm in map(Path, sys.argv[1:]):
        gold = [json.loads(line) for line in (farm / "gold.jsonl").read_text("utf-8").splitlines()]
        found = clusters(text_of(farm / f"{row['id']}.txt") for row in gold)
        articles = articles_of(gold)
        print(farm.name, pair_scores(found, [articles[row["id"]] for row in gold]))


if __name__ == "__main__":
    main()
