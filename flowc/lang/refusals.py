"""What of Python a Workflowfile may not hold or use, and what to write instead."""

from flowc.diagnostic import Diagnostic
from flowc.source import Span
from flowc.syntax.tree import Unsupported

STATEMENTS = {
    "class": "keep values in a dict",
    "while": "use `for`, over a list or a `range`",
    "try": "ask beforehand: `key in config`, `config.get(key, default)`, `exists(path)`",
    "with": "functions may read what a checkpoint has made: `with open(path) as file:`, one file; "
    "values of the workflow come from `configfile:`",
    "global": "a function returns its result: `name = function(name)`",
    "nonlocal": "a function returns its result",
    "del": "give the value another name; `config.pop(key, None)` takes a key away",
    "yield": "return a list",
    "async": "jobs run at the same time by themselves",
    "await": "jobs run at the same time by themselves",
    "@": "call the function where its result is needed",
    "match": "use `if` and `elif`",
    "exec": "write the statements themselves",
}

_TABLE = (
    "write the table as a list into a config file (`units: [{sample: a, path: a.fq}, ...]`), name "
    'it by `configfile:`, and ask `lookup(query="sample == \'{sample}\'", within=config["units"])`'
)
_LIST = "use `range`, `sum`, `min`, `max`, `sorted(set(...))` and `math`, or compute in a job"
_COMMAND = "run the command in a rule; a checkpoint's functions may read what it has made"
_FETCH = "fetch the file in a rule: `curl -o {output} URL`"
_IN_A_COMMAND = "do this in the command of a rule"
_TIME = "a plan must not depend on the time; pass it with `--config`"
_OWN = (
    "write the function into this file or one that is included, or what it computes into a "
    "`configfile:`; the code of `run:` may use the module"
)

_INSTEAD = {
    "argparse": "values come from `--config` and `configfile:`",
    "collections.Counter": "use a dict: `counts[key] = counts.get(key, 0) + 1`",
    "collections.defaultdict": "use a dict: `groups.setdefault(key, []).append(value)`",
    "collections": "use a dict",
    "copy": "`dict(...)` and `list(...)` copy",
    "csv": _TABLE,
    "datetime": _TIME,
    "functools": "write a lambda or a `def`",
    "json.load": '`configfile: "FILE"` reads JSON into `config`',
    "json.dump": "write files in a rule",
    "numpy": _LIST,
    "os.chdir": 'write `workdir: "DIR"`',
    "os.popen": _COMMAND,
    "os.remove": _IN_A_COMMAND,
    "os.rename": _IN_A_COMMAND,
    "os.scandir": "use `os.listdir` or `glob_wildcards`",
    "os.symlink": _IN_A_COMMAND,
    "os.system": _COMMAND,
    "os.unlink": _IN_A_COMMAND,
    "os.walk": "use `glob_wildcards`, or `glob.glob(..., recursive=True)`",
    "pandas": _TABLE,
    "polars": _TABLE,
    "random": "a plan must not depend on chance; pass a seed to the command",
    "requests": _FETCH,
    "shell": _COMMAND,
    "shutil": _IN_A_COMMAND,
    "snakemake.remote": _FETCH,
    "snakemake.utils.R": "write the code into a file and name it by `script:`",
    "subprocess": _COMMAND,
    "sys.argv": "values come from `--config` and `configfile:`",
    "tempfile": "make temporary files in a command; `temp(...)` removes an output after use",
    "time": _TIME,
    "urllib": _FETCH,
    "yaml": '`configfile: "FILE"` reads it into `config`',
}


def refuse(statement: Unsupported) -> Diagnostic:
    """The fault of a statement that is no import."""
    word = statement.keyword
    what = "a decorator" if word == "@" else f"`{word}`"
    span = statement.span
    return Diagnostic(
        "refused-statement",
        f"{what} is not part of the language: reading a workflow runs no code",
        Span(span.source, span.start, min(span.end, span.start + max(1, len(word)))),
        hint=STATEMENTS.get(word),
    )


def instead_of(name: str) -> str | None:
    """What to write in place of `pandas.read_csv`, by the longest part of it that is known."""
    while name:
        if name in _INSTEAD:
            return _INSTEAD[name]
        name = name.rpartition(".")[0]
    return None


def instead_of_foreign(name: str) -> str:
    return instead_of(name) or _OWN
