"""Made lines and made pages of the Chinese web, with labels that are known because we wrote them.

    python -m tests.quality.furniture [SEED]    print a few pages, each line behind the initial of its state

``furniture.toml`` is the grammar: kinds of furniture, news, news that looks like furniture, and the sites that put them together.
Everything follows from the seed.
"""

from __future__ import annotations

import random
import re
import sys
import tomllib
from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HEAD, BODY, DIRT, TAIL = range(4)


def _listed(value: Any) -> Any:
    """Return a table with its lists split: a template a line, or words between spaces."""
    if isinstance(value, dict):
        return {name: _listed(inner) for name, inner in value.items()}
    if isinstance(value, str):
        return value.strip("\n").splitlines() if "\n" in value else value.split()
    return value


TABLE: dict[str, Any] = _listed(tomllib.loads((Path(__file__).parent / "furniture.toml").read_text("utf-8")))
KINDS = tuple(TABLE["kinds"])
KEPT = frozenset(TABLE["words"]["kept"])
# The words of each region; Hong Kong takes what Taiwan has.
WORDS = {
    region: ChainMap(*(TABLE["words"][own] for own in owns))
    for region, owns in {"cn": ("cn", "any"), "tw": ("tw", "any"), "hk": ("hk", "tw", "any")}.items()
}
# The words that code makes.
OWN = ("rank", "title", "headline", "prose", "cut")

_TOKEN = re.compile(r"\\\||[{}|]|[^{}|\\]+|\\")
_RANGE = re.compile(r"(-?[0-9][0-9.,]*)-([0-9][0-9.,]*)")
_DIGITS = re.compile(r"#([0-9]+)")
_ROW = re.compile(r"([0-9]+)-([0-9]+) ([a-z_0-9]+)")
_SENTENCE = re.compile(r"[。！？”」…]")
_CELL = re.compile(r"[^\s|｜·>»›》/、-]+")
_FOLDED = str.maketrans("，：；！？（）", ",:;!?()")
_INDENTS = ("", "", "　　", "  ", "    ", "\xa0\xa0")


@dataclass(frozen=True)
class MadePage:
    """A page: its site's kind, its article's title as it is printed ("" without an article), its lines, the state of each.

    ``layout`` names what stands on the page, in order, and how it is printed; paragraphs in a row count as one.
    """

    layout: str
    kind: str
    title: str
    lines: tuple[str, ...]
    states: tuple[int, ...]


def lines(kind: str, n: int, seed: int) -> list[str]:
    """Return lines of one kind of furniture, of all regions that have it."""
    rng = random.Random(f"{kind} {seed}")
    regions = [region for region in WORDS if _forms(kind, region)]
    made = [Writer(rng, rng.choice(regions)).line(kind) for _ in range(n)]
    return [line.translate(_FOLDED) if rng.random() < 0.25 else line for line in made]


def hard_news(n: int, seed: int) -> list[str]:
    """Return paragraphs of news about the things that furniture is made of, or as short as furniture."""
    rng = random.Random(f"hard {seed}")
    writers = (_writer(rng) for _ in range(n))
    return [writer.hard(rng.choice(TABLE["hard"][writer.region])) for writer in writers]


def plain_news(n: int, seed: int) -> list[str]:
    """Return ordinary paragraphs of news, of 20 to 300 characters."""
    rng = random.Random(f"plain {seed}")
    made: list[str] = []
    while len(made) < n:
        made += [text for text in _writer(rng).paragraphs(rng.randint(2, 8)) if 20 <= len(text) <= 300]
    return made[:n]


def made_pages(n: int, seed: int) -> Iterator[MadePage]:
    """Yield pages, each of a layout drawn at random; the seed and a page's number decide all of it."""
    for number in range(n):
        yield _Layout(random.Random(f"page {seed} {number}")).page()


