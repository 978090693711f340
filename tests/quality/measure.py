"""Measure the quality of cleaning on the tests' own pages and, where they are, on the development sets.

python tests/quality/measure.py [--pin] [--lower]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import sys
import tarfile
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import characters
import facts
import farm
from rapidfuzz.distance import LCSseq

from qingwen import Config, clean_page
from qingwen.model import Cleaned, Page
from qingwen.read.page import read_page
from qingwen.text.opencc import converter

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLOORS = HERE / "floors.json"
EVAL = Path(os.environ.get("QINGWEN_EVAL", ROOT.parent / "shared" / "eval"))
# A floor stands so far below its measurement: figures differ in the fourth place between versions of Python.
MARGIN = 0.0005


@dataclass(frozen=True)
class Gold:
    """A page's bytes, and its title and paragraphs as they should be."""

    name: str
    path: Path
    title: str
    paragraphs: list[str]


def own_pages() -> Iterator[Gold]:
    for path in sorted((ROOT / "tests" / "pages").glob("*.gold.json")):
        gold = json.loads(path.read_text("utf-8"))
        if "paragraphs" in gold:
            page = path.with_name(path.name.removesuffix(".gold.json"))
            yield Gold(page.name, page, gold["title"], gold["paragraphs"])
    seed = json.loads((ROOT / "tests" / "gold" / "seed.json").read_text("utf-8"))
    yield Gold("seed", next((ROOT / "seeds").glob("*.txt")), seed["title"], seed["paragraphs"])


def development_pages(folder: Path) -> dict[str, list[Gold]]:
    """Return the development pages as HTML and as dumps, unpacked into a folder."""
    with tarfile.open(EVAL / "pages_dev.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    found: dict[str, list[Gold]] = {"html": [], "dumps": []}
    for line in (folder / "gold.jsonl").read_text("utf-8").strip().split("\n"):
        gold = json.loads(line)
        for kind, path in (("html", f"pages/{gold['id']}.html"), ("dumps", f"dumps/{gold['id']}.txt")):
            found[kind].append(Gold(path, folder / path, gold["title"], gold["paragraphs"]))
    return found


def folded(text: str) -> str:
    return re.sub(r"\s+", "", converter("t2s").convert(unicodedata.normalize("NFKC", text)))


def scores(pages: Iterable[Gold]) -> dict[str, float]:
    """Return the mean F1 of the characters' longest common subsequence, its median, and the share of exact titles."""
    found, titles = [], []
    for gold in pages:
        page = read_page(str(gold.path), Config())
        result = clean_page(page) if isinstance(page, Page) else page
        title, text = (result.record.title, result.record.text) if isinstance(result, Cleaned) else ("", "")
        mine, truth = folded(text), folded("\n".join(gold.paragraphs))
        hit = LCSseq.similarity(mine, truth)
        found.append(2 * hit / max(1, len(mine) + len(truth)))
        if gold.title:
            titles.append(folded(title) == folded(gold.title))
    rounded = {"f1": statistics.mean(found), "median": statistics.median(found), "title": statistics.mean(titles)}
    return {name: round(value, 4) for name, value in rounded.items()}


def digest(pages: Iterable[Gold]) -> str:
    found = hashlib.sha256()
    for gold in sorted(pages, key=lambda gold: gold.name):
        found.update(hashlib.sha256(gold.path.read_bytes()).digest())
        found.update(json.dumps([gold.title, gold.paragraphs], ensure_ascii=False).encode())
    return found.hexdigest()[:16]


def measure() -> dict[str, dict[str, float | str]]:
    """Return the scores of each set that is here, with its digest."""
    sets = {"own": list(own_pages())}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, dict[str, float | str]] = {}
        if EVAL.is_dir():
            sets |= development_pages(folder)
            found["farm"] = farm.scores(EVAL / "farm", folder / "farm")
            found |= characters.scores(EVAL)
            for what, gold in (
                ("facts", facts.golds(facts.OWN)),
                ("facts of old pages", facts.golds(EVAL / "metadata_dev.jsonl")),
            ):
                for kind, ending in (("pages", ".html"), ("dumps", ".txt")):
                    stated = facts.scores(gold, folder / kind, ending)
                    found[f"{what}, {kind}"] = {"digest": facts.digest(gold), **stated}
        return found | {what: {"digest": digest(pages), **scores(pages)} for what, pages in sets.items()}


def fallen(pinned: dict[str, dict[str, float | str]], now: dict[str, dict[str, float | str]]) -> list[str]:
    """Return every figure below its floor, and every set that is not the one it was measured on, in words."""
    faults = []
    for name in now.keys() & pinned.keys():
        if now[name]["digest"] != pinned[name]["digest"]:
            faults.append(f"{name}: the pages are not those that the floor was measured on; measure and pin anew.")
            continue
        for figure, floor in pinned[name].items():
            if figure != "digest" and float(now[name][figure]) < float(floor) - MARGIN:
                faults.append(f"{name}: {figure} {now[name][figure]} is below its floor {floor}.")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pin", action="store_true", help="write what is measured as the new floors")
    parser.add_argument("--lower", action="store_true", help="let a floor fall; the changelog must name the set")
    arguments = parser.parse_args()
    now = measure()
    print(json.dumps(now, indent=1))
    pinned = json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else {}
    faults = [fault for fault in fallen(pinned, now) if "is below" in fault]
    if arguments.pin:
        named = (ROOT / "CHANGELOG.md").read_text("utf-8")
        lowered = {fault.partition(":")[0] for fault in faults}
        if lowered and not (arguments.lower and all(f"floor lowered: {name}" in named for name in lowered)):
            print(
                "refused: " + " ".join(faults), "Give --lower and a line in the changelog.", sep="\n", file=sys.stderr
            )
            return 1
        FLOORS.write_text(json.dumps({**pinned, **now}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
