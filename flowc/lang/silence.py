"""Comments that silence a finding: `# flowc: ignore[unused-name]` on its line or the line above.

Several codes stand between commas; without brackets all are meant. Errors cannot be silenced.
"""

import re
from collections.abc import Iterable

from flowc.diagnostic import Diagnostic

_IGNORE = re.compile(r"#\s*flowc:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")


def unsilenced(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those that no comment silences."""
    return [d for d in diagnostics if not is_silenced(d)]


def is_silenced(diagnostic: Diagnostic) -> bool:
    span = diagnostic.span
    if diagnostic.severity == "error" or span is None or "flowc:" not in span.source.text:
        return False
    line = span.line
    if _ignores(span.source.line(line), diagnostic.code):
        return True
    above = span.source.line(line - 1).strip() if line > 1 else ""
    return above.startswith("#") and _ignores(above, diagnostic.code)


def _ignores(line: str, code: str) -> bool:
    for found in _IGNORE.finditer(line):
        codes = found["codes"]
        if codes is None or code in {each.strip() for each in codes.split(",")}:
            return True
    return False
