"""Look for inputs that break a law: python -m tests.fuzz [TARGET ...] [--seconds 600] [--seed N]

Runs each target (default: all of them) for so many seconds, each in a process of its own: one that hangs or dies is a finding too.
A finding is made smaller, printed, and kept in tests/fuzz/corpus/TARGET, where the tests replay it. An input that takes
more than some seconds of the processor's time, or ends the process, goes to tests/fuzz/apart/TARGET: look at it by hand.
What raised coverage stays in --work for the next run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
# The seconds of processor time after which an input counts as slow, and after which it is stopped.
_SLOW, _STOPPED = 5, 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "qingwen-fuzz")
    parser.add_argument("--cover", action="store_true", help=argparse.SUPPRESS)  # the process of one target
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)  # the process of one input
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1, 2**31)
    if options.cover:
        from .guided import cover

        cover(options.targets[0], options.seconds, seed, options.work)
        return 0
    from .targets import TARGETS

    if options.once:
        TARGETS[options.targets[0]].check(options.once.read_bytes())
        return 0
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"unknown target {unknown[0]}; known are {', '.join(TARGETS)}.")
    guided = importlib.util.find_spec("atheris") is not None
    print(
        f"{'atheris' if guided else 'Hypothesis (atheris, of the extra fuzz, is not installed)'}, seed {seed}",
        flush=True,
    )
    found = [_run(name, options.seconds, seed, options.work / name, guided) for name in options.targets or TARGETS]
    return 1 if any(found) else 0


def _run(name: str, seconds: int, seed: int, work: Path, guided: bool) -> int:
    """Run one target; return how many findings it gave."""
    from .engine import Findings, explore, fault_of, shrunk
    from .targets import CORPUS, TARGETS

    target, findings = TARGETS[name], Findings(CORPUS / name)
    end, tried, spent, kept = time.monotonic() + seconds, 0, 0.0, 0
    while (left := int(end - time.monotonic())) > 0:
        if guided:
            more, took = _guided(name, left, seed, work)
            inputs = [path.read_bytes() for path in sorted((work / "found").glob("*"))]
            kept += _apart(name, work)
        else:
            before = time.process_time()
            inputs, more = [octets for octets, _ in explore(target, 1000, seed)], 1000
            took = time.process_time() - before
        tried, spent, seed = tried + more, spent + took, seed + 1
        for octets in inputs:
            fault = fault_of(target, octets)
            if fault is None:
                continue
            path = findings.add(small := shrunk(target, octets, fault), fault)
            if path is not None:
                kept += 1
                print(f"{name}: {fault[0]} at {fault[1]}: {path} ({len(small)} bytes)", flush=True)
        if not more:
            break
    print(f"{name}: {spent:.0f} s, {tried} inputs, {kept} findings", flush=True)
    return kept


def _guided(name: str, seconds: int, seed: int, work: Path) -> tuple[int, float]:
    """Run a target under atheris until its time is over or its process ends; return inputs tried and seconds spent."""
    (work / "found").mkdir(parents=True, exist_ok=True)
    for old in [*(work / "found").glob("*"), work / "tried"]:
        old.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", name, "--cover", "--seconds", str(seconds), "--seed", str(seed), "--work", str(work)]  # fmt: skip
    with (work / "log").open("ab") as log:
        subprocess.run(command, stdout=log, stderr=log, check=False)
    tried, spent = ((work / "tried").read_text().split() if (work / "tried").exists() else ("0", "0"))[:2]
    return int(tried), float(spent)


def _apart(name: str, work: Path) -> int:
    """Try what ended the process once more, alone, and keep what is slow or fatal by itself: a busy machine is no verdict."""
    kept = 0
    for path in [*work.glob("timeout-*"), *work.glob("crash-*"), *work.glob("oom-*"), *work.glob("slow-unit-*")]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        limit = f'ulimit -t {_STOPPED}; exec "$@"'
        command = ["bash", "-c", limit, "-", sys.executable, "-m", "tests.fuzz", name, "--once", str(path)]
        status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        kind = "slow" if spent > _SLOW else "fatal" if status < 0 or status > 1 else "raises" if status else None
        if kind in ("slow", "fatal"):
            folder = HERE / "apart" / name
            folder.mkdir(parents=True, exist_ok=True)
            os.replace(path, folder / f"{kind}-{path.name.rpartition('-')[2][:16]}")
            print(f"{name}: {kind}: {folder} ({spent:.0f} s, status {status})", flush=True)
            kept += 1
        else:
            path.unlink()
    return kept


if __name__ == "__main__":
    sys.exit(main())
