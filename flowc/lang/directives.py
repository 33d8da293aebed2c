"""Every directive there is, in one table.

The loader's checks, "did you mean", shell completion and the reference page are made from these
rows. A new directive is one row, one field and the phase that uses it.
"""

from types import MappingProxyType

from flowc.dataclass import dataclass

RULE, TOP, MODULE = "rule", "top", "module"

KINDS = {
    "paths": "paths with wildcards, lists of them, functions of the wildcards; with or without "
    "names",
    "files": "paths with wildcards, or lists of them; with or without names",
    "path": "one path",
    "values": "any values, or functions; with or without names",
    "named": "`name=value` items",
    "number": "a number, or a function that gives one",
    "count": "a whole number",
    "text": "a text",
    "flag": "True or False",
    "counts": "`name=whole number` items, or one whole number",
    "regexes": "`wildcard=regular expression` items",
    "names": "names of rules, with commas between them",
    "order": "names of rules, with `>` between them",
    "texts": "texts, with commas between them",
    "code": "a block of Python",
    "any": "a value",
}
"""What may stand behind the colon, in words."""


@dataclass(frozen=True, slots=True)
class DirectiveRow:
    """One directive. `where`: in a rule, at the top level, or in a module block."""

    name: str
    where: str
    kind: str  # a key of KINDS
    default: str  # in words; "" for none
    doc: str  # one line
    repeatable: bool = False  # may stand several times
    supported: bool = True
    instead: str = ""  # for one that is not supported: what to do about it


def _later(name: str, where: str, kind: str, doc: str, instead: str) -> DirectiveRow:
    """The row of a directive that a later version will understand."""
    return DirectiveRow(name, where, kind, "", doc, supported=False, instead=instead)


_SHELL = "write the action as `shell:`"

_ACTIVATE = "activate the environment before starting flowc"
_CALL = "call the container in the command: `apptainer exec IMAGE ...`"


def _unheeded(name: str, where: str, kind: str, doc: str, instead: str) -> DirectiveRow:
    """The row of a directive that is read and of which nothing comes, with a warning."""
    return DirectiveRow(
        name, where, kind, "", f"{doc} Read, not acted upon yet.", True, True, instead
    )


