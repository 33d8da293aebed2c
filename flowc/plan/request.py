"""What a job asks for, and where each figure comes from."""

from collections.abc import Mapping
from typing import Any

from flowc.dataclass import dataclass, field
from flowc.source import Span


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a figure comes from. `kind`: "default", "declared", "profile", "override" or
    "scaled" (lowered to what the run may use)."""

    kind: str
    detail: str = ""  # "Workflowfile:12", "--set-threads", "profiles/pilot.json, 40 measurements"
    span: Span | None = None

    def __str__(self) -> str:
        return f"{self.kind} ({self.detail})" if self.detail else self.kind


DEFAULT = Origin("default")


@dataclass(frozen=True, slots=True)
class Request:
    """Resources of one attempt at one job. `origins` has a key for each figure: "cores",
    "memory", "runtime" and the names of custom resources."""

    cores: int = 1
    memory_bytes: int = 1024**3
    limit_s: float | None = None
    resources: Mapping[str, int | float | str] = field(default_factory=dict)  # custom ones
    limits: Mapping[str, int] = field(default_factory=dict)
    priority: float = 0
    origins: Mapping[str, Origin] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()  # figures that depend on inputs which do not exist yet
    here: bool = False  # for flowc's own machine, whatever runs the others


def request_data(request: Request, *, places: bool) -> dict[str, Any]:
    """A request as in the IR, with or without the places of its origins."""
    return {
        "cores": request.cores,
        "memory_bytes": request.memory_bytes,
        "limit_s": request.limit_s,
        "priority": request.priority,
        "resources": dict(request.resources),
        "limits": dict(request.limits),
        "unknown": request.unknown,
        "origins": {
            name: {"kind": origin.kind, "detail": origin.detail}
            | ({"span": origin.span} if places else {})
            for name, origin in request.origins.items()
        },
    }
