"""Files that are written whole or not at all."""

import os
from collections.abc import Iterable
from contextlib import suppress
from errno import EACCES

from flowc.diagnostic import fail


def write_whole(path: str, parts: Iterable[str], *, code: str = "unwritable-file") -> None:
    """Put a text in place of a file's content: whatever happens, whoever reads sees the old one or
    the new one. A symbolic link stays one, a file keeps its mode, and one that is write-protected
    its content; what is no file (`/dev/null`, a FIFO) is written to. Bytes that are no UTF-8 leave
    as they came. Raises WorkflowError, with that code."""
    try:
        _write(os.path.realpath(path), parts)
    except OSError as fault:
        why = (fault.strerror or str(fault)).lower()
        raise fail(code, f"`{path}` cannot be written: {why}") from None


def _write(path: str, parts: Iterable[str]) -> None:
    if os.path.exists(path):
        if not os.access(path, os.W_OK):  # a new file would take its place all the same
            raise PermissionError(EACCES, "it is write-protected")
        if not os.path.isfile(path) and not os.path.isdir(path):
            with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.writelines(parts)
            return
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
