"""Every directive there is, in one table.

The loader's checks, "did you mean", shell completion and the reference page are made from these
rows. A new directive is one row, one field and the phase that uses it.
"""

from dataclasses import dataclass
from types import MappingProxyType

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
_LEAVE_OUT = "it can be left out: the commands run with the programs that are installed"

# fmt: off
DIRECTIVES: tuple[DirectiveRow, ...] = (
    # in a rule
    DirectiveRow("input", RULE, "paths", "none", "What the rule reads."),
    DirectiveRow("output", RULE, "files", "none", "What the rule makes."),
    DirectiveRow("params", RULE, "values", "none", "Values for the command that are no files."),
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
    DirectiveRow("group", RULE, "text", "none", "Jobs of one group are submitted together."),
    DirectiveRow("localrule", RULE, "flag", "False",
                 "Run the jobs on the machine that flowc runs on, not on the cluster."),
    DirectiveRow("name", RULE, "text", "what stands behind `rule`",
                 "The rule's name, where it has to be computed."),
    DirectiveRow("default_target", RULE, "flag", "False",
                 "Make this rule's files when no target is given."),
    DirectiveRow("wildcard_constraints", RULE, "regexes", "`.+`",
                 "Regular expressions that the rule's wildcards must match."),
    _later("run", RULE, "code", "The action, as Python code.", _SHELL),
    _later("script", RULE, "path", "The action, as a script file.",
           "write `shell: \"python script.py {input} {output}\"`"),
    _later("notebook", RULE, "path", "The action, as a Jupyter notebook.", _SHELL),
    _later("wrapper", RULE, "text", "The action, from a repository of wrappers.", _SHELL),
    _later("cwl", RULE, "text", "The action, as a CWL tool.", _SHELL),
    _later("template_engine", RULE, "text", "The action, as a template.", _SHELL),
    _later("shadow", RULE, "text", "Run each job in a directory of its own.",
           "change to a temporary directory in the command"),
    _later("conda", RULE, "path", "A conda environment for the command.",
           "activate the environment before starting flowc"),
    _later("container", RULE, "text", "A container image for the command.",
           "call the container in the command: `apptainer exec IMAGE ...`"),
    _later("containerized", RULE, "text", "A container image for the command.",
           "call the container in the command: `apptainer exec IMAGE ...`"),
    _later("singularity", RULE, "text", "A container image for the command.",
           "call the container in the command: `apptainer exec IMAGE ...`"),
    _later("envmodules", RULE, "texts", "Environment modules for the command.",
           "write `module load ...` into the command"),
    _later("cache", RULE, "any", "Share the outputs between workflows.", _LEAVE_OUT),
    _later("handover", RULE, "flag", "The command starts jobs by itself.", _LEAVE_OUT),
    _later("pathvars", RULE, "named", "Values for `<name>` in paths.",
           "use a variable and an f-string: f\"{results}/a.txt\""),
    _later("input_flags", RULE, "any", "Flags for all inputs.", "write the flags on each input"),
    _later("output_flags", RULE, "any", "Flags for all outputs.", "write the flags on each output"),

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
    _later("workdir", TOP, "path", "The directory in which the jobs run.",
           "start flowc in that directory"),
    _later("scattergather", TOP, "named", "Numbers of parts to cut data into.",
           "use `expand` with `range`"),
    _later("onstart", TOP, "code", "Code to run when a run starts.",
           "run it before or after flowc"),
    _later("onsuccess", TOP, "code", "Code to run when a run has succeeded.",
           "run it before or after flowc"),
    _later("onerror", TOP, "code", "Code to run when a run has failed.",
           "run it before or after flowc"),
    _later("pathvars", TOP, "named", "Values for `<name>` in paths.",
           "use a variable and an f-string: f\"{results}/a.txt\""),
    _later("conda", TOP, "path", "A conda environment for all commands.",
           "activate the environment before starting flowc"),
    _later("container", TOP, "text", "A container image for all commands.",
           "call the container in the commands: `apptainer exec IMAGE ...`"),
    _later("containerized", TOP, "text", "A container image for all commands.",
           "call the container in the commands: `apptainer exec IMAGE ...`"),
    _later("singularity", TOP, "text", "A container image for all commands.",
           "call the container in the commands: `apptainer exec IMAGE ...`"),
    _later("envmodules", TOP, "texts", "Environment modules for all commands.",
           "load the modules before starting flowc"),
    _later("report", TOP, "path", "A text for the report.", _LEAVE_OUT),
    _later("pepfile", TOP, "path", "A portable encapsulated project.",
           "put the samples into a config file"),
    _later("pepschema", TOP, "path", "A schema for the project.",
           "put the samples into a config file"),
    _later("resource_scopes", TOP, "named", "Whether a resource counts for each job or group.",
           _LEAVE_OUT),
    _later("inputflags", TOP, "any", "Flags for all inputs.", "write the flags on each input"),
    _later("outputflags", TOP, "any", "Flags for all outputs.", "write the flags on each output"),
    _later("storage", TOP, "any", "Files that are kept elsewhere.", "fetch them in a rule"),

    # in a module
    _later("snakefile", MODULE, "path", "The module's file.", "use `include:`"),
    _later("config", MODULE, "any", "The module's `config`.", "use `include:`"),
    _later("prefix", MODULE, "text", "A directory before all the module's paths.",
           "use `include:`"),
    _later("replace_prefix", MODULE, "any", "Other directories for the module's paths.",
           "use `include:`"),
    _later("skip_validation", MODULE, "flag", "Do not check the module's config.",
           "use `include:`"),
    _later("meta_wrapper", MODULE, "text", "A module from a repository.", "use `include:`"),
    _later("name", MODULE, "text", "The module's name.", "use `include:`"),
    _later("pathvars", MODULE, "named", "Values for `<name>` in the module's paths.",
           "use `include:`"),
)
# fmt: on

BLOCKS = MappingProxyType(
    {
        "rule": (True, ""),
        "checkpoint": (
            False,
            "if the files that the rule makes are known beforehand, write `rule`",
        ),
        "module": (False, "use `include:`"),
        "use rule": (False, "write the rule out, or make both in a `for` loop"),
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