# fmt: off
DIRECTIVES: tuple[DirectiveRow, ...] = (
    # in a rule
    DirectiveRow("input", RULE, "paths", "none", "What the rule reads."),
    DirectiveRow("output", RULE, "files", "none", "What the rule makes."),
    DirectiveRow("params", RULE, "values", "none", "Values for the command that are no files."),
    DirectiveRow("env", RULE, "named", "none",
                 "Variables of the jobs' environment: texts, in which wildcards are filled in, or "
                 "functions."),
    DirectiveRow("log", RULE, "files", "none", "Files that are kept when the command fails."),
    DirectiveRow("benchmark", RULE, "path", "none",
                 "Where to write what a job took, as a table; `repeat(path, n)` runs it n times."),
    DirectiveRow("threads", RULE, "number", "1", "How many cores a job uses."),
    DirectiveRow("mem_gb", RULE, "number", "1", "How much memory a job may use, in GiB."),
    DirectiveRow("resources", RULE, "named", "none",
                 "Other resources: `mem_mb`, `mem`, `runtime`, `disk_mb`, `gpu`, or any name."),
    DirectiveRow("limits", RULE, "counts", "none",
                 "Units of named limits that a job takes; one bare number is a limit of the rule's "
                 "own: so many of its jobs at once."),
    DirectiveRow("profile", RULE, "path", "the file's `profile:`",
                 "The measurements from which threads and memory come."),
    DirectiveRow("shell", RULE, "text", "no action", "The command, run by bash."),
    DirectiveRow("message", RULE, "text", "none", "What to print when a job starts."),
    DirectiveRow("priority", RULE, "number", "0", "Ready jobs of a higher priority start first."),
    DirectiveRow("retries", RULE, "count", "--retries",
                 "How often a failed job is started again."),
    DirectiveRow("group", RULE, "text", "none",
                 "A name for jobs that belong together, for others who read the plan."),
    DirectiveRow("localrule", RULE, "flag", "False",
                 "Run the jobs on the machine that flowc runs on, not on the cluster."),
    DirectiveRow("name", RULE, "text", "what stands behind `rule`",
                 "The rule's name, where it has to be computed."),
    DirectiveRow("default_target", RULE, "flag", "False",
                 "Make this rule's files when no target is given."),
    DirectiveRow("wildcard_constraints", RULE, "regexes", "`.+`",
                 "Regular expressions that the rule's wildcards must match."),
    DirectiveRow("run", RULE, "code", "no action",
                 "The action, as Python code; it runs in a process of its own."),
    DirectiveRow("script", RULE, "path", "no action",
                 "The action, as a script of Python, R or bash; the path is relative to this "
                 "file."),
    _later("notebook", RULE, "path", "The action, as a Jupyter notebook.", _SHELL),
    _later("wrapper", RULE, "text", "The action, from a repository of wrappers.", _SHELL),
    _later("cwl", RULE, "text", "The action, as a CWL tool.", _SHELL),
    _later("template_engine", RULE, "text", "The action, as a template.", _SHELL),
    DirectiveRow("shadow", RULE, "text", "none",
                 "Run each job in a directory of its own, from which its outputs are taken: "
                 "`minimal`, `copy-minimal`, `shallow` or `full`."),
    _unheeded("conda", RULE, "any", "A conda environment for the command.", _ACTIVATE),
    _unheeded("container", RULE, "any", "A container image for the command.", _CALL),
    _unheeded("containerized", RULE, "any", "A container image for the command.", _CALL),
    _unheeded("singularity", RULE, "any", "A container image for the command.", _CALL),
    _unheeded("envmodules", RULE, "texts", "Environment modules for the command.",
              "write `module load ...` into the command"),
    _unheeded("cache", RULE, "any", "Share the outputs between workflows.", ""),
    _unheeded("handover", RULE, "flag", "The command starts jobs by itself.", ""),
    DirectiveRow("pathvars", RULE, "named", "none", "Values for `<name>` in the rule's paths."),

    # at the top level
    DirectiveRow("configfile", TOP, "path", "none",
                 "A YAML or JSON file that is merged into `config`.", repeatable=True),
    DirectiveRow("include", TOP, "path", "none",
                 "Read another Workflowfile here; the path is relative to this one.",
                 repeatable=True),
    DirectiveRow("envvars", TOP, "texts", "none",
                 "Environment variables that must be set.", repeatable=True),
    DirectiveRow("wildcard_constraints", TOP, "regexes", "`.+`",
                 "Regular expressions that the wildcards of all rules must match.",
                 repeatable=True),
    DirectiveRow("ruleorder", TOP, "order", "none",
                 "Which rule makes a file that several can make.", repeatable=True),
    DirectiveRow("localrules", TOP, "names", "none",
                 "Rules whose jobs run on the machine that flowc runs on.", repeatable=True),
    DirectiveRow("limits", TOP, "counts", "none",
                 "How many units of each named limit there are.", repeatable=True),
    DirectiveRow("profile", TOP, "path", "none",
                 "The measurements for every rule that names none."),
    DirectiveRow("workdir", TOP, "path", "where flowc was started",
                 "The directory in which the jobs run; `-d` beats it."),
    DirectiveRow("scattergather", TOP, "named", "none",
                 "Numbers of parts to cut data into: `split=8` makes `scatter.split(...)` and "
                 "`gather.split(...)`.", repeatable=True),
    DirectiveRow("onstart", TOP, "code", "none",
                 "Python code to run when a run starts, in a process of its own.",
                 repeatable=True),
    DirectiveRow("onsuccess", TOP, "code", "none",
                 "Python code to run when a run has succeeded.", repeatable=True),
    DirectiveRow("onerror", TOP, "code", "none", "Python code to run when a run has failed.",
                 repeatable=True),
    DirectiveRow("pathvars", TOP, "named", "none", "Values for `<name>` in all paths.",
                 repeatable=True),
    _unheeded("conda", TOP, "any", "A conda environment for all commands.", _ACTIVATE),
    _unheeded("container", TOP, "any", "A container image for all commands.", _CALL),
    _unheeded("containerized", TOP, "any", "A container image for all commands.", _CALL),
    _unheeded("singularity", TOP, "any", "A container image for all commands.", _CALL),
    _unheeded("envmodules", TOP, "texts", "Environment modules for all commands.",
              "load the modules before starting flowc"),
    _unheeded("report", TOP, "path", "A text for the report.", ""),
    _later("pepfile", TOP, "path", "A portable encapsulated project.",
           "put the samples into a config file"),
    _later("pepschema", TOP, "path", "A schema for the project.",
           "put the samples into a config file"),
    _unheeded("resource_scopes", TOP, "named",
              "Whether a resource counts for each job or group.", ""),
    DirectiveRow("inputflags", TOP, "any", "none",
                 "Flags for all inputs of the rules below: `inputflags: ancient`.",
                 repeatable=True),
    DirectiveRow("outputflags", TOP, "any", "none",
                 "Flags for all outputs of the rules below: `outputflags: temp`.",
                 repeatable=True),
    _later("storage", TOP, "any", "Files that are kept elsewhere.", "fetch them in a rule"),

    # in a module
    DirectiveRow("snakefile", MODULE, "path", "none",
                 "The module's file; the path is relative to this one."),
    DirectiveRow("config", MODULE, "any", "an empty dict",
                 "The module's `config`; its own `configfile:` then has no effect."),
    DirectiveRow("prefix", MODULE, "path", "none",
                 "A directory before all of the module's relative paths."),
    DirectiveRow("replace_prefix", MODULE, "any", "none",
                 "Other beginnings for the module's paths: `{\"results/\": \"results/m/\"}`."),
    DirectiveRow("skip_validation", MODULE, "flag", "False",
                 "Accepted; flowc validates no config."),
    DirectiveRow("pathvars", MODULE, "named", "none",
                 "Values for `<name>` in the module's paths."),
    _later("meta_wrapper", MODULE, "text", "A module from a repository.",
           "download it and name its file: `snakefile: ...`"),
    _later("name", MODULE, "text", "The module's name.", "write it behind `module`"),
)
# fmt: on

BLOCKS = MappingProxyType(
    {
        "rule": (True, ""),
        "checkpoint": (True, ""),
        "module": (True, ""),
        "use rule": (True, ""),
    }
)
"""The blocks there are: whether they are supported yet, and what to do if not."""

ACTIONS = frozenset({"shell", "run", "script", "notebook", "wrapper", "cwl", "template_engine"})
"""Of these a rule has at most one."""


def _table(where: str) -> "MappingProxyType[str, DirectiveRow]":
    return MappingProxyType({row.name: row for row in DIRECTIVES if row.where == where})


RULE_DIRECTIVES = _table(RULE)
TOP_DIRECTIVES = _table(TOP)
MODULE_DIRECTIVES = _table(MODULE)
