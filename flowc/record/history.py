"""What flowc remembers of earlier runs: `.flowc/history.db`, an SQLite file.

It is a fold of the event logs `.flowc/runs/*.jsonl`, which the run writes first, each event with
one `write`. So a crash at any instant loses nothing: `catch_up` folds what of the logs is not in
the database yet, and a job that was submitted and never heard of again has been interrupted. The
logs' names sort by time, and folding the same events twice gives the same result.

There is one row for each output *path*: what was last done to it. A job of several outputs reads
one row of each, so that an output which moves from one rule to another is seen as changed code.

The journal is SQLite's rollback journal, not WAL: WAL needs shared memory (there is none on the
network file systems of clusters) and would make `flowc plan` write files. Digests of file contents
are kept here too; that table is a mere cache.

So nothing is lost with the database: where it is damaged, or of a form that this version does not
know, a run sets it aside and folds the logs anew, and a reader folds them in memory.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from flowc.diagnostic import WorkflowError, fail
from flowc.disk import FileState
from flowc.events import Event
from flowc.record import times
from flowc.record.damage import DamagedError, is_damage, name_of, sound, stored_name
from flowc.record.outputs import (
    DONE,
    FAILED,
    INTERRUPTED,
    Folded,
    HistoryView,
    JobRecord,
    NoHistory,
    begins_line,
    fold,
    read_events,
)
from flowc.record.times import JobTime, RuleTimes, Times

if TYPE_CHECKING:
    import sqlite3

    from flowc.record.heard import Heard

__all__ = [
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "History",
    "HistoryView",
    "JobRecord",
    "NoHistory",
    "Times",
]

_COLUMNS = "path, rule, code, params, inputs, content, state, at"
_CHUNK = 500
"""Paths in one query. SQLite takes at least 999."""


class History:
    """The history of one directory. With `read_only` nothing is written, nor created: what of the
    logs is not in the database is folded in memory. Nothing is opened before it is needed."""

    def __init__(self, directory: str = ".flowc", *, read_only: bool = False) -> None:
        self.directory = directory
        self.read_only = read_only
        self.path = f"{directory}/history.db"
        self._database: sqlite3.Connection | None = None
        # read_only: what the logs say beyond the database
        self._overlay: dict[str, JobRecord | None] = {}
        self._overlay_times: dict[str, JobTime] = {}
        self._overlay_logs: dict[str, int] = {}
        self._is_caught_up = False
        self._heard: Heard | None = None  # what the run that uses this history says
        self.replaced = ""  # what was wrong with a database that could not be used

    # Reading

    @sound
    def records(self, paths: Iterable[str]) -> dict[str, JobRecord]:
        if self.read_only and not self._is_caught_up:
            self.catch_up()
        asked = list(paths)
        if not asked:
            return {}
        newer = self._overlay.keys() & set(asked) if self._overlay else ()
        return self._with_newer(self._stored(asked), newer)

    @sound
    def file_digest(self, path: str, state: FileState) -> str | None:
        database = self._open()
        if database is None:
            return None
        with self._faults():
            row = database.execute(
                "SELECT digest FROM files WHERE path = ? AND mtime_ns = ? AND size = ?",
                (stored_name(path), state.mtime_ns, state.size_bytes),
            ).fetchone()
        return None if row is None else str(row[0])

    @sound
    def outputs(self) -> dict[str, JobRecord]:
        """Every output that something is known of."""
        database = self._open_to_read()
        found: dict[str, JobRecord] = {}
        if database is not None:
            with self._faults():
                rows = database.execute(f"SELECT {_COLUMNS} FROM outputs")
                found = {name_of(row[0]): JobRecord._make(row[1:]) for row in rows}
        return self._with_newer(found, self._overlay)

    @sound
    def job_times(self, paths: Iterable[str]) -> dict[str, JobTime]:
        """By first output, what is known of the jobs that have ended well."""
        asked = list(paths)
        database = self._open_to_read()
        found = {p: t for p in asked if (t := self._overlay_times.get(p)) is not None}
        if database is not None:
            with self._faults():
                rows = times.read_job_times(database, [stored_name(path) for path in asked])
                found = {name_of(key): time for key, time in rows} | found
        return found

    @sound
    def rule_times(self, rules: Iterable[str]) -> dict[str, RuleTimes]:
        """By rule, what is known of its jobs that have ended well."""
        database = self._open_to_read()
        found = times.summed_up(self._overlay_times)
        if database is not None:
            with self._faults():
                found.update(times.read_rule_times(database, rules))
        return found

    def _with_newer(
        self, found: dict[str, JobRecord], newer: Iterable[str]
    ) -> dict[str, JobRecord]:
        """With what the logs say beyond the database."""
        for path in newer:
            record = self._overlay[path]
            if record is None:
                found.pop(path, None)
            else:
                found[path] = record
        return found

    def _stored(self, asked: list[str]) -> dict[str, JobRecord]:
        database = self._open()
        if database is None:
            return {}
        with self._faults():
            (count,) = database.execute("SELECT max(rowid) FROM outputs").fetchone()
            make = JobRecord._make
            if len(asked) * 4 > (count or 0):  # most of the table: read it through
                rows = database.execute(f"SELECT {_COLUMNS} FROM outputs").fetchall()
                wanted = set(asked)
                return {p: make(r[1:]) for r in rows if (p := name_of(r[0])) in wanted}
            found: dict[str, JobRecord] = {}
            for at in range(0, len(asked), _CHUNK):
                keys = [stored_name(path) for path in asked[at : at + _CHUNK]]
                marks = ",".join("?" * len(keys))
                query = f"SELECT {_COLUMNS} FROM outputs WHERE path IN ({marks})"
                rows = database.execute(query, keys).fetchall()
                found.update((name_of(row[0]), make(row[1:])) for row in rows)
            return found

    # Writing

    @sound
    def catch_up(self) -> int:
        """Fold what of the logs is not known yet; the number of events that was.

        To be called when a run starts (for what an earlier one has left when it was killed) and
        when it ends. A long run may call it in between: only what is new is read."""
        self._is_caught_up = True
        offsets = self._offsets()
        count = 0
        for name in self._log_names():
            known = offsets.get(name, 0)
            heard = self._heard
            if heard is not None and heard.name == name and heard.since_bytes == known:
                self._take_in(*heard.take())
                continue
            path = f"{self.directory}/runs/{name}"
            size = _size(path)
            if size == known:
                continue
            if size < known or not begins_line(path, known):  # another file of the same name
                known = 0
            while (part := read_events(path, known))[1] != known:
                events, known = part
                self.apply(events, log=name, offset=known)
                count += len(events)
        return count

    def hear(self, heard: "Heard") -> None:
        """What this listener is told need not be read in its log."""
        self._heard = heard

    def apply(
        self, events: Iterable[Event], *, log: str | None = None, offset: int | None = None
    ) -> None:
        """Fold events, all of them or, after a crash, none. `log` and `offset` say how far into
        which log that is; without them `catch_up` will fold the events again, to no effect."""
        folded = Folded({}, {}, [])
        for event in events:
            fold(folded, event)
        self._take_in(folded, log, offset)

    def _take_in(self, folded: Folded, log: str | None, offset: int | None) -> None:
        if self.read_only:
            self._overlay.update(folded.outputs)
            self._overlay_times.update(folded.times)
            if log is not None and offset is not None:
                self._overlay_logs[log] = offset
            return
        outputs = folded.outputs.items()
        rows = [(stored_name(path), *record) for path, record in outputs if record is not None]
        forgotten = [(stored_name(path),) for path, record in outputs if record is None]
        with self._transaction() as database:
            database.executemany("INSERT OR REPLACE INTO outputs VALUES (?,?,?,?,?,?,?,?)", rows)
            database.executemany("DELETE FROM outputs WHERE path = ?", forgotten)
            rows_of_times = [(stored_name(path), time) for path, time in folded.times.items()]
            times.write_times(database, rows_of_times)
            gone = [(stored_name(path),) for path in folded.removed]
            database.executemany("DELETE FROM files WHERE path = ?", gone)
            if log is not None and offset is not None:
                database.execute("INSERT OR REPLACE INTO logs VALUES (?, ?)", (log, offset))

    def keep_digests(self, digests: Mapping[str, tuple[int, int, str]]) -> None:
        """Remember the digests of files' contents: path to (mtime_ns, size in bytes, digest)."""
        if self.read_only or not digests:
            return
        rows = [(stored_name(path), *row) for path, row in digests.items()]
        self._keep(rows)

    @sound
    def _keep(self, rows: Sequence[tuple[object, ...]]) -> None:
        with self._transaction() as database:
            database.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?)", rows)

    def replace(self, damage: DamagedError) -> None:
        """Go on without the database: from the logs, into a new one or, `read_only`, in memory."""
        if self.replaced:  # the new one as well: it is the disk that is at fault
            raise fail(
                "history-corrupt",
                f"{self.path} is damaged: {damage}",
                hint="is the disk full, or failing? without `.flowc/history.db` the history is "
                f"made anew from the logs in {self.directory}/runs",
            )
        self.close()
        self._overlay.clear()
        self._overlay_logs.clear()
        self._overlay_times.clear()
        self._is_caught_up = False
        self.replaced = str(damage)
        if self.read_only:
            from flowc.record.database import in_memory  # as above

            self._database = in_memory()
            return
        aside = f"{self.path}.{damage.suffix}"
        with self._faults():
            os.replace(self.path, aside)
            if os.path.lexists(f"{self.path}-journal"):
                os.remove(f"{self.path}-journal")
        self.replaced += f" (it is kept as {aside})"
        self.catch_up()

    def rebuild(self) -> int:
        """Throw the database away and fold all logs anew; the number of events in them."""
        self.close()
        for end in ("", "-journal"):
            if os.path.lexists(self.path + end):
                os.remove(self.path + end)
        return self.catch_up()

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The database

    def _log_names(self) -> list[str]:
        try:
            names = os.listdir(f"{self.directory}/runs")
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in names if name.endswith(".jsonl"))

    def _offsets(self) -> dict[str, int]:
        database = self._open()
        stored: dict[str, int] = {}
        if database is not None:
            with self._faults():
                rows = database.execute("SELECT name, offset FROM logs")
                stored = {name_of(n): o for n, o in rows if isinstance(o, int)}
        return stored | self._overlay_logs

    def _open_to_read(self) -> "sqlite3.Connection | None":
        if self.read_only and not self._is_caught_up:
            self.catch_up()
        return self._open()

    def _open(self, *, create: bool = False) -> "sqlite3.Connection | None":
        """The database, None where there is none yet."""
        if self._database is None:
            if not create and not os.path.exists(self.path):
                return None
            with self._faults():
                self._database = self._connect()
        return self._database

    def _connect(self) -> "sqlite3.Connection":
        from flowc.record.database import connect  # sqlite3: a directory may have no history

        if not self.read_only:
            os.makedirs(self.directory, exist_ok=True)
        return connect(self.path, read_only=self.read_only)

    @contextmanager
    def _transaction(self) -> Iterator["sqlite3.Connection"]:
        import sqlite3

        with self._faults():
            database = self._open(create=True)
            assert database is not None
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """SQLite's errors as diagnostics."""
        import sqlite3

        try:
            yield
        except (sqlite3.Error, OSError, UnicodeError) as fault:
            if is_damage(fault):
                raise DamagedError(str(fault)) from None
            raise self._unusable(fault) from None

    def _unusable(self, fault: Exception) -> WorkflowError:
        return fail(
            "history-unusable",
            f"{self.path} cannot be used: {fault}",
            hint="is the disk full or read-only, or does another flowc write to it right now?",
        )


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
