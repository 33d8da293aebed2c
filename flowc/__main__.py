"""`python -m flowc`: the same as the console script."""

import sys

from flowc.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
