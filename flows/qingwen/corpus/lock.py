"""One run at a time: the lock of a dataset, which the system releases when its holder ends, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from qingwen.errors import PublishError, SetupError


class Lock:
    """The lock of a dataset's folder; `hold` makes the folder where there is none."""

    def __init__(self, dataset: Path) -> None:
        self._dataset = dataset
        self._file: int | None = None

    def hold(self) -> None:
        """Take the lock.

        Raises:
            SetupError: the folder cannot be written.
            PublishError: another run holds it.
        """
        if self._dataset.exists() and not self._dataset.is_dir():
            raise SetupError(f"{self._dataset}: is a file; --output needs a folder.")
        state = self._dataset / "_state"
        try:
            state.mkdir(parents=True, exist_ok=True)
            self._file = os.open(state / "lock", os.O_RDWR | os.O_CREAT)
        except OSError as fault:
            raise SetupError(f"{self._dataset}: cannot be written: {fault.strerror}.") from fault
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise PublishError(f"{self._dataset}: another run holds the dataset. Wait for it to end.") from None

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
