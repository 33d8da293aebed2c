"""What a run tells its log, folded as it is told: so the history need not read that log again."""

import os

from flowc.events import Event, FilesRemoved, FilesTouched, JobDone, JobFailed, JobSubmitted
from flowc.ids import JobId
from flowc.record.log import EventLog
from flowc.record.outputs import Folded, fold

_OF_OUTPUTS = frozenset({JobSubmitted, JobDone, JobFailed, FilesRemoved, FilesTouched})


class Heard:
    """A listener of a run, to be told each event after the log. `since_bytes`: what the log has up
    to there, the history has taken in."""

    def __init__(self, log: EventLog) -> None:
        self.name = os.path.basename(log.path)
        self.since_bytes = log.size_bytes
        self._log = log
        self._folded = Folded({}, {}, [])
        self._begun: dict[JobId, JobSubmitted] = {}  # most are done soon, which is all that counts

    def __call__(self, event: Event) -> None:
        if type(event) not in _OF_OUTPUTS:
            return
        if isinstance(event, JobSubmitted):
            self._begun[event.job] = event
        elif isinstance(event, JobDone):
            self._begun.pop(event.job, None)
            fold(self._folded, event)
        elif isinstance(event, JobFailed):
            begun = self._begun.pop(event.job, None)
            if begun is not None:
                fold(self._folded, begun)
            fold(self._folded, event)
        else:
            fold(self._folded, event)

    def take(self) -> tuple[Folded, str, int]:
        """What was told since the last time, the log's name, and how long it is with that."""
        for event in self._begun.values():
            fold(self._folded, event)
        self._begun.clear()
        self._log.flush()
        folded, self._folded = self._folded, Folded({}, {}, [])
        self.since_bytes = self._log.size_bytes
        return folded, self.name, self.since_bytes
