"""A process that outlives flowc when flowc is killed, and then ends its tasks.

Nobody can catch KILL. So a small shell reads from a pipe of which flowc alone holds the other end:
a line means that all is well, the pipe's end without one that flowc is gone. Where the guard
itself was killed too, the next run ends what is left (see `marks`).
"""

import os
from contextlib import suppress

from flowc.executors.marks import VARIABLE

_SCRIPT = f"""
trap '' HUP INT TERM
read -r _ && exit 0
for signal in TERM KILL KILL KILL; do
    found=$(grep -lsF -- "{VARIABLE}=$1:" /proc/[0-9]*/environ)
    [ -n "$found" ] || exit 0
    for file in $found; do
        pid=${{file#/proc/}}
        kill -s "$signal" "${{pid%/environ}}"
        kill -s CONT "${{pid%/environ}}"
    done
    sleep 0.3
done
"""


class Guard:
    """Watches over the tasks of one run."""

    def __init__(self, run: str) -> None:
        self._pid = -1
        end, self._fd = os.pipe()
        nowhere = "/dev/null"
        try:
            self._pid = os.posix_spawn(
                "/bin/sh",
                ("sh", "-c", _SCRIPT, "flowc-guard", run),
                {"PATH": os.environ.get("PATH", os.defpath)},  # without the mark of a task
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, end, 0),
                    (os.POSIX_SPAWN_OPEN, 1, nowhere, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, nowhere, os.O_WRONLY, 0),
                ),
                setsid=True,
                setsigmask=(),
            )
        except OSError:  # no more processes: a run can do without
            pass
        finally:
            os.close(end)

    def close(self) -> None:
        """All is well: it may go."""
        if self._fd < 0:
            return
        with suppress(OSError):  # it is gone
            os.write(self._fd, b"\n")
        os.close(self._fd)
        self._fd = -1
        if self._pid > 0:
            os.waitpid(self._pid, 0)
