"""What a run is asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from qingwen.config import Config


@dataclass(frozen=True, slots=True)
class Request:
    """What to do: the inputs, the dataset's folder, and how.

    ``rules`` names a user's own table or folder of them; ``verify`` reads known inputs again, whatever their size and
    time say.
    """

    inputs: tuple[str, ...]
    output: str
    config: Config = field(default_factory=Config)
    rules: str | None = None
    workers: int = 0
    batch_pages: int = 500
    retries: int = 2
    rebuild: bool = False
    verify: bool = False

    @property
    def processes(self) -> int:
        """Return the number of workers: as asked for, else one for each core."""
        return self.workers or os.cpu_count() or 1
