"""Tables of the reference, made from the code when the pages are built.

A page holds a line such as `<!-- table: directives -->`; the table takes its place.
"""

import ast
import re
import sys
from argparse import SUPPRESS, Action
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from flowc_diagnostics import sections

import flowc
from flowc.disk import RealDisk
from flowc.events import KINDS as EVENTS
from flowc.lang import directives
from flowc.lang.builtins import REFUSED
from flowc.lang.evaluate import Interpreter
from flowc.lang.limits import Budget
from flowc.lang.paths import NOT_YET, path_functions
from flowc.lang.refusals import STATEMENTS
from flowc.lang.values import Namespace, Record
from flowc.plan import reason

MARK = re.compile(r"^<!-- table: ([\w-]+)(?: ([\w-]+))? -->$", re.M)
CODE = Path(flowc.__file__).parent


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([_cell(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _prose(text: str) -> str:
    """Outside of `code`, what Markdown would take for markup is escaped."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*_<>\[\]])", r"\\\1", p) for p in parts)


# --- the language --------------------------------------------------------------------------------


def directive_table(where: str) -> str:
    """The directives of a rule (`rule`) or of the top level (`top`)."""
    rows = [row for row in directives.DIRECTIVES if row.where == where and row.supported]
    return table(
        ("directive", "takes", "default", "what it is for"),
        (
            (f"`{row.name}`", directives.KINDS[row.kind], _prose(row.default or "none"), row.doc)
            for row in rows
        ),
    )


def later_table() -> str:
    """What is understood as a word and refused, and what to write instead."""
    rows: dict[str, str] = {}
    for row in directives.DIRECTIVES:
        if not row.supported and row.where != directives.MODULE:
            rows.setdefault(row.name, row.instead)
    for name, (supported, instead) in directives.BLOCKS.items():
        if not supported:
            rows.setdefault(name, instead)
    return table(("word", "until then"), ((f"`{n}`", _prose(i)) for n, i in sorted(rows.items())))


def function_table() -> str:
    """What an expression can call, by where it comes from."""
    here = Interpreter(RealDisk())
    left_out = {*REFUSED, *NOT_YET.split()}
    own = list(path_functions(Budget(1), RealDisk(), here.members))
    rows = [("for paths", [name for name in own if name not in left_out])]
    modules = {n: v for n, v in here.builtins.items() if isinstance(v, Namespace)}
    python = [n for n in here.builtins if n not in {*left_out, *own, *modules}]
    rows.append(("as in Python", python))
    rows += [(f"`{name}.`", _members(module)) for name, module in sorted(modules.items())]
    for kind in (str, list, dict, set, tuple, PurePosixPath, Record):
        name = {PurePosixPath: "Path", Record: "input, output"}.get(kind, kind.__name__)
        rows.append(
            (f"of a {name}" if kind is not Record else f"of {name}", [*here.members.tables[kind]])
        )
    return table(
        ("functions", "names"),
        ((what, " ".join(f"`{n}`" for n in sorted(names))) for what, names in rows if names),
    )


def _members(module: Namespace, prefix: str = "") -> list[str]:
    found = []
    for name, value in module.members.items():
        if isinstance(value, Namespace):
            found += _members(value, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


def refused_table() -> str:
    """Functions of Python and Snakemake that are refused by name."""
    rows = [(f"`{name}`", _prose(hint)) for name, hint in REFUSED.items()]
    rows += [(f"`{name}`", "not supported yet") for name in NOT_YET.split()]
    rows += [(f"`{word}`", _prose(hint)) for word, hint in STATEMENTS.items()]
    return table(("word", "instead"), sorted(rows))


# --- the command line ----------------------------------------------------------------------------


def command_sections() -> str:
    """One section for each command: its docstring and its options."""
    from flowc.cli.main import COMMANDS, SUBCOMMANDS
    from flowc.cli.options import Parser

    out: list[str] = []
    every = {}
    for name, summary in COMMANDS.items():
        every[name] = summary
        every |= {f"{name} {word}": text for word, text in SUBCOMMANDS.get(name, {}).items()}
    for name, summary in every.items():
        module = import_module(f"flowc.cli.{re.sub('[ -]', '_', name)}")
        parser = Parser(name, summary=summary, description=module.__doc__ or "")
        module.options(parser)
        actions = [a for a in parser._actions if a.help != SUPPRESS]
        out.append(f"## flowc {name}\n\n{_prose(summary.capitalize())}.\n")
        out.append(table(("option", "meaning"), map(_option, actions)))
    return "\n".join(out)


def _option(action: Action) -> tuple[str, str]:
    words = list(action.option_strings) or [str(action.metavar or action.dest).upper()]
    shown = ", ".join(f"`{word}`" for word in words)
    if action.option_strings and action.nargs != 0:
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else None)
        value = value or action.dest.upper()
        shown += f" `{' '.join(value) if isinstance(value, tuple) else value}`"
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    return shown, _prose(text)


# --- diagnostics, reasons, events ----------------------------------------------------------------


def diagnostic_sections() -> str:
    """Every code, with the messages that stand in the sources and an example."""
    found: dict[str, dict[str, None]] = {}
    for path in sorted(CODE.rglob("*.py")):
        for code, message in _faults(ast.parse(path.read_text("utf-8"))):
            found.setdefault(code, {})[_prose(message)] = None
    return sections({code: list(messages) for code, messages in found.items()})


def _faults(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Calls whose first two arguments are a code and a message, by position or by name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = {k.arg: k.value for k in node.keywords}
        places = iter(node.args)
        code = named.get("code") or next(places, None)
        message = named.get("message") or next(places, None)
        if (
            isinstance(code, ast.Constant)
            and isinstance(code.value, str)
            and re.fullmatch(r"[a-z]+(-[a-z]+)+|cycle", code.value)
            and isinstance(message, ast.Constant | ast.JoinedStr)
            and (text := _text(message))
            and " " in text
        ):
            yield code.value, text


def _text(node: ast.AST) -> str:
    """A string literal's text, with … for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(_text(p) if isinstance(p, ast.Constant) else "…" for p in parts)


def reason_table() -> str:
    """Why a job runs: the tag in JSON, and the sentence."""
    rows = []
    for kind in reason.Reason.__args__:
        filled = kind(**{f.name: "…" for f in fields(kind)})
        rows.append((f"`{kind.kind}`", _prose(str(filled))))
    return table(("reason", "sentence"), rows)


def event_sections() -> str:
    """One entry for each kind of event: its meaning and its fields."""
    out = []
    for tag, kind in EVENTS.items():
        names = ", ".join(f"`{f.name}`" for f in fields(kind))
        doc = " ".join((kind.__doc__ or "").split())
        out.append(f"`{tag}`\n: {_prose(doc)}\n\n  Fields: {names}.\n")
    return "\n".join(out)


TABLES: dict[str, Callable[..., str]] = {
    "directives": directive_table,
    "later": later_table,
    "functions": function_table,
    "refused": refused_table,
    "commands": command_sections,
    "diagnostics": diagnostic_sections,
    "reasons": reason_table,
    "events": event_sections,
}


def fill(text: str) -> str:
    """A page with its tables put in."""

    def made(match: re.Match[str]) -> str:
        arguments = [match[2]] if match[2] else []
        return TABLES[match[1]](*arguments)

    return MARK.sub(made, text)


def setup(app: Any) -> dict[str, bool]:
    def on_source(_app: Any, _name: str, content: list[str]) -> None:
        content[0] = fill(content[0])

    app.connect("source-read", on_source)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    print(fill(sys.stdin.read()))
