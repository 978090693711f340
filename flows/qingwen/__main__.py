"""``python -m qingwen`` is ``qingwen``."""

import sys

from qingwen.cli import main

if __name__ == "__main__":
    sys.exit(main())
