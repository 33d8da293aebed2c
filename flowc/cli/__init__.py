"""The command line: one file for each command, loaded only when it is asked for.

A command is a module with `options(parser)` and `main(args) -> int`, the exit code.
"""

import sys


def entry() -> int:
    """The console script `flowc`."""
    if sys.argv[1:] in (["--version"], ["-V"], ["version"]):
        # Before anything is imported: scripts ask this in a loop.
        from flowc import __version__

        print(f"flowc {__version__}")
        return 0
    from flowc.cli.main import main

    return main(sys.argv[1:])