class Writer:
    """Fills the grammar's templates for one page of one region; what a page keeps (its site, its people) stays the same."""

    def __init__(self, rng: random.Random, region: str) -> None:
        self.rng, self.region = rng, region
        self.kept: dict[str, str] = {}
        self.rank = 0
        # What the article is about, first, and what else it may come to; what it has not told yet.
        subjects = [subject for subject, texts in TABLE["news"].items() if region in texts and subject != "any"]
        self.subjects = rng.sample(subjects, k=len(subjects))
        self.untold = [*self._news("sentences"), *rng.sample(TABLE["news"]["any"][region]["sentences"], k=5)]
        rng.shuffle(self.untold)

    def fill(self, template: str) -> str:
        """Return a template with each of its braces filled."""
        return self._joined(_parsed(template)).strip()

    def line(self, kind: str) -> str:
        """Return a line of a kind of furniture that the region has."""
        return self.fill(self.rng.choice(_forms(kind, self.region)))

    def part(self, name: str) -> list[str]:
        """Return the lines of a kind, none where the region has no such kind, or of a group ("@name")."""
        if not name.startswith("@"):
            return [self.line(name)] if _forms(name, self.region) else []
        made = []
        for row in TABLE["groups"][name[1:]]:
            names, count, *alike = row.split()
            chosen = self.rng.choice(names.split("/"))
            least, _, most = count.removeprefix("x").partition("-")
            repeats = self.rng.randint(int(least), int(most or least))
            if count.startswith("x"):
                made += self.part(chosen) * repeats
            elif alike:
                made += self._alike(_forms(chosen, self.region), repeats)
            else:
                made += [line for _ in range(repeats) for line in self.part(self.rng.choice(names.split("/")))]
        return made

    def title(self) -> str:
        """Return the headline of the page's article."""
        return self.kept.get("title") or self.kept.setdefault(
            "title", self.fill(self.rng.choice(self._news("headlines")))
        )

    def paragraphs(self, count: int, hard: float = 0.0, headed: bool = False) -> list[str]:
        """Return an article's paragraphs, a share of them ``hard``; ``headed``: with sub-headings."""
        longest = self.rng.choice((2, 3, 4, 6))
        lead = self.fill("{dateline}" + self.rng.choice(self._news("leads")))
        made = [lead + self._prose(self.rng.randint(0, 2))]
        while len(made) < count:
            if headed and len(made) % 3 == 1:
                made.append(self.fill("{subhead}"))
            made += self._hard_run() if self.rng.random() < hard else [self._prose(self.rng.randint(1, longest))]
        return made

    def hard(self, form: str) -> str:
        """Return a hard paragraph of a form, now and then with a sentence of the article before or behind it."""
        text = self.fill(form)
        if form.endswith("。") and self.rng.random() < 0.4:
            return self._prose(1) + text if self.rng.random() < 0.5 else text + self._prose(1)
        return text

    def _alike(self, forms: Sequence[str], count: int) -> list[str]:
        """Return lines of one form, as lists have them."""
        if not forms:
            return []
        form, kept, self.rank = self.rng.choice(forms), self.kept, 0
        self.kept = {**kept, "bullet": self._value("bullet")}
        made = dict.fromkeys(self.fill(form) for _ in range(count))
        self.kept = kept
        return list(made)

    def _hard_run(self) -> list[str]:
        """Return hard paragraphs in a row: a form that repeats (lists, tables), or its neighbour (questions, answers)."""
        forms = TABLE["hard"][self.region]
        at, count = self.rng.randrange(len(forms)), self.rng.choice((1, 1, 2, 3, 5))
        rows = forms[at : at + min(count, 2)] if _SENTENCE.search(forms[at]) else [forms[at]] * count
        return list(dict.fromkeys(map(self.hard, rows)))

    def _prose(self, count: int) -> str:
        """Return sentences of the article's subject; another subject follows when all are told."""
        made = []
        for _ in range(count):
            if not self.untold:
                self.subjects.append(self.subjects.pop(0))
                self.untold = self.rng.sample(self._news("sentences"), k=len(self._news("sentences")))
            made.append(self.fill(self.untold.pop()))
        return "".join(made)

    def _news(self, what: str) -> list[str]:
        found: list[str] = TABLE["news"][self.subjects[0]][self.region][what]
        return found

    def _joined(self, pieces: Sequence[Any]) -> str:
        return "".join(piece if isinstance(piece, str) else self._one_of(piece) for piece in pieces)

    def _one_of(self, options: Sequence[Sequence[Any]]) -> str:
        """Return one of the options between two braces; a name, a range or a row stands for what it names."""
        option = self.rng.choice(options)
        if len(option) == 1 and isinstance(option[0], str) and (len(options) == 1 or _is_value(option[0])):
            return self._value(option[0])
        return self._joined(option)

    def _value(self, name: str) -> str:
        """Return a number, digits, a row of words or a word."""
        if found := _RANGE.fullmatch(name):
            return self._number(*found.groups())
        if found := _DIGITS.fullmatch(name):
            return "".join(self.rng.choices("0123456789", k=int(found[1])))
        if found := _ROW.fullmatch(name):
            count = self.rng.randint(int(found[1]), int(found[2]))
            return self.rng.choice(WORDS["cn"]["separator"]).join(
                dict.fromkeys(self._value(f"*{found[3]}") for _ in range(count))
            )
        if name.startswith("*"):
            return Writer(self.rng, self.region)._value(name[1:])
        if name in OWN:
            return self._own(name)
        word = self.kept.get(name)
        if word is None:
            word = self._joined(_parsed(self.rng.choice(WORDS[self.region][name])))
        if name in KEPT:
            self.kept[name] = word
        return word

    def _own(self, name: str) -> str:
        """Return the next rank, the page's title, another article's headline or paragraph, or such a paragraph cut off."""
        if name == "rank":
            self.rank += 1
            return str(self.rank)
        if name == "title":
            return self.title()
        other = Writer(self.rng, self.region)
        if name == "headline":
            # Related articles share words with the page's own: its city, its people.
            other.kept = {kept: word for kept, word in self.kept.items() if kept != "title" and self.rng.random() < 0.4}
            some = TABLE["news"]["any"][self.region]["headlines"]
            return other.fill(self.rng.choice(some)) if self.rng.random() < 0.4 else other.title()
        text = " ".join(other.paragraphs(self.rng.randint(1, 2)))
        return text if name == "prose" else text[: self.rng.randint(28, 120)] + self._value("dots")

    def _number(self, low: str, high: str) -> str:
        """Return a number between two, written as the lower one is: with its zeros, decimals, commas."""
        digits = len(low.partition(".")[2])
        least, most = (round(float(bound.replace(",", "")) * 10**digits) for bound in (low, high))
        number = self.rng.randint(least, most)
        if digits:
            return f"{number / 10**digits:.{digits}f}"
        return f"{number:,}" if "," in low else str(number).zfill(len(low) if low.startswith("0") else 1)


