"""Commands that need no shell: told apart quickly, and never wrongly.

Starting bash costs more than many a job. Where a command is nothing but literal words, executing
its argv at once means the same; whatever is in doubt goes to bash.
"""

import re
from collections.abc import Mapping

WORD = r"""(?:[A-Za-z0-9_@%+=:,./-]++|'[^'\0]*+'|"[^"\\$`\0]*+"|\\[^\n\0])++"""
BETWEEN = r"(?:\\\n)*+[ \t](?:[ \t]|\\\n)*+"  # a continued line alone divides nothing
COMMAND = re.compile(rf"{WORD}(?:{BETWEEN}{WORD})*+")
WORDS = re.compile(WORD)
PIECES = re.compile(r"""'([^']*)'|"([^"]*)"|\\(.)""", re.DOTALL)
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]++(?:[ \t]++[A-Za-z0-9_@%+=:,./-]++)*+").fullmatch
NAME = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_@+,./-]*").fullmatch
"""A command's name: no assignment, no job such as %1."""

# fmt: off
BASH_WORDS = frozenset([
    # builtins
    ".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen",
    "complete", "compopt", "continue", "declare", "dirs", "disown", "echo", "enable", "eval",
    "exec", "exit", "export", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs",
    "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read",
    "readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "test",
    "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
    # reserved words
    "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do",
    "done", "in", "function", "time", "coproc",
])
# fmt: on


def is_simple_command(command: str) -> list[str] | None:
    """The argv of `command` if bash would do nothing but execute it; None where bash is needed.

    True of the default shell and prefix only, and only where `bash_is_untouched` holds for the
    environment. Where executing argv fails (no such program, no executable format), leave the
    message to bash: run it there.
    """
    command = command.strip(" \t\n")
    if PLAIN(command):
        argv = command.split()
    elif COMMAND.fullmatch(command):
        argv = [PIECES.sub(_unquoted, word) for word in WORDS.findall(command)]
    else:
        return None
    if argv[0] in BASH_WORDS or NAME(argv[0]) is None or not command.startswith(argv[0]):
        return None
    return argv


def _unquoted(piece: re.Match[str]) -> str:
    return piece[1] or piece[2] or piece[3] or ""


def bash_is_untouched(env: Mapping[str, str]) -> bool:
    """Whether nothing in `env` makes bash read a file, or define functions or options, first."""
    return not any(
        name in ("BASH_ENV", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT")
        or name.startswith("BASH_FUNC_")
        for name in env
    )
