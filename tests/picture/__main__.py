"""Draw the architecture from the code into README.md: python -m tests.picture"""

from __future__ import annotations

from .draw import README, placed

if __name__ == "__main__":
    README.write_text(placed(README.read_text("utf-8")), "utf-8")
    print(f"drawn into {README}")
