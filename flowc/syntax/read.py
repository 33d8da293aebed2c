"""Read a Workflowfile from disk. Whatever keeps it from being text is said here."""

import os
import stat

from flowc.diagnostic import WorkflowError, fail
from flowc.source import Source, Span

MAX_BYTES = 16 * 2**20
"""A larger file is no Workflowfile and no config: it would keep flowc busy for minutes."""

_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_source(path: str, asked_by: Span | None = None, what: str = "a Workflowfile") -> Source:
    """The text of `path`. `asked_by`: the place that names it, such as an `include:`; `what` it
    should be."""
    data = _bytes(path, asked_by, what)
    encoding = _BOMS.get(data[:2])
    if encoding or b"\0" in data[:4]:
        raise fail(
            "not-utf-8",
            f"`{path}` is not UTF-8 text" + (f", but {encoding}" if encoding else ""),
            asked_by,
            hint=f"iconv -f {encoding or 'UTF-16'} -t UTF-8 converts it",
        )
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf_8(path, data, error.start, asked_by) from None
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    source = Source(path, text)
    nul = text.find("\0")
    if nul >= 0:
        raise fail(
            "nul-byte",
            f"a NUL byte at offset {nul} (line {source.position(nul)[0]}): this is not a text file",
            Span(source, nul, nul + 1) if asked_by is None else asked_by,
        )
    return source


def _bytes(path: str, asked_by: Span | None, what: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise fail("missing-file", f"there is no file `{path}`", asked_by) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, asked_by) from None
    try:
        facts = os.fstat(file)
        if stat.S_ISDIR(facts.st_mode):
            hint = f"did you mean `{path.rstrip('/')}/Workflowfile`?"
            hint = hint if os.path.exists(os.path.join(path, "Workflowfile")) else ""
            message = f"`{path}` is a directory, not a file"
            raise fail("is-a-directory", message, asked_by, hint=hint or None)
        os.set_blocking(file, True)  # a pipe may be read, as in `-s <(...)`
        with open(file, "rb", closefd=False) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error, asked_by) from None
    finally:
        os.close(file)
    if len(data) > MAX_BYTES:
        message = f"`{path}` is larger than {MAX_BYTES >> 20} MiB: too large for {what}"
        raise fail("too-large", message, asked_by, hint="data belongs into files that jobs read")
    return data


def _unreadable(path: str, error: Exception, asked_by: Span | None) -> WorkflowError:
    why = getattr(error, "strerror", None) or str(error)
    return fail("unreadable-file", f"cannot read `{path}`: {why}", asked_by)


def _not_utf_8(path: str, data: bytes, offset: int, asked_by: Span | None) -> WorkflowError:
    """Name the byte, and show its line as far as it can be read."""
    line = data.count(b"\n", 0, offset) + 1
    message = (
        f"`{path}` is not UTF-8 text: byte 0x{data[offset]:02x} at offset {offset} (line {line})"
    )
    hint = "iconv -f ISO-8859-1 -t UTF-8 converts it, if it is Latin-1"
    if asked_by:
        return fail("not-utf-8", message, asked_by, hint=hint)
    at = len(data[:offset].decode("utf-8"))
    shown = Source(path, data.decode("utf-8", "surrogateescape"))
    return fail("not-utf-8", message, Span(shown, at, at + 1), hint=hint)
