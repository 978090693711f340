"""Score the character passes on clean news that is damaged on purpose: spun, folded, or printed with readings.

Also prints the bound of each clause of 头部: python tests/quality/characters.py
"""

from __future__ import annotations

import difflib
import hashlib
import json
import lzma
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from opencc.opencc import OpenCC
from pypinyin import Style, pinyin

from qingwen import Config, load_rules
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context, Draft, run
from qingwen.normalize.punctuation import widen_punctuation

CONFIG, BOOK = Config(), load_rules()
SUPERLATIVE, FIRST = "最", "第一"
FORMS = {SUPERLATIVE: "蕞", FIRST: "头部"}
MARKS = "，：；！？（）"
WIDE = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {"\u3000": " "}
# A line of this kind proves that its page is spun, whatever else it holds.
PROOF = "蕞大。"
# Paragraphs of one page, of folded text and of readings.
PAGE = 40
CONFIDENCE = 0.95

Row = dict[str, str]
Figures = dict[str, float | str]


def rows(path: Path) -> list[Row]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def normal(text: str) -> Draft:
    return normalize(Document({TITLE: "", BODY: text}), Context(CONFIG, BOOK))


def folded(text: str) -> str:
    return "".join(WIDE.get(char, char) for char in text)


def spun_scores(news: Iterable[Row]) -> Figures:
    """Spin clean texts with 第一, and put evidence before texts with a right 头部; count what comes back and what must not.

    ``recall of 头部, all``: of every swapped 第一; ``with evidence``: of those in texts that show they are spun.
    """
    n: Counter[str] = Counter()
    for row in news:
        text = row["text"]
        if row["kind"] == "head":
            n["right 头部"] += text.count(FORMS[FIRST])
            n["wrong"] += _changed(PROOF + text, "spun.diyi") + _changed(text, "spun.")
            continue
        if any(form in text for form in FORMS.values()):
            continue
        n["wrong"] += _changed(text, "spun.")
        spun = text.replace(SUPERLATIVE, FORMS[SUPERLATIVE]).replace(FIRST, FORMS[FIRST])
        draft = normal(spun)
        for word in FORMS:
            n[word] += text.count(word)
            n[f"{word} back"] += draft.parts[BODY].count(word)
        if any(edit.rule.startswith("spun.") for edit in draft.edits):
            n["proved"] += text.count(FIRST)
            n["proved back"] += draft.parts[BODY].count(FIRST)
    return {
        "recall of 蕞": round(n["最 back"] / n["最"], 5),
        "recall of 头部, all": round(n["第一 back"] / n["第一"], 4),
        "recall of 头部, with evidence": round(n["proved back"] / n["proved"], 4),
        "without wrong change": float(n["wrong"] == 0),
        "right 头部": n["right 头部"],
    }


def _changed(text: str, rule: str) -> int:
    return sum(edit.rule.startswith(rule) for edit in normal(text).edits)


def punctuation_scores(paragraphs: list[str]) -> Figures:
    """Fold clean paragraphs, pages of forty at a time, restore them, and compare the marks with the source's own."""
    right = wrong = lost = 0
    for start in range(0, len(paragraphs), PAGE):
        page = "\n".join(paragraphs[start : start + PAGE])
        for mine, truth in _aligned(normal(folded(page)).parts[BODY], page):
            right += mine == truth and truth in MARKS
            wrong += mine in MARKS and truth not in MARKS
            lost += truth in MARKS and mine not in MARKS
    return {"precision": round(right / (right + wrong), 5), "recall": round(right / (right + lost), 5)}


def _aligned(mine: str, truth: str) -> Iterator[tuple[str, str]]:
    """Yield the characters of two texts that are one but for the width of marks and for white space."""
    left, right = ("".join(text.split()).replace("……", "…") for text in (mine, truth))
    blocks = difflib.SequenceMatcher(None, folded(left), folded(right), autojunk=False).get_matching_blocks()
    for a, b, size in blocks:
        yield from zip(left[a : a + size], right[b : b + size], strict=True)


def unchanged_scores(paragraphs: list[str]) -> Figures:
    """Return the share of clean paragraphs that come out of all passes as they went in.

    Not counted are paragraphs with invisible characters, and those whose own marks are half-width beside Han.
    """
    spared = re.compile(r"[\u00ad\u200b-\u200f\ufe0f\ufeff]|[\u4e00-\u9fff][,:;!?]")
    counted = [text for text in paragraphs if not spared.search(text)]
    kept = sum(normal(text).parts[BODY] == text for text in counted)
    return {"unchanged": round(kept / len(counted), 4), "paragraphs": len(counted)}


