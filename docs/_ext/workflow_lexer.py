"""Colours for Workflowfiles: Python's, and the words that open a block or a directive."""

from typing import Any, ClassVar

from pygments.lexer import bygroups, inherit, words
from pygments.lexers.python import PythonLexer
from pygments.token import Keyword, Name, Punctuation, Text

from flowc.lang.directives import DIRECTIVES


class WorkflowLexer(PythonLexer):
    """Words are taken from the table of directives, so that a new one has its colour."""

    name = "Workflowfile"
    aliases: ClassVar[list[str]] = ["workflow"]
    filenames: ClassVar[list[str]] = ["Workflowfile", "Snakefile"]
    tokens: ClassVar[dict[str, Any]] = {
        "root": [
            (
                r"^(\s*)(rule|checkpoint)\b([ \t]*)(\w*)([ \t]*)(:)",
                bygroups(Text, Keyword, Text, Name.Class, Text, Punctuation),
            ),
            (
                words(
                    sorted({row.name for row in DIRECTIVES}), prefix=r"^(\s*)(", suffix=r")(\s*)(:)"
                ),
                bygroups(Text, Name.Attribute, Text, Punctuation),
            ),
            inherit,
        ]
    }


def setup(app: Any) -> dict[str, bool]:
    app.add_lexer("workflow", WorkflowLexer)
    return {"parallel_read_safe": True}
