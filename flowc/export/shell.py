"""Words of bash."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./-]+", re.ASCII)


def sh(text: str) -> str:
    """One word that bash reads as exactly this text.

    A newline becomes `$'\\n'` and the line goes on: no line of a script begins with what somebody
    else has written, so that nothing of it is read as an option of qsub or sbatch.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "$'\\n'\\\n".join(_line(line) for line in text.split("\n"))


def _line(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def comment(text: str) -> str:
    """Text for one comment line: without anything that would end it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def plain_name(text: str) -> str:
    """Letters, digits, `_`, `.` and `-` alone, at most 40: for names of files and of jobs."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text, flags=re.ASCII)[:40]
