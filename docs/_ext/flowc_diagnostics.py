"""The page of diagnostics, made of docs/reference/diagnostics.toml and of the sources."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LIST = Path(__file__).resolve().parents[1] / "reference" / "diagnostics.toml"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of one code. `example` is a Workflowfile that `command` reports it for."""

    title: str
    help: str = ""
    example: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)  # further ones
    before: Sequence[str] = ()  # commands of the shell
    command: str = "flowc check"
    directory: str = ""  # to be made, with nothing in it
    tested: str = ""  # the test that produces it, where no example can


ENTRIES = {code: Entry(**row) for code, row in tomllib.loads(LIST.read_text("utf-8")).items()}


def sections(messages: dict[str, list[str]] | None = None) -> str:
    """A section for each code: its title, its messages, an example."""
    out = []
    for code, entry in ENTRIES.items():
        out.append(f"\n### {code}\n\n{entry.title}. {entry.help}".rstrip() + "\n")
        said = (messages or {}).get(code, [])
        out += [f"\n- {text}" for text in said] + (["\n"] if said else [])
        out += _example(entry)
    return "".join(out)


def _example(entry: Entry) -> Iterator[str]:
    """What reports the code: files, then commands."""
    if entry.example:
        language = "text" if "$" in entry.example else "workflow fragment"
        yield f"\n```{language}\n{entry.example.strip()}\n```\n"
    for name, text in entry.files.items():
        yield f"\nwith `{name}`:\n\n```text\n{text.rstrip()}\n```\n"
    commands = [*entry.before, entry.command]
    if commands != ["flowc check"]:
        yield f"\nwith {', then '.join(f'`{command}`' for command in commands)}\n"
