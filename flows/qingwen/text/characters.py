"""Which characters are Han, everywhere in the package: Unicode's unified ideographs up to extension H, and 〇."""

from __future__ import annotations

# First and last code point of each block.
RANGES = ((0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x323AF))
# For a pattern, between brackets: f"[{HAN}]".
HAN = "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in RANGES)
