"""Adversarial lines do not hold a page: each is cleaned in the time of a few pages, where it once took minutes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Each line stands inside an article, 100,000 characters long. Quadratic time would take minutes for most of them.
CODE = """
import faulthandler, json, sys
from qingwen import clean_page
text = "某市召开会议\\n" + "会议指出，要坚持稳中求进，推动高质量发展，确保各项任务落到实处。\\n" * 5
for unit, tail in json.loads(sys.stdin.read()):
    print(repr(unit), flush=True)
    faulthandler.dump_traceback_later(60, exit=True)
    clean_page((text + unit * (100_000 // len(unit)) + tail + "\\n" + text).encode())
"""
LINES = [
    ("a,", ""), ("(", ")" * 50_000), ("1,111", "a"), ("a.", ""), ("a-", "@"), (" ", "x"), ("字 ", "A"), ("...", "a"), ("1:", "a"), ("a'' ", ""),
    ("2023-01-01   ", ""), ("作者：  ", ""), ("&amp;", "nbsp"), ("头部", ""), ("醉近一二三", ""), ("QQ：1", ""), ("电话1", "！"), ("[1] ", "下一页"),
]  # fmt: skip


@pytest.mark.slow
def test_no_line_holds_a_page() -> None:
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, input=json.dumps(LINES), capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout.split()[-1:]} takes too long: {done.stderr[-2000:]}"
    assert len(done.stdout.split("\n")) == len(LINES) + 1
