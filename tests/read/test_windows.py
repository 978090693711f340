"""Windows, as far as another system can show it: what Python lacks there is hidden, and its paths are split."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

from conftest import SEED
from qingwen.dataset import delta
from qingwen.read.inputs import split_glob
from qingwen.read.open import is_url

# Python runs it at the start of each process, spawned workers too. The package alone sees what Windows has: its
# libraries were built for this system. Files that are opened without an encoding would be read as another one there.
SITE = '''
import builtins, os, signal, types, warnings
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline", "curses"}
OS = """chown chroot confstr ctermid fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs getegid geteuid
getgid getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid getuid initgroups killpg
lchown lockf major makedev memfd_create minor mkfifo mknod nice openpty pathconf pipe2 posix_fadvise posix_fallocate
posix_spawn pread preadv pwrite pwritev register_at_fork sched_getaffinity sched_setaffinity sched_yield sendfile setegid
seteuid setgid setgroups setpgid setpriority setsid setuid statvfs sync sysconf tcgetpgrp ttyname uname wait wait3 wait4
waitid O_NONBLOCK O_CLOEXEC O_DIRECTORY O_DSYNC O_NOCTTY O_NOFOLLOW O_SYNC WNOHANG""".split()
SIGNALS = "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 alarm pause".split()
SIGNALS += "pthread_kill pthread_sigmask setitimer sigpending sigwait".split()

def without(module, names):
    shown = types.ModuleType(module.__name__)
    shown.__dict__.update({name: value for name, value in vars(module).items() if name not in names})
    return shown

windows = {"os": without(os, OS), "signal": without(signal, SIGNALS)}
real = builtins.__import__

def on_windows(name, globals=None, locals=None, fromlist=(), level=0):
    if str((globals or {}).get("__name__")).partition(".")[0] == "qingwen":
        if name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in windows:
            return windows[name]
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = on_windows
warnings.filterwarnings("error", category=EncodingWarning, module=r"qingwen\\b")
'''


@pytest.mark.parametrize(
    "options", [["--no-prefect"], pytest.param([], marks=pytest.mark.slow)], ids=["bare", "prefect"]
)
def test_clean_runs_to_the_end_without_what_windows_lacks(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE, "utf-8")
    paths = os.pathsep.join([str(tmp_path / "site"), *sys.path])
    start = "import runpy, sitecustomize; sitecustomize.windows; runpy.run_module('qingwen', run_name='__main__')"
    run = [sys.executable, "-c", start, "clean", str(SEED), "--output", str(tmp_path / "out"), *options]
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNDEFAULTENCODING": "1"}
    done = subprocess.run([*run, "--workers", "1"], capture_output=True, text=True, env=environment)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    (record,) = delta.read(tmp_path / "out", "records").to_pylist()
    assert record["source_path"] == SEED.as_posix()
    assert record["title"]
    assert record["text"]


@pytest.mark.parametrize(
    ("pattern", "start", "parts"),
    [
        (r"C:\pages\*.html", r"C:\pages", ["*.html"]),
        (r"C:\*.html", "C:\\", ["*.html"]),
        ("C:/pages/2023-*/a.html", r"C:\pages", ["2023-*", "a.html"]),
        (r"pages\**\*.txt", "pages", ["**", "*.txt"]),
        (r"\\server\share\x?\*.html", "\\\\server\\share\\", ["x?", "*.html"]),
        (r"\\?\C:\pages\*.txt", r"\\?\C:\pages", ["*.txt"]),
        (r"C:\pages\a.html", r"C:\pages\a.html", []),
    ],
)
def test_globs_are_split_at_either_slash_and_behind_the_drive(pattern: str, start: str, parts: list[str]) -> None:
    assert split_glob(pattern, PureWindowsPath) == (start, parts)


def test_a_drive_is_no_url() -> None:
    assert not any(map(is_url, (r"C:\pages\a.html", "C:/pages/a.html", "C://pages/a.html", r"\\server\share")))
