"""Runs with pages that hang or kill their worker: for a process of its own, whose workers are patched alike.

Each line of the input asks for a run, as JSON: its inputs, its output, more options. A line of the output reports it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from typing import Any

from qingwen.read import containers
from qingwen.read.page import RawPage
from qingwen.run import clean_batch, workers
from qingwen.run.engine import run
from qingwen.run.request import Request

clean, read = clean_batch.clean_page, containers.raw_pages


def deadly(page: Any, **options: Any) -> Any:
    """Clean a page, unless its first line says what to do instead."""
    what = page.text.partition("\n")[0]
    if what == "挂起":
        while True:
            time.sleep(1)
    if what == "不放":  # native code that lets no other thread run
        re.fullmatch("(a|a)*b", "a" * 60)
    if what == "停住":
        os.kill(os.getpid(), signal.SIGSTOP)
    if what == "杀死":
        os._exit(9)
    if what == "内存":
        return bytearray(8 << 30)
    return clean(page, **options)


def stuck(path: str, *args: Any) -> Any:
    """Read a container; behind an item that says so reading hangs."""
    for item in read(path, *args):
        yield item
        if isinstance(item.octets, bytes) and item.octets.startswith("卡住".encode()):
            time.sleep(600)
            yield RawPage("never", b"")


workers._GRACE = 3
clean_batch.clean_page = deadly
clean_batch.raw_pages = stuck

if __name__ == "__main__":
    for line in sys.stdin:
        inputs, output, more = json.loads(line)
        report = run(Request((inputs,), output, **{"workers": 2, "page_seconds": 5, "worker_gib": 1, **more}))
        stated = report.manifest()
        wanted = ("pending", "pending_paths", "given_up", "faults", "commits")
        told = {"records": report.counts.records, **{name: stated[name] for name in wanted}}
        print(json.dumps(told, ensure_ascii=False), flush=True)
