"""One list of commands, as far as it has been read: which command, which word."""

import re

SUBSCRIPT = re.compile(r"[A-Za-z_]\w*\[[^\]]*", re.ASCII)
SHELLS = frozenset(["sh", "bash", "dash", "ksh", "mksh", "zsh", "ash", "busybox", "su", "fish"])
REREADERS = frozenset(["eval", "ssh", "parallel", "watch", "trap", "let", "unset"])
PASSERS = frozenset(["command", "builtin", "exec", "nohup", "nice", "sudo", "env", "time"])
RUN_OPTION = re.compile(r"-[A-Za-z]*c|--command")


class Frame:
    """Where we are in one list of commands: at top level or in `$(`, `(`, `<(`."""

    __slots__ = (
        "braces", "cases", "condition", "delimiter_mark", "end", "is_target", "raw_from", "word",
        "words",
    )  # fmt: skip

    def __init__(self, end: str, condition: str = "") -> None:
        self.end = end  # ")" or "" for the end of the text
        self.words: list[str] = []  # of the current simple command, unquoted
        self.word: list[str] | None = None  # pieces of the current word; None between words
        self.braces = 0  # open { in the current word
        self.is_target = False  # the word belongs to a redirection
        self.delimiter_mark = ""  # "<<" or "<<-": the word ends a here-document
        self.raw_from = 0  # where that word begins, quotes included
        self.cases: list[str] = []  # "subject", "pattern" or "body"
        self.condition = condition  # in [[ ]]: "test"; "number" where its operators calculate

    def add(self, text: str) -> None:
        if self.word is None:
            self.word = []
            self.braces = 0
        self.word.append(text)

    @property
    def at_start(self) -> bool:
        """Nothing of the current word has come yet, empty quotes aside."""
        return not self.word or not any(self.word)

    @property
    def in_subscript(self) -> bool:
        """In `name[...`, which bash calculates."""
        return bool(self.word) and SUBSCRIPT.fullmatch("".join(self.word or ())) is not None


def is_reread(frame: Frame) -> bool:
    """Whether the current word is a command line for another shell."""
    words = frame.words
    if not words:
        return False
    first = words[0]
    if first in PASSERS:
        first = next((w for w in words[1:] if w not in PASSERS and w[:1] != "-"), first)
    if first.rpartition("/")[2] in REREADERS:
        return first != "trap" or len(words) == 1
    last = words[-1]
    return RUN_OPTION.fullmatch(last) is not None and any(
        w.rpartition("/")[2] in SHELLS for w in words[:-1]
    )
