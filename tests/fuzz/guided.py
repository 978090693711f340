"""Run one target under atheris, which coverage guides. The package is imported only after it is instrumented.

Atheris comes before Hypothesis as coverage leads it to faults that no mutator was written for, and as its timer and its memory
limit hold for native code too. It has wheels for some systems only: hence it is an extra, and the tests search with Hypothesis.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import Random


def cover(name: str, seconds: int, seed: int, work: Path) -> None:
    """Run a target under atheris until the time is over. Findings go to ``work/found`` and do not end the run.

    Call it before anything imports the package: atheris instruments the code as it is loaded.
    """
    import atheris

    assert "qingwen" not in sys.modules
    with atheris.instrument_imports(include=["qingwen"], enable_loader_override=False):
        from .engine import Findings, fault_of
        from .files import known_by
        from .targets import TARGETS

    target, findings, tried, written = TARGETS[name], Findings(work / "found"), 0, 0.0
    seeds = work / "corpus"
    seeds.mkdir(parents=True, exist_ok=True)
    for octets in target.seeds():
        (seeds / known_by(octets)).write_bytes(octets)

    def once(octets: bytes) -> None:
        nonlocal tried, written
        tried += 1
        if (now := time.process_time()) > written + 1:
            written = now
            (work / "tried").write_text(f"{tried} {now:.0f}")
        fault = fault_of(target, octets)
        if fault is not None:
            findings.add(octets, fault)

    def mutated(octets: bytes, most: int, chance: int) -> bytes:
        random = Random(chance)
        if random.random() < 0.2:
            return bytes(atheris.Mutate(octets, most))
        return target.mutate(octets, random)[:most]

    options = [f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=25", "-rss_limit_mb=3000", "-max_len=16000"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={work}/", str(seeds)], once, custom_mutator=mutated)
    atheris.Fuzz()
