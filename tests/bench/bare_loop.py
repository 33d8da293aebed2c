"""The least that running jobs can cost in Python: `posix_spawn` and `wait`, nothing else.

    python bare_loop.py FILE JOBS COMMAND...

COMMAND has `@` for each line of FILE. The lines' order is taken for the dependencies'.
"""

import os
import sys


def main() -> int:
    lines, jobs, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    running = failed = 0
    with open(lines) as outputs:
        for line in outputs:
            name = line.rstrip("\n")
            if running == jobs:
                failed |= os.wait()[1]
                running -= 1
            os.posix_spawnp(command[0], [w.replace("@", name) for w in command], os.environ)
            running += 1
    while running:
        failed |= os.wait()[1]
        running -= 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
