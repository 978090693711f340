"""Time the stages, passes and rules over some pages, one by one, in this process."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ParamSpec, TypeVar

from qingwen.clean import PASSES, document_of, normalize
from qingwen.config import Config
from qingwen.label.labeller import label
from qingwen.metadata.metadata import read_metadata
from qingwen.metadata.quality import signals
from qingwen.model import BODY, HTML, Page, Segmented
from qingwen.normalize.passes import Context, Draft, Pass, Proposal
from qingwen.read.containers import pages_of
from qingwen.read.page import Source
from qingwen.rules.book import RuleBook
from qingwen.segment.segment import segment
from qingwen.text.match_view import view

# More pages take longer and change no figure.
MOST_PAGES = 300
_SLOWEST = 12

P = ParamSpec("P")
R = TypeVar("R")


class Profile:
    """Seconds by stage, by pass and by rule, summed over pages."""

    def __init__(self, config: Config, book: RuleBook) -> None:
        self.config, self.book = config, book
        self.stages: dict[str, float] = defaultdict(float)
        self.passes: dict[str, float] = defaultdict(float)
        self.rules: dict[str, float] = defaultdict(float)
        self.hits: Counter[str] = Counter()
        self.pages = self.characters = 0

    def add(self, sources: Iterable[Source], most: int) -> None:
        """Time the first ``most`` pages of some files; a page without an article counts for reading only."""
        pages = pages_of(sources, self.config)
        while self.pages < most:
            page = self._timed(self.stages, "read and decode", next, pages, None)
            if page is None:
                return
            if isinstance(page, Page):
                self._page(page)

    def _page(self, page: Page) -> None:
        segmented = self._timed(self.stages, "cut into blocks", segment, page, self.config)
        if not isinstance(segmented, Segmented):
            return
        self.pages += 1
        self.characters += len(segmented.text)
        labelled = self._timed(self.stages, "label", label, segmented, self.book)
        self._timed(self.stages, "read metadata", read_metadata, page, segmented, labelled.verdicts, self.config, None)
        context = Context(self.config, self.book, dump=page.media_type != HTML)
        started = time.perf_counter()
        draft = normalize(document_of(segmented, labelled), context, passes=tuple(map(self._watched, PASSES)))
        self.stages["normalise"] += time.perf_counter() - started
        self._timed(self.stages, "measure quality", signals, draft.parts[BODY], len(segmented.text))
        self._rules([segmented.words(block) for block in segmented.blocks])

    def _rules(self, lines: Sequence[str]) -> None:
        """Time each rule alone on every line; a run searches a rule only where its prefilter matches."""
        seen = {kind: [view(line, kind).text for line in lines] for kind in {rule.view for rule in self.book.rules}}
        for rule in self.book.rules:
            started = time.perf_counter()
            self.hits[rule.id] += sum(rule.lines.search(line) is not None for line in seen[rule.view])
            self.rules[rule.id] += time.perf_counter() - started

    def _watched(self, propose: Pass) -> Pass:
        def watched(draft: Draft, context: Context) -> Proposal:
            return self._timed(self.passes, propose.__name__, propose, draft, context)

        return watched

    @staticmethod
    def _timed(into: dict[str, float], name: str, call: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        started = time.perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            into[name] += time.perf_counter() - started

    def lines(self) -> Iterator[str]:
        """Yield the profile as lines: milliseconds a page, and share of the total."""
        yield f"{self.pages} pages of {self.characters // max(1, self.pages)} characters on average, in one process"
        for heading, counted in (("stage", self.stages), ("pass of normalise", self.passes)):
            yield ""
            yield f"{heading:24} ms a page   share"
            yield from self._table(counted, len(counted))
        yield ""
        yield f"{'rule, searched alone':24} ms a page   share   lines hit"
        yield from self._table(self.rules, _SLOWEST, self.hits)

    def _table(self, counted: dict[str, float], most: int, hits: Counter[str] | None = None) -> Iterator[str]:
        total = sum(counted.values()) or 1.0
        for name, seconds in sorted(counted.items(), key=lambda item: -item[1])[:most]:
            said = f"{name:24} {1000 * seconds / max(1, self.pages):9.3f}  {seconds / total:6.1%}"
            yield said if hits is None else f"{said}   {hits[name]:9}"


def profile(sources: Iterable[Source], config: Config, book: RuleBook) -> Profile:
    """Profile up to `MOST_PAGES` pages; the first page is cleaned once before, to load the tables."""
    listed = list(sources)[:MOST_PAGES]
    Profile(config, book).add(listed, 1)
    found = Profile(config, book)
    found.add(listed, MOST_PAGES)
    return found
