"""``python -m qingwen`` is ``qingwen``."""

import sys

from qingwen.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
