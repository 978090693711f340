"""Adversarial lines do not hold a page: each is cleaned in the time of a few pages, where it once took minutes."""

from __future__ import annotations

import subprocess
import sys

# A line of each kind, 100,000 characters long, inside an article. Quadratic time would take minutes for most of them.
CODE = """
from qingwen import clean_page
line = {unit!r} * (100_000 // len({unit!r}))
text = "某市召开会议\\n" + "会议指出，要坚持稳中求进，推动高质量发展，确保各项任务落到实处。\\n" * 5
print(type(clean_page((text + line + {tail!r} + "\\n" + text).encode())).__name__)
"""
LINES = [
    ("a,", ""), ("(", ")" * 50_000), ("1,111", "a"), ("a.", ""), ("a-", "@"), (" ", "x"), ("字 ", "A"), ("...", "a"), ("1:", "a"), ("a'' ", ""),
    ("2023-01-01   ", ""), ("作者：  ", ""), ("&amp;", "nbsp"), ("头部", ""), ("醉近一二三", ""), ("QQ：1", ""), ("电话1", "！"), ("[1] ", "下一页"),
]  # fmt: skip


def test_no_line_holds_a_page() -> None:
    for unit, tail in LINES:
        done = subprocess.run(
            [sys.executable, "-c", CODE.format(unit=unit, tail=tail)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.strip() in ("Cleaned", "Rejection"), unit
