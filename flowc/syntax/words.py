"""The words of the language: tokens, their types, and the regular expressions that find them."""

import re

MAX_DEPTH = 200
"""How deep brackets, and trees, may be nested. Python's own stack bounds those who walk a tree."""


class Token:
    """One word of the text. `type` is a terminal of the grammar; `text` of an FTEXT is decoded."""

    __slots__ = ("end", "start", "text", "type")

    def __init__(self, type: str, text: str, start: int, end: int) -> None:
        self.type = type
        self.text = text
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"{self.type}({self.text!r})"


# fmt: off
OPERATORS = {
    "(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB", "{": "LBRACE", "}": "RBRACE",
    ",": "COMMA", ":": "COLON", ".": "DOT", ";": "SEMICOLON", "=": "EQUAL", "->": "ARROW",
    "*": "STAR", "**": "DSTAR", "+": "SIGN", "-": "SIGN", "~": "TILDE",
} | dict.fromkeys(("/", "//", "%", "|", "&", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">="),
                  "OPERATOR") | dict.fromkeys(
    ("+=", "-=", "*=", "/=", "//=", "%=", "**=", "|=", "&=", "^=", "<<=", ">>="), "AUGMENT")

KEYWORDS = {
    "if": "IF", "elif": "ELIF", "else": "ELSE", "for": "FOR", "in": "IN", "def": "DEF",
    "return": "RETURN", "lambda": "LAMBDA", "not": "NOT", "and": "OPERATOR", "or": "OPERATOR",
    "is": "OPERATOR", "pass": "FLOW", "break": "FLOW", "continue": "FLOW",
    "True": "CONSTANT", "False": "CONSTANT", "None": "CONSTANT",
    "from": "FROM", "as": "AS", "with": "WITH", "raise": "RAISE", "assert": "ASSERT",
} | dict.fromkeys(
    ("import", "class", "while", "try", "except", "finally", "global", "nonlocal", "del",
     "async", "await", "yield"), "KEYWORD")
# fmt: on

CLOSES = {")": "(", "]": "[", "}": "{"}

_BLANK = r"[ \t\f]*+(?:\\\r?\n[ \t\f]*+)*+"
_DIGITS = r"[0-9](?:_?[0-9])*+"
TOKEN = re.compile(
    _BLANK
    + r"""(?:
    (?P<NAME>[^\W\d]\w*+)(?!["'])
  | (?P<NEWLINE>\r?\n)
  | (?P<STRING>(?:[rRbBuU]|[rR][bB]|[bB][rR])?(?:
        \"""(?:[^"\\]|\\.|"(?!""))*+\"""
      | '''(?:[^'\\]|\\.|'(?!''))*+'''
      | "(?!"")[^"\\\r\n]*+(?:\\(?:\r\n|.)[^"\\\r\n]*+)*+"
      | '(?!'')[^'\\\r\n]*+(?:\\(?:\r\n|.)[^'\\\r\n]*+)*+'
      | ""(?!")
      | ''(?!')
    ))
  | (?P<FSTART>(?:[fF][rR]?|[rR][fF])(?:\"""|'''|"|'))
  | (?P<OPENSTRING>(?:[rRbBuU]|[rR][bB]|[bB][rR])?(?:\"""|'''|"|'))
  | (?P<NUMBER>(?:0[xX](?:_?[0-9a-fA-F])++|0[bB](?:_?[01])++|0[oO](?:_?[0-7])++
      |(?:DIGITS(?:\.(?:DIGITS)?)?|\.DIGITS)(?:[eE][+-]?DIGITS)?)[jJ]?)(?!\w)
  | (?P<BADNUMBER>[0-9][\w.]*+)
  | (?P<PREFIX>[^\W\d]\w*+)
  | (?P<COMMENT>\#[^\n]*+)
  | (?P<OP>\*\*=?|//=?|>>=?|<<=?|!=|->|:=|\.\.\.|[-+*/%@|&^=<>]=?|[~.,:;()\[\]{}])
  | (?P<END>\Z)
  | (?P<BAD>.)
)""".replace("DIGITS", _DIGITS),
    re.DOTALL | re.VERBOSE,
)

_NAMED = r"\\N\{[^{}\r\n]*\}"
FTEXTS = {  # what may stand in the text of an f-string, by its quote; raw ones know no \N{...}
    (quote, raw): re.compile(
        rf"(?:{'' if raw else _NAMED + '|'}\\(?:\r\n|[^{{}}]|(?=[{{}}]))|{body})++", re.DOTALL
    )
    for quote, body in {
        '"': r'[^"\\{}\r\n]',
        "'": r"[^'\\{}\r\n]",
        '"""': r'[^"\\{}]|"(?!"")',
        "'''": r"[^'\\{}]|'(?!'')",
    }.items()
    for raw in (False, True)
}
DEBUG_EQUAL = re.compile(r"=(?=[ \t]*+[!:}])(?!=)")
CONVERSION = re.compile(r"!([^\W\d]\w*)")
FRESH_LINE = re.compile(
    r"^(?P<blank>[ \t]*)(?:(?:rule|checkpoint|module)\b[ \t]*\w*[ \t]*:|use[ \t]+rule\b"
    r"|(?:def|if|for|import|from|class)[ \t]+\w|\w+[ \t]*:(?![=\d])|\w+[ \t]*=[^=])",
    re.MULTILINE,
)
NO_ITEM = re.compile(
    r"[ \t]*(?P<line>(?P<block>(?:rule|checkpoint|module)[ \t]+\w+[ \t]*:)"
    r"|(?!lambda\b)[^\W\d]\w*[ \t]*:(?!=))"
)