class _Layout:
    """Draws the layout of one page, and fills it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, sites = rng, TABLE["sites"]
        self.kind = rng.choices(list(sites), [site["weight"] for site in sites.values()])[0]
        self.site = sites[self.kind]
        self.writer = Writer(rng, rng.choice(self.site["regions"]))
        self.parts: list[str] = []
        self.made: list[tuple[str, int]] = []
        # How the page is printed: marks folded, superlatives spun, the cells of a row each on a line, lines run together.
        self.indent = rng.choice(_INDENTS)
        self.folded = rng.random() < (0.6 if self.kind == "farm" else 0.1)
        self.spun = self.folded and rng.random() < 0.5
        self.columns = rng.random() < 0.35
        self.glued = rng.choice((0.0, 0.0, 0.0, 0.06, 0.25))

    def page(self) -> MadePage:
        """Return the page."""
        title = "" if self.rng.random() < self.site["empty"] else self.writer.title()
        if title:
            self._head(title)
            self._article()
        else:
            plain = self.rng.choices(self.site["plain"], k=self.rng.randint(1, 5))
            self._furnish(self._drawn("above") + plain, HEAD, "ht")
        self._furnish(self._drawn("tail"), TAIL if title else HEAD, "t")
        printed = self._printed(title)
        marks = [name for name in ("folded", "spun", "columns", "glued") if getattr(self, name)]
        layout = " ".join([self.kind, self.writer.region, *self.parts, *marks])
        title = title.translate(_FOLDED) if self.folded else title
        return MadePage(layout, self.kind, title, *zip(*printed, strict=True))

    def _head(self, title: str) -> None:
        """Put what stands above the text, with the title somewhere in it, once, twice or never."""
        place = self.rng.choices(("between", "first", "after", "never", "twice"), (78, 6, 5, 5, 6))[0]
        if self.rng.random() < 0.3:
            self._put(
                "name", [self.writer.fill("{title}{_{section}_{site}| - {site}|-{section}-{site}| \\| {site}|}")], HEAD
            )
        if place in ("first", "twice"):
            self._put("title", [title], HEAD)
        self._furnish(self._drawn("above"), HEAD, "h")
        if place in ("between", "twice"):
            self._put("title", [title], HEAD)
        self._furnish(self._drawn("below"), HEAD)
        if place == "after":
            self._put("title", [title], HEAD)

    def _article(self) -> None:
        """Put the text, with dirt between its paragraphs."""
        count = self.rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 12, 15))
        hard = self.rng.choice((0.0, 0.0, 0.0, 0.15, 0.3, 0.6))
        body = self.writer.paragraphs(count, hard, headed=count > 5 and self.rng.random() < 0.3)
        dirt = [name for name in self._drawn("inside") for _ in range(self.rng.choice((1, 1, 2, 3)))]
        places = [self.rng.randint(1, len(body) - 1) for _ in dirt] if len(body) > 1 else []
        for n, paragraph in enumerate(body):
            self._furnish([name for name, place in zip(dirt, places, strict=False) if place == n], DIRT)
            self._put("p", [paragraph], BODY)

    def _drawn(self, where: str) -> list[str]:
        """Return which of the site's parts stand there on this page, now and then out of order."""
        names = [name for name, chance in map(str.split, self.site[where]) if self.rng.random() < float(chance)]
        return self.rng.sample(names, k=len(names)) if self.rng.random() < 0.25 else names

    def _furnish(self, names: Sequence[str], state: int, strays: str = "") -> None:
        """Put parts on the page; kinds that other sites have in such places may stray in."""
        names = list(names)
        while strays and self.rng.random() < 0.3:
            kinds = [kind for kind in KINDS if set(strays) & set(TABLE["kinds"][kind]["at"][0])]
            names.insert(self.rng.randint(0, len(names)), self.rng.choice(kinds))
        for name in names:
            self._put(name, self.writer.part(name), state)

    def _put(self, name: str, texts: Sequence[str], state: int) -> None:
        self.made += [(text, state) for text in texts]
        if texts and not (name == "p" and self.parts[-1:] == ["p"]):
            self.parts.append(name)

    def _printed(self, title: str) -> list[tuple[str, int]]:
        """Return the lines as this page prints them."""
        printed: list[tuple[str, int]] = []
        for text, state in self.made:
            cells = [text]
            if state == BODY:
                cells = [self.indent + (text.replace("最", "蕞").replace("第一", "头部") if self.spun else text)]
            elif self.columns and not (title and title in text) and not re.search("[0-9A-Za-z]", text):
                found = _CELL.findall(text)
                cells = found if len(found) > 3 and max(map(len, found)) < 9 else cells
            for cell in cells:
                line = cell.translate(_FOLDED) if self.folded else cell
                if (
                    state != BODY
                    and printed
                    and printed[-1][1] == state
                    and cell != title
                    and self.rng.random() < self.glued
                ):
                    line = printed.pop()[0] + self.rng.choice((" ", "  ", "　", "")) + line
                printed.append((line, state))
        return printed


