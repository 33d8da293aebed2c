"""The page of diagnostics, made of docs/reference/diagnostics.toml and of the sources."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve().parents[1] / "reference" / "diagnostics.toml"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of one code. `example` is a Workflowfile that `command` reports it for."""

    title: str
    help: str = ""
    example: str | None = None
    command: str = "flowc check"
    directory: str = ""  # to be made, with nothing in it


ENTRIES = {code: Entry(**row) for code, row in tomllib.loads(LIST.read_text("utf-8")).items()}


def sections(messages: dict[str, list[str]] | None = None) -> str:
    """A section for each code: its title, its messages, an example."""
    out = []
    for code, entry in ENTRIES.items():
        out.append(f"\n### {code}\n\n{entry.title}. {entry.help}".rstrip() + "\n")
        said = (messages or {}).get(code, [])
        out += [f"\n- {text}" for text in said] + (["\n"] if said else [])
        if entry.example:
            command = "" if entry.command == "flowc check" else f"\nwith `{entry.command}`\n"
            language = "text" if "$" in entry.example else "workflow fragment"
            out.append(f"\n```{language}\n{entry.example.strip()}\n```\n{command}")
    return "".join(out)
