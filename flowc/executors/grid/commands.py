"""A queue that is asked by running its programs."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from flowc.executors.grid.base import (
    Account,
    Batch,
    Dialect,
    Element,
    Named,
    NoAnswerError,
    RefusedError,
    Said,
    State,
    Status,
)


class Commands:
    """A `Queue` made of a `Dialect`. All that is run and waited for is here."""

    suspend = None

    def __init__(self, dialect: Dialect, timeout_s: float = 120.0) -> None:
        self._dialect = dialect
        self._timeout_s = timeout_s
        self.name = dialect.name
        self.sparse = dialect.sparse
        self.element, self.job, self.restarts = dialect.element, dialect.job, dialect.restarts
        self.cause_in, self.element_id = dialect.cause_in, dialect.element_id

    def submit(self, batch: Batch) -> str:
        return self._dialect.submitted(self._run(self._dialect.submit(batch)))

    def find(self, name: str) -> str | None:
        return self._dialect.found(name, self._run(self._dialect.find(name)))

    def status(self, ids: Sequence[str]) -> Mapping[Element, Status]:
        return self._dialect.statuses(self._run(self._dialect.status(ids)))

    def cancel(self, elements: Mapping[Named, Sequence[int]], *, kill: bool) -> None:
        names = dict(elements.keys())
        there = self.status([*names])
        others = {
            id
            for (id, _), status in there.items()
            if status.state is not State.ENDED and status.name not in ("", names.get(id))
        }
        ours = {id: numbers for (id, _), numbers in elements.items() if id not in others}
        for argv in self._dialect.cancel(ours, kill=kill) if ours else ():
            self._dialect.cancelled(self._run(argv))

    def accounts(self, ids: Sequence[str]) -> Mapping[Element, Account]:
        found: dict[Element, Account] = {}
        for argv in self._dialect.accounts(ids):
            found.update(self._dialect.account(self._run(argv)))
        return found

    def close(self) -> None:
        pass

    def _run(self, argv: Sequence[str]) -> Said:
        """Run one of the engine's programs, in a session of its own: Ctrl-C is for flowc, and
        must not cut off an answer."""
        try:
            process = subprocess.Popen(
                argv,
                env=self._dialect.environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="surrogateescape",
                start_new_session=True,
            )
        except FileNotFoundError:
            raise RefusedError(f"there is no program `{argv[0]}`") from None
        except OSError as fault:
            raise NoAnswerError(f"{argv[0]}: {fault.strerror}") from None
        try:
            stdout, stderr = process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise NoAnswerError(f"{argv[0]}: no answer in {self._timeout_s:g} s") from None
        return Said(process.returncode, stdout, stderr)