def _writer(rng: random.Random) -> Writer:
    return Writer(rng, rng.choices(list(WORDS), (60, 25, 15))[0])


@cache
def _forms(kind: str, region: str) -> list[str]:
    """Return the templates of a kind in a region."""
    return [form for own in (region, "any") for form in TABLE["kinds"][kind].get(own, ())]


@cache
def _is_value(option: str) -> bool:
    """Say whether an option among others stands for what it names, not for itself."""
    named = option.removeprefix("*")
    known = named in OWN or any(named in words for words in WORDS.values())
    return known or any(form.fullmatch(option) for form in (_RANGE, _DIGITS, _ROW))


@cache
def _parsed(template: str) -> list[Any]:
    """Return a template's pieces: texts, and options (each a list of pieces) for what stands between braces."""
    tokens = iter(_TOKEN.findall(template))

    def options(nested: bool) -> list[list[Any]]:
        found: list[list[Any]] = [[]]
        for token in tokens:
            if token == "}":
                return found
            if token == "{":
                found[-1].append(options(True))
            elif token == "|" and nested:
                found.append([])
            else:
                found[-1].append("|" if token == r"\|" else token)
        return found

    return options(False)[0]


if __name__ == "__main__":
    for page in made_pages(5, int(sys.argv[1]) if sys.argv[1:] else 0):
        print(f"\n=== {page.layout}\n    {page.title}")
        for line, state in zip(page.lines, page.states, strict=True):
            print("HBDT"[state], line)
