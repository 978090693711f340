"""Lines sorted by id: in memory where they are few, else on disk, with the same result."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pytest

from qingwen.corpus import ordered as module
from qingwen.corpus.ordered import ordered


def made(count: int) -> list[tuple[str, bytes]]:
    names = [sha256(str(n).encode()).hexdigest()[:32] for n in range(count)]
    return [(name, f'{{"n": {n}, "text": "第{n}行\\t一\u2028二"}}\n'.encode()) for n, name in enumerate(names)]


@pytest.mark.parametrize("count", [0, 1, 500])
@pytest.mark.parametrize("most", [1, 10, 10_000])
@pytest.mark.parametrize("held", [0, 1_000, 1 << 20])
def test_lines_come_in_the_order_of_their_ids(
    count: int, most: int, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HELD", held)
    lines = made(count)
    random.Random(count).shuffle(lines)
    found = list(ordered(iter(lines), count, tmp_path / "lines", most))
    assert found == [line for _, line in sorted(lines)]
    assert not (tmp_path / "lines").exists() or not list((tmp_path / "lines").iterdir())


def test_no_more_than_a_part_is_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD", 1_000)
    lines = made(2_000)
    assert next(ordered(iter(lines), len(lines), tmp_path / "lines", 100)) == min(lines)[1]
    left = [path.read_bytes().count(b"\n") for path in (tmp_path / "lines").iterdir()]
    assert max(left) <= 200
    assert sum(left) > 1_800


def test_few_lines_need_no_disk(tmp_path: Path) -> None:
    lines = made(300)
    assert len(list(ordered(iter(lines), 300, tmp_path / "lines"))) == 300
    assert not (tmp_path / "lines").exists()
