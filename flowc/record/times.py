"""How long jobs have run, and the most memory that they had: for expectations, not for decisions on
what is up to date. One row for each job, by its first output; a job that runs again replaces it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS times (
    path PRIMARY KEY NOT NULL,  -- of the first output
    rule TEXT NOT NULL,
    wall_s REAL NOT NULL,
    peak_bytes INTEGER
);
CREATE INDEX IF NOT EXISTS times_of_rule ON times (rule, wall_s, peak_bytes);
"""
_CHUNK = 500
"""Paths in one query. SQLite takes at least 999."""


class JobTime(NamedTuple):
    """Of the last time that a job ended well."""

    rule: str
    wall_s: float
    peak_bytes: int | None


class RuleTimes(NamedTuple):
    """Of all jobs of a rule that have ended well."""

    jobs: int
    median_s: float
    peak_bytes: int | None  # the most that any has had


class Times(Protocol):
    """What is asked about earlier runs."""

    def job_times(self, paths: Iterable[str]) -> dict[str, JobTime]:
        """By first output, of the jobs that have ended well."""
        ...

    def rule_times(self, rules: Iterable[str]) -> dict[str, RuleTimes]:
        """By rule, of those of which a job has ended well."""
        ...


def has_times(database: "sqlite3.Connection") -> bool:
    """Whether there is such a table: an older flowc has made none."""
    found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'times'")
    return found.fetchone() is not None


def write_times(
    database: "sqlite3.Connection", times: Iterable[tuple[str | bytes, JobTime]]
) -> None:
    rows = [(key, *time) for key, time in times]
    if not rows:
        return
    if not has_times(database):
        for statement in SCHEMA.split(";"):  # `executescript` would end the transaction
            database.execute(statement)
    database.executemany("INSERT OR REPLACE INTO times VALUES (?,?,?,?)", rows)


def read_job_times(
    database: "sqlite3.Connection", keys: list[str | bytes]
) -> list[tuple[str | bytes, JobTime]]:
    if not has_times(database):
        return []
    found = []
    for at in range(0, len(keys), _CHUNK):
        some = keys[at : at + _CHUNK]
        marks = ",".join("?" * len(some))
        query = f"SELECT path, rule, wall_s, peak_bytes FROM times WHERE path IN ({marks})"
        found += [(row[0], JobTime(*row[1:])) for row in database.execute(query, some)]
    return found


def read_rule_times(database: "sqlite3.Connection", rules: Iterable[str]) -> dict[str, RuleTimes]:
    found = {}
    for rule in rules if has_times(database) else ():
        query = "SELECT count(*), max(peak_bytes) FROM times WHERE rule = ?"
        jobs, peak_bytes = database.execute(query, (rule,)).fetchone()
        if jobs:
            query = "SELECT wall_s FROM times WHERE rule = ? ORDER BY wall_s LIMIT 1 OFFSET ?"
            (median_s,) = database.execute(query, (rule, jobs // 2)).fetchone()
            found[rule] = RuleTimes(jobs, median_s, peak_bytes)
    return found


def summed_up(times: Mapping[str, JobTime]) -> dict[str, RuleTimes]:
    """The times of jobs, by rule."""
    by_rule: dict[str, list[JobTime]] = {}
    for time in times.values():
        by_rule.setdefault(time.rule, []).append(time)
    found = {}
    for rule, members in by_rule.items():
        walls = sorted(member.wall_s for member in members)
        peaks = [member.peak_bytes for member in members if member.peak_bytes is not None]
        found[rule] = RuleTimes(len(walls), walls[len(walls) // 2], max(peaks, default=None))
    return found
