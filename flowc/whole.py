"""Files that are written whole or not at all."""

import os
from collections.abc import Iterable
from contextlib import suppress

from flowc.diagnostic import fail


def write_whole(path: str, parts: Iterable[str], *, code: str = "unwritable-file") -> None:
    """Put a text in place of a file's content: whatever happens, whoever reads sees the old one or
    the new one. A symbolic link stays one, and a file keeps its mode. Bytes that are no UTF-8
    leave as they came. Raises WorkflowError, with that code."""
    try:
        _write(os.path.realpath(path), parts)
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise fail(code, f"`{path}` cannot be written: {why}") from None


def _write(path: str, parts: Iterable[str]) -> None:
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())  # a power cut soon after must not leave an empty one
        with suppress(FileNotFoundError):
            os.chmod(new, os.stat(path).st_mode & 0o7777)
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):  # it was never made
            os.unlink(new)
        raise
