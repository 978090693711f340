"""What an input breaks: find it, make the input smaller, keep it; and search with Hypothesis, as the tests do."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from .files import known_by
from .targets import Target

# The findings to keep of one fault (its type, and where it was raised).
_OF_A_FAULT = 3
# The most trials to make an input smaller.
_TRIALS = 2_000

Fault = tuple[str, str]


def fault_of(target: Target, octets: bytes) -> Fault | None:
    """Return what an input breaks (the error's type, and the file and the line that raised it), or None if every law holds."""
    try:
        target.check(octets)
    except Exception as fault:
        frames = traceback.extract_tb(fault.__traceback__)
        mine = [frame for frame in frames if "qingwen" in frame.filename or "fuzz" in frame.filename] or frames
        return type(fault).__name__, f"{Path(mine[-1].filename).name}:{mine[-1].lineno}"
    return None


def shrunk(target: Target, octets: bytes, fault: Fault) -> bytes:
    """Return a smaller input with the same fault: leave out stretches, long ones first, as long as the fault stays."""
    trials, size = 0, max(1, len(octets) // 2)
    while trials < _TRIALS:
        at, before = 0, len(octets)
        while at < len(octets) and trials < _TRIALS:
            shorter = octets[:at] + octets[at + size :]
            trials += 1
            if fault_of(target, shorter) == fault:
                octets = shorter
            else:
                at += size
        if size == 1 and len(octets) == before:
            break
        size = max(1, size // 2)
    return octets


class Findings:
    """The findings of a run: each is a file named by the digest of its bytes; a few are kept of each fault."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: Counter[Fault] = Counter()

    def add(self, octets: bytes, fault: Fault) -> Path | None:
        """Keep a finding, unless there are enough of its fault."""
        path = self._folder / known_by(octets)
        if path.exists() or self._seen[fault] >= _OF_A_FAULT:
            return None
        self._seen[fault] += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
        return path


def explore(target: Target, examples: int, seed: int) -> Iterator[tuple[bytes, Fault]]:
    """Try mutated inputs with Hypothesis; yield the smallest one that breaks a law, if any."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    last: list[bytes] = []

    @seeded(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.sampled_from(list(target.seeds())), st.randoms(use_true_random=False))
    def run(octets: bytes, chance: Random) -> None:
        made = target.mutate(octets, chance)
        last[:] = [made]
        target.check(made)

    faulty: Callable[[], None] = run
    try:
        faulty()
    except Exception:
        fault = fault_of(target, last[0])
        yield last[0], fault or ("Flaky", "the second time no law was broken")
