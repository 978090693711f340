"""Tombstones: what was taken down is known by id, URL or site; a file that is no list of them stops a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingwen.errors import SetupError
from qingwen.rules.takedowns import Forgotten, load_forgotten, parse_forgotten

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


def test_without_a_file_nothing_was_taken_down(tmp_path: Path) -> None:
    assert load_forgotten(tmp_path / "forgotten.json") == Forgotten()


@pytest.mark.parametrize("octets", [b"\xff", b"[", b"[]", b'{"ids": [1]}', b'{"pages": []}', b'{"ids": 1}'])
def test_a_damaged_file_stops_the_run_and_says_what_it_holds(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "forgotten.json"
    path.write_bytes(octets)
    with pytest.raises(SetupError, match=r"forgotten\.json: no list of what was taken down .* Put back a whole copy"):
        load_forgotten(path)
