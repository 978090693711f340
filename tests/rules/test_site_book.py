"""The SiteBook: what is known of a site stays as it was learned; a file that is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingwen.errors import SetupError
from qingwen.rules.site_book import Site, SiteBook, Template, line_key, load_sites, parse_sites

BOOK = SiteBook({"a.cn": Site(9, {line_key("关于我们"): Template(7, "关于我们")}, spun=4), "b.cn": Site(5, {})})


def test_a_site_that_is_known_keeps_its_entry() -> None:
    joined = BOOK.joined({"a.cn": Site(50, {}), "c.cn": Site(3, {})})
    assert joined.sites == {**BOOK.sites, "c.cn": Site(3, {})}


def test_a_line_is_its_site_s_own_whatever_its_script_and_spaces() -> None:
    assert BOOK.evidence("a.cn", "關於 我們") == "stands on 7 of 9 pages of a.cn"
    assert BOOK.evidence("b.cn", "关于我们") is None
    assert BOOK.evidence(None, "关于我们") is None
    assert (BOOK.is_spun("a.cn"), BOOK.is_spun("b.cn"), BOOK.is_spun("z.cn"), BOOK.is_spun(None)) == (
        True,
        False,
        False,
        False,
    )


def test_a_book_is_read_back_as_it_was_written_in_any_order() -> None:
    turned = SiteBook(dict(reversed(BOOK.sites.items())))
    assert turned.to_json() == BOOK.to_json()
    assert parse_sites(BOOK.to_json(), "here") == BOOK
    assert parse_sites(BOOK.to_json(), "here").digest == BOOK.digest


def test_a_file_that_is_not_there_is_an_empty_book(tmp_path: Path) -> None:
    assert load_sites(tmp_path / "sites.json") == SiteBook()


@pytest.mark.parametrize("octets", [b"\xff\xfe\x00", b"[", b"[]", b'{"format": 1, "sites": {}}', b'{"format": 2}'])
def test_a_file_that_is_no_book_is_refused_with_what_to_do(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "sites.json"
    path.write_bytes(octets)
    with pytest.raises(SetupError, match=r"sites\.json: no SiteBook .* Run with --rebuild"):
        load_sites(path)
