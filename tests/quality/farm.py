"""Score the cleaning of generated farm pages, by the generator's own scorer."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import duplicates

from qingwen import Config, clean_page
from qingwen.model import Cleaned, Page
from qingwen.read.page import read_page

PAGES, SEED = 70, 1


def scores(farm: Path, folder: Path) -> dict[str, float | str]:
    """Generate pages, clean them, and return the means with the digest of the gold; ``farm`` holds the generator."""
    bench = [sys.executable, str(farm / "farm_bench.py")]
    named = [
        "--articles",
        str(farm / "articles_dev.jsonl"),
        "--templates",
        str(farm / "templates"),
        "--out",
        str(folder),
    ]
    made = [*bench, "make", *named, "--n", str(PAGES), "--seed", str(SEED)]
    subprocess.run(made, check=True, capture_output=True)
    texts: dict[str, str] = {}
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as file:
        for path in sorted(folder.glob("*.txt")):
            page = read_page(str(path), Config())
            found = clean_page(page) if isinstance(page, Page) else page
            if isinstance(found, Cleaned):
                row = {"id": path.stem, "title": found.record.title, "text": found.record.text}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                texts[path.stem] = found.record.text
    gold = folder / "gold.jsonl"
    scored = [*bench, "score", "--gold", str(gold), "--pred", str(folder / "predictions.jsonl")]
    means = json.loads(subprocess.run(scored, check=True, capture_output=True, text=True).stdout)["all"]
    articles = duplicates.articles_of(map(json.loads, gold.read_text("utf-8").splitlines()))
    alike = duplicates.pair_scores(duplicates.clusters(texts.values()), [articles[name] for name in texts])
    return {
        "digest": hashlib.sha256(gold.read_bytes()).hexdigest()[:16],
        "f1": means["body_f1"],
        "kept": means["kept"],
        "title": means["title_exact"],
        "without leak": round(1 - means["leak"], 4),
        "swaps undone": means["spin_recall"],
        "swaps, precision": means["spin_precision"],
        "marks widened": means["punct_exact"],
        "marks kept": means["punct_kept"],
        "script": means["script_exact"],
        "duplicates found": alike["recall"],
        "duplicates right": alike["precision"],
    }
