"""`input[0]` and `output.x` outside of a function: what they are is known for each job alone.

So they give functions of the job, which `subpath` takes: `subpath(input[0], basename=True)`.
"""

from typing import Any

from flowc.diagnostic import fail
from flowc.lang.encode import Encoder
from flowc.lang.limits import Refusal, a_type
from flowc.lang.values import Record
from flowc.source import Source, Span


class JobFiles:
    """`input` or `output`."""

    type_name = "list of a job's files"

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, key: Any) -> "JobFile":
        if type(key) is not int and not isinstance(key, str):
            raise Refusal("wrong-type", f"`{self.name}` has items by number and by name")
        return JobFile(self.name, key)


class JobFile:
    """One item of it, as a `values.Function`."""

    type_name = "function"
    required = 2
    takes_rest = False
    span = Span(Source("", ""), 0, 0)

    def __init__(self, root: str, key: int | str) -> None:
        self.root = root
        self.key = key
        self.name = f"{root}[{key}]" if isinstance(key, int) else f"{root}.{key}"
        self.parameters = ("wildcards", root)

    def __call__(self, wildcards: Any, **files: Any) -> Any:
        found: Record = files[self.root]
        try:
            item = found.get_name(self.key) if isinstance(self.key, str) else found.values[self.key]
        except (KeyError, IndexError):
            raise fail("missing-key", f"this job has no `{self.name}`") from None
        if not isinstance(item, str):
            raise fail("wrong-type", f"`{self.name}` is {a_type(item)}, not one path")
        return item

    def to_data(self) -> dict[str, Any]:
        return Encoder(self.span).function(self)

    def write_to(self, encoder: Encoder) -> dict[str, Any]:
        return {"function": "job-file", "of": self.root, "key": self.key}

    def __repr__(self) -> str:
        return f"<function {self.name}>"
