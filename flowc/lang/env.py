"""`env:` of a rule: variables that its jobs find in their environment."""

import re
from collections.abc import Sequence

from flowc.diagnostic import Diagnostic
from flowc.lang.items import Given, check_function
from flowc.lang.settings import PARAM_ARGUMENTS, is_function
from flowc.lang.values import variable_text
from flowc.lang.workflow import Param

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_env(given: Sequence[Given], faults: list[Diagnostic]) -> tuple[Param, ...]:
    """The variables, each with a text, a number, or a function that gives one."""
    found = []
    for name, value, span in given:
        if name is None or not _NAME.fullmatch(name.text):
            hint = 'so: `LANG="C"`; a name is made of letters, digits and `_`'
            text = "`env` takes `NAME=value` items"
            faults.append(Diagnostic("bad-value", text, span, hint=hint))
        elif is_function(value):
            check_function(value, PARAM_ARGUMENTS, "a function of `env`", span, faults)
            found.append(Param(name.text, value, span))
        elif (text_of := variable_text(value)) is None:
            text = f"the value of `{name.text}` is neither a text nor a number"
            faults.append(Diagnostic("bad-value", text, span))
        else:
            found.append(Param(name.text, text_of, span))
    return tuple(found)
