"""``python -m qingwen`` is ``qingwen``; worker processes import this file, so it imports the command line late."""

import sys


def main() -> int:
    """Run the command line; return its exit status."""
    from qingwen.cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
