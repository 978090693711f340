"""Tombstones: what was taken down is known by id, URL or site; a file that is no list of them stops a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingwen.errors import SetupError
from qingwen.rules.takedowns import Forgotten, canonical_url, load_forgotten, parse_forgotten, places

GONE = Forgotten(frozenset({"a1"}), frozenset({"http://a.cn/1"}), frozenset({"b.cn"}))


def test_a_page_is_known_by_its_id_its_url_or_its_site() -> None:
    assert GONE.holds("a1", None)
    assert GONE.holds("zz", "http://a.cn/1")
    assert GONE.holds("zz", None, "b.cn")
    assert not GONE.holds("zz", "http://a.cn/2", "a.cn")
    assert not Forgotten().holds("zz", None, None)


def test_what_was_taken_down_stays_when_more_is() -> None:
    more = GONE.joined(Forgotten(frozenset({"a2"})))
    assert more.holds("a1", None)
    assert more.holds("a2", None)
    assert more.digest != GONE.digest
    assert parse_forgotten(more.to_json(), "here") == more


ADDRESS = "http://www.news.example.cn/a/b-1.html?id=7&page=2"


@pytest.mark.parametrize(
    "same",
    [
        "https://www.news.example.cn/a/b-1.html?id=7&page=2",
        "http://news.example.cn/a/b-1.html?id=7&page=2",
        "//news.example.cn/a/b-1.html?id=7&page=2",
        "news.example.cn/a/b-1.html?id=7&page=2",
        "HTTP://WWW.News.Example.CN/a/b-1.html?id=7&page=2",
        "http://www.news.example.cn.:80/a/b-1.html?id=7&page=2",
        "https://www.news.example.cn:443/a/b-1.html?id=7&page=2#top",
        "http://reader:secret@www.news.example.cn/a/b-1.html?id=7&page=2#",
        "http://www.news.example.cn/a/../a/./%62-1.html?id=7&page=2",
        "http://www.news.example.cn/a/b-1.html;jsessionid=0A1B?id=7&page=2",
        "http://www.news.example.cn/a/b-1.html?page=2&id=7&",
        "http://www.news.example.cn/a/b-1.html?id=7&utm_source=wx&utm_medium=social&page=2&spm=C1.2",
        "http://www.news.example.cn/a/b-1.html?id=7&page=2&from=singlemessage&isappinstalled=0&fbclid=x",
        " http://www.news.example.cn/a/b-1.html?id=7&page=2\n",
        "http://www.news.example.cn/a/b-1.html?id=7&page=2#/comments",
    ],
)
def test_an_address_is_the_same_however_it_is_spelled(same: str) -> None:
    gone = Forgotten(urls=frozenset({ADDRESS}))
    assert gone.holds("", same)
    assert Forgotten(urls=frozenset({same})) == gone
    assert Forgotten(places=places("a", ADDRESS)).has_place("b", same)


@pytest.mark.parametrize(
    "other",
    [
        "http://m.news.example.cn/a/b-1.html?id=7&page=2",
        "http://news.example.cn:8080/a/b-1.html?id=7&page=2",
        "http://news.example.cn/A/b-1.html?id=7&page=2",
        "http://news.example.cn/a%2Fb-1.html?id=7&page=2",
        "http://news.example.cn/a/b-1.html/?id=7&page=2",
        "http://news.example.cn/a/b-1.html?id=7&page=3",
        "http://news.example.cn/a/b-1.html?id=7&page=2&from=2023",
        "http://news.example.cn/a/b-1.html?id=7",
        "",
        "http://[",
    ],
)
def test_another_address_is_another(other: str) -> None:
    assert not Forgotten(urls=frozenset({ADDRESS})).holds("", other)


def test_addresses_with_chinese_are_the_same_escaped_and_not() -> None:
    assert canonical_url("http://例子.中国/新闻?词=一") == canonical_url(
        "http://xn--fsqu00a.xn--fiqs8s/%e6%96%b0%E9%97%BB?%E8%AF%8D=一"
    )
    assert canonical_url("http://a.cn/#/news/1") != canonical_url("http://a.cn/#/news/2"), "a route of a script"
    assert not Forgotten(urls=frozenset({"http://a.cn/"})).holds("", "http://a.cn/#/news/2")
    assert canonical_url("http://www.cn/") == "www.cn/", "a domain of its own"


def test_lists_of_earlier_versions_are_read() -> None:
    plain = parse_forgotten('{"ids": ["a1"], "urls": ["http://www.a.cn/1?b=%7e"], "sites": ["b.cn"]}', "here")
    assert plain.holds("", "https://a.cn/1?b=~")
    assert plain.holds("", None, "b.cn")
    # The digest of www.a.cn/1?b=%7e, as it was written for a while.
    digests = parse_forgotten('{"ids": [], "urls": ["1f15365479aa5b6d17b1b8e0a3f462d3"], "sites": []}', "here")
    assert digests.holds("", "https://www.a.cn/1?b=%7e")


def test_a_place_is_a_path_or_an_address() -> None:
    gone = Forgotten(places=places("in/a.txt", "http://a.cn/1"))
    assert gone.has_place("in/a.txt", None)
    assert gone.has_place("in/b.txt", "https://a.cn/1")
    assert not gone.has_place("in/b.txt", "https://a.cn/2")
    assert not Forgotten().has_place("in/a.txt", None)
    assert "a.cn" not in gone.to_json()
    assert "a.txt" not in gone.to_json()


def test_without_a_file_nothing_was_taken_down(tmp_path: Path) -> None:
    assert load_forgotten(tmp_path / "forgotten.json") == Forgotten()


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff",
        b"[",
        b"[]",
        b'{"ids": [1]}',
        b'{"pages": []}',
        b'{"ids": 1}',
        b'{"sketches": ["AAAA"]}',
        b'{"sketches": ["?"]}',
    ],
)
def test_a_damaged_file_stops_the_run_and_says_what_it_holds(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "forgotten.json"
    path.write_bytes(octets)
    with pytest.raises(SetupError, match=r"forgotten\.json: no list of what was taken down .* Put back a whole copy"):
        load_forgotten(path)
