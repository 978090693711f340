"""A page as the review page shows it: cut where it is too long, with what was flagged marked in its text."""

from __future__ import annotations

from conftest import SEED
from qingwen import Cleaned, clean_page
from qingwen.dataset.lookup import Stored
from qingwen.model import BODY, TITLE, Flag
from qingwen.review.shown_page import LONGEST, ShownPage, shown
from qingwen.text.spans import Span


def stored(*flags: Flag, page: str = "") -> Stored:
    found = clean_page(page.encode() or SEED.read_bytes())
    assert isinstance(found, Cleaned), found
    return Stored(found.record.row(), False, found.blocks, found.edits, flags)


def marks(page: ShownPage) -> list[tuple[str, str]]:
    return [(piece.text, piece.rule) for pieces in (page.title, *page.paragraphs) for piece in pieces if piece.rule]


def test_what_was_flagged_is_marked_where_it_stands_with_what_else_it_may_be() -> None:
    text = stored().row["text"]
    line = text.index("\n") + 1
    flags = (
        Flag(BODY, "spun.b", Span(line + 2, line + 4), "", "其他"),
        Flag(BODY, "spun.c", Span(line + 3, line + 6), ""),
        Flag(TITLE, "spun.a", Span(0, 3), ""),
    )
    page = shown(stored(*flags), "random")
    assert marks(page) == [("吴俊清", "spun.a"), (text[line + 2 : line + 4], "spun.b: perhaps 其他")]
    assert "".join(piece.text for piece in page.paragraphs[1]) == text.split("\n")[1]
    assert page.flags == sorted({"spun.a", "spun.b", "spun.c", *page.stored.row["flags"]})


def test_a_page_that_is_too_long_is_cut_and_says_by_how_much() -> None:
    line = "临河大桥第{}号桥墩今天上午六时完工，首批车辆由北向南驶过大桥，大桥全长2.3公里。\n"
    text = "临河大桥今晨通车\n\n" + "".join(map(line.format, range(2 * LONGEST // len(line))))
    page = shown(stored(page=text), "random")
    told = sum(len(piece.text) for block in page.blocks for piece in (*block.pieces,)) + sum(
        len(b.tail) for b in page.blocks
    )
    assert told == LONGEST
    assert page.cut == len(text) - LONGEST
    assert sum(len(piece.text) for pieces in page.paragraphs for piece in pieces) <= LONGEST
