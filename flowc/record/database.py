"""The SQLite file of the history: how it is opened, its tables, its version."""

import os
import sqlite3
from urllib.parse import quote

from flowc.record.damage import DamagedError

VERSION = 1
"""Of the schema, kept in `PRAGMA user_version`."""

SCHEMA = """
CREATE TABLE outputs (
    path PRIMARY KEY NOT NULL,  -- text, or a blob where its bytes are not UTF-8
    rule TEXT NOT NULL,
    code TEXT NOT NULL,
    params TEXT NOT NULL,
    inputs TEXT NOT NULL,
    content TEXT,
    state TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE files (
    path PRIMARY KEY NOT NULL,
    mtime_ns INTEGER NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE logs (name PRIMARY KEY NOT NULL, offset INTEGER NOT NULL);
"""


def connect(path: str, *, read_only: bool) -> sqlite3.Connection:
    """Raises sqlite3's errors, and DamagedError."""
    name = quote(os.fsencode(os.path.abspath(path)))
    mode = "ro" if read_only else "rwc"
    database = sqlite3.connect(
        f"file:{name}?mode={mode}", uri=True, timeout=10, isolation_level=None
    )
    try:
        if not _prepare(database, read_only=read_only):
            database.close()
            database = in_memory()
    except BaseException:
        database.close()
        raise
    return database


def in_memory() -> sqlite3.Connection:
    """A new and empty one, for a reader that does without the file."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(SCHEMA)
    return database


def _prepare(database: sqlite3.Connection, *, read_only: bool) -> bool:
    """Check the version, make the tables. False where a reader had better do without the
    database, and fold all logs."""
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        # A run was killed within a transaction. To undo that is to write: the next run's part.
        if read_only:
            return False
        raise
    if not 0 <= version <= VERSION:
        what = f"its form has version {version}, and this flowc knows {VERSION}"
        raise DamagedError(what, f"version-{version}")
    if version == 0 and read_only:  # just created by a run that was killed
        return False
    database.execute("PRAGMA synchronous = NORMAL")
    if version == 0:
        database.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"
        )
    return True
