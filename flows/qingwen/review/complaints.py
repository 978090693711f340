"""Check a reviewer's complaints, a file of cases exported from the review page, against the rules."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from qingwen.clean import clean_page, normalize
from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.model import BODY, TITLE, Cleaned, Document, LabelledBlock, Rejection
from qingwen.normalize.passes import Context
from qingwen.rules.book import RuleBook
from qingwen.text.spans import align

FORMAT = 1
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "verdict": ("page", "rule", "text", "wrong"),
    "edit": ("page", "before", "after", "left", "right"),
    "rejection": ("page", "rule"),
}
_WRONG = ("removed", "kept")
_PAGE = ("format", "text", "title", "body", "site")
_SHOWN = 40
_Row = Mapping[str, Any]


def check_cases(text: str, book: RuleBook, config: Config | None = None) -> list[str]:
    """Return the complaints of a cases file that are still true, one sentence each.

    A wrong removal is true while the rule hits the block or, if no row of a table removed it, while cleaning the page
    removes it; a wrongly kept block while nothing removes it; a change while the same change is made in the same
    context; a rejection while the page is rejected. Pages are cleaned again from the texts in the file. It holds no
    markup of HTML pages, so a complaint that depends on markup stays true until the case is taken out.

    Raises:
        SetupError: the text is not a file of cases; the message says what is wrong and where.
    """
    pages, cases = _parsed(text)
    check = _Check(book, config or Config(), pages)
    faults = (check.fault_of(case) for case in cases)
    return [fault for fault in faults if fault]


def count_cases(text: str) -> int:
    """Return how many complaints a cases file holds; it is refused as by `check_cases`."""
    return len(_parsed(text)[1])


def _parsed(text: str) -> tuple[Mapping[str, _Row], list[_Row]]:
    try:
        stated = from_json(text)
    except (ValueError, RecursionError) as fault:
        raise SetupError(f"cases: not valid JSON: {fault}. Export the marks from the review page again.") from fault
    if not isinstance(stated, dict) or stated.get("format") != FORMAT:
        raise SetupError(f"cases: no file of cases of format {FORMAT}. Export the marks from the review page.")
    pages, cases = stated.get("pages", {}), stated.get("cases")
    if not (isinstance(cases, list) and isinstance(pages, dict) and all(isinstance(p, dict) for p in pages.values())):
        raise SetupError("cases: pages must be an object of objects, and cases a list.")
    for name, page in pages.items():
        wrong = [key for key in _PAGE if not isinstance(page.get(key), str | None)]
        if wrong:
            raise SetupError(f"cases: page {name[:12]}: {wrong[0]} must be text.")
    for number, case in enumerate(cases, 1):
        _refuse(case, f"cases: case {number}")
    return pages, cases


def _refuse(case: Any, where: str) -> None:
    kind = str(case.get("kind")) if isinstance(case, dict) else ""
    if kind not in _NEEDED:
        raise SetupError(f"{where}: unknown kind {kind!r}; known are {', '.join(_NEEDED)}.")
    for name in _NEEDED[kind]:
        if not isinstance(case.get(name), str):
            raise SetupError(f"{where}: {name} is missing, or no text.")
    if kind == "verdict" and case["wrong"] not in _WRONG:
        raise SetupError(f"{where}: wrong is {case['wrong']!r}; it must be removed or kept.")
    if case.get("part", BODY) not in (TITLE, BODY):
        raise SetupError(f"{where}: part is {case['part']!r}; it must be title or body.")


class _Check:
    """Checks cases against rules and configuration; cleans each page once for all of its cases."""

    def __init__(self, book: RuleBook, config: Config, pages: Mapping[str, _Row]) -> None:
        self._book = book
        self._config = config
        self._pages = pages
        self._rows = {rule.id: rule for rule in book.rules}
        self._cleaned: dict[str, Cleaned | Rejection] = {}

    def fault_of(self, case: _Row) -> str | None:
        """Return what is still wrong, as a sentence, or None."""
        where = f"cases: page {case['page'][:12]}"
        is_true: bool | None
        if case["kind"] == "edit":
            is_true = self._still_changed(case)
            what = f"{_short(case['before'])} still becomes {_short(case['after'])} behind {_short(case['left'])}"
        elif case["kind"] == "rejection":
            is_true = self._still_rejected(case)
            what = f"still rejected ({case['rule']})"
        elif case["wrong"] == "removed":
            is_true = self._still_removed(case)
            what = f"{case['rule']} still removes {_short(case['text'])}"
        else:
            is_true = self._still_kept(case)
            what = f"nothing removes {_short(case['text'])}"
        if is_true is None:
            return f"{where}: {what}, or so it did; only the page itself can tell. Take the case out once it is right."
        return f"{where}: {what}." if is_true else None

    def _clean(self, page: str) -> Cleaned | Rejection | None:
        """Clean a page again; return None where the file lacks what the decision was made of (markup)."""
        stated = self._pages.get(page, {})
        if stated.get("format") == "html" or not isinstance(stated.get("text"), str):
            return None
        if page not in self._cleaned:
            self._cleaned[page] = clean_page(stated["text"].encode(), config=self._config, rules=self._book)
        return self._cleaned[page]

    def _block(self, case: _Row) -> LabelledBlock | None:
        """Return the block of a verdict case as it is labelled now."""
        result = self._clean(case["page"])
        blocks = result.blocks if result is not None else ()
        return next((labelled for labelled in blocks if labelled.block.n == case.get("block")), None)

    def _still_removed(self, case: _Row) -> bool | None:
        labelled, rule = self._block(case), self._rows.get(case["rule"])
        if rule is None:
            # The text alone cannot show what was learned of the site or decided over the sequence.
            learned = case["rule"].startswith("site.")
            return None if labelled is None or learned else labelled.text is not None
        if labelled is not None and (labelled.text is None or labelled.verdict.rule != rule.id):
            return False
        return rule in [hit.rule for hit in self._book.hits(case["text"].strip())]

    def _still_kept(self, case: _Row) -> bool:
        labelled = self._block(case)
        if labelled is not None:
            return labelled.text is None
        return not self._book.hits(case["text"].strip())

    def _still_rejected(self, case: _Row) -> bool | None:
        result = self._clean(case["page"])
        return None if result is None else isinstance(result, Rejection)

    def _still_changed(self, case: _Row) -> bool:
        page = self._pages.get(case["page"], {})
        near = case["left"] + case["before"] + case["right"]
        whole = isinstance(page.get("body"), str)
        parts = {TITLE: page.get("title") or "", BODY: page["body"]} if whole else {TITLE: "", BODY: near}
        part = case.get("part", BODY) if whole else BODY
        draft = normalize(
            Document(parts, text=page.get("text") if whole else None),
            Context(
                self._config,
                self._book,
                dump=page.get("format") != "html",
                site=page.get("site"),
                spun_site=bool(page.get("spun")),
            ),
        )
        text, at = parts[part], 0
        for segment in align(text, [edit for edit in draft.edits if edit.part == part]):
            end = at + len(segment.before)
            same = (segment.before, segment.after) == (case["before"], case["after"])
            if same and text[:at].endswith(case["left"]) and text[end:].startswith(case["right"]):
                return True
            at = end
        return False


def _short(text: str) -> str:
    words = " ".join(text.split()) or text
    return repr(words if len(words) <= _SHOWN else words[:_SHOWN] + "…")
