"""Put the README into the package's metadata, its links as plain text: no relative link leads anywhere from there."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"^!\[.*\n\n?", re.MULTILINE)
_RELATIVE_LINK = re.compile(r"\[([^]]+)\]\((?!https?://)[^)]+\)")


class ReadmeHook(MetadataHookInterface):
    """Take links and images that only a checkout has out of the README."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the field ``readme``."""
        text = Path(self.root, "README.md").read_text("utf-8")
        text = _RELATIVE_LINK.sub(r"\1", _IMAGE.sub("", text))
        metadata["readme"] = {"text": text, "content-type": "text/markdown"}