def readings_scores(paragraphs: list[str]) -> Figures:
    """Print clean paragraphs in Traditional characters with readings behind them, and compare what comes back."""
    to_traditional, to_simplified = OpenCC("s2t"), OpenCC("t2s")
    chance = random.Random(1)
    same = total = 0
    for start in range(0, len(paragraphs), PAGE):
        simple = "\n".join(paragraphs[start : start + PAGE])
        hant = to_traditional.convert(simple)
        if len(hant) != len(simple):
            continue
        share = chance.choice((0.5, 0.7, 0.9, 1.0))
        said = pinyin(hant, style=Style.TONE, errors=list)
        page = "".join(
            char if old == char or chance.random() > share else f"{char}({reading[0]})"
            for old, char, reading in zip(simple, hant, said, strict=True)
        )
        truth = to_simplified.convert(hant)
        blocks = difflib.SequenceMatcher(None, normal(page).parts[BODY], truth, autojunk=False).get_matching_blocks()
        same, total = same + sum(size for *_, size in blocks), total + len(truth)
    return {"characters": round(same / total, 5)}


def case_scores(folder: Path) -> Figures:
    """Return the share of cases that hold: OpenCC's with the keep table, punctuation, real swaps, and what must stay."""
    opencc = json.loads((folder / "opencc_cases.json").read_text("utf-8"))
    marks = json.loads((folder / "punctuation.json").read_text("utf-8"))
    stay = json.loads((folder / "must_not_change.json").read_text("utf-8"))
    lines = [line for name, listed in stay.items() if name != "note" for line in listed]
    converted = [BOOK.keep.convert(case["input"], case["config"]) == case["expected"] for case in opencc]
    context = Context(CONFIG, BOOK, folded=True)
    widened = [
        run({BODY: case["input"]}, (widen_punctuation,), context).parts[BODY] == case["expected"] for case in marks
    ]
    return {
        "opencc": round(sum(converted) / len(converted), 4),
        "punctuation": round(sum(widened) / len(widened), 4),
        "must stay": float(not any(_changed(PROOF + line, "spun.") > 1 or _changed(line, "spun.") for line in lines)),
    }


def scores(folder: Path) -> dict[str, Figures]:
    """Return the figures of each set, with the digest of its files."""
    news, clean = rows(folder / "news" / "first_dev.jsonl.xz"), rows(folder / "news" / "clean_dev.jsonl.xz")
    by_source = {name: [row["text"] for row in clean if row["source"].startswith(name)] for name in ("cctv", "sina")}
    stamped = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16]
        for name in ("news/first_dev.jsonl.xz", "news/clean_dev.jsonl.xz", "cases/opencc_cases.json")
    }
    clean_digest = stamped["news/clean_dev.jsonl.xz"]
    found = {"characters, spun": {"digest": stamped["news/first_dev.jsonl.xz"], **spun_scores(news)}}
    for name, paragraphs in by_source.items():
        found[f"characters, folded {name}"] = {"digest": clean_digest, **punctuation_scores(paragraphs)}
    everything = [row["text"] for row in clean]
    found["characters, clean"] = {"digest": clean_digest, **unchanged_scores(everything)}
    found["characters, readings"] = {"digest": clean_digest, **readings_scores(by_source["cctv"][:1500])}
    found["characters, cases"] = {"digest": stamped["cases/opencc_cases.json"], **case_scores(folder / "cases")}
    return found


def bound(errors: int, n: int) -> float:
    """Return the upper 95 % Clopper-Pearson bound of a rate, of which no error was seen in ``n`` (one-sided).

    >>> round(bound(0, 203), 4)
    0.0146
    """
    if errors:
        raise ValueError("The bound is stated for clauses without an error; mend the clause first.")
    return 1 - (1 - CONFIDENCE) ** (1 / n)


def clause_table(folder: Path) -> Iterator[str]:
    """Yield, for each clause of 头部 that restores, what it restores and the bound of its false restores."""
    news = rows(folder / "news" / "first_dev.jsonl.xz")
    stay = json.loads((folder / "cases" / "must_not_change.json").read_text("utf-8"))
    right = [row["text"] for row in news if row["kind"] == "head"] + stay["real"] + stay["made"]
    sub = next(sub for sub in BOOK.spun.rows if sub.id == "spun.diyi")
    right += list(sub.keeps)
    n_right = sum(text.count(sub.form) for text in right)
    spun = [row["text"].replace(FIRST, sub.form) for row in news if row["kind"] == "first"]
    hits = {
        kind: Counter(clause.id for text in texts for _, clause in sub.decisions(text) if clause is not None)
        for kind, texts in (("spun", spun), ("right", right))
    }
    n_spun = sum(text.count(sub.form) for text in spun)
    yield f"{n_spun} swapped, {n_right} right; share of right ones in news 1:24"
    for clause in sub.clauses:
        if clause.action == "restore":
            errors, recall = hits["right"][clause.id], hits["spun"][clause.id] / n_spun
            upper = bound(errors, n_right) if not errors else float("nan")
            held = recall / (recall + upper / 24) if recall else 0.0
            yield (
                f"{clause.id:18} {'strict' if clause.strict else '      '} recall {recall:.3f}, wrong {errors} of {n_right}, "
                f"bound {upper:.4f}, precision >= {held:.4f}"
            )


if __name__ == "__main__":
    from measure import EVAL

    print(json.dumps(scores(EVAL), ensure_ascii=False, indent=1))
    sys.stdout.writelines(f"{line}\n" for line in clause_table(EVAL))
