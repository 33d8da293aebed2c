"""What `ensure(...)` asks of an output: that it is not empty, that it has a checksum."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from flowc.diagnostic import WorkflowError
from flowc.lang.values import Wildcards


def violated(path: str, checks: Sequence[tuple[str, Any]], wildcards: Wildcards) -> str | None:
    """Why the file is not as it should be; None if it is."""
    for kind, expected in checks:
        if kind == "non_empty":
            if os.path.getsize(path) == 0:
                return f"output is empty, and `ensure` says it must not be: {path}"
            continue
        if callable(expected):
            try:
                expected = expected(wildcards)
            except WorkflowError as fault:
                return f"the checksum of {path} cannot be had: {fault}"
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, kind).hexdigest()
        if found != str(expected).lower():
            return f"output has the {kind} {found} instead of {expected}: {path}"
    return None
